"""Trainings that were cut off and can go on: what each learns from, how far it came, and the command that goes on."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors

from training.data.sources import list_unfinished_files

CONDITION_OPTIONS = (
    "--library=",
    "--label=",
    "--under=",
    "--after=",
    "--before=",
    "--min-size=",
    "--orientation=",
    "--named=",
    "--groups=",
)
"""How the arguments begin that a training keeps of its source; the file may be a stranger's, so no other is passed."""


class StoppedTraining(NamedTuple):
    """A training whose state lies in `folder`, as it was saved at `saved_at`, in seconds since 1970.

    `source_arguments` name what it learns from, empty in files of earlier versions; `epoch` of `epochs` were done.
    """

    folder: Path
    source_arguments: list[str]
    recipe: str
    epoch: int
    epochs: int
    saved_at: float

    @property
    def resume_arguments(self) -> list[str]:
        """The arguments of the program that go on with it; empty where its source is not known."""
        if not self.source_arguments:
            return []
        return ["train", *self.source_arguments, "--out", str(self.folder), "--resume"]

    def fields(self) -> dict[str, Any]:
        """The training as plain values for JSON."""
        return self._asdict() | {"folder": str(self.folder), "resume_arguments": self.resume_arguments}


def list_stopped_trainings() -> list[StoppedTraining]:
    """The trainings that can go on, the newest first; files that cannot be read are passed over."""
    rows = []
    for path in list_unfinished_files():
        with contextlib.suppress(safetensors.SafetensorError, OSError, ValueError, LookupError, TypeError):
            rows.append(_read_training(path))
    return sorted(rows, key=lambda row: -row.saved_at)


def _read_training(path: Path) -> StoppedTraining:
    """The training of a state file, of which only the head is read."""
    if not path.is_file():  # opening a FIFO would wait for ever
        raise ValueError("no file")
    with safetensors.safe_open(path, framework="numpy") as file:
        facts = json.loads(file.metadata()["facts"])
    settings, epochs = facts["settled"], facts["epochs"]
    return StoppedTraining(
        folder=path.parent,
        source_arguments=_check_arguments(facts),
        recipe=str(settings["recipe"]),
        epoch=int(epochs[-1]["epoch"]) if epochs else 0,
        epochs=int(settings["epochs"]),
        saved_at=path.stat().st_mtime,
    )


def _check_arguments(facts: Mapping[str, Any]) -> list[str]:
    """The arguments that name the source; empty where there are none, or one that names nothing of the kind."""
    words = facts.get("source_arguments")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return []
    first, *rest = words or [""]
    is_named = Path(first).is_absolute() or first.startswith(CONDITION_OPTIONS[0])
    return words if is_named and all(word.startswith(CONDITION_OPTIONS[1:]) for word in rest) else []
