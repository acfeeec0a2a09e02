"""What is it: the label of a picture, or *unknown*, and how sure that is; from the first label on, without training.

The labels' mean embeddings judge (`label_model`), by how much nearer the nearest label is than the next. The threshold
for that is measured on strangers: labelled photos whose label is left out, where these are few random photos without a
label, each of which counts as wrongly named. No figure comes from a photo that the model or the map behind it was
fitted on: an instant model has seen all labelled photos, so the labels are asked under the model below it, as before.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.database.connection import DatabaseState
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.matching.gallery import LABEL_NEIGHBOURS, Gallery
from indexer.matching.label_model import (
    LABEL_SETTING,
    MOST_ASKED_PHOTOS,
    LabelExam,
    LabelModel,
    NearestLabels,
    examine_labels,
    find_nearest_labels,
    fit_label_map,
)
from indexer.search.base_model import HeadInverse, read_head_inverse
from indexer.search.examples import find_photo_id
from indexer.search.query import QueryExample
from indexer.statistics.calibration_measurement import sample_by_class
from indexer.statistics.error_rates import ErrorRate, estimate_error_rate
from indexer.statistics.likeness import LIKELY, SAME, count_of_hundred, name_probability
from indexer.statistics.logistic import LogisticCurve, fit_logistic_curve
from indexer.vectors.class_metric import MetricSetting

VOTING_PHOTOS = 5
DEFAULT_FMR = 0.05
LEAST_STRANGERS = 20  # photos whose label is left out; with fewer, random photos, where there are more of these


class LabelAlternative(NamedTuple):
    """A label that is near: its share of the vote, and the mean distance to its nearest photos and its meaning."""

    label: str
    vote: float
    distance: float
    probability: float | None
    rarity: float | None = None


class IdentificationResult(NamedTuple):
    """The label of a picture, None for unknown, with error rates at the threshold.

    `alternatives` begin with the `best` label, None where there is none. `ratio` is the distance to it by that to the
    next label's: a picture is known below `threshold`. `identified` is the share of photos of known labels that get
    their own label, `confidence` the probability (0 to 1) that the best label is right, if the picture is as likely of
    a known label as not; each is None where nothing says so.
    """

    label: str | None
    threshold: float | None
    fmr: ErrorRate | None
    identified: ErrorRate | None
    alternatives: list[LabelAlternative]
    measured: str
    best: str | None = None
    ratio: float | None = None
    confidence: float | None = None


class IdentificationRule(NamedTuple):
    """How a library tells known from unknown: labels, their `k` votes, model, threshold of the ratio, error rates.

    The labels' model is asked by vectors that `way_back` leads back, where there is one, under an instant model.
    """

    gallery: Gallery
    k: int
    model: LabelModel
    way_back: HeadInverse | None
    held_out: "_HeldOutPhotos | None"
    threshold: float | None
    curve: LogisticCurve | None
    fmr: ErrorRate | None
    identified: ErrorRate | None
    measured: str


class _HeldOutPhotos(NamedTuple):
    """The photos that a map is fitted on: ids (n,), unit vectors (n, dim), label codes (n,), the setting, and the model
    of all labelled photos whose map is to be fitted again where one of them is asked about.
    """

    ids: NDArray[np.int64]
    vectors: np.ndarray
    codes: NDArray[np.int64]
    setting: MetricSetting | None
    model: LabelModel

    def compute_distances(self, photo: int) -> NDArray[np.float64]:
        """Distances (1, labels) of one of the photos, under a map fitted without it, its label's mean without it."""
        is_asked = self.ids == photo
        metric = fit_label_map(self.vectors[~is_asked], self.codes[~is_asked], self.setting)
        return self.model._replace(metric=metric).compute_distances(self.vectors[is_asked], self.codes[is_asked])


class _Strangers(NamedTuple):
    """Ratios (n,) of photos that are to be refused, their label codes (n,), and in words what they are."""

    ratios: NDArray[np.float64]
    codes: NDArray[np.int64]
    description: str


class _MeasuredLabels(NamedTuple):
    """The model that pictures are asked of, and the exam of labelled photos out of fold, with whether it is of labels
    that the model behind it was not trained on.
    """

    model: LabelModel
    way_back: HeadInverse | None
    held_out: _HeldOutPhotos | None
    exam: LabelExam
    new_labels: bool


def identify_label(
    library: Library, image: QueryExample, *, k: int = VOTING_PHOTOS, max_fmr: float | None = None
) -> IdentificationResult:
    """The label whose photos a picture is like, or unknown where strangers are as much nearer to one label than others.

    Raises LookalikeError where nothing is labelled, the picture cannot be read, or `max_fmr` cannot be shown.
    """
    return identify_with_rule(measure_rule(library, k=k, max_fmr=max_fmr), image)


def measure_rule(library: Library, *, k: int = VOTING_PHOTOS, max_fmr: float | None = None) -> IdentificationRule:
    """The rule of a library, measured once for any number of pictures.

    Raises LookalikeError where nothing is labelled or `max_fmr` cannot be shown.
    """
    gallery = Gallery.from_library(library)
    if not gallery.names:
        raise LookalikeError("No photo of the library has a label yet. Give some: lookalike label LABEL IMAGE...")
    model, way_back, held_out, exam, new_labels = measured = _measure_labels(library, gallery)
    strangers = _choose_strangers(library, gallery, measured)
    threshold = find_ratio_threshold(strangers.ratios, max_fmr)
    is_right = (exam.known.codes == exam.codes)[exam.has_others]
    known_ratios = exam.known.ratios[exam.has_others]
    return IdentificationRule(
        gallery,
        k,
        model,
        way_back,
        held_out,
        threshold,
        _fit_confidence(known_ratios, is_right, strangers.ratios),
        None if threshold is None else estimate_error_rate(strangers.ratios < threshold, strangers.codes),
        None
        if threshold is None or not len(is_right)
        else estimate_error_rate(is_right & (known_ratios < threshold), exam.codes[exam.has_others]),
        _describe_measurement(strangers, new_labels),
    )


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


def identify_with_rule(rule: IdentificationRule, image: QueryExample) -> IdentificationResult:
    """The label of a picture, or unknown. Raises LookalikeError where the picture cannot be read."""
    library, gallery = rule.gallery.library, rule.gallery
    photo = find_photo_id(image, library.store)
    vector = library.embed_example(image).astype(np.float64)
    if rule.held_out is not None and (rule.held_out.ids == photo).any():
        distances = rule.held_out.compute_distances(photo)
    else:
        own = gallery.codes[gallery.ids == photo]
        asked = vector[None] if rule.way_back is None else rule.way_back.recover_base(vector[None])
        distances = rule.model.compute_distances(asked, own if len(own) else None)
    alternatives = _list_alternatives(rule, vector, photo, distances[0])
    ratio = float(find_nearest_labels(distances).ratios[0])
    if not alternatives:
        return IdentificationResult(None, rule.threshold, rule.fmr, rule.identified, [], rule.measured)
    best = alternatives[0].label
    return IdentificationResult(
        best if rule.threshold is not None and ratio < rule.threshold else None,
        rule.threshold,
        rule.fmr,
        rule.identified,
        alternatives,
        rule.measured,
        best,
        ratio,
        None if rule.curve is None else rule.curve.compute_probability(ratio),
    )


def describe_identity(found: IdentificationResult) -> str:
    """The answer in one sentence for people: 'Likely disc: of 100 such answers 83 are right.'"""
    if found.label is None:
        nearest = f" The nearest is {found.best}." if found.best else ""
        return f"Unknown: nothing here is near enough.{nearest}"
    if found.confidence is None:
        return f"{found.label}."
    level = name_probability(found.confidence)
    opening = {SAME: "", LIKELY: "Likely "}.get(level, "Perhaps ")
    return f"{opening}{found.label}: of 100 such answers {count_of_hundred(found.confidence)} are right."


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
        return _MeasuredLabels(model, way_back, None, empty, new_labels)
    codes, vectors = gallery.codes[asked], gallery.read_embeddings(asked, model_id)
    held_out = _HeldOutPhotos(gallery.ids[asked], vectors, codes, setting, model)
    exam = examine_labels(model, vectors, codes, setting)
    mapped = model._replace(metric=fit_label_map(vectors, codes, setting))
    return _MeasuredLabels(mapped, way_back, held_out, exam, new_labels)


def _choose_asked_rows(library: Library, gallery: Gallery, *, everything: bool) -> tuple[NDArray[np.int64], bool]:
    """Rows of the gallery that may be asked, or those unseen by the model, and whether their labels are new to it."""
    if everything:
        return np.arange(len(gallery.ids)), True
    unseen = library.calibration_source.select_labelled_photos(library.model_fingerprint, library.model_id)
    return np.flatnonzero(np.isin(gallery.ids, unseen.ids)), unseen.new_labels


def _choose_strangers(library: Library, gallery: Gallery, measured: _MeasuredLabels) -> _Strangers:
    """Labelled photos whose label is left out; random photos without a label where these are few, and more of them."""
    exam, way_back = measured.exam, measured.way_back
    has_answer = np.isfinite(exam.stranger_ratios)
    ratios, codes = exam.stranger_ratios[has_answer], exam.codes[has_answer]
    if len(ratios) < LEAST_STRANGERS:
        drawn = library.calibration_source.draw_random_photos(library.model_fingerprint, library.model_id)
        vectors = drawn.values[~np.isin(drawn.ids, gallery.ids)].astype(np.float64)
        if len(vectors) > len(ratios):
            asked = vectors if way_back is None else way_back.recover_base(vectors)
            drawn_ratios = find_nearest_labels(measured.model.compute_distances(asked)).ratios
            return _Strangers(
                drawn_ratios,
                np.arange(len(vectors)),
                f"{len(vectors):,} random photos without a label, all counted as wrong: labels are too few.",
            )
    return _Strangers(
        ratios,
        codes,
        f"{len(ratios):,} photos whose label was left out, of {len(set(codes.tolist())):,} labels",
    )


def find_ratio_threshold(ratios: NDArray[np.float64], max_fmr: float | None) -> float | None:
    """The greatest ratio below which a share of at most `max_fmr` of strangers is to be expected; None without any.

    Of n strangers k lie below it: the expected share is (k + 1/2) / (n + 1), with Jeffreys' prior (Brown, Cai, DasGupta
    2001, "Interval Estimation for a Binomial Proportion"). Where even k = 0 is more than the default asks for, that is
    taken, and the rate says so. Raises LookalikeError where it is more than a given `max_fmr`, or that is no share.
    """
    if max_fmr is not None and not 0 < max_fmr < 1:
        raise LookalikeError("A false-match rate is a share between 0 and 1, such as 0.05.")
    accepted = math.floor((max_fmr or DEFAULT_FMR) * (len(ratios) + 1) - 0.5 + 1e-9)
    if max_fmr is not None and (accepted < 0 or not len(ratios)):
        raise LookalikeError(
            f"The {len(ratios):,} photos that can be asked cannot show a false-match rate of {max_fmr:g}."
        )
    return float(np.sort(ratios)[min(max(accepted, 0), len(ratios) - 1)]) if len(ratios) else None


def _fit_confidence(
    known_ratios: NDArray[np.float64], is_right: NDArray[np.bool_], stranger_ratios: NDArray[np.float64]
) -> LogisticCurve | None:
    """The probability that a picture of this ratio is rightly named, known ones weighing as much as strangers."""
    if not len(known_ratios) or not len(stranger_ratios):
        return None
    values = np.minimum(np.concatenate([known_ratios, stranger_ratios]), 2)
    total = len(values)
    weights = np.repeat(
        [total / (2 * len(known_ratios)), total / (2 * len(stranger_ratios))], [len(known_ratios), len(stranger_ratios)]
    )
    return fit_logistic_curve(values, np.concatenate([is_right, np.zeros(len(stranger_ratios), np.bool_)]), weights)


def _list_alternatives(
    rule: IdentificationRule, vector: np.ndarray, photo: int, distances: np.ndarray
) -> list[LabelAlternative]:
    """The label whose mean is nearest, by distances (labels,), then others that the k nearest photos vote for."""
    if not np.isfinite(distances).any():
        return []
    gallery = rule.gallery
    exclude = np.array([photo])
    votes = {
        vote.code: vote for vote in gallery.find_nearest(vector[None], exclude_photos=exclude).count_votes(0, rule.k)
    }
    best = int(distances.argmin())
    interpret_distance = gallery.library.load_calibration().interpret_distance
    alternatives = []
    for code in sorted({best, *votes}, key=lambda code: distances[code]):
        if code in votes:
            share, distance = votes[code].share, votes[code].distance
        else:
            nearest = gallery.select_label(code).find_nearest(vector[None], LABEL_NEIGHBOURS, exclude_photos=exclude)
            share, distance = 0.0, float(nearest.distances[np.isfinite(nearest.distances)].mean())
        alternatives.append(LabelAlternative(gallery.names[code], share, distance, *interpret_distance(distance)))
    return alternatives


def _describe_measurement(strangers: _Strangers, new_labels: bool) -> str:
    """A sentence for people: which photos the rates were measured on, and for what labels they hold."""
    if strangers.description.endswith("."):
        return f"Measured on {strangers.description}"
    sentence = f"Measured on {strangers.description}"
    if new_labels:
        return f"{sentence}; the model was not trained on them."
    return (
        f"{sentence}. The model was not trained on these photos, but on others of their labels, so the rates hold for "
        "known labels only: strangers of new ones may come nearer."
    )
