"""The epochs: step after step on the training part, validation of both embeddings after each, the best one kept.

Validation begins before the first step, so a training that only makes things worse keeps what it began with. What goes
wrong on the way is met once: back to the best state, with a gentler miner and smaller steps.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from indexer.models.network import Network, create_network, with_head
from indexer.progress import Progress, Steps
from indexer.statistics.metrics import retrieval
from training.data import class_tree
from training.data.labelled_folders import Sample
from training.data.sampler import dealt
from training.fitting.history import SHRUNK, Epoch, Score, best, collapse, spread
from training.fitting.learner import HEAD_ROWS, Learner, both_embeddings, interpolated, restore, snapshot, start_head
from training.fitting.recipes import Checked, Material
from training.fitting.resume import EVERY, Keeper, State, into_learner, of_learner, part, taking_up
from training.losses.loss_value import Stats, combine
from training.settings.choices import LOSSES
from training.settings.config import TrainConfig

Indices = NDArray[np.int64]
GENTLER = 0.1  # of the learning rate, after a collapse
NO_NUMBER = "The loss was no number any more."


@dataclass(frozen=True, slots=True)
class Fit:
    """The network as it was at its best epoch, under the embedding ("head" or "backbone") that validation chose.

    Where no epoch was better than the start it is the pretrained network as everybody uses it. `stopped` says in a
    sentence why the training ended before its last epoch, `collapse` what went wrong and what was done; else "".
    """

    network: Network
    embedding: str
    best: Epoch
    epochs: tuple[Epoch, ...]
    stopped: str
    collapse: str


class _Step(NamedTuple):
    loss: float
    stats: Stats


@dataclass(slots=True)
class _Course:
    """Where a training stands: which photos of validation are queries (n,), its epochs so far, the batches of the one
    at work and the steps taken of them, the best state of the network and its first one, the loss of a collapsed
    network, what went wrong after which epoch, and the clock.
    """

    config: TrainConfig
    asked: NDArray[np.bool_]
    epochs: list[Epoch] = field(default_factory=list)
    hands: list[Indices] = field(default_factory=list)
    taken: list[_Step] = field(default_factory=list)
    state: dict[str, Tensor] = field(default_factory=dict)
    start: dict[str, Tensor] = field(default_factory=dict)
    collapsed_loss: float = 0.0
    begun: float = field(default_factory=time.perf_counter)
    stopped: str = ""
    rescued: int = -1
    trouble: str = ""

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun

    @property
    def settings(self) -> TrainConfig:
        """Those in force: gentler ones after a rescue."""
        return self.config if self.rescued < 0 else _gentler(self.config)

    @property
    def collapse(self) -> str:
        """Whether the network has collapsed since the last rescue."""
        return collapse(self.epochs[self.rescued + 1 :], self.collapsed_loss)

    def overdue(self) -> bool:
        """Whether the time the user gave is spent."""
        return 0 < self.config.max_seconds <= self.seconds

    def add(self, epoch: Epoch, network: Network) -> None:
        """Take an epoch; the state of the best is kept, the earliest of equals."""
        self.epochs.append(epoch)
        if best(self.epochs) is epoch:
            self.state = snapshot(network)
        waited = epoch.epoch - max(best(self.epochs).epoch, self.rescued)
        if 0 < self.config.patience <= waited and epoch.epoch < self.config.epochs:
            self.stopped = f"Validation has not improved for {waited} epochs."


def fit(
    config: TrainConfig, network: Network, asked: NDArray[np.bool_], material: Material, keeper: Keeper
) -> Steps[Fit]:
    """Train the network on a recipe's material, choosing epoch and embedding by the photos of validation `asked` about.

    A keeper with a state goes on from there.
    """
    course = _Course(config, asked)
    _start_head(config, network, material)
    course.start = snapshot(network)
    if keeper.state is None:
        yield from _validate(course, network, material.check, 0, [])
    learner = _learner(course, network, material)
    if keeper.state is not None:
        with taking_up(keeper.out):
            learner = _take_up(keeper.state, course, learner, material)
    for epoch in range(course.epochs[-1].epoch + 1, config.epochs + 1):
        if course.stopped:
            break
        yield from _epoch(course, learner, material, epoch, keeper)
        taken, course.taken = course.taken, []
        yield from _validate(course, network, material.check, epoch, taken)
        if _goes_wrong(course, taken):
            learner = _rescued(course, network, material)
        keeper.save(partial(_state, course, learner))
    return _finished(course, network)


def asked(learn: Sequence[Sample], choose: Sequence[Sample]) -> NDArray[np.bool_]:
    """Which photos of validation are queries: those of classes that training does not know, else all.

    What training does to classes it knows says nothing about new ones.
    """
    known = {sample.label for sample in learn}
    counts = Counter(sample.label for sample in choose)
    fresh = np.array([sample.label not in known and counts[sample.label] > 1 for sample in choose])
    return fresh if fresh.any() else np.ones_like(fresh)


def _epoch(course: _Course, learner: Learner, material: Material, epoch: int, keeper: Keeper) -> Steps[None]:
    """The steps of one epoch that are not taken yet; fewer where time is up or the loss is no number any more, which
    is the last one then.
    """
    config = course.config
    if not course.taken:
        apart = _apart(learner.network, config, material, epoch)
        course.hands = dealt(material.labels, config, epoch, material.rounds, apart)
    for rows in course.hands[len(course.taken) :]:
        value = learner.step(rows, material.labels[rows])
        course.taken.append(_Step(float(value.loss.detach()), value.stats))
        if not math.isfinite(course.taken[-1].loss):
            break
        values = {"epoch": float(epoch), "loss": course.taken[-1].loss, "active": value.stats.active_fraction}
        before, each = (epoch - 1) * len(course.hands), len(course.hands)
        yield Progress("train", before + len(course.taken), config.epochs * each, value.stats.note, values)
        if course.overdue():
            course.stopped = "The time given is spent."
            break
        keeper.save(partial(_state, course, learner), EVERY)


def _validate(
    course: _Course, network: Network, check: Callable[[], Checked], number: int, taken: list[_Step]
) -> Steps[None]:
    """Measure both embeddings on the validation part and enter the epoch."""
    sound = [step for step in taken if math.isfinite(step.loss)]
    total = combine([step.stats for step in sound]) if sound else None
    with interpolated(network, course.start, course.config.interpolation):
        score, width = _measured(network, check(), course.asked)
        epoch = Epoch(
            epoch=number,
            loss=float(np.mean([step.loss for step in sound])) if sound else None,
            active=total.active_fraction if total else None,
            positive_distance=total.positive_distance if total else None,
            negative_distance=total.negative_distance if total else None,
            score=score,
            seconds=round(course.seconds, 2),
            spread=width,
        )
        course.add(epoch, network)
    yield Progress("validate", number, course.config.epochs, course.collapse or course.stopped, epoch.values())


def _measured(network: Network, checked: Checked, asked: NDArray[np.bool_]) -> tuple[Score, float]:
    """Validation of both embeddings, and the spread of the one being trained."""
    if not np.isfinite(checked.pooled).all():
        return Score(None, 0.0), 0.0
    both = both_embeddings(network, checked.pooled)
    if both.head is not None and not np.isfinite(both.head).all():
        return Score(None, 0.0), 0.0
    head = None if both.head is None else _map_at_r(both.head, checked.labels, asked)
    score = Score(head, _map_at_r(both.backbone, checked.labels, asked))
    return score, spread(both.backbone if both.head is None else both.head)


def _map_at_r(vectors: np.ndarray, labels: Indices, asked: NDArray[np.bool_]) -> float:
    figures = retrieval(vectors, labels)
    return float(figures.per_query_map_at_r[asked[figures.rows % len(asked)]].mean())  # views stand behind the photos


def _goes_wrong(course: _Course, taken: list[_Step]) -> bool:
    """Whether to begin again more gently; what goes wrong a second time is said, and ends a training without a loss."""
    no_number = not math.isfinite(taken[-1].loss)
    if no_number and course.rescued >= 0:
        course.stopped = f"{NO_NUMBER} Take a smaller learning rate."
    return (no_number or bool(course.collapse)) and course.rescued < 0 and not course.stopped


def _rescued(course: _Course, network: Network, material: Material) -> Learner:
    """Back to the best state, with a gentler miner and smaller steps for the epochs that are left."""
    reason = course.collapse or NO_NUMBER
    course.rescued = course.epochs[-1].epoch
    before, now = course.config.resolved(), course.settings.resolved()
    miner = "" if before.miner == now.miner else f"the miner {now.miner} and "
    back = best(course.epochs)
    if back.spread < SHRUNK * course.epochs[0].spread:  # on its way to one place as well
        back = course.epochs[0]
    restore(network, course.state if back.epoch else course.start)
    course.trouble = (
        f"Epoch {course.rescued}: {reason} It went back to epoch {back.epoch} and on with {miner}a tenth of the "
        "learning rate."
    )
    return _learner(course, network, material)


def _gentler(config: TrainConfig) -> TrainConfig:
    miner = "semi-hard" if "semi-hard" in LOSSES[config.loss].miners else config.miner
    return replace(config, miner=miner, learning_rate=max(GENTLER * config.learning_rate, 1e-7))


def _learner(course: _Course, network: Network, material: Material) -> Learner:
    """A learner for the epochs after the last rescue, or for all."""
    hands = dealt(material.labels, course.config, 1, material.rounds)
    due = len(hands) * (course.config.epochs - max(course.rescued, 0))
    classes = len(np.unique(material.labels))
    learner = Learner(network, course.settings, material.show, classes=classes, steps=due)
    course.collapsed_loss = learner.collapsed_loss(material.labels[hands[0]])
    return learner


def _state(course: _Course, learner: Learner) -> State:
    """All that the next step stands on; the batches too, as hard classes are those of the epoch's beginning."""
    learned = of_learner(learner)
    facts = {
        "steps": [[step.loss, *step.stats] for step in course.taken],
        "hands": [len(rows) for rows in course.hands],
        "epochs": [epoch.fields() for epoch in course.epochs],
        "seconds": course.seconds,
        "stopped": course.stopped,
        "rescued": course.rescued,
        "trouble": course.trouble,
    }
    best_state = {f"best.{name}": tensor for name, tensor in course.state.items()}
    rows = {"rows": torch.from_numpy(np.concatenate(course.hands))}
    return State(learned.tensors | best_state | rows, learned.facts | facts)


def _take_up(state: State, course: _Course, learner: Learner, material: Material) -> Learner:
    """Put course and learner where the training was cut off."""
    facts = state.facts
    course.epochs = [Epoch.from_fields(fields) for fields in facts["epochs"]]
    course.hands = np.split(state.tensors["rows"].numpy(), np.cumsum(facts["hands"])[:-1])
    course.taken = [_Step(loss, Stats(*values)) for loss, *values in facts["steps"]]
    course.state = part(state.tensors, "best")
    course.begun -= facts["seconds"]
    course.stopped, course.rescued, course.trouble = facts["stopped"], facts["rescued"], facts["trouble"]
    if course.rescued >= 0:
        learner = _learner(course, learner.network, material)
    into_learner(state, learner)
    return learner


def _finished(course: _Course, network: Network) -> Fit:
    """Go back to the best epoch, and leave the head out where the backbone's own output was better."""
    restore(network, course.state)
    chosen = best(course.epochs)
    if chosen.epoch == 0:
        kept = create_network()
    else:
        kept = network if chosen.embedding == "head" else with_head(network.cpu(), None)
    trouble = " ".join(sentence for sentence in (course.trouble, course.collapse) if sentence)
    return Fit(kept, chosen.embedding, chosen, tuple(course.epochs), course.stopped, trouble)


def _start_head(config: TrainConfig, network: Network, material: Material) -> None:
    rows = np.random.default_rng(config.seed).permutation(len(material.labels))[:HEAD_ROWS]
    if network.head is not None:
        start_head(network, material.plain(np.sort(rows)))


def _apart(network: Network, config: TrainConfig, material: Material, epoch: int) -> NDArray[np.float64] | None:
    """How far apart the classes are now, for batches of those that are hard to tell apart; None where chance deals."""
    if config.sampling == "classes":
        return None
    rows = class_tree.sample(material.labels, np.random.default_rng([config.seed, epoch]))
    both = both_embeddings(network, material.plain(rows))
    return class_tree.class_distances(both.backbone if both.head is None else both.head, material.labels[rows])
