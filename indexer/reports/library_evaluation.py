"""How well a library's model finds the photos of the same label: on its own labels, from stored embeddings.

No photo is opened and nothing is written. Photos that the model was trained on or chosen by are left out. An instant
model has learned from all of them: where the library keeps their embeddings under the model below it, its map is fitted
again without each fifth of them, and the figures are of photos that the map behind them has not seen.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.errors import LookalikeError
from indexer.grouping.photo_groups import PhotoGroups
from indexer.library import Library
from indexer.progress import Progress, Steps
from indexer.search.base_model import BaseModel, find_base_model, iterate_held_out_maps
from indexer.search.results import Photo
from indexer.statistics.calibration_measurement import FoldVectors, sample_by_class
from indexer.statistics.detailed_metrics import (
    ClassFigures,
    DistanceHistogram,
    build_histogram,
    compute_roc,
    measure_classes,
)
from indexer.statistics.label_figures import (
    ErrorRateTable,
    HardQuery,
    NearestOutsiders,
    bootstrap_mean,
    measure_label_figures,
    tabulate_error_rates,
)
from indexer.statistics.metrics import (
    DifferenceInterval,
    RetrievalFigures,
    VerificationFigures,
    VerificationThreshold,
    measure_pair_errors,
)
from indexer.wording import tr

MOST_MEASURED = 5_000  # photos, drawn evenly over the labels: some ten seconds of work, 360 MB
LEAST_LABELS = 2


class FigureIntervals(NamedTuple):
    """The 95 % intervals of P@1, MAP@R and mAP for other photos of the same labels."""

    p_at_1: DifferenceInterval
    map_at_r: DifferenceInterval
    mean_average_precision: DifferenceInterval


class LibraryEvaluation(NamedTuple):
    """Figures of a library's model on its labels; rows, also those in `retrieval`, are places in `ids` (n,).

    `labelled` photos have a label; of these the model has `seen` some, and of the others, or of all where the figures
    are `out_of_fold`, `photos` were measured. `codes` (n,) are their labels as places in `names`.
    """

    model: str
    fingerprint: str
    ids: NDArray[np.int64]
    codes: NDArray[np.int64]
    names: list[str]
    labelled: int
    seen: int
    out_of_fold: bool
    retrieval: RetrievalFigures
    intervals: FigureIntervals
    nearest: NearestOutsiders
    hardest: list[HardQuery]
    verification: VerificationFigures
    per_class: list[ClassFigures]
    roc: list[VerificationThreshold]
    rates: ErrorRateTable
    histogram: DistanceHistogram
    groups: PhotoGroups

    @property
    def photos(self) -> int:
        """The number of photos that were measured."""
        return len(self.ids)

    @property
    def classes(self) -> int:
        """The number of labels of the measured photos."""
        return len(self.names)

    @property
    def mean_average_precision(self) -> float:
        """The mean over the queries of the mean precision at the matches in a query's whole ranking."""
        return self.intervals.mean_average_precision.mean


class _ChosenPhotos(NamedTuple):
    """Labelled photos to be measured, in the order of their ids, with label codes; `base` where out of fold."""

    photos: list[Photo]
    codes: NDArray[np.int64]
    names: list[str]
    labelled: int
    seen: int
    base: BaseModel | None


def evaluate_library(library: Library, limit: int = MOST_MEASURED) -> Steps[LibraryEvaluation]:
    """The figures of the active model on at most `limit` labelled photos of the library.

    LookalikeError where there are no two labels, no two photos of one, or none that the model has not learned from.
    """
    yield Progress("read", 0, 0, tr("Reading labels"))
    chosen = _choose_labelled(library, limit)
    ids = np.array([photo.id for photo in chosen.photos], np.int64)
    model_id = chosen.base.model_id if chosen.base else library.model_id
    vectors = library.calibration_source.read_embeddings(ids, model_id)
    groups = yield from library.stored_groups.find_groups(ids, vectors)
    parts = [FoldVectors(np.arange(len(ids)), vectors)]
    if chosen.base is not None:
        held_out = iterate_held_out_maps(vectors, chosen.codes, chosen.base, groups.numbers)
        parts = [FoldVectors(rows, metric.transform(vectors[rows])) for rows, metric in held_out]
    figures = yield from measure_label_figures(parts, chosen.codes, groups.numbers)
    asking_groups = groups.numbers[figures.retrieval.rows]
    values = (figures.retrieval.per_query_p_at_1, figures.retrieval.per_query_map_at_r, figures.average_precisions)
    return LibraryEvaluation(
        model=library.read_model_card().name,
        fingerprint=library.model_fingerprint,
        ids=ids,
        codes=chosen.codes,
        names=chosen.names,
        labelled=chosen.labelled,
        seen=chosen.seen,
        out_of_fold=chosen.base is not None,
        retrieval=figures.retrieval,
        intervals=FigureIntervals(*(bootstrap_mean(column, asking_groups) for column in values)),
        nearest=figures.nearest,
        hardest=figures.hardest,
        verification=measure_pair_errors(figures.pairs),
        per_class=measure_classes(figures.retrieval, chosen.codes),
        roc=compute_roc(figures.pairs),
        rates=tabulate_error_rates(figures.pairs),
        histogram=build_histogram(figures.pairs),
        groups=groups,
    )


def _choose_labelled(library: Library, limit: int) -> _ChosenPhotos:
    """The labelled photos that can be measured, at most `limit` of them, evenly drawn over the labels."""
    labels = library.annotations.read_labels(library.model_id)
    if len(set(labels.values())) < LEAST_LABELS:
        raise LookalikeError("Label photos of two kinds or more: then it can be measured how well each finds its like.")
    ids = np.array(sorted(labels), np.int64)
    is_unseen = library.calibration_source.mask_unseen_photos(library.model_fingerprint, ids)
    seen = len(ids) - int(is_unseen.sum())
    base = (
        find_base_model(library.models_folder, library.store, library.annotations, library.model_fingerprint)
        if seen
        else None
    )
    measurable = ids if base is not None else ids[is_unseen]
    names, codes = np.unique(np.array([labels[photo] for photo in measurable.tolist()], object), return_inverse=True)
    if len(names) < LEAST_LABELS:
        raise LookalikeError(
            "The model has learned from {seen:,} of the {ids:,} labelled photos, and what it has learned "
            "from proves nothing: label other photos, of two kinds or more.",
            seen=seen,
            ids=len(ids),
        )
    rows = sample_by_class(codes.astype(np.int64), limit)
    photos = library.load_photos(measurable[rows].tolist())
    code_of = {str(name): code for code, name in enumerate(names)}
    return _ChosenPhotos(
        photos,
        np.array([code_of[labels[photo.id]] for photo in photos], np.int64),
        [str(name) for name in names],
        len(ids),
        seen,
        base,
    )
