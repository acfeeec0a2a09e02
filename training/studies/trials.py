"""Run a study: every variant under every seed on the same pictures with the same number of steps.

Unlike a training for use, a trial (`trial_training.py`) never stops early and never falls back to the pretrained
network, and what is measured is always the embedding that was trained: the head's, where there is a head. Validation
chooses among its epochs; the test part is measured once.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from indexer.errors import LookalikeError
from indexer.grouping.photo_groups import summarise_groups
from indexer.models.card import Preprocessing
from indexer.models.network import tune_allocator
from indexer.progress import Progress, Steps
from training.data import pictures
from training.data.given_parts import divide_folder
from training.data.groups import group_photos, map_groups, number_groups
from training.data.labelled_folders import number_labels
from training.data.sampler import make_epoch_batches
from training.data.sources import TrainingSource, survey_source
from training.data.split import PAIR_SIZE, DataSplit
from training.fitting.learner import (
    compute_embeddings,
    create_start_network,
    describe_start,
)
from training.judging.report_data import EmbeddingSummary, sample_plot_rows, summarise_embeddings
from training.settings.config import TrainConfig
from training.studies.baselines import BASELINES
from training.studies.ensemble import DIVISIONS, join_embeddings
from training.studies.feature_uses import FeatureUses, choose_learned_rows, measure_feature_uses
from training.studies.pair_predictions import PairPictures, PairScore, choose_pairs, draw_pairs, score_pairs
from training.studies.trial_training import (
    MakeLearner,
    StudyData,
    create_variant_network,
    make_classifier,
    make_loss_learner,
    pool_features,
    train_variant,
)
from training.studies.variants import StudyVariant

BASELINE_DIM = 32  # numbers of a baseline where the settings give none, as in the notes


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
    uses: FeatureUses | None = None


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


class _TrialResult(NamedTuple):
    """A row's name, its P@1, R-precision and MAP@R, its seconds, and test embeddings (n, dim) to draw, if any."""

    name: str
    figures: tuple[float, float, float]
    seconds: float
    vectors: NDArray[np.floating] | None
    loss: nn.Module | None = None
    learned: NDArray[np.floating] | None = None


def run_study(
    name: str, source: TrainingSource, base: TrainConfig, variants: Sequence[StudyVariant], seeds: int
) -> Steps[StudyResult]:
    """Run every variant under every seed from 0 on labelled photos; LookalikeError where there are too few."""
    labelled_folder = yield from survey_source(source)
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
        folder=labelled_folder.folder,
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
    """Raise LookalikeError, before anything is trained, where an ensemble cannot be made of these parts."""
    for variant in variants:
        if variant.division:
            DIVISIONS[variant.division](parts, variant.members)


def _check_backbones(variants: Sequence[StudyVariant], size: int) -> None:
    """ModelError, before anything is trained, where a variant's network cannot be made for pictures of `size` px."""
    for variant in variants:
        if variant.backbone:
            create_variant_network(variant, size)


def _read_parts(parts: DataSplit, preprocessing: Preprocessing, place: Path) -> Steps[StudyData]:
    learn = yield from pictures.read_pictures(parts.train, preprocessing)
    choose = yield from pictures.read_pictures(parts.validation, preprocessing)
    test = yield from pictures.read_pictures(parts.test, preprocessing)
    _check_readable(parts, DataSplit(learn.part.samples, choose.part.samples, test.part.samples))
    unreadable = len(learn.unreadable) + len(choose.unreadable) + len(test.unreadable)
    labels = number_labels(test.part.samples).labels
    return StudyData(learn.part, choose.part, test.part, labels, np.arange(len(labels)), place, unreadable)


def _check_readable(parts: DataSplit, readable: DataSplit) -> None:
    """Raise LookalikeError where the readable pictures of a part are of one class, or no two are of one class."""
    tasks = ("learn from", "choose by", "measure with")
    for task, wanted, readable_samples in zip(tasks, parts, readable, strict=True):
        counts = Counter(sample.label for sample in readable_samples)
        if len(counts) < 2 or max(counts.values()) < PAIR_SIZE:
            raise LookalikeError(
                "{unread:,} of the {wanted:,} pictures to {task} cannot be read, and the rest leave nothing "
                "to compare: mend or remove them, or add pictures.",
                unread=len(wanted) - len(readable_samples),
                wanted=len(wanted),
                task=task,
            )


def _measure_baselines(data: StudyData, base: TrainConfig, seeds: int) -> Steps[list[StudyEntry]]:
    entries: list[StudyEntry] = []
    for name, baseline in BASELINES.items():
        yield Progress("baselines", len(entries), len(BASELINES) + 1, name)
        started = time.perf_counter()
        part = data.learn.select(choose_learned_rows(len(data.learn.samples)))
        vectors, learned = (baseline(data.learn, shown, base.dim or BASELINE_DIM) for shown in (data.test, part))
        entries.append(_make_unseeded_entry(name, vectors, learned, data, time.perf_counter() - started))
    started = time.perf_counter()
    network = create_start_network(base)
    part = data.learn.select(choose_learned_rows(len(data.learn.samples)))
    vectors, learned = (
        compute_embeddings(network, pool_features(network, shown)).backbone for shown in (data.test, part)
    )
    name = f"{describe_start(network)} backbone"
    entries.append(_make_unseeded_entry(name, vectors, learned, data, time.perf_counter() - started))
    classifier = StudyVariant("classifier by cross-entropy", base)
    return entries + (yield from _run_seeds(classifier, data, seeds, make_classifier))


def _make_unseeded_entry(
    name: str, vectors: NDArray[np.floating], learned: NDArray[np.floating], data: StudyData, seconds: float
) -> StudyEntry:
    """The row of embeddings (n, dim), of the test pictures and of those learned from, that no seed changes."""
    return _make_entry([_TrialResult(name, data.measure(vectors), seconds, vectors, learned=learned)], data)


def _run_seeds(
    variant: StudyVariant, data: StudyData, seeds: int, make_learner: MakeLearner = make_loss_learner
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


def _make_entry(measured: Sequence[_TrialResult], data: StudyData) -> StudyEntry:
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
    uses = None if first.vectors is None else _measure_uses(first.vectors, first.learned, data)
    return StudyEntry(first.name, columns[0], columns[1], columns[2], seconds, summary, scores, uses)


def _measure_uses(
    vectors: NDArray[np.floating], learned: NDArray[np.floating] | None, data: StudyData
) -> FeatureUses | None:
    """What else embeddings (n, dim) of the test pictures are good for; None without those of training pictures."""
    if learned is None:
        return None
    rows = choose_learned_rows(len(data.learn.samples))
    labels = [data.learn.samples[row].label for row in rows]
    return measure_feature_uses(learned, labels, vectors, [sample.label for sample in data.test.samples])


def _run_single(variant: StudyVariant, data: StudyData, make_learner: MakeLearner) -> Steps[_TrialResult]:
    started = time.perf_counter()
    trained = yield from train_variant(variant, data, make_learner)
    figures = data.measure(trained.vectors)
    seconds = time.perf_counter() - started
    return _TrialResult(variant.name, figures, seconds, trained.vectors, trained.loss, trained.learned)


def _run_ensemble(variant: StudyVariant, data: StudyData) -> Steps[list[_TrialResult]]:
    """The members of an ensemble on average ("separated" in the notes), and their embeddings side by side
    ("concatenated").
    """
    started = time.perf_counter()
    vectors, figures = list[NDArray[np.floating]](), list[tuple[float, float, float]]()
    for member, parts in enumerate(DIVISIONS[variant.division](data.split, variant.members)):
        learn = yield from pictures.read_pictures(parts.train, data.test.preprocessing)
        choose = yield from pictures.read_pictures(parts.validation, data.test.preprocessing)
        config = replace(variant.config, seed=variant.config.seed * variant.members + member)
        member_data = data._replace(learn=learn.part, choose=choose.part)
        trained = yield from train_variant(variant._replace(config=config), member_data, make_loss_learner)
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
