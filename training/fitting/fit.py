"""The epochs of a training: steps on the training part, validation after each epoch, the best epoch kept.

Validation begins before the first step, so a training that only makes things worse keeps what it began with. A collapse
or a loss that is no number is met once: back to the best state, and on with a gentler miner and smaller steps.
"""

import math
import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from indexer.models.network import EmbeddingNetwork, create_network, replace_head
from indexer.progress import Progress, Steps
from indexer.wording import tr
from training.data import class_tree
from training.data.sampler import make_epoch_batches
from training.fitting.divided_learners import assign_learners, is_divided, make_divided_batches
from training.fitting.head_refit import refit_head
from training.fitting.head_start import start_head
from training.fitting.history import SHRUNK_DISTANCE_SHARE, Epoch, FitResult, describe_collapse, find_best_epoch
from training.fitting.learner import (
    Learner,
    compute_embeddings,
    copy_weights,
    interpolate_weights,
    restore_weights,
)
from training.fitting.recipes import FeatureSource
from training.fitting.resume import (
    SAVE_INTERVAL,
    ResumeFile,
    ResumeState,
    capture_learner,
    refuse_damaged_state,
    restore_learner,
    select_tensors,
)
from training.fitting.validation import measure_validation
from training.losses.loss_value import BatchStats, combine_stats
from training.settings.choices import LOSSES
from training.settings.config import TrainConfig

Indices = NDArray[np.int64]
RESCUE_RATE_FACTOR = 0.1  # of the learning rate, after a collapse
LOSS_NOT_FINITE = "The loss was no number any more."


def fit_network(
    config: TrainConfig,
    network: EmbeddingNetwork,
    query_mask: NDArray[np.bool_],
    feature_source: FeatureSource,
    resume_file: ResumeFile,
) -> Steps[FitResult[EmbeddingNetwork]]:
    """Train a network on the features of a recipe, choosing epoch and embedding by the validation queries (m,).

    Where the resume file holds the state of a training that was cut off, the training goes on from there.
    """
    return (yield from NetworkFit(config, network, query_mask, feature_source, resume_file).run())


def arrange_epoch(
    network: EmbeddingNetwork, config: TrainConfig, source: FeatureSource, learner: Learner, epoch: int
) -> list[Indices]:
    """The batches of an epoch, each of row numbers (m,); learners, classes and margins that depend on distances follow
    the network as it is now.
    """
    learner.assignment = None
    if is_divided(config, epoch):
        both = compute_embeddings(network, source.compute_plain_features(np.arange(len(source.labels))))
        learner.assignment = assign_learners(both.trained, config)
        return make_divided_batches(source.labels, learner.assignment, config, epoch, source.rounds)
    is_drawn = config.sampling == "classes"
    if is_drawn and not learner.needs_class_distances:
        return make_epoch_batches(source.labels, config, epoch, source.rounds)
    class_distances = _measure_class_distances(network, source, [config.seed, epoch])
    learner.refresh_margins(class_distances)
    return make_epoch_batches(source.labels, config, epoch, source.rounds, None if is_drawn else class_distances)


def _measure_class_distances(network: EmbeddingNetwork, source: FeatureSource, seeds: list[int]) -> NDArray[np.float64]:
    """Distances (classes, classes) between the classes as the network sees them now, from a few photos of each."""
    rows = class_tree.sample_class_rows(source.labels, np.random.default_rng(seeds))
    both = compute_embeddings(network, source.compute_plain_features(rows))
    return class_tree.measure_class_distances(both.trained, source.labels[rows])


class _StepRecord(NamedTuple):
    loss: float
    stats: BatchStats


class NetworkFit:
    """A network being fitted, and where its training stands.

    `batches` are those of the epoch at work and `steps_done` the steps taken on them; `rescue_epoch` is the epoch after
    which the training was rescued, -1 before that; `collapsed_loss` is the loss of a network that maps all photos to
    one point.
    """

    def __init__(
        self,
        config: TrainConfig,
        network: EmbeddingNetwork,
        query_mask: NDArray[np.bool_],
        feature_source: FeatureSource,
        resume_file: ResumeFile,
    ) -> None:
        self.config = config
        self.network = network
        self.query_mask = query_mask
        self.feature_source = feature_source
        self.resume_file = resume_file
        self.epochs: list[Epoch] = []
        self.batches: list[Indices] = []
        self.steps_done: list[_StepRecord] = []
        self.stop_reason = ""
        self.rescue_epoch = -1
        self.rescue_note = ""
        self.started_at = time.perf_counter()
        start_head(network, config, feature_source.labels, feature_source.compute_plain_features)
        self.start_weights = copy_weights(network)
        self.best_weights: dict[str, Tensor] = {}
        self.collapsed_loss = 0.0
        self.learner = self._create_learner()

    def run(self) -> Steps[FitResult[EmbeddingNetwork]]:
        """Go from the first validation, or from where the training was cut off, to the network of the best epoch."""
        if self.resume_file.state is None:
            yield from self._validate_epoch(0)
        else:
            with refuse_damaged_state(self.resume_file.out):
                self._restore_state(self.resume_file.state)
        for epoch in range(self.epochs[-1].epoch + 1, self.config.epochs + 1):
            if self.stop_reason:
                break
            yield from self._run_epoch(epoch)
            yield from self._validate_epoch(epoch)
            if self._needs_rescue():
                self._rescue_training()
            self.steps_done = []
            self.resume_file.save_state(self._capture_state)
        return (yield from self._make_result())

    def _create_learner(self) -> Learner:
        """A learner for the epochs after the last rescue, or for all."""
        source = self.feature_source
        batches = make_epoch_batches(source.labels, self.config, 1, source.rounds)
        steps_due = len(batches) * (self.config.epochs - max(self.rescue_epoch, 0))
        classes = len(np.unique(source.labels))
        learner = Learner(self.network, self._active_config, source.compute_features, classes=classes, steps=steps_due)
        self.collapsed_loss = learner.measure_collapsed_loss(source.labels[batches[0]])
        return learner

    @property
    def _active_config(self) -> TrainConfig:
        """The settings in force: after a rescue a gentler miner, where the loss has one, and smaller steps."""
        if self.rescue_epoch < 0:
            return self.config
        miner = "semi-hard" if "semi-hard" in LOSSES[self.config.loss].miners else self.config.miner
        return replace(
            self.config, miner=miner, learning_rate=max(RESCUE_RATE_FACTOR * self.config.learning_rate, 1e-7)
        )

    def _run_epoch(self, epoch: int) -> Steps[None]:
        """Take the steps of an epoch that are left, up to one whose loss is no number or to the end of the time."""
        if not self.steps_done:
            self.batches = self._make_batches(epoch)
        for rows in self.batches[len(self.steps_done) :]:
            value = self.learner.take_step(rows, self.feature_source.labels[rows])
            self.steps_done.append(_StepRecord(float(value.loss.detach()), value.stats))
            if not math.isfinite(self.steps_done[-1].loss):
                break
            yield self._report_step(epoch)
            if 0 < self.config.max_seconds <= self._elapsed_seconds:
                self.stop_reason = "The time given is spent."
                break
            self.resume_file.save_state(self._capture_state, SAVE_INTERVAL)

    def _make_batches(self, epoch: int) -> list[Indices]:
        return arrange_epoch(self.network, self.config, self.feature_source, self.learner, epoch)

    def _report_step(self, epoch: int) -> Progress:
        step, per_epoch = self.steps_done[-1], len(self.batches)
        done = (epoch - 1) * per_epoch + len(self.steps_done)
        values = {"epoch": float(epoch), "loss": step.loss, "active": step.stats.active_fraction}
        return Progress("train", done, self.config.epochs * per_epoch, step.stats.problem_note, values)

    @property
    def _elapsed_seconds(self) -> float:
        return time.perf_counter() - self.started_at

    def _validate_epoch(self, number: int) -> Steps[None]:
        """Measure both embeddings on the validation part, with the weights that would be kept, and enter the epoch."""
        with interpolate_weights(self.network, self.start_weights, self.config.interpolation):
            epoch = self._measure_epoch(number)
            self.epochs.append(epoch)
            if find_best_epoch(self.epochs) is epoch:  # the earliest of equals
                self.best_weights = copy_weights(self.network)
        epochs_waited = number - max(find_best_epoch(self.epochs).epoch, self.rescue_epoch)
        if 0 < self.config.patience <= epochs_waited and number < self.config.epochs:
            self.stop_reason = f"Validation has not improved for {epochs_waited} epochs."
        note = self._collapse_note or self.stop_reason
        yield Progress("validate", number, self.config.epochs, note, epoch.progress_values())

    def _measure_epoch(self, number: int) -> Epoch:
        finite_steps = [step for step in self.steps_done if math.isfinite(step.loss)]
        total = combine_stats([step.stats for step in finite_steps]) if finite_steps else None
        score, spread = measure_validation(self.network, self.feature_source.compute_validation(), self.query_mask)
        return Epoch(
            epoch=number,
            loss=float(np.mean([step.loss for step in finite_steps])) if finite_steps else None,
            active=total.active_fraction if total else None,
            positive_distance=total.positive_distance if total else None,
            negative_distance=total.negative_distance if total else None,
            score=score,
            seconds=round(self._elapsed_seconds, 2),
            spread=spread,
            taught_start=number == 0 and self.config.starts_instantly,
        )

    @property
    def _collapse_note(self) -> str:
        """A sentence where the network has collapsed since the last rescue, else ""."""
        return describe_collapse(self.epochs[self.rescue_epoch + 1 :], self.collapsed_loss)

    def _needs_rescue(self) -> bool:
        """Whether to begin again more gently; a second loss that is no number ends the training instead."""
        is_loss_broken = not math.isfinite(self.steps_done[-1].loss)
        if is_loss_broken and self.rescue_epoch >= 0:
            self.stop_reason = f"{LOSS_NOT_FINITE} Take a smaller learning rate."
        is_broken = is_loss_broken or bool(self._collapse_note)
        return is_broken and self.rescue_epoch < 0 and not self.stop_reason

    def _rescue_training(self) -> None:
        """Go back to the best state, with a gentler miner and smaller steps for the epochs that are left."""
        reason, miner_before = self._collapse_note or LOSS_NOT_FINITE, self._active_config.resolve_defaults().miner
        self.rescue_epoch = self.epochs[-1].epoch
        miner = self._active_config.resolve_defaults().miner
        restart_epoch = find_best_epoch(self.epochs)
        if restart_epoch.spread < SHRUNK_DISTANCE_SHARE * self.epochs[0].spread:  # on its way to a collapse as well
            restart_epoch = self.epochs[0]
        restore_weights(self.network, self.best_weights if restart_epoch.epoch else self.start_weights)
        gentler = "" if miner == miner_before else f"the miner {miner} and "
        self.rescue_note = (
            f"Epoch {self.rescue_epoch}: {reason} It went back to epoch {restart_epoch.epoch} and on with {gentler}a "
            "tenth of the learning rate."
        )
        self.learner = self._create_learner()

    def _capture_state(self) -> ResumeState:
        """All that the next step depends on; the batches too, as hard classes are those of the epoch's beginning."""
        learner_state = capture_learner(self.learner)
        facts = {
            "steps": [[step.loss, *step.stats] for step in self.steps_done],
            "hands": [len(rows) for rows in self.batches],
            "epochs": [epoch.fields() for epoch in self.epochs],
            "seconds": self._elapsed_seconds,
            "stopped": self.stop_reason,
            "rescued": self.rescue_epoch,
            "trouble": self.rescue_note,
        }
        best_state = {f"best.{name}": tensor for name, tensor in self.best_weights.items()}
        rows = {"rows": torch.from_numpy(np.concatenate(self.batches))}
        return ResumeState(learner_state.tensors | best_state | rows, learner_state.facts | facts)

    def _restore_state(self, state: ResumeState) -> None:
        """Put network, learner and epochs where the training was cut off."""
        facts = state.facts
        self.epochs = [Epoch.from_fields(fields) for fields in facts["epochs"]]
        self.batches = np.split(state.tensors["rows"].numpy(), np.cumsum(facts["hands"])[:-1])
        self.steps_done = [_StepRecord(loss, BatchStats(*values)) for loss, *values in facts["steps"]]
        self.best_weights = select_tensors(state.tensors, "best")
        self.started_at -= facts["seconds"]
        self.stop_reason = facts["stopped"]
        self.rescue_epoch = facts["rescued"]
        self.rescue_note = facts["trouble"]
        if self.rescue_epoch >= 0:
            self.learner = self._create_learner()
        restore_learner(state, self.learner)

    def _make_result(self) -> Steps[FitResult[EmbeddingNetwork]]:
        """The network at its best epoch, without the head where the backbone's own output was better; with a head
        fitted anew on it where validation finds that better still.
        """
        restore_weights(self.network, self.best_weights)
        best = find_best_epoch(self.epochs)
        collapse = " ".join(sentence for sentence in (self.rescue_note, self._collapse_note) if sentence)
        if best.epoch and self.config.refits_head:
            yield Progress("fit", 0, 1, tr("fitting the head anew on the trained network"))
            refit = refit_head(self.network, self.config, self.feature_source, self.query_mask)
            if refit is not None and refit.map_at_r > best.map_at_r:
                note = (
                    f"The head was fitted anew on the trained network: validation MAP@R {refit.map_at_r:.3f} instead "
                    f"of {best.map_at_r:.3f}."
                )
                return FitResult(refit.network, "head", best, tuple(self.epochs), self.stop_reason, collapse, note)
        if not best.changes_model:
            network = create_network()
        else:
            network = self.network if best.embedding == "head" else replace_head(self.network.cpu(), None)
        return FitResult(network, best.embedding, best, tuple(self.epochs), self.stop_reason, collapse)
