"""Run a study: every variant under every seed on the same pictures with the same number of steps.

Unlike a training for use, a trial never stops early and never falls back to the pretrained network, and what is
measured is always the embedding that was trained: the head's, where there is a head. Validation chooses among its
epochs; the test part is measured once.
"""

import copy
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.errors import LookalikeError
from indexer.matching.photo_groups import summarise_groups
from indexer.models import backbones
from indexer.models.card import Preprocessing
from indexer.models.network import EmbeddingNetwork, replace_head, tune_allocator
from indexer.progress import Progress, Steps
from indexer.statistics.metrics import measure_retrieval
from training.data import pictures
from training.data.augmentation import GENTLE_VIEWS, STRONG_VIEWS, ViewStrength, draw_views
from training.data.given_parts import divide_folder
from training.data.groups import group_photos, map_groups, number_groups
from training.data.labelled_folders import number_labels, survey_folder
from training.data.pictures import PicturePart
from training.data.sampler import make_epoch_batches
from training.data.split import PAIR_SIZE, DataSplit
from training.fitting.head_start import describe_head, start_head
from training.fitting.learner import (
    Learner,
    choose_device,
    compute_embeddings,
    compute_pooled_features,
    copy_weights,
    create_start_network,
    describe_start,
    interpolate_weights,
    restore_weights,
)
from training.fitting.recipes import (
    RECIPES,
    FeatureSource,
    TrainingPhotos,
    ValidationFeatures,
    compute_backbone_features,
)
from training.fitting.validation import compute_map_at_r, select_queries
from training.judging.report_data import EmbeddingSummary, sample_plot_rows, summarise_embeddings
from training.settings.config import TrainConfig
from training.studies.baselines import BASELINES, ClassifierLearner
from training.studies.ensemble import DIVISIONS, join_embeddings
from training.studies.pair_predictions import PairPictures, PairScore, choose_pairs, draw_pairs, score_pairs
from training.studies.variants import ENSEMBLE_SIZE, StudyVariant

BASELINE_DIM = 32  # numbers of a baseline where the settings give none, as in the notes
VIEW_STRENGTHS: dict[str, ViewStrength | None] = {"none": None, "gentle": GENTLE_VIEWS, "strong": STRONG_VIEWS}
Codes = NDArray[np.int64]
MakeLearner = Callable[[EmbeddingNetwork, TrainConfig, FeatureSource, int], "TrialLearner"]


class TrialLearner(NamedTuple):
    """One step on rows (b,) with labels (b,), which returns its loss, and the loss's own weights, if any."""

    take_step: Callable[[Codes, Codes], float]
    loss: nn.Module


class StudyEntry(NamedTuple):
    """One row of a study: each figure by seed (only one value where the seed changes nothing), seconds for each seed,
    and what is drawn of the first seed: the test pictures, and what it says of each of the study's pairs.
    """

    name: str
    p_at_1: tuple[float, ...]
    r_precision: tuple[float, ...]
    map_at_r: tuple[float, ...]
    seconds: float
    summary: EmbeddingSummary | None
    pair_scores: tuple[PairScore, ...] = ()


@dataclass(frozen=True, slots=True)
class StudyResult:
    """What came of a study; `steps` are those of each variant, `parts` the photos of each part by name, `codes` the
    classes of the pictures that are drawn as indices into `names`, `unreadable` the number of files left out,
    `grouping` sentences on given parts, near copies and bursts, `pairs` the test pictures of the predictions.
    """

    name: str
    folder: Path
    base: TrainConfig
    seeds: int
    steps: int
    parts: dict[str, int]
    classes: int
    unreadable: int
    baselines: tuple[StudyEntry, ...]
    entries: tuple[StudyEntry, ...]
    codes: tuple[int, ...]
    names: tuple[str, ...]
    grouping: str
    pairs: PairPictures


class _StudyData(NamedTuple):
    """The pictures in their three parts, the classes of the test pictures (n,) as numbers, the groups (n,) of those
    that are no matches of each other, a folder for what memory cannot hold, and the number of files that could not be
    read.
    """

    learn: PicturePart
    choose: PicturePart
    test: PicturePart
    labels: Codes
    groups: Codes
    overflow_folder: Path
    unreadable: int

    @property
    def split(self) -> DataSplit:
        return DataSplit(self.learn.samples, self.choose.samples, self.test.samples)

    def measure(self, vectors: NDArray[np.floating]) -> tuple[float, float, float]:
        """P@1, R-precision and MAP@R of embeddings (n, dim) of the test pictures."""
        measured = measure_retrieval(vectors, self.labels, groups=self.groups)
        return measured.p_at_1, measured.r_precision, measured.map_at_r


class _TrialResult(NamedTuple):
    """A row's name, its P@1, R-precision and MAP@R, its seconds, and test embeddings (n, dim) to draw, if any."""

    name: str
    figures: tuple[float, float, float]
    seconds: float
    vectors: NDArray[np.floating] | None
    loss: nn.Module | None = None


class _TrainedEmbeddings(NamedTuple):
    """The test embeddings (n, dim) at the epoch with the best validation, and the loss as it was then."""

    vectors: NDArray[np.floating]
    loss: nn.Module


def run_study(
    name: str, folder: Path, base: TrainConfig, variants: Sequence[StudyVariant], seeds: int
) -> Steps[StudyResult]:
    """Run every variant under every seed from 0 on a labelled folder; LookalikeError where it has too few pictures."""
    labelled_folder = yield from survey_folder(folder)
    groups = yield from group_photos(labelled_folder.samples)
    divided = divide_folder(labelled_folder, base.purpose, map_groups(labelled_folder.samples, groups))
    parts = divided.split
    tune_allocator()
    _check_divisions(variants, parts)
    preprocessing = create_start_network(base).preprocessing
    _check_backbones(variants, preprocessing.size)
    with tempfile.TemporaryDirectory() as place:
        data = yield from _read_parts(parts, preprocessing, Path(place) / "study")
        numbers = number_groups(data.test.samples, map_groups(labelled_folder.samples, groups))
        data = data._replace(groups=numbers)
        _check_divisions(variants, data.split)  # of the pictures that can be read
        baselines = yield from _measure_baselines(data, base, seeds)
        entries: list[StudyEntry] = []
        for variant in variants:
            entries += yield from _run_seeds(variant, data, seeds)
        pair_pictures = draw_pairs(data.test, data.labels)
    rows = sample_plot_rows(len(data.labels))
    return StudyResult(
        name=name,
        folder=folder,
        base=base,
        seeds=seeds,
        steps=base.epochs * len(make_epoch_batches(number_labels(data.learn.samples).labels, base, 1)),
        parts={part: len(samples) for part, samples in data.split._asdict().items()},
        classes=len(np.unique(data.labels)),
        unreadable=len(labelled_folder.unreadable) + data.unreadable,
        baselines=tuple(baselines),
        entries=tuple(entries),
        codes=tuple(data.labels[rows].tolist()),
        names=number_labels(data.test.samples).names,
        grouping=" ".join((*divided.remarks, summarise_groups(groups))),
        pairs=pair_pictures,
    )


def _check_divisions(variants: Sequence[StudyVariant], parts: DataSplit) -> None:
    """LookalikeError, before anything is trained, where an ensemble cannot be made of these parts."""
    for variant in variants:
        if variant.division:
            DIVISIONS[variant.division](parts, ENSEMBLE_SIZE)


def _check_backbones(variants: Sequence[StudyVariant], size: int) -> None:
    """ModelError, before anything is trained, where a variant's network cannot be made for pictures of `size` px."""
    for variant in variants:
        if variant.backbone:
            _create_network(variant, size)


def _read_parts(parts: DataSplit, preprocessing: Preprocessing, place: Path) -> Steps[_StudyData]:
    learn = yield from pictures.read_pictures(parts.train, preprocessing)
    choose = yield from pictures.read_pictures(parts.validation, preprocessing)
    test = yield from pictures.read_pictures(parts.test, preprocessing)
    _check_readable(parts, DataSplit(learn.part.samples, choose.part.samples, test.part.samples))
    unreadable = len(learn.unreadable) + len(choose.unreadable) + len(test.unreadable)
    labels = number_labels(test.part.samples).labels
    return _StudyData(learn.part, choose.part, test.part, labels, np.arange(len(labels)), place, unreadable)


def _check_readable(parts: DataSplit, readable: DataSplit) -> None:
    """LookalikeError where the readable pictures of a part have fewer than two classes, or no two of one class."""
    tasks = ("learn from", "choose by", "measure with")
    for task, wanted, readable_samples in zip(tasks, parts, readable, strict=True):
        counts = Counter(sample.label for sample in readable_samples)
        if len(counts) < 2 or max(counts.values()) < PAIR_SIZE:
            raise LookalikeError(
                f"{len(wanted) - len(readable_samples):,} of the {len(wanted):,} pictures to {task} cannot be read, "
                "and the rest leave nothing to compare: mend or remove them, or add pictures."
            )


def _measure_baselines(data: _StudyData, base: TrainConfig, seeds: int) -> Steps[list[StudyEntry]]:
    entries: list[StudyEntry] = []
    for name, baseline in BASELINES.items():
        yield Progress("baselines", len(entries), len(BASELINES) + 1, name)
        started = time.perf_counter()
        vectors = baseline(data.learn, data.test, base.dim or BASELINE_DIM)
        entries.append(_make_unseeded_entry(name, vectors, data, time.perf_counter() - started))
    started = time.perf_counter()
    network = create_start_network(base)
    vectors = compute_embeddings(network, _pool_features(network, data.test)).backbone
    entries.append(
        _make_unseeded_entry(f"{describe_start(network)} backbone", vectors, data, time.perf_counter() - started)
    )
    classifier = StudyVariant("classifier by cross-entropy", base)
    return entries + (yield from _run_seeds(classifier, data, seeds, _make_classifier))


def _make_unseeded_entry(name: str, vectors: NDArray[np.floating], data: _StudyData, seconds: float) -> StudyEntry:
    """The row of embeddings (n, dim) that no seed changes."""
    return _make_entry([_TrialResult(name, data.measure(vectors), seconds, vectors)], data)


def _make_loss_learner(
    network: EmbeddingNetwork, config: TrainConfig, feature_source: FeatureSource, steps: int
) -> TrialLearner:
    classes = len(np.unique(feature_source.labels))
    learner = Learner(network, config, feature_source.compute_features, classes=classes, steps=steps)
    return TrialLearner(lambda rows, labels: float(learner.take_step(rows, labels).loss.detach()), learner.loss)


def _make_classifier(
    network: EmbeddingNetwork, config: TrainConfig, feature_source: FeatureSource, steps: int
) -> TrialLearner:
    classes = len(np.unique(feature_source.labels))
    learner = ClassifierLearner(network, config, feature_source.compute_features, classes=classes, steps=steps)
    return TrialLearner(learner.take_step, learner.layer)


def _run_seeds(
    variant: StudyVariant, data: _StudyData, seeds: int, make_learner: MakeLearner = _make_loss_learner
) -> Steps[list[StudyEntry]]:
    """Train a variant under every seed: one row, two of an ensemble."""
    by_name: dict[str, list[_TrialResult]] = {}
    for seed in range(seeds):
        seeded = variant._replace(config=replace(variant.config, seed=seed))
        results = (
            (yield from _run_ensemble(seeded, data))
            if variant.division
            else [(yield from _run_single(seeded, data, make_learner))]
        )
        for measured in results:
            by_name.setdefault(measured.name, []).append(measured)
    return [_make_entry(measured, data) for measured in by_name.values()]


def _make_entry(measured: Sequence[_TrialResult], data: _StudyData) -> StudyEntry:
    first = measured[0]
    columns = [tuple(column) for column in zip(*(result.figures for result in measured), strict=True)]
    rows = sample_plot_rows(len(data.labels))
    summary = (
        None
        if first.vectors is None
        else summarise_embeddings(first.name, first.vectors, data.labels, rows, groups=data.groups)
    )
    seconds = float(np.mean([result.seconds for result in measured]))
    scores = () if first.vectors is None else score_pairs(first.vectors, choose_pairs(data.labels), first.loss)
    return StudyEntry(first.name, columns[0], columns[1], columns[2], seconds, summary, scores)


def _run_single(variant: StudyVariant, data: _StudyData, make_learner: MakeLearner) -> Steps[_TrialResult]:
    started = time.perf_counter()
    trained = yield from _train_variant(variant, data, make_learner)
    figures = data.measure(trained.vectors)
    seconds = time.perf_counter() - started
    return _TrialResult(variant.name, figures, seconds, trained.vectors, trained.loss)


def _run_ensemble(variant: StudyVariant, data: _StudyData) -> Steps[list[_TrialResult]]:
    """The members of an ensemble on average ("separated" in the notes), and their embeddings side by side
    ("concatenated").
    """
    started = time.perf_counter()
    vectors, figures = list[NDArray[np.floating]](), list[tuple[float, float, float]]()
    for member, parts in enumerate(DIVISIONS[variant.division](data.split, ENSEMBLE_SIZE)):
        learn = yield from pictures.read_pictures(parts.train, data.test.preprocessing)
        choose = yield from pictures.read_pictures(parts.validation, data.test.preprocessing)
        config = replace(variant.config, seed=variant.config.seed * ENSEMBLE_SIZE + member)
        member_data = data._replace(learn=learn.part, choose=choose.part)
        trained = yield from _train_variant(variant._replace(config=config), member_data, _make_loss_learner)
        vectors.append(trained.vectors)
        figures.append(data.measure(vectors[-1]))
    seconds = time.perf_counter() - started
    p_at_1, r_precision, map_at_r = (float(mean) for mean in np.mean(figures, axis=0))
    joined = join_embeddings(vectors)
    joined_figures = data.measure(joined)
    return [
        _TrialResult(f"{variant.name}: separated", (p_at_1, r_precision, map_at_r), seconds, None),
        _TrialResult(f"{variant.name}: concatenated", joined_figures, seconds, joined),
    ]


def _train_variant(variant: StudyVariant, data: _StudyData, make_learner: MakeLearner) -> Steps[_TrainedEmbeddings]:
    """Train a variant, and keep its best epoch by validation."""
    config = variant.config
    network = _create_network(variant, data.test.preprocessing.size)
    feature_source = yield from _prepare_features(variant, network, data)
    start_head(network, config, feature_source.labels, feature_source.compute_plain_features)
    epoch_batches = [make_epoch_batches(feature_source.labels, config, epoch) for epoch in range(1, config.epochs + 1)]
    total, steps_done, best, state = sum(map(len, epoch_batches)), 0, -1.0, copy_weights(network)
    start = state
    learner = make_learner(network, config, feature_source, total)
    best_loss = copy.deepcopy(learner.loss)
    validation_queries = select_queries(data.learn.samples, data.choose.samples)
    for epoch in epoch_batches:
        for batch in epoch:
            loss, steps_done = learner.take_step(batch, feature_source.labels[batch]), steps_done + 1
            yield Progress("study", steps_done, total, f"{variant.name}, seed {config.seed}", {"loss": loss})
        with interpolate_weights(network, start, config.interpolation):
            score = _score_validation(network, feature_source.compute_validation(), validation_queries)
            if score > best:
                best, state, best_loss = score, copy_weights(network), copy.deepcopy(learner.loss)
    restore_weights(network, state)
    vectors = compute_embeddings(network, _pool_features(network, data.test)).trained
    return _TrainedEmbeddings(vectors, best_loss)


def _create_network(variant: StudyVariant, size: int) -> EmbeddingNetwork:
    """The usual network, or the one that the variant names, for pictures of `size` px as the usual one takes them."""
    config = variant.config
    if not variant.backbone:
        return create_start_network(config)
    backbone = backbones.create_backbone(variant.backbone, size=size, framing="letterbox")
    torch.manual_seed(config.seed)
    network = EmbeddingNetwork(backbone)
    head = describe_head(replace(config, dim=min(config.dim, network.backbone_dim)), network.backbone_dim)
    return replace_head(network, head).eval().to(choose_device())


def _prepare_features(variant: StudyVariant, network: EmbeddingNetwork, data: _StudyData) -> Steps[FeatureSource]:
    """The features of the variant's recipe; where the whole network is trained, in the views that the variant names."""
    photos = TrainingPhotos(data.learn, data.choose, data.overflow_folder)
    feature_source = yield from RECIPES[variant.config.recipe](variant.config, network, photos)
    strength = VIEW_STRENGTHS[variant.views]
    if variant.config.recipe != "full" or strength is GENTLE_VIEWS:
        return feature_source

    def compute_features(rows: Codes, random: torch.Generator) -> Tensor:
        batch = torch.from_numpy(data.learn.load_batch(rows)).to(choose_device())
        return compute_backbone_features(network, batch if strength is None else draw_views(batch, random, strength))

    return replace(feature_source, compute_features=compute_features)


def _score_validation(
    network: EmbeddingNetwork, validation: ValidationFeatures, query_mask: NDArray[np.bool_]
) -> float:
    """Validation MAP@R of the embedding that is trained; below 0 where it is no number any more."""
    vectors = compute_embeddings(network, validation.pooled).trained
    return compute_map_at_r(vectors, validation, query_mask) if np.isfinite(vectors).all() else -1.0


def _pool_features(network: EmbeddingNetwork, part: PicturePart) -> np.ndarray:
    return compute_pooled_features(network, part.load_batch, np.arange(len(part.samples)))
