"""A training that can be killed: at the end of each epoch all it stands on is written down, and taken up again.

One file beside where the checkpoint will be, replaced whole or not at all: tensors of safetensors, everything else as
JSON in its header, nothing that could run. With it a run goes on as if it had never ended, to the bit on one machine.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from indexer import atomic
from indexer.card import WEIGHTS_LIMIT, read_regular, show
from indexer.errors import LookalikeError, ModelError
from training.config import TrainConfig
from training.data import Sample
from training.learner import Learner, restore, snapshot
from training.sources import UNFINISHED

FORMAT = 1


class State(NamedTuple):
    """Tensors by name, and facts as plain values for JSON."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


class Keeper:
    """Where a training is written down while it runs: a file in the folder `out`, made when there is something."""

    def __init__(self, out: Path, config: TrainConfig, state: State | None = None) -> None:
        self.config = config
        self.state = state
        self._path = out / UNFINISHED
        self._made = [folder for folder in (out, *out.parents) if not folder.exists()]
        self._photos = ""

    def belongs_to(self, samples: Sequence[Sample]) -> None:
        """Name the photos to learn from and choose by; LookalikeError where what is taken up began with others."""
        lines = b"".join(sample.sha256 + sample.label.encode() + b"\n" for sample in samples)
        self._photos = hashlib.sha256(lines).hexdigest()
        if self.state is not None and self.state.facts["photos"] != self._photos:
            raise LookalikeError(
                f"The pictures are no longer those that the training in {show(self._path.parent)} began with. Begin "
                "anew, without --resume."
            )

    def save(self, state: State) -> None:
        """Replace what was written down before; LookalikeError where the disk refuses."""
        about = {"format": FORMAT, "photos": self._photos, "config": self.config.to_dict()}
        header = {"facts": json.dumps(about | state.facts)}
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_file(self._path, safetensors.torch.save(tensors, header))
        except OSError as fault:
            raise LookalikeError(
                f"The training cannot be kept in {show(self._path.parent)}: {fault.strerror or fault}."
            ) from fault

    def discard(self) -> None:
        """Leave nothing behind: the training was given up."""
        if self._path.parent.is_dir():
            atomic.tidy(self._path.parent)
        self._path.unlink(missing_ok=True)
        for folder in self._made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def begin(out: Path, config: TrainConfig, *, resume: bool) -> Keeper:
    """A keeper for a new training, or with `resume` for the one that was cut off in `out`, with its settings.

    LookalikeError where there is none, or where other settings are asked for than it has.
    """
    if not resume:
        return Keeper(out, config)
    state = _read(out / UNFINISHED)
    begun = TrainConfig.from_dict(state.facts["config"])
    if config not in (begun, TrainConfig()):
        raise LookalikeError(
            f"The training in {show(out)} was begun with other settings, and goes on with them: leave them out."
        )
    return Keeper(out, begun, state)


def _read(path: Path) -> State:
    try:
        data = read_regular(path, WEIGHTS_LIMIT)
    except ModelError:
        raise LookalikeError(f"There is no unfinished training in {show(path.parent)}: leave --resume out.") from None
    try:
        size = int.from_bytes(data[:8], "little")
        facts = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["facts"])
        state = State(safetensors.torch.load(data), facts)
        if facts["format"] != FORMAT:
            raise ValueError("another format")
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as fault:
        raise LookalikeError(f"{show(path)} is damaged or of another version. Begin anew, without --resume.") from fault
    return state


def of_learner(learner: Learner) -> State:
    """Weights, the loss's own, optimiser, schedule and random numbers."""
    optimiser = learner.optimiser.state_dict()
    tensors = _named("network", snapshot(learner.network)) | _named("loss", learner.loss.state_dict())
    for number, values in optimiser["state"].items():
        tensors |= _named(f"optimiser.{number}", values)
    tensors |= {"random.views": learner.random.get_state(), "random.torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    return State(tensors, {"groups": optimiser["param_groups"], "schedule": learner.schedule.state_dict()})


def into_learner(state: State, learner: Learner) -> None:
    """Put a learner, built with the same settings, where the other stood."""
    restore(learner.network, part(state.tensors, "network"))
    learner.loss.load_state_dict(part(state.tensors, "loss"))
    values: dict[int, dict[str, Tensor]] = {}
    for name, tensor in part(state.tensors, "optimiser").items():
        number, key = name.split(".")
        values.setdefault(int(number), {})[key] = tensor
    learner.optimiser.load_state_dict({"state": values, "param_groups": state.facts["groups"]})
    learner.schedule.load_state_dict(state.facts["schedule"])
    learner.random.set_state(state.tensors["random.views"])
    torch.set_rng_state(state.tensors["random.torch"])
    if "random.cuda" in state.tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(state.tensors["random.cuda"])


def part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors below a name, by the rest of theirs."""
    return {key[len(name) + 1 :]: tensor for key, tensor in tensors.items() if key.startswith(f"{name}.")}


def _named(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{name}.{key}": tensor for key, tensor in tensors.items()}
