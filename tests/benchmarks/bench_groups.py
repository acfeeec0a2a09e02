"""Near copies and bursts that are found, and drawings that are wrongly joined.

Bursts: 400 frames of 100 scenes, shifted by 2 to 4 pixels of 160, with noise, other light and compression. Near copies:
some 160 drawings of openclipart-png (Debian), each with itself changed in seven ways. False groups are counted among
the bundled drawings; openclipart-png holds real copies, so its groups are told and not judged.
"""

import argparse
import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from indexer.errors import PhotoError
from indexer.grouping.photo_groups import GroupCandidate, count_groups, find_photo_groups, summarise_groups
from indexer.photos.decoding import decode_photo
from indexer.photos.photo_traits import read_traits
from indexer.photos.samples import find_sample_folder
from indexer.progress import drain
from tests.support.burst_pictures import encode_jpeg, make_scenes, shoot_frames

DRAWINGS = Path("/usr/share/openclipart/png")
TARGET = 0.95  # share of near copies and frames that are with their originals

CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
    "more contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(1.3),
    "more colour": lambda picture: ImageEnhance.Color(picture).enhance(1.6),
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 200)),
    "edges cut by 5 %": lambda picture: picture.crop(
        (picture.width // 40, picture.height // 40, picture.width * 39 // 40, picture.height * 39 // 40)
    ),
}


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawings", type=int, default=8107)
    wishes = parser.parse_args(arguments)
    measure_bursts()
    sample = [path.read_bytes() for path in sorted(find_sample_folder().glob("*/*.png"))]
    groups = drain(find_photo_groups([candidate for data in sample if (candidate := describe(data))]))
    joined = len(groups.numbers) - count_groups(groups)
    print(f"bundled drawings: {len(groups.numbers)} photos, {joined} wrongly joined; target 0")
    if DRAWINGS.is_dir():
        measure_copies(sorted(DRAWINGS.rglob("*.png"))[: wishes.drawings])
    else:
        print("left out: Debian's package openclipart-png is not installed")


def describe(data: bytes) -> GroupCandidate | None:
    try:
        digest = hashlib.sha256(data).digest()
        return GroupCandidate(b"/" + digest.hex().encode() + b"x", digest, read_traits(data))
    except PhotoError:
        return None


def measure_bursts() -> None:
    frames = [data for number, scene in enumerate(make_scenes(100)) for data in shoot_frames(scene, 4, number)]
    groups = drain(find_photo_groups([candidate for data in frames if (candidate := describe(data))]))
    of_bursts = groups.numbers.reshape(100, 4)
    found = np.mean([np.bincount(burst)[burst] > 1 for burst in of_bursts])
    mixed = count_groups(groups) < len({tuple(burst) for burst in np.unique(of_bursts, axis=0)})
    report("frames of bursts", float(found), f"; bursts mixed: {'yes' if mixed else 'none'}")


def measure_copies(paths: list[Path]) -> None:
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda path: describe(path.read_bytes()), paths))
    gallery = {one.sha256: one for one in found if one is not None}
    start = time.perf_counter()
    groups = drain(find_photo_groups(list(gallery.values())))
    print(f"openclipart-png: {summarise_groups(groups)} {time.perf_counter() - start:.1f} s beyond reading")
    originals = [path for path in paths[:: max(1, len(paths) // 300)] if "/stars/" not in str(path)]
    clear = [path for path in originals if has_contrast(path)]
    for name, change in CHANGES.items():
        report(name, float(np.mean([is_found(path, change) for path in clear])))


def has_contrast(path: Path) -> bool:
    """Whether something can be seen: many of the drawings are white on nothing, or icons."""
    try:
        picture = decode_photo(path.read_bytes(), 400).image
    except PhotoError:
        return False
    return float(np.asarray(picture.convert("L").resize((96, 96))).std()) > 10 and min(picture.size) >= 150


def is_found(path: Path, change: Callable[[Image.Image], Image.Image]) -> bool:
    """Whether the changed drawing is with its original, of these two alone."""
    changed = encode_jpeg(change(decode_photo(path.read_bytes(), 400).image), 60)
    pair = [describe(path.read_bytes()), describe(changed)]
    return count_groups(drain(find_photo_groups([one for one in pair if one is not None]))) == 1


def report(name: str, share: float, more: str = "") -> None:
    print(f"{name:18} {share:.3f}, target {TARGET} {'reached' if share >= TARGET else 'missed'}{more}", flush=True)


if __name__ == "__main__":
    main()
