"""The epochs: step after step on the training part, validation of both embeddings after each, the best one kept.

Validation begins before the first step, so a training that only makes things worse keeps what it began with.
"""

import math
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from indexer.metrics import retrieval
from indexer.network import Network, with_head
from indexer.progress import Progress, Steps
from training.config import TrainConfig
from training.data import number
from training.history import Epoch, Score, best, collapse
from training.learner import HEAD_ROWS, Learner, both_embeddings, device, pooled_features, snapshot, start_head
from training.loss_value import Stats, combine
from training.pictures import Part
from training.sampler import batches

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fit:
    """The network as it was at its best epoch, under the embedding ("head" or "backbone") that validation chose.

    `stopped` says in a sentence why the training ended before its last epoch, `collapse` whether it collapsed; else "".
    """

    network: Network
    embedding: str
    best: Epoch
    epochs: tuple[Epoch, ...]
    stopped: str
    collapse: str


@dataclass(slots=True)
class _Course:
    """Where a training stands: which photos of validation are queries (n,), its epochs so far, the best state of the
    network, and the clock.
    """

    config: TrainConfig
    asked: NDArray[np.bool_]
    epochs: list[Epoch] = field(default_factory=list)
    state: dict[str, Tensor] = field(default_factory=dict)
    begun: float = field(default_factory=time.perf_counter)
    stopped: str = ""

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun

    def overdue(self) -> bool:
        """Whether the time the user gave is spent."""
        return 0 < self.config.max_seconds <= self.seconds

    def add(self, epoch: Epoch, network: Network) -> None:
        """Take an epoch; the state of the best is kept, the earliest of equals."""
        self.epochs.append(epoch)
        if best(self.epochs) is epoch:
            self.state = snapshot(network)
        waited = epoch.epoch - best(self.epochs).epoch
        if 0 < self.config.patience <= waited and epoch.epoch < self.config.epochs:
            self.stopped = f"Validation has not improved for {waited} epochs."


def fit(config: TrainConfig, network: Network, learn: Part, choose: Part) -> Steps[Fit]:
    """Train the network on one part, choosing epoch and embedding by the other.

    Where that holds classes of its own, they alone are asked about: what training does to classes it knows says nothing
    about new ones.
    """
    network.to(device())  # judging the start may have left parts of it on the processor
    labels = _numbers(learn)
    due = len(_batches(config, labels, 1))
    _start_head(config, network, learn)
    learner = Learner(network, config, classes=len(np.unique(labels)), steps=due * config.epochs)
    course = _Course(config, _asked(learn, choose))
    yield from _validate(course, network, choose, 0, [])
    for epoch in range(1, config.epochs + 1):
        if course.stopped:
            break
        taken = yield from _epoch(course, learner, learn, labels, epoch)
        yield from _validate(course, network, choose, epoch, taken)
    return _finished(course, network)


@dataclass(frozen=True, slots=True)
class _Step:
    loss: float
    stats: Stats


def _epoch(course: _Course, learner: Learner, learn: Part, labels: Indices, epoch: int) -> Steps[list[_Step]]:
    """The steps of one epoch; fewer where time is up or the loss is no number any more."""
    config, taken = course.config, []
    hands = _batches(config, labels, epoch)
    for done, rows in enumerate(hands, 1):
        value = learner.step(learn.batch(rows), labels[rows])
        loss = float(value.loss.detach())
        if not math.isfinite(loss):
            course.stopped = "The loss is no number any more: take a smaller learning rate."
            break
        taken.append(_Step(loss, value.stats))
        values = {"epoch": float(epoch), "loss": loss, "active": value.stats.active_fraction}
        yield Progress("train", (epoch - 1) * len(hands) + done, config.epochs * len(hands), value.stats.note, values)
        if course.overdue():
            course.stopped = "The time given is spent."
            break
    return taken


def _validate(course: _Course, network: Network, choose: Part, number: int, taken: list[_Step]) -> Steps[None]:
    """Measure both embeddings on the validation part and enter the epoch."""
    score = _score(network, choose, course.asked)
    total = combine([step.stats for step in taken]) if taken else None
    epoch = Epoch(
        epoch=number,
        loss=float(np.mean([step.loss for step in taken])) if taken else None,
        active=total.active_fraction if total else None,
        positive_distance=total.positive_distance if total else None,
        negative_distance=total.negative_distance if total else None,
        score=score,
        seconds=round(course.seconds, 2),
    )
    course.add(epoch, network)
    note = _collapse(course) or course.stopped
    yield Progress("validate", number, course.config.epochs, note, {"epoch": float(number)} | score.values())


def _score(network: Network, choose: Part, asked: NDArray[np.bool_]) -> Score:
    labels = _numbers(choose)
    pooled = pooled_features(network, choose.batch, np.arange(len(labels)))
    if not np.isfinite(pooled).all():
        return Score(None, 0.0)
    both = both_embeddings(network, pooled)
    head = None if both.head is None else _map_at_r(both.head, labels, asked)
    return Score(head, _map_at_r(both.backbone, labels, asked))


def _map_at_r(vectors: np.ndarray, labels: Indices, asked: NDArray[np.bool_]) -> float:
    figures = retrieval(vectors, labels)
    return float(figures.per_query_map_at_r[asked[figures.rows]].mean())


def _asked(learn: Part, choose: Part) -> NDArray[np.bool_]:
    """Which photos of validation are queries: those of classes that training does not know, else all."""
    known = {sample.label for sample in learn.samples}
    counts = Counter(sample.label for sample in choose.samples)
    fresh = np.array([sample.label not in known and counts[sample.label] > 1 for sample in choose.samples])
    return fresh if fresh.any() else np.ones_like(fresh)


def _finished(course: _Course, network: Network) -> Fit:
    """Go back to the best epoch, and leave the head out where the backbone's own output was better."""
    network.load_state_dict(course.state)
    chosen = best(course.epochs)
    embedding = chosen.embedding
    kept = network if embedding == "head" else with_head(network.cpu(), None)
    return Fit(kept, embedding, chosen, tuple(course.epochs), course.stopped, _collapse(course))


def _collapse(course: _Course) -> str:
    return collapse(course.epochs, course.config.resolved().margin)


def _start_head(config: TrainConfig, network: Network, learn: Part) -> None:
    rows = np.random.default_rng(config.seed).permutation(len(learn.samples))[:HEAD_ROWS]
    if network.head is not None:
        start_head(network, pooled_features(network, learn.batch, np.sort(rows)))


def _numbers(part: Part) -> Indices:
    return number(part.samples).labels


def _batches(config: TrainConfig, labels: Indices, epoch: int) -> list[Indices]:
    return batches(
        labels, classes=config.classes_per_batch, photos=config.photos_per_class, seed=config.seed, epoch=epoch
    )
