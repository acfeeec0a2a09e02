"""The rule by which a library tells known pictures from unknown ones, measured on its labelled photos.

The labels' mean embeddings judge (`label_model`), by how much nearer the nearest label is than the next. The threshold
for that is measured on strangers: labelled photos whose label is left out, where these are few random photos without a
label, each of which counts as wrongly named. A photo of the library itself is judged by how far it stands out of photos
without a label and labelled ones instead, unless labelled photos show that this names far fewer of them. No figure
comes from a photo that the model or the map behind it was fitted on: an instant model has seen all labelled photos, so
the labels are asked under the model below it, as before.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.database.interface import DatabaseState
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.matching.gallery import Gallery
from indexer.matching.label_model import (
    LABEL_SETTING,
    MOST_ASKED_PHOTOS,
    CohortMembers,
    LabelExam,
    LabelModel,
    NearestLabels,
    examine_labels,
    find_nearest_labels,
    fit_label_map,
)
from indexer.search.base_model import HeadInverse, read_head_inverse
from indexer.statistics.calibration_measurement import sample_by_class
from indexer.statistics.error_rates import ErrorRate, estimate_error_rate
from indexer.statistics.logistic import LogisticCurve, fit_logistic_curve
from indexer.vectors.class_metric import MetricSetting
from indexer.wording import count_noun, tr

VOTING_PHOTOS = 5
DEFAULT_FMR = 0.05
LEAST_STRANGERS = 20  # photos whose label is left out; with fewer, random photos, where there are more of these
LEAST_COHORT, MOST_COHORT = 40, 300  # photos without a label to stand out of: with 20 it names no more than the ratio
# Of the labelled photos, what the ratio has to name more than the cohort to judge in its place. Whichever names more
# has often a threshold that came out too low: where five labels decided by 0.01, 8 % of strangers were named, not 5 %.
CLEAR_GAIN = 0.1


class DoubtThreshold(NamedTuple):
    """The doubt below which a picture is known, None where nothing says so; the curve from doubt to probability, the
    error rates at the threshold, and in words what they were measured on.
    """

    value: float | None
    curve: LogisticCurve | None
    fmr: ErrorRate | None
    identified: ErrorRate | None
    measured: str


class LabelCohort(NamedTuple):
    """Unlabelled and labelled photos to compare a picture with: ids (m,), unit vectors (m, dim) as the labels' model
    takes them, and the threshold on how far a known picture stands out of them.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float64]
    threshold: DoubtThreshold


class IdentificationRule(NamedTuple):
    """How a library tells known from unknown: labels, their `k` votes, model, threshold of the ratio; and the cohort
    that its own photos are judged by, None where the ratio is better.

    The labels' model is asked by vectors that `way_back` leads back, where there is one, under an instant model.
    """

    gallery: Gallery
    k: int
    model: LabelModel
    way_back: HeadInverse | None
    held_out: "HeldOutPhotos | None"
    by_ratio: DoubtThreshold
    cohort: LabelCohort | None

    def select_threshold(self, photo: int) -> DoubtThreshold:
        """The threshold for a photo of the library with this id, or with 0 for any other picture."""
        return self.cohort.threshold if self.cohort is not None and photo else self.by_ratio


class HeldOutPhotos(NamedTuple):
    """The photos that a map is fitted on: ids (n,), unit vectors (n, dim), label codes (n,), the setting, and the model
    of all labelled photos whose map is to be fitted again where one of them is asked about.
    """

    ids: NDArray[np.int64]
    vectors: np.ndarray
    codes: NDArray[np.int64]
    setting: MetricSetting | None
    model: LabelModel

    def ask(self, photo: int) -> "AskedLabels":
        """One of the photos to be asked about, under a map fitted without it, its label's mean without it."""
        is_asked = self.ids == photo
        metric = fit_label_map(self.vectors[~is_asked], self.codes[~is_asked], self.setting)
        return AskedLabels(self.model._replace(metric=metric), self.vectors[is_asked], self.codes[is_asked])


class AskedLabels(NamedTuple):
    """A model, the vector (1, dim) that it is asked about, and its label code (1,) where it is one of the model's."""

    model: LabelModel
    vector: NDArray[np.floating]
    own_label: NDArray[np.int64] | None


class _Strangers(NamedTuple):
    """Doubts (n,) about photos that are to be refused, their label codes (n,), and in words what they are."""

    doubts: NDArray[np.float64]
    codes: NDArray[np.int64]
    description: str


class _ExaminedPhotos(NamedTuple):
    """One photo of each group of those that may be asked: rows (m,) of them, and the labels without the others of it; a
    frame that is named by the next one of its burst, or by a near copy, would prove nothing. `left_out` counts those.
    """

    rows: NDArray[np.int64]
    model: LabelModel
    left_out: int


class _MeasuredLabels(NamedTuple):
    """The model that pictures are asked of, and the exam of labelled photos out of fold, with whether it is of labels
    that the model behind it was not trained on.
    """

    model: LabelModel
    way_back: HeadInverse | None
    held_out: HeldOutPhotos | None
    examined: _ExaminedPhotos
    exam: LabelExam
    new_labels: bool


def measure_rule(library: Library, *, k: int = VOTING_PHOTOS, max_fmr: float | None = None) -> IdentificationRule:
    """The rule of a library, measured once for any number of pictures.

    Raises LookalikeError where nothing is labelled or `max_fmr` cannot be shown.
    """
    gallery = Gallery.from_library(library)
    if not gallery.names:
        raise LookalikeError("No photo of the library has a label yet. Give some: lookalike label LABEL IMAGE...")
    measured = _measure_labels(library, gallery)
    by_ratio = _measure_threshold(measured.exam, _choose_strangers(library, gallery, measured), max_fmr, measured)
    cohort = _measure_cohort(library, gallery, measured, max_fmr, by_ratio)
    return IdentificationRule(gallery, k, measured.model, measured.way_back, measured.held_out, by_ratio, cohort)


def _measure_threshold(
    exam: LabelExam, strangers: _Strangers, max_fmr: float | None, measured: _MeasuredLabels
) -> DoubtThreshold:
    threshold = find_doubt_threshold(strangers.doubts, max_fmr)
    is_right = (exam.known.codes == exam.codes)[exam.has_others]
    doubts = exam.known.doubts[exam.has_others]
    return DoubtThreshold(
        threshold,
        _fit_confidence(doubts, is_right, strangers.doubts),
        None if threshold is None else estimate_error_rate(strangers.doubts < threshold, strangers.codes),
        None
        if threshold is None or not len(is_right)
        else estimate_error_rate(is_right & (doubts < threshold), exam.codes[exam.has_others]),
        _describe_measurement(strangers, measured),
    )


def _measure_cohort(
    library: Library, gallery: Gallery, measured: _MeasuredLabels, max_fmr: float | None, by_ratio: DoubtThreshold
) -> LabelCohort | None:
    """What photos of the library have to stand out of, and by how much; None where photos without a label or labels are
    too few, or that names clearly fewer of the labelled photos out of fold than the ratio does.
    """
    held_out = measured.held_out
    if held_out is None or held_out.setting is None or by_ratio.identified is None:
        return None
    drawn = _draw_unlabelled(library, gallery, measured.way_back)
    if len(drawn.ids) < LEAST_COHORT:
        return None
    rows, model, _ = measured.examined
    vectors, codes, asked_ids = held_out.vectors[rows], held_out.codes[rows], held_out.ids[rows]
    compared = CohortMembers.join_labelled(drawn.vectors[:MOST_COHORT], vectors, codes)
    exam = examine_labels(model, vectors, codes, held_out.setting, compared)
    strangers = _select_strangers(exam)
    if len(strangers.doubts) < LEAST_STRANGERS:
        return None
    threshold = _measure_threshold(exam, strangers, max_fmr, measured)
    if threshold.identified is None or threshold.identified.value < by_ratio.identified.value - CLEAR_GAIN:
        return None
    count = len(compared.vectors)
    words = f"{threshold.measured} It holds for photos of the library, of which {count:,} are compared with."
    ids = np.concatenate([drawn.ids[:MOST_COHORT], asked_ids[compared.rows[compared.rows >= 0]]])
    return LabelCohort(ids, compared.vectors, threshold._replace(measured=words))


class IdentificationRuleCache:
    """The rule of a library with default settings, measured again only where its database has changed."""

    def __init__(self) -> None:
        self._rule: IdentificationRule | None = None
        self._database_state: DatabaseState | None = None

    def get_rule(self, library: Library) -> IdentificationRule:
        """The rule, measured where need be as by `measure_rule`. Called in the library's own thread."""
        state = library.store.database.read_state(library.model_fingerprint)
        if self._rule is None or self._rule.gallery.library is not library or state != self._database_state:
            self._rule = measure_rule(library)
            self._database_state = library.store.database.accept_own_changes(state)
        return self._rule


def _measure_labels(library: Library, gallery: Gallery) -> _MeasuredLabels:
    """The model of the labels, and the exam of those photos that it may be judged by.

    Under an instant model the labels are asked as before it was used: by the embeddings under its base.
    """
    base = library.find_base_model()
    way_back = read_head_inverse(library.models_folder / library.model_fingerprint) if base else None
    model_id = base.model_id if base and way_back else library.model_id
    asked, new_labels = _choose_asked_rows(library, gallery, everything=way_back is not None)
    counts = np.bincount(gallery.codes, minlength=len(gallery.names))
    model = LabelModel(gallery.sum_embeddings(model_id), counts, None)
    setting = LABEL_SETTING if len(asked) == len(gallery.ids) else None
    asked = asked[sample_by_class(gallery.codes[asked], MOST_ASKED_PHOTOS)]
    if not len(asked):
        nothing = np.zeros(0, np.int64)
        empty = LabelExam(nothing, NearestLabels(nothing, np.zeros(0)), np.zeros(0), np.zeros(0, np.bool_))
        return _MeasuredLabels(model, way_back, None, _ExaminedPhotos(nothing, model, 0), empty, new_labels)
    codes, vectors = gallery.codes[asked], gallery.read_embeddings(asked, model_id)
    held_out = HeldOutPhotos(gallery.ids[asked], vectors, codes, setting, model)
    examined = _choose_examined(held_out, library.stored_groups.number_groups(held_out.ids, vectors))
    exam = examine_labels(examined.model, vectors[examined.rows], codes[examined.rows], setting)
    mapped = model._replace(metric=fit_label_map(vectors, codes, setting))
    return _MeasuredLabels(mapped, way_back, held_out, examined, exam, new_labels)


def _choose_examined(held_out: HeldOutPhotos, groups: NDArray[np.int64]) -> _ExaminedPhotos:
    """The first photo of each group (n,) of the photos, within its label."""
    keys = np.stack([groups, held_out.codes], axis=1)
    rows = np.sort(np.unique(keys, axis=0, return_index=True)[1])
    others = np.setdiff1d(np.arange(len(groups)), rows)
    sums, counts = held_out.model.sums.copy(), held_out.model.counts.copy()
    np.subtract.at(sums, held_out.codes[others], held_out.vectors[others])
    np.subtract.at(counts, held_out.codes[others], 1)
    return _ExaminedPhotos(rows, held_out.model._replace(sums=sums, counts=counts), len(others))


def _choose_asked_rows(library: Library, gallery: Gallery, *, everything: bool) -> tuple[NDArray[np.int64], bool]:
    """Rows of the gallery that may be asked, or those unseen by the model, and whether their labels are new to it."""
    if everything:
        return np.arange(len(gallery.ids)), True
    unseen = library.calibration_source.select_labelled_photos(library.model_fingerprint, library.model_id)
    return np.flatnonzero(np.isin(gallery.ids, unseen.ids)), unseen.new_labels


def _choose_strangers(library: Library, gallery: Gallery, measured: _MeasuredLabels) -> _Strangers:
    """Labelled photos whose label is left out; random photos without a label where these are few, and more of them."""
    left_out = _select_strangers(measured.exam)
    if len(left_out.doubts) < LEAST_STRANGERS:
        drawn = _draw_unlabelled(library, gallery, measured.way_back)
        if len(drawn.ids) > len(left_out.doubts):
            return _Strangers(
                find_nearest_labels(measured.model.compute_distances(drawn.vectors)).doubts,
                np.arange(len(drawn.ids)),
                tr(
                    "{photos:,} random photos without a label, all counted as wrong: labels are too few.",
                    photos=len(drawn.ids),
                ),
            )
    return left_out


def _select_strangers(exam: LabelExam) -> _Strangers:
    """The labelled photos that were asked with their label left out."""
    has_answer = np.isfinite(exam.stranger_doubts)
    doubts, codes = exam.stranger_doubts[has_answer], exam.codes[has_answer]
    labels = len(set(codes.tolist()))
    return _Strangers(
        doubts,
        codes,
        tr("{photos:,} photos whose label was left out, of {labels:,} labels", photos=len(doubts), labels=labels),
    )


class _UnlabelledPhotos(NamedTuple):
    """Photos without a label in random order: ids (n,), and unit vectors (n, dim) as the labels' model takes them."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float64]


def _draw_unlabelled(library: Library, gallery: Gallery, way_back: HeadInverse | None) -> _UnlabelledPhotos:
    """Random photos without a label that the model was not trained on."""
    drawn = library.calibration_source.draw_random_photos(library.model_fingerprint, library.model_id)
    is_free = ~np.isin(drawn.ids, gallery.ids)
    vectors = drawn.values[is_free].astype(np.float64)
    return _UnlabelledPhotos(drawn.ids[is_free], vectors if way_back is None else way_back.recover_base(vectors))


def find_doubt_threshold(doubts: NDArray[np.float64], max_fmr: float | None) -> float | None:
    """The greatest doubt below which a share of at most `max_fmr` of strangers is to be expected; None without any.

    Of n strangers k lie below it: the expected share is (k + 1/2) / (n + 1), with Jeffreys' prior (Brown, Cai, DasGupta
    2001, "Interval Estimation for a Binomial Proportion"). Where even k = 0 is more than the default asks for, that is
    taken, and the rate says so. Raises LookalikeError where it is more than a given `max_fmr`, or that is no share.
    """
    if max_fmr is not None and not 0 < max_fmr < 1:
        raise LookalikeError("A false-match rate is a share between 0 and 1, such as 0.05.")
    accepted = math.floor((max_fmr or DEFAULT_FMR) * (len(doubts) + 1) - 0.5 + 1e-9)
    if max_fmr is not None and (accepted < 0 or not len(doubts)):
        raise LookalikeError(
            "The {count:,} photos that can be asked cannot show a false-match rate of {max_fmr:g}.",
            count=len(doubts),
            max_fmr=max_fmr,
        )
    return float(np.sort(doubts)[min(max(accepted, 0), len(doubts) - 1)]) if len(doubts) else None


def _fit_confidence(
    known_doubts: NDArray[np.float64], is_right: NDArray[np.bool_], stranger_doubts: NDArray[np.float64]
) -> LogisticCurve | None:
    """The probability that a picture of this doubt is rightly named, known ones weighing as much as strangers."""
    if not len(known_doubts) or not len(stranger_doubts):
        return None
    values = np.minimum(np.concatenate([known_doubts, stranger_doubts]), 2)
    total = len(values)
    weights = np.repeat(
        [total / (2 * len(known_doubts)), total / (2 * len(stranger_doubts))], [len(known_doubts), len(stranger_doubts)]
    )
    return fit_logistic_curve(values, np.concatenate([is_right, np.zeros(len(stranger_doubts), np.bool_)]), weights)


def _describe_measurement(strangers: _Strangers, measured: _MeasuredLabels) -> str:
    """A sentence for people: which photos the rates were measured on, and for what labels they hold."""
    sentence = tr("Measured on {photos}", photos=strangers.description)
    if sentence.endswith("."):
        return sentence
    if measured.examined.left_out:
        further = count_noun(measured.examined.left_out, "frame or near copy", "frames and near copies")
        sentence += tr(", one of each group ({photos} of them left out)", photos=further)
    return state_validity(sentence, new_labels=measured.new_labels)


def state_validity(measured: str, *, new_labels: bool) -> str:
    """The sentence on what was measured, 'Measured on 12 photos', with the labels for which the rates hold."""
    if new_labels:
        return tr("{measured}; the model was not trained on them.", measured=measured)
    return tr(
        "{measured}. The model was not trained on these photos, but on others of their labels, so the rates hold for "
        "known labels only: strangers of new ones may come nearer.",
        measured=measured,
    )
