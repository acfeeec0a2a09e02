"""Damages database and thumbnails, one place at a time: python -m tests.support.damaged_library PLACE COUNT SEED.

What is then said is compared with what was said before. Prints one JSON line for each answer that is another without a
word about damage, and one at the end with the number of damages of each outcome. `mutations` does the search files.
"""

import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.photos.decoding import decode_photo
from indexer.photos.photo_traits import press_picture
from indexer.photos.reading import read_photo
from indexer.progress import drain
from indexer.search.query import Query
from tests.support.embedders import Tiny
from tests.support.killed_work import Tell, make_template, run_child
from tests.support.small_index import index_small_libraries

FILES = ("library.sqlite", "thumbnails.sqlite")
Damage = Callable[[bytearray, random.Random], bytes | bytearray]


def _flip_bit(data: bytearray, draw: random.Random) -> bytearray:
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return data


def _zero_page(data: bytearray, draw: random.Random) -> bytearray:
    start = draw.randrange(len(data)) // 4096 * 4096
    data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    return data


def _swap_pages(data: bytearray, draw: random.Random) -> bytearray:
    pages = -(-len(data) // 4096)
    one, other = draw.randrange(pages) * 4096, draw.randrange(pages) * 4096
    data[one : one + 4096], data[other : other + 4096] = data[other : other + 4096], data[one : one + 4096]
    return data


def _cut(data: bytearray, draw: random.Random) -> bytearray:
    return data[: draw.randrange(len(data))]


def _garble(data: bytearray, draw: random.Random) -> bytearray:
    start = draw.randrange(len(data))
    data[start : start + 64] = draw.randbytes(len(data[start : start + 64]))
    return data


DAMAGES: dict[str, Damage] = {
    "bit": _flip_bit,
    "page of zeros": _zero_page,
    "pages swapped": _swap_pages,
    "cut": _cut,
    "garbled": _garble,
}


def ask_everything(folder: Path, tell: Tell) -> None:
    """Tell all that a library says, or the sentence by which it refuses, or that it knows of damage."""
    try:
        with Library.open(folder) as library:
            photos = library.find_photo_ids().tolist()
            for photo in photos[:: max(1, len(photos) // 3)] or [1]:
                found = library.search(Query((photo,)), k=5)
                tell(json.dumps([(hit.photo.id, round(hit.distance, 5), str(hit.photo.path)) for hit in found.hits]))
                if found.notice:
                    tell(f"said: {found.notice}")
            tell(json.dumps(sorted(library.annotations.read_user_labels(photos).items())))
            tell(json.dumps(library.annotations.read_searches()))
            for photo in library.load_photos(photos[:5]):
                if not _shows_photo(library.read_thumbnail(photo), photo.path):
                    tell(f"another picture stands for {photo.path!r}")
            if not library.store.database.is_intact() or library.store.embeddings.find_damaged(library.model_id):
                tell("said: damaged")
    except LookalikeError as sentence:
        tell(f"said: {sentence}")


def _shows_photo(jpeg: bytes | None, path: bytes) -> bool:
    """Whether a thumbnail is that of the photo, or there is none: then one is made anew."""
    if jpeg is None:
        return True
    pressed = [press_picture(decode_photo(data, 32).image).grey.astype(int) for data in (jpeg, read_photo(path))]
    return bool(np.abs(pressed[0] - pressed[1]).mean() < 12)


def judge(folder: Path, right: list[str]) -> str:
    """What a damaged library does: "harmless", "said", or a fault."""
    ended = run_child(lambda tell: ask_everything(folder, tell))
    if not ended.sound:
        return f"fault: {ended.told[-1:] or 'the process died'}"
    if any(line.startswith("said: ") for line in ended.told):
        return "said"
    return "harmless" if ended.told == right else "silently wrong"


def main(place: Path, count: int, seed: int) -> None:
    """Try so many damages."""
    draw, outcomes = random.Random(seed), Counter[str]()
    with index_small_libraries():
        folder = make_template(place).library
        with Library.open(folder) as library:
            for number, photo in enumerate(library.find_photo_ids().tolist()):
                library.annotations.set_label([photo], f"label {number % 7}")
            library.annotations.save_search("kept", {"photos": [1, 2]})
            drain(index_library(library, [], Tiny()))
            library.store.database.fetch_rows("PRAGMA wal_checkpoint(TRUNCATE)")
        right = run_child(lambda tell: ask_everything(folder, tell)).told
        assert len(right) >= 5, right
        for number in range(count):
            kind, name = list(DAMAGES)[number % len(DAMAGES)], FILES[number // len(DAMAGES) % len(FILES)]
            copy = place / "damaged" / "copy.library"
            shutil.rmtree(copy.parent, ignore_errors=True)
            shutil.copytree(folder.parent, copy.parent)
            (copy / name).write_bytes(DAMAGES[kind](bytearray((copy / name).read_bytes()), draw))
            outcome = judge(copy, right)
            outcomes[outcome.partition(":")[0]] += 1
            if outcome not in ("harmless", "said"):
                print(json.dumps({"file": name, "damage": kind, "number": number, "outcome": outcome}), flush=True)
    print(json.dumps({"outcomes": outcomes}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
