"""A training that can be killed: all that its next step depends on is saved now and then, and restored by --resume.

It is one file where the checkpoint will be, replaced whole or not at all: tensors as safetensors, everything else as
JSON in its header, nothing that could run as code. A resumed training goes on as if it had never been cut off, to the
bit on one machine.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from indexer import atomic
from indexer.errors import LookalikeError
from indexer.models.card import WEIGHTS_LIMIT
from indexer.paths import show_path
from training.data.labelled_folders import PhotoSample
from training.data.sources import UNFINISHED_FILE
from training.fitting.learner import Learner, copy_weights, restore_weights
from training.fitting.recipes import RecipeSettings
from training.settings.config import TrainConfig

STATE_FORMAT = 3  # 3: whole pictures instead of their centre squares
SAVE_INTERVAL = 60.0  # seconds of steps after which a training is saved in the middle of an epoch
UNFIT_STATE_ERRORS = (ValueError, TypeError, RuntimeError, OSError)  # of torch, JSON and the disk
PAUSE_FACTOR = 50  # saving pauses for so many times as long as it took, and so costs at most 2 % of the time


class ResumeState(NamedTuple):
    """Tensors by name, and facts as plain values for JSON."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


class ResumeFile:
    """Where a training saves its state while it runs: a file in the folder `out`, made when there is something.

    `config` is what the user set, `recipe_settings` what was made of it on the computer where the training began (None
    before that).
    """

    def __init__(
        self,
        out: Path,
        config: TrainConfig,
        state: ResumeState | None = None,
        recipe_settings: RecipeSettings | None = None,
    ) -> None:
        self.out = out
        self.config = config
        self.state = state
        self.recipe_settings = recipe_settings
        self.source_arguments: list[str] = []  # of `lookalike train`, for whoever goes on with it
        self._path = out / UNFINISHED_FILE
        self._created_folders = [folder for folder in (out, *out.parents) if not folder.exists()]
        self._photos_hash = ""
        self._saved_at = time.monotonic()
        self._save_seconds = 0.0

    def bind_photos(self, samples: Sequence[PhotoSample]) -> None:
        """Set the photos to learn from and choose by; LookalikeError where the resumed training began with others."""
        lines = b"".join(sample.sha256 + sample.label.encode() + b"\n" for sample in samples)
        self._photos_hash = hashlib.sha256(lines).hexdigest()
        if self.state is not None and self.state.facts["photos"] != self._photos_hash:
            raise LookalikeError(
                "The pictures are no longer those that the training in {out} began with. Begin anew, without --resume.",
                out=show_path(self.out),
            )

    def save_state(self, state: Callable[[], ResumeState], wait: float = 0.0) -> None:
        """Replace the saved state, unless that is less than `wait` seconds old, or less than PAUSE_FACTOR times as old
        as it took to save; LookalikeError where the disk refuses.
        """
        begun = time.monotonic()
        if begun - self._saved_at < max(wait, PAUSE_FACTOR * self._save_seconds):
            return
        tensors, facts = state()
        header = {"facts": json.dumps(self._describe_training() | facts)}
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            atomic.write_file(self._path, safetensors.torch.save(tensors, header))
        except OSError as fault:
            raise LookalikeError(
                "The training cannot be kept in {out}: {reason}.",
                out=show_path(self.out),
                reason=fault.strerror or fault,
            ) from fault
        self._saved_at = time.monotonic()
        self._save_seconds = self._saved_at - begun

    def _describe_training(self) -> dict[str, Any]:
        config, why = self.recipe_settings or (self.config, "")
        description = {"format": STATE_FORMAT, "photos": self._photos_hash, "config": self.config.to_dict()}
        return description | {"settled": config.to_dict(), "why": why, "source_arguments": self.source_arguments}

    def remove_leftovers(self) -> None:
        """Remove what an interrupted write left behind, and the folders made for it where they are empty."""
        if self.out.is_dir():
            atomic.remove_leftovers(self.out)
        for folder in self._created_folders:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def discard_state(self) -> None:
        """Remove the saved state and all that was made for it: the training was given up."""
        self._path.unlink(missing_ok=True)
        self.remove_leftovers()


def open_resume_file(out: Path, config: TrainConfig, *, resume: bool) -> ResumeFile:
    """The file for a new training, or with `resume` that of the training that was cut off in `out`, with its settings.

    LookalikeError where there is none, or where `config` sets anything else than its settings.
    """
    if not resume:
        return ResumeFile(out, config)
    atomic.bring_back(out)  # killed just as the model was to take the place of the unfinished training
    state = _read_state(out / UNFINISHED_FILE)
    with refuse_damaged_state(out):
        requested, recipe_config = (TrainConfig.from_dict(state.facts[name]) for name in ("config", "settled"))
        resume_file = ResumeFile(out, requested, state, RecipeSettings(recipe_config, str(state.facts["why"])))
    if config not in (requested, recipe_config, TrainConfig()):
        raise LookalikeError(
            "The training in {out} was begun with other settings, and goes on with them: leave them out.",
            out=show_path(out),
        )
    return resume_file


@contextmanager
def refuse_damaged_state(out: Path) -> Iterator[None]:
    """Within the block, faults of a saved state that lacks something or does not fit become a LookalikeError."""
    try:
        yield
    except (safetensors.SafetensorError, LookalikeError, LookupError, AttributeError, *UNFIT_STATE_ERRORS) as fault:
        raise LookalikeError(
            "{out} is damaged or of another version. Begin anew, without --resume.",
            out=show_path(out / UNFINISHED_FILE),
        ) from fault


def _read_state(path: Path) -> ResumeState:
    if not path.is_file() or path.stat().st_size > WEIGHTS_LIMIT:  # opening a FIFO would wait for ever
        raise LookalikeError(
            "There is no unfinished training in {parent}: leave --resume out.", parent=show_path(path.parent)
        )
    with refuse_damaged_state(path.parent), safetensors.safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
        if facts["format"] != STATE_FORMAT:
            raise ValueError("another format")
        if not isinstance(facts["photos"], str):
            raise TypeError("no photos")
        names = file.keys()
        # copies: what is mapped from the file would keep Windows from replacing it
        return ResumeState({name: file.get_tensor(name).clone() for name in names}, facts)


def capture_learner(learner: Learner) -> ResumeState:
    """The state of a learner: weights of network and loss, optimiser, schedule and random numbers."""
    optimiser = learner.optimiser.state_dict()
    tensors = _prefix_names("network", copy_weights(learner.network)) | _prefix_names("loss", learner.loss.state_dict())
    for number, values in optimiser["state"].items():
        tensors |= _prefix_names(f"optimiser.{number}", values)
    tensors |= {"random.views": learner.random.get_state(), "random.torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    if learner.assignment is not None:
        tensors["assignment"] = torch.from_numpy(learner.assignment)
    return ResumeState(tensors, {"groups": optimiser["param_groups"], "schedule": learner.schedule.state_dict()})


def restore_learner(state: ResumeState, learner: Learner) -> None:
    """Restore the state of a learner that was built with the same settings; KeyError, ValueError or RuntimeError where
    the state is that of another kind of learner.
    """
    weights = select_tensors(state.tensors, "network")
    if weights.keys() != copy_weights(learner.network).keys():
        raise KeyError("network")
    restore_weights(learner.network, weights)
    learner.loss.load_state_dict(select_tensors(state.tensors, "loss"))
    values: dict[int, dict[str, Tensor]] = {}
    for name, tensor in select_tensors(state.tensors, "optimiser").items():
        number, key = name.split(".")
        values.setdefault(int(number), {})[key] = tensor
    learner.optimiser.load_state_dict({"state": values, "param_groups": state.facts["groups"]})
    learner.schedule.load_state_dict(state.facts["schedule"])
    learner.random.set_state(state.tensors["random.views"])
    torch.set_rng_state(state.tensors["random.torch"])
    assignment = state.tensors.get("assignment")
    learner.assignment = None if assignment is None else assignment.numpy()
    if "random.cuda" in state.tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(state.tensors["random.cuda"])


def select_tensors(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `name` and a dot, by the rest of their names."""
    return {key[len(name) + 1 :]: tensor for key, tensor in tensors.items() if key.startswith(f"{name}.")}


def _prefix_names(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{name}.{key}": tensor for key, tensor in tensors.items()}
