"""Damages the files of a model, one place at a time: python -m tests.support.damaged_model MODEL PLACE COUNT SEED.

Each damaged copy is loaded and embeds pictures: as before, or with a word about the damage and still as before, or not
at all with a sentence. Prints one JSON line for every other outcome, and one at the end with the number of each.
"""

import json
import random
import shutil
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from indexer.errors import LookalikeError
from indexer.models.model import load_model
from tests.support.damaged_library import DAMAGES
from tests.support.drawings import draw
from tests.support.killed_work import Tell, run_child

LEAST_COSINE = 0.98  # of one picture in the two forms of a model, where one counts in bf16


def tell_embeddings(folder: Path, tell: Tell) -> None:
    """Tell the embeddings of two pictures, or the sentence by which the model refuses."""
    try:
        model = load_model(folder)
        if model.notice:
            tell(f"said: {model.notice}")
        pictures = np.stack([model.prepare(draw("disc", 1)), model.prepare(draw("bar", 2))])
        tell(json.dumps(model.embed(pictures).tolist()))
    except LookalikeError as sentence:
        tell(f"said: {sentence}")


def judge(folder: Path, right: np.ndarray) -> str:
    """What a damaged model does: "harmless", "said", or a fault."""
    ended = run_child(lambda tell: tell_embeddings(folder, tell))
    if not ended.sound:
        return f"fault: {ended.told[-1:] or 'the process died'}"
    is_said, vectors = False, None
    for line in ended.told:
        if line.startswith("said: "):
            is_said = True
        else:
            vectors = np.array(json.loads(line))
    if vectors is not None and not ((vectors * right).sum(axis=1) > LEAST_COSINE).all():
        return "wrong embeddings"
    return "said" if is_said else "harmless" if vectors is not None else "nothing was said"


def main(model: Path, place: Path, count: int, seed: int) -> None:
    """Try so many damages, file by file in turn."""
    draw_place, outcomes = random.Random(seed), Counter[str]()
    files = sorted(path.name for path in model.iterdir() if path.is_file())
    (told,) = run_child(lambda tell: tell_embeddings(model, tell)).told
    right = np.array(json.loads(told))
    copy = place / model.name
    for number in range(count):
        name, kind = files[number % len(files)], list(DAMAGES)[number // len(files) % len(DAMAGES)]
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(model, copy)
        (copy / name).write_bytes(DAMAGES[kind](bytearray((copy / name).read_bytes()), draw_place))
        outcome = judge(copy, right)
        outcomes[outcome.partition(":")[0]] += 1
        if outcome not in ("harmless", "said"):
            print(json.dumps({"file": name, "damage": kind, "number": number, "outcome": outcome}), flush=True)
    print(json.dumps({"outcomes": outcomes, "files": files}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
