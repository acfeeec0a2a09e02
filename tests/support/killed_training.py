"""Trainings that are killed at any moment, then gone on with: python -m tests.support.killed_training PLACE KILLS SEED.

As `killed_work`, for what needs torch: this process imports it and computes nothing with it, so that it may be forked.
Saving is not put off here: a training that has told of an epoch has the one before on the disk. Prints the same lines.
"""

import hashlib
import json
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import safetensors.numpy

from indexer.atomic import is_partial_name
from indexer.models.card import CARD_FILE
from tests.support.killed_work import Tell, kill_in_turn, run_child
from tests.support.labelled_shapes import write_classes
from tests.support.quick_training import TINY
from tests.support.trees import snapshot
from training import train
from training.data.sources import UNFINISHED_FILE
from training.fitting import resume
from training.settings.config import TrainConfig

resume.PAUSE_FACTOR = 0
CONFIGS = {
    "steps": replace(TINY, epochs=3, patience=0, learning_rate=1e-3, head_refit="never"),
    "closed form": replace(TINY, recipe="instant"),
}
WEIGHTS_FILE = "model.safetensors"


def teach(kind: str, photos: Path, out: Path, tell: Tell) -> None:
    """Train, or go on with what is there; tells of each epoch that begins, and of the end."""
    is_begun = (out / UNFINISHED_FILE).exists()
    for step in train(TrainConfig() if is_begun else CONFIGS[kind], photos, out, resume=is_begun):
        if step.stage == "train" and "epoch" in step.values:
            tell(str(int(step.values["epoch"])))
    tell("whole")


def hash_weights(out: Path) -> str:
    """A hash of all that a model's network is made of."""
    tensors = safetensors.numpy.load_file(out / WEIGHTS_FILE)
    return hashlib.sha256(b"".join(name.encode() + tensors[name].tobytes() for name in sorted(tensors))).hexdigest()


def find_remains(out: Path, told: list[str]) -> list[str]:
    """What is wrong with what a killed training has left."""
    names = {path.name for path in out.iterdir() if not is_partial_name(path.name)} if out.is_dir() else set()
    is_whole = CARD_FILE in names
    faults = [] if is_whole or names <= {UNFINISHED_FILE} else [f"by half: {sorted(names)}"]
    if "whole" in told and not is_whole:
        faults.append("the model that was told of is not there")
    if any(line.isdigit() and int(line) > 1 for line in told) and not names:
        faults.append(f"epochs {told} were told of, and nothing is there")
    return faults


def try_kill(kind: str, photos: Path, out: Path, right: str, seconds: float) -> list[str]:
    """Kill one training after so many seconds, go on, and return what is wrong."""
    shutil.rmtree(out.parent, ignore_errors=True)
    out.parent.mkdir()
    killed = run_child(lambda tell: teach(kind, photos, out, tell), seconds)
    faults = find_remains(out, killed.told)
    if not (out / CARD_FILE).exists():
        again = run_child(lambda tell: teach(kind, photos, out, tell))
        faults += [] if again.sound else [f"could not go on: {again.told[-1:]}"]
        epochs, later = ([int(line) for line in lines if line.isdigit()] for lines in (killed.told, again.told))
        if epochs and later and later[0] < epochs[-1] - 1:
            faults.append(f"epoch {epochs[-1]} was begun, and then {later[0]} again")
    if (out / CARD_FILE).exists() and hash_weights(out) != right:
        faults.append("another model than without a kill")
    faults += [f"left over: {path.name}" for path in out.parent.iterdir() if path != out]
    return faults


def main(folder: Path, kills: int, seed: int) -> None:
    """Kill so many trainings, both kinds in turn."""
    photos, right, took = write_classes(folder / "photos", 4, 6), dict[str, str](), dict[str, float]()
    before = snapshot(photos)
    for kind in CONFIGS:
        out = folder / f"right {kind}" / "model"
        out.parent.mkdir()
        start = time.monotonic()
        ended = run_child(lambda tell, kind=kind, out=out: teach(kind, photos, out, tell))  # type: ignore[misc]
        took[kind], right[kind] = time.monotonic() - start, hash_weights(out)
        assert ended.sound, ended.told

    def try_one(kind: str, moment: float) -> list[str]:
        return try_kill(kind, photos, folder / "trial" / "model", right[kind], moment)

    summary = kill_in_turn(took, try_one, kills, seed)
    print(json.dumps(summary | {"photos untouched": snapshot(photos) == before}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
