"""Recipe instant: a class metric fitted on stored embeddings, judged on all labelled photos out of fold.

No picture is decoded where the library has its embedding under the base model (the backbone without a head), no network
runs, and torch is not needed. The map goes into the checkpoint's head as it is: a linear layer on unit-length backbone
outputs. What is installed is fitted on all labelled photos, more than the maps behind any of the figures.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.errors import LookalikeError, ModelError
from indexer.grouping.photo_groups import PhotoGroups, describe_own_hits, summarise_groups
from indexer.library import Library
from indexer.matching.label_model import LABEL_SETTING
from indexer.models.card import ModelCard, read_card
from indexer.models.installation import ModelChoice, find_ready_model, install_shared_model
from indexer.models.model import load_model
from indexer.models.prepared import find_shared_folder
from indexer.progress import Progress, Steps
from indexer.statistics.metrics import DifferenceInterval, RetrievalFigures, bootstrap_difference
from indexer.vectors.class_metric import MetricSetting, fit_class_metric
from indexer.wording import tr
from training.data.groups import group_photos
from training.data.labelled_folders import PhotoSample, UnreadableFile, number_labels, require_usable
from training.data.sources import LibraryLabels, TrainingSource
from training.data.split import DataSplit
from training.fitting.history import Epoch, FitResult, ValidationScore, measure_spread
from training.judging import checkpoint, model_card
from training.judging.examples import choose_examples
from training.judging.identification_shares import IdentificationChange, measure_identification
from training.judging.judged_models import (
    BaselineResult,
    EmbeddedSamples,
    MeasuredModel,
    TrainingVerdict,
    choose_units,
    describe_nearest,
    describe_power,
    embed_samples,
    explain_verdict,
)
from training.judging.out_of_fold import (
    LEAST_CLASSES_IN_FOLD,
    HeldOutFold,
    LabelledVectors,
    QueryFigures,
    SideFigures,
    choose_setting,
    examine_metric,
    iterate_held_out,
    state_change,
)
from training.judging.record import parse_record
from training.judging.result import TrainResult
from training.judging.thresholds import measure_out_of_fold_thresholds
from training.mapped_checkpoint import MappedNetwork
from training.settings.config import TrainConfig

LEAST_GAIN = 0.005  # MAP@R: a model that is better by less is not worth a new embedding of all photos


class BaseEmbeddings(NamedTuple):
    """Photos that could be embedded, with their unit vectors (n, dim) under the base model, its folder and card."""

    folder: Path
    card: ModelCard
    embedded: EmbeddedSamples


class ExamFigures(NamedTuple):
    """The figures of all photos out of fold, before and after; the share of queries that had a photo of their own group
    as nearest before; and the change of MAP@R, with an interval over `units` (queries,), named `unit_name`.
    """

    before: RetrievalFigures
    after: RetrievalFigures
    nearest_in_group: float
    change: DifferenceInterval
    units: NDArray[np.int64]
    unit_name: str


def teach_instantly(
    config: TrainConfig,
    source: TrainingSource,
    samples: Sequence[PhotoSample],
    out: Path,
    *,
    remarks: tuple[str, ...] = (),
    column: Mapping[bytes, str] | None = None,
) -> Steps[TrainResult]:
    """Fit, examine and write a checkpoint to `out`; LookalikeError where there is too little to examine.

    `column` gives a group to files by absolute path, `remarks` are sentences on how the source was read.
    """
    start = time.perf_counter()
    base = yield from _read_base_embeddings(source, samples)
    usable = base.embedded.samples
    require_usable(samples, usable, "learn from")
    labels = number_labels(usable).labels
    groups = yield from group_photos(usable, column=column, traits=base.embedded.traits, vectors=base.embedded.vectors)
    photos = LabelledVectors(base.embedded.vectors, labels, groups.numbers)
    folds = yield from _fit_folds(photos, config.purpose)
    exam = yield from _examine(photos, config.purpose, folds)
    setting = choose_setting(photos, config.purpose)
    yield Progress("fit", 0, 1, tr("fitting on all labelled photos"))
    network = MappedNetwork(base.folder, base.card, fit_class_metric(photos.vectors, photos.labels, setting))
    yield Progress("test", 0, 1, tr("naming every labelled photo out of fold"))
    verdict = replace(_judge(usable, photos, exam, folds[0]), identification=_compare_identification(photos))
    result = TrainResult(
        checkpoint=out,
        learned_from=source,
        config=config,
        recipe=_describe_setting(setting, photos),
        fit=_describe_fit(network, exam, photos, time.perf_counter() - start),
        baseline=_describe_baseline(usable, labels, verdict.before, base.embedded.unreadable),
        verdict=verdict,
        thresholds=measure_out_of_fold_thresholds(photos, config.purpose, folds),
        parts=DataSplit(usable, (), ()),
        unreadable=base.embedded.unreadable,
        source_remarks=(*remarks, *_describe_groups(groups, exam)),
    )
    yield from _save_result(result, network, setting)
    return result


def _save_result(result: TrainResult, network: MappedNetwork, setting: MetricSetting) -> Steps[None]:
    yield Progress("save", 0, 1)
    checkpoint.save_checkpoint(
        network.write_files,
        result.checkpoint,
        used_samples=result.parts.train,
        source=result.source,
        story=result.fields() | {"instant": {**setting._asdict(), "purpose": result.config.purpose}},
        calibration=result.thresholds.calibration.fields() if result.thresholds else None,
        extra_files={model_card.MODEL_CARD_FILE: model_card.render_model_card(parse_record(result.fields()))},
    )
    yield Progress("save", 1, 1)


def _read_base_embeddings(source: TrainingSource, samples: Sequence[PhotoSample]) -> Steps[BaseEmbeddings]:
    """Embeddings under the base model: from the library where it has them, else made by the built-in one."""
    if isinstance(source, LibraryLabels):
        stored = _read_stored_embeddings(source.library, samples)
        if stored is not None:
            return stored
    folder = find_ready_model(ModelChoice())
    if folder is None:
        folder = find_shared_folder() / (yield from install_shared_model(ModelChoice())).fingerprint
    model = load_model(folder)
    embedded = yield from embed_samples(f"pretrained at {model.card.preprocessing.size} px", samples, model)
    return BaseEmbeddings(folder, model.card, embedded)


def _read_stored_embeddings(library_folder: Path, samples: Sequence[PhotoSample]) -> BaseEmbeddings | None:
    """The stored embeddings under the library's active model; None where that has a head or a photo none under it."""
    with Library.open(library_folder) as library:
        folder = library.models_folder / library.model_fingerprint
        try:
            card = read_card(folder)
            if card.head is not None:
                return None
        except ModelError:
            return None
        embeddings = library.store.embeddings
        ids = [embeddings.find_photo_id(sample.sha256) for sample in samples]
        stored = embeddings.read_photo_vectors(ids, library.model_id)
        found = [stored[photo_id] for photo_id in ids if photo_id in stored]
        if len(found) < len(samples):
            return None
        hashes = embeddings.read_pixel_hashes(ids)
    hashed = tuple(
        sample._replace(pixel_sha256=hashes.get(photo, b"")) for sample, photo in zip(samples, ids, strict=True)
    )
    return BaseEmbeddings(folder, card, EmbeddedSamples(hashed, np.stack(found).astype(np.float32), (), {}))


def _describe_groups(groups: PhotoGroups, exam: ExamFigures) -> tuple[str, ...]:
    """Sentences on the groups, and on how many queries had a photo of their own as nearest before."""
    own_hits = describe_own_hits(exam.before.queries, round(exam.nearest_in_group * exam.before.queries))
    return (summarise_groups(groups), own_hits) if own_hits else (summarise_groups(groups),)


def _fit_folds(photos: LabelledVectors, purpose: str) -> Steps[list[HeldOutFold]]:
    """The folds of the first repetition with their maps; LookalikeError where none leaves a pair on both sides."""
    folds: list[HeldOutFold] = []
    for held_out in iterate_held_out(photos, purpose):
        folds.append(held_out)
        yield Progress("fit", len(folds), 0, tr("fitting without a part of the photos"))
    if not folds:
        raise _refuse_exam(purpose)
    return folds


def _examine(photos: LabelledVectors, purpose: str, folds: Sequence[HeldOutFold]) -> Steps[ExamFigures]:
    """The whole exam, with the folds of its first repetition; LookalikeError where none leaves a pair to ask about."""
    figures: QueryFigures | None = None
    for so_far in examine_metric(photos, purpose, folds):
        yield Progress("test", len(so_far.rows), len(photos.labels), tr("asking every labelled photo out of fold"))
        figures = so_far
    if figures is None or not len(figures.rows):
        raise _refuse_exam(purpose)
    alone = len(photos.labels) - len(figures.rows)
    before, after = (_make_figures(figures, alone, side) for side in (figures.before, figures.after))
    yield Progress("test", len(figures.rows), len(photos.labels), tr("asking again with fewer photos to learn from"))
    queries = photos.take(figures.rows)
    if purpose == "classes" and len(np.unique(queries.labels)) < LEAST_CLASSES_IN_FOLD:  # they stand for no others
        raise _refuse_exam(purpose)
    units = choose_units(queries.labels, queries.groups, purpose)
    change = state_change(photos, purpose, figures, units.numbers)
    return ExamFigures(before, after, figures.before.nearest_in_group, change, units.numbers, units.name)


def _refuse_exam(purpose: str) -> LookalikeError:
    """What is said where no fold leaves a pair on both sides, or too few classes."""
    return LookalikeError(
        "Too few pictures to learn from some and be judged by others: that takes two classes of at least four "
        "different pictures" + (", and five classes for new ones." if purpose == "classes" else ".")
    )


def _make_figures(figures: QueryFigures, alone: int, side: SideFigures) -> RetrievalFigures:
    return RetrievalFigures(
        queries=len(figures.rows),
        photos_without_match=alone,
        p_at_1=float(side.p_at_1.mean()),
        r_precision=float(side.r_precision.mean()),
        map_at_r=float(side.map_at_r.mean()),
        hit_at_k=side.hit_at_k,
        rows=figures.rows,
        per_query_p_at_1=side.p_at_1,
        per_query_r_precision=side.r_precision,
        per_query_map_at_r=side.map_at_r,
    )


def _judge(
    samples: tuple[PhotoSample, ...], photos: LabelledVectors, exam: ExamFigures, fold: HeldOutFold
) -> TrainingVerdict:
    """Better, if the interval of the change of MAP@R over classes, or over photos where they are few, is above zero."""
    query_labels = photos.labels[exam.after.rows]
    classes = len(np.unique(query_labels))
    units, map_at_r = exam.units, exam.change
    p_at_1 = bootstrap_difference(exam.before.per_query_p_at_1, exam.after.per_query_p_at_1, groups=units)
    shown = tuple(samples[row] for row in fold.rows)
    before_vectors = photos.vectors[fold.rows]
    after_vectors = fold.metric.transform(before_vectors)
    return TrainingVerdict(
        before=MeasuredModel("the model without it", before_vectors, exam.before),
        after=MeasuredModel("with the map", after_vectors, exam.after),
        map_at_r_change=map_at_r,
        p_at_1_change=p_at_1,
        resampling_unit=exam.unit_name,
        queries=exam.after.queries,
        classes=classes,
        install=map_at_r.low > 0 and map_at_r.mean >= LEAST_GAIN,
        why=_explain(exam, map_at_r, p_at_1, classes),
        examples=tuple(choose_examples(shown, before_vectors, after_vectors, photos.groups[fold.rows])),
    )


def _compare_identification(photos: LabelledVectors) -> IdentificationChange | None:
    """The shares before and after, the same: labels go on being asked under the model below an instant one."""
    shares = measure_identification(photos, LABEL_SETTING)
    return IdentificationChange(shares, shares) if shares else None


def _explain(exam: ExamFigures, map_at_r: DifferenceInterval, p_at_1: DifferenceInterval, classes: int) -> str:
    task = f"{exam.after.queries:,} pictures of {classes:,} classes"
    measured = explain_verdict(map_at_r, p_at_1, task, ", each asked while it was left out")
    if map_at_r.low > 0 and map_at_r.mean < LEAST_GAIN:
        measured = f"{measured.rpartition(':')[0]}: too little to embed all photos anew. Keep the model you have."
    shown = describe_power(map_at_r) if map_at_r.low <= 0 <= map_at_r.high else ""
    return " ".join(filter(None, (describe_nearest(exam.before, exam.after), measured, shown)))


def _describe_fit(
    network: MappedNetwork, exam: ExamFigures, photos: LabelledVectors, seconds: float
) -> FitResult[MappedNetwork]:
    """The fit in the terms of a training: an epoch before and one after."""
    spread = measure_spread(photos.vectors)
    epochs = tuple(
        Epoch(number, None, None, None, None, ValidationScore(head, exam.before.map_at_r), round(seconds, 2), spread)
        for number, head in enumerate((None, exam.after.map_at_r))
    )
    return FitResult(network, "head", epochs[1], epochs, "", "")


def _describe_baseline(
    samples: tuple[PhotoSample, ...],
    labels: NDArray[np.int64],
    before: MeasuredModel,
    unreadable: tuple[UnreadableFile, ...],
) -> BaselineResult:
    return BaselineResult(samples, labels, None, (before,), before, None, unreadable)


def _describe_setting(setting: MetricSetting, photos: LabelledVectors) -> str:
    return (
        f"Recipe instant: a linear map fitted on the embeddings of all {len(photos.labels):,} labelled pictures "
        f"(shrinkage {setting.shrinkage:g}, stretch {setting.stretch:g})."
    )
