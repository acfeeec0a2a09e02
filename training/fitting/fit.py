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

from indexer.models.network import EmbeddingNetwork, create_network, replace_head
from indexer.progress import Progress, Steps
from indexer.statistics.metrics import measure_retrieval
from training.data import class_tree
from training.data.labelled_folders import PhotoSample
from training.data.sampler import make_epoch_batches
from training.fitting.history import (
    SHRUNK_DISTANCE_SHARE,
    Epoch,
    ValidationScore,
    describe_collapse,
    find_best_epoch,
    measure_spread,
)
from training.fitting.learner import (
    HEAD_ROWS,
    Learner,
    compute_embeddings,
    copy_weights,
    initialise_head,
    interpolate_weights,
    restore_weights,
)
from training.fitting.recipes import FeatureSource, ValidationFeatures
from training.fitting.resume import (
    SAVE_INTERVAL,
    ResumeFile,
    ResumeState,
    capture_learner,
    refuse_damaged_state,
    restore_learner,
    select_tensors,
)
from training.losses.loss_value import BatchStats, combine_stats
from training.settings.choices import LOSSES
from training.settings.config import TrainConfig

Indices = NDArray[np.int64]
RESCUE_RATE_FACTOR = 0.1  # of the learning rate, after a collapse
LOSS_NOT_FINITE = "The loss was no number any more."


@dataclass(frozen=True, slots=True)
class FitResult:
    """The network as it was at its best epoch, under the embedding ("head" or "backbone") that validation chose.

    Where no epoch was better than the start it is the pretrained network as everybody uses it. `stopped` says in a
    sentence why the training ended before its last epoch, `collapse` what went wrong and what was done; else "".
    """

    network: EmbeddingNetwork
    embedding: str
    best: Epoch
    epochs: tuple[Epoch, ...]
    stopped: str
    collapse: str


class _StepRecord(NamedTuple):
    loss: float
    stats: BatchStats


@dataclass(slots=True)
class _FitProgress:
    """Where a training stands: which photos of validation are queries (n,), its epochs so far, the batches of the one
    at work and the steps taken of them, the best state of the network and its first one, the loss of a collapsed
    network, what went wrong after which epoch, and the clock.
    """

    config: TrainConfig
    query_mask: NDArray[np.bool_]
    epochs: list[Epoch] = field(default_factory=list)
    batches: list[Indices] = field(default_factory=list)
    steps_done: list[_StepRecord] = field(default_factory=list)
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    start_weights: dict[str, Tensor] = field(default_factory=dict)
    collapsed_loss: float = 0.0
    started_at: float = field(default_factory=time.perf_counter)
    stop_reason: str = ""
    rescue_epoch: int = -1
    rescue_note: str = ""

    @property
    def elapsed_seconds(self) -> float:
        return time.perf_counter() - self.started_at

    @property
    def active_config(self) -> TrainConfig:
        """Those in force: gentler ones after a rescue."""
        return self.config if self.rescue_epoch < 0 else _make_gentler(self.config)

    @property
    def collapse_note(self) -> str:
        """Whether the network has collapsed since the last rescue."""
        return describe_collapse(self.epochs[self.rescue_epoch + 1 :], self.collapsed_loss)

    def is_out_of_time(self) -> bool:
        """Whether the time the user gave is spent."""
        return 0 < self.config.max_seconds <= self.elapsed_seconds

    def add_epoch(self, epoch: Epoch, network: EmbeddingNetwork) -> None:
        """Take an epoch; the state of the best is kept, the earliest of equals."""
        self.epochs.append(epoch)
        if find_best_epoch(self.epochs) is epoch:
            self.best_weights = copy_weights(network)
        epochs_waited = epoch.epoch - max(find_best_epoch(self.epochs).epoch, self.rescue_epoch)
        if 0 < self.config.patience <= epochs_waited and epoch.epoch < self.config.epochs:
            self.stop_reason = f"Validation has not improved for {epochs_waited} epochs."


def fit_network(
    config: TrainConfig,
    network: EmbeddingNetwork,
    query_mask: NDArray[np.bool_],
    feature_source: FeatureSource,
    resume_file: ResumeFile,
) -> Steps[FitResult]:
    """Train the network on a recipe's material, choosing epoch and embedding by the photos of validation `asked` about.

    A keeper with a state goes on from there.
    """
    progress = _FitProgress(config, query_mask)
    _initialise_head(config, network, feature_source)
    progress.start_weights = copy_weights(network)
    if resume_file.state is None:
        yield from _validate_epoch(progress, network, feature_source.compute_validation, 0, [])
    learner = _create_learner(progress, network, feature_source)
    if resume_file.state is not None:
        with refuse_damaged_state(resume_file.out):
            learner = _restore_progress(resume_file.state, progress, learner, feature_source)
    for epoch in range(progress.epochs[-1].epoch + 1, config.epochs + 1):
        if progress.stop_reason:
            break
        yield from _run_epoch(progress, learner, feature_source, epoch, resume_file)
        steps_done, progress.steps_done = progress.steps_done, []
        yield from _validate_epoch(progress, network, feature_source.compute_validation, epoch, steps_done)
        if _needs_rescue(progress, steps_done):
            learner = _rescue_training(progress, network, feature_source)
        resume_file.save_state(partial(_capture_state, progress, learner))
    return _finish_fit(progress, network)


def select_queries(
    train_samples: Sequence[PhotoSample], validation_samples: Sequence[PhotoSample]
) -> NDArray[np.bool_]:
    """Which photos of validation are queries: those of classes that training does not know, else all.

    What training does to classes it knows says nothing about new ones.
    """
    train_labels = {sample.label for sample in train_samples}
    counts = Counter(sample.label for sample in validation_samples)
    query_mask = np.array(
        [sample.label not in train_labels and counts[sample.label] > 1 for sample in validation_samples]
    )
    return query_mask if query_mask.any() else np.ones_like(query_mask)


def _run_epoch(
    progress: _FitProgress, learner: Learner, feature_source: FeatureSource, epoch: int, resume_file: ResumeFile
) -> Steps[None]:
    """The steps of one epoch that are not taken yet; fewer where time is up or the loss is no number any more, which
    is the last one then.
    """
    config = progress.config
    if not progress.steps_done:
        class_distances = _measure_class_distances(learner.network, config, feature_source, epoch)
        progress.batches = make_epoch_batches(
            feature_source.labels, config, epoch, feature_source.rounds, class_distances
        )
    for rows in progress.batches[len(progress.steps_done) :]:
        value = learner.take_step(rows, feature_source.labels[rows])
        progress.steps_done.append(_StepRecord(float(value.loss.detach()), value.stats))
        if not math.isfinite(progress.steps_done[-1].loss):
            break
        values = {"epoch": float(epoch), "loss": progress.steps_done[-1].loss, "active": value.stats.active_fraction}
        steps_before, steps_per_epoch = (epoch - 1) * len(progress.batches), len(progress.batches)
        yield Progress(
            "train",
            steps_before + len(progress.steps_done),
            config.epochs * steps_per_epoch,
            value.stats.problem_note,
            values,
        )
        if progress.is_out_of_time():
            progress.stop_reason = "The time given is spent."
            break
        resume_file.save_state(partial(_capture_state, progress, learner), SAVE_INTERVAL)


def _validate_epoch(
    progress: _FitProgress,
    network: EmbeddingNetwork,
    compute_validation: Callable[[], ValidationFeatures],
    epoch_number: int,
    steps_done: list[_StepRecord],
) -> Steps[None]:
    """Measure both embeddings on the validation part and enter the epoch."""
    finite_steps = [step for step in steps_done if math.isfinite(step.loss)]
    total = combine_stats([step.stats for step in finite_steps]) if finite_steps else None
    with interpolate_weights(network, progress.start_weights, progress.config.interpolation):
        score, embedding_spread = _measure_validation(network, compute_validation(), progress.query_mask)
        epoch = Epoch(
            epoch=epoch_number,
            loss=float(np.mean([step.loss for step in finite_steps])) if finite_steps else None,
            active=total.active_fraction if total else None,
            positive_distance=total.positive_distance if total else None,
            negative_distance=total.negative_distance if total else None,
            score=score,
            seconds=round(progress.elapsed_seconds, 2),
            spread=embedding_spread,
        )
        progress.add_epoch(epoch, network)
    yield Progress(
        "validate",
        epoch_number,
        progress.config.epochs,
        progress.collapse_note or progress.stop_reason,
        epoch.progress_values(),
    )


def _measure_validation(
    network: EmbeddingNetwork, validation: ValidationFeatures, query_mask: NDArray[np.bool_]
) -> tuple[ValidationScore, float]:
    """Validation of both embeddings, and the spread of the one being trained."""
    if not np.isfinite(validation.pooled).all():
        return ValidationScore(None, 0.0), 0.0
    both = compute_embeddings(network, validation.pooled)
    if both.head is not None and not np.isfinite(both.head).all():
        return ValidationScore(None, 0.0), 0.0
    head = None if both.head is None else _compute_map_at_r(both.head, validation.labels, query_mask)
    score = ValidationScore(head, _compute_map_at_r(both.backbone, validation.labels, query_mask))
    return score, measure_spread(both.backbone if both.head is None else both.head)


def _compute_map_at_r(vectors: np.ndarray, labels: Indices, query_mask: NDArray[np.bool_]) -> float:
    figures = measure_retrieval(vectors, labels)
    return float(
        figures.per_query_map_at_r[query_mask[figures.rows % len(query_mask)]].mean()
    )  # views stand behind the photos


def _needs_rescue(progress: _FitProgress, steps_done: list[_StepRecord]) -> bool:
    """Whether to begin again more gently; what goes wrong a second time is said, and ends a training without a loss."""
    no_number = not math.isfinite(steps_done[-1].loss)
    if no_number and progress.rescue_epoch >= 0:
        progress.stop_reason = f"{LOSS_NOT_FINITE} Take a smaller learning rate."
    return (no_number or bool(progress.collapse_note)) and progress.rescue_epoch < 0 and not progress.stop_reason


def _rescue_training(progress: _FitProgress, network: EmbeddingNetwork, feature_source: FeatureSource) -> Learner:
    """Back to the best state, with a gentler miner and smaller steps for the epochs that are left."""
    reason = progress.collapse_note or LOSS_NOT_FINITE
    progress.rescue_epoch = progress.epochs[-1].epoch
    before, now = progress.config.resolve_defaults(), progress.active_config.resolve_defaults()
    miner = "" if before.miner == now.miner else f"the miner {now.miner} and "
    restart_epoch = find_best_epoch(progress.epochs)
    if restart_epoch.spread < SHRUNK_DISTANCE_SHARE * progress.epochs[0].spread:  # on its way to one place as well
        restart_epoch = progress.epochs[0]
    restore_weights(network, progress.best_weights if restart_epoch.epoch else progress.start_weights)
    progress.rescue_note = (
        f"Epoch {progress.rescue_epoch}: {reason} It went back to epoch {restart_epoch.epoch} and on with {miner}a "
        "tenth of the "
        "learning rate."
    )
    return _create_learner(progress, network, feature_source)


def _make_gentler(config: TrainConfig) -> TrainConfig:
    miner = "semi-hard" if "semi-hard" in LOSSES[config.loss].miners else config.miner
    return replace(config, miner=miner, learning_rate=max(RESCUE_RATE_FACTOR * config.learning_rate, 1e-7))


def _create_learner(progress: _FitProgress, network: EmbeddingNetwork, feature_source: FeatureSource) -> Learner:
    """A learner for the epochs after the last rescue, or for all."""
    batches = make_epoch_batches(feature_source.labels, progress.config, 1, feature_source.rounds)
    steps_due = len(batches) * (progress.config.epochs - max(progress.rescue_epoch, 0))
    classes = len(np.unique(feature_source.labels))
    learner = Learner(
        network, progress.active_config, feature_source.compute_features, classes=classes, steps=steps_due
    )
    progress.collapsed_loss = learner.measure_collapsed_loss(feature_source.labels[batches[0]])
    return learner


def _capture_state(progress: _FitProgress, learner: Learner) -> ResumeState:
    """All that the next step stands on; the batches too, as hard classes are those of the epoch's beginning."""
    learner_state = capture_learner(learner)
    facts = {
        "steps": [[step.loss, *step.stats] for step in progress.steps_done],
        "hands": [len(rows) for rows in progress.batches],
        "epochs": [epoch.fields() for epoch in progress.epochs],
        "seconds": progress.elapsed_seconds,
        "stopped": progress.stop_reason,
        "rescued": progress.rescue_epoch,
        "trouble": progress.rescue_note,
    }
    best_state = {f"best.{name}": tensor for name, tensor in progress.best_weights.items()}
    rows = {"rows": torch.from_numpy(np.concatenate(progress.batches))}
    return ResumeState(learner_state.tensors | best_state | rows, learner_state.facts | facts)


def _restore_progress(
    state: ResumeState, progress: _FitProgress, learner: Learner, feature_source: FeatureSource
) -> Learner:
    """Put course and learner where the training was cut off."""
    facts = state.facts
    progress.epochs = [Epoch.from_fields(fields) for fields in facts["epochs"]]
    progress.batches = np.split(state.tensors["rows"].numpy(), np.cumsum(facts["hands"])[:-1])
    progress.steps_done = [_StepRecord(loss, BatchStats(*values)) for loss, *values in facts["steps"]]
    progress.best_weights = select_tensors(state.tensors, "best")
    progress.started_at -= facts["seconds"]
    progress.stop_reason, progress.rescue_epoch, progress.rescue_note = (
        facts["stopped"],
        facts["rescued"],
        facts["trouble"],
    )
    if progress.rescue_epoch >= 0:
        learner = _create_learner(progress, learner.network, feature_source)
    restore_learner(state, learner)
    return learner


def _finish_fit(progress: _FitProgress, network: EmbeddingNetwork) -> FitResult:
    """Go back to the best epoch, and leave the head out where the backbone's own output was better."""
    restore_weights(network, progress.best_weights)
    best_epoch = find_best_epoch(progress.epochs)
    if best_epoch.epoch == 0:
        best_network = create_network()
    else:
        best_network = network if best_epoch.embedding == "head" else replace_head(network.cpu(), None)
    collapse_report = " ".join(sentence for sentence in (progress.rescue_note, progress.collapse_note) if sentence)
    return FitResult(
        best_network, best_epoch.embedding, best_epoch, tuple(progress.epochs), progress.stop_reason, collapse_report
    )


def _initialise_head(config: TrainConfig, network: EmbeddingNetwork, feature_source: FeatureSource) -> None:
    rows = np.random.default_rng(config.seed).permutation(len(feature_source.labels))[:HEAD_ROWS]
    if network.head is not None:
        initialise_head(network, feature_source.compute_plain_features(np.sort(rows)))


def _measure_class_distances(
    network: EmbeddingNetwork, config: TrainConfig, feature_source: FeatureSource, epoch: int
) -> NDArray[np.float64] | None:
    """How far apart the classes are now, for batches of those that are hard to tell apart; None where chance deals."""
    if config.sampling == "classes":
        return None
    rows = class_tree.sample_class_rows(feature_source.labels, np.random.default_rng([config.seed, epoch]))
    both = compute_embeddings(network, feature_source.compute_plain_features(rows))
    return class_tree.measure_class_distances(
        both.backbone if both.head is None else both.head, feature_source.labels[rows]
    )
