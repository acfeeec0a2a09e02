"""Is it what it is said to be: a claimed label verified; and labels given by the user, which needs no training.

Thresholds are measured in the library on impostors, photos of other labels, which have to be refused. The model was not
trained on them. Where labels are too few, random photos are the impostors, and each counts as wrongly accepted, which
errs on the safe side. An instant model has seen all labelled photos; of these each is then asked under the map that is
fitted again without it. Which label a picture has without a claim says `identification`.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.matching.gallery import LABEL_NEIGHBOURS, Gallery, NearestPhotos
from indexer.matching.identification_rule import state_validity
from indexer.paths import show_path
from indexer.search.base_model import iterate_held_out_maps
from indexer.search.examples import find_photo_id
from indexer.search.query import QueryExample
from indexer.statistics.calibration import WORST_FMR
from indexer.statistics.calibration_measurement import MATCHED_QUANTILE, MAX_MEASURED_PHOTOS, sample_by_class
from indexer.statistics.error_rates import ErrorRate, estimate_error_rate
from indexer.vectors.class_metric import ClassMetric
from indexer.vectors.distances import compute_distance_table
from indexer.wording import normalise_label, tr

DEFAULT_FMR = 0.05
MAX_IMPOSTORS = 1500  # more only where `max_fmr` needs them
LEAST_BELOW_THRESHOLD = 10  # impostors below a threshold; the intervals show how few that is
LEAST_IMPOSTORS = 50  # labelled photos; with fewer, random photos are the impostors
MOST_GROUPED_PHOTOS = 3_000  # of the label, whose pictures are compared; of more only the moments
MAX_DISTANCE_COUNT = 60_000_000  # distances computed to measure a threshold: 2 s


class LabelVerification(NamedTuple):
    """Whether a picture is of a label: "same", "different" or "not sure", with error rates at that threshold.

    `distance` is the mean distance to the nearest `photos` photos of the label, LABEL_NEIGHBOURS at most. "same" is
    below `threshold`; "different" is not, and further than MATCHED_QUANTILE of the label's own photos.
    """

    label: str
    distance: float
    photos: int
    verdict: str
    threshold: float | None
    fmr: ErrorRate | None
    fnmr: ErrorRate | None
    measured: str


class _AskedDistances(NamedTuple):
    """Mean distances to the nearest photos of a label: of impostors (n,) with their label codes (n,), -1 for random
    photos, and of the label's own photos (m,).

    `new_labels` is True where the model was trained on none of the impostors' labels. `own_distance` is that of the
    picture that is verified, where the map behind the model has learned it and it was asked without that.
    """

    impostor_distances: np.ndarray
    impostor_codes: np.ndarray
    genuine_distances: np.ndarray
    new_labels: bool
    own_distance: float | None = None


class _ImpostorPhotos(NamedTuple):
    """Photos to be refused: ids (n,) int64, vectors (n, dim) float32, label codes (n,) int64, -1 for random photos.

    `new_labels` is True where the model was trained on none of their labels.
    """

    ids: np.ndarray
    vectors: np.ndarray
    codes: np.ndarray
    new_labels: bool


def verify_label(
    library: Library, image: QueryExample, label: str, *, max_fmr: float | None = None
) -> LabelVerification:
    """Whether a picture is of a label, by its LABEL_NEIGHBOURS nearest photos and a threshold measured for this label.

    Raises LookalikeError where the label has no other photo, the picture cannot be read, or `max_fmr` cannot be shown.
    """
    gallery, label = Gallery.from_library(library), normalise_label(label)
    if label not in gallery.names:
        raise LookalikeError(
            "No photo of the library has the label {label}. Give it: lookalike label LABEL IMAGE...", label=label
        )
    label_code = gallery.names.index(label)
    label_gallery = gallery.select_label(label_code)
    photo = find_photo_id(image, library.store)
    vector = library.embed_example(image).astype(np.float64)
    nearest = label_gallery.find_nearest(vector[None], LABEL_NEIGHBOURS, exclude_photos=np.array([photo]))
    if not np.isfinite(nearest.distances[0, 0]):
        raise LookalikeError(
            "The picture itself is the only photo with the label {label}: there is none to compare.", label=label
        )
    asked = _ask_out_of_fold(library, gallery, label_code, max_fmr, photo) or _ask_unseen(
        library, gallery, label_code, max_fmr
    )
    distance = float(_compute_mean_distances(nearest)[0]) if asked.own_distance is None else asked.own_distance
    threshold = _find_threshold(asked.impostor_distances, max_fmr)
    return LabelVerification(
        label,
        distance,
        int(np.isfinite(nearest.distances[0]).sum()),
        _decide_verdict(distance, threshold, asked.genuine_distances),
        threshold,
        None if threshold is None else estimate_error_rate(asked.impostor_distances < threshold, asked.impostor_codes),
        _measure_false_non_matches(asked.genuine_distances, threshold),
        _describe_measurement(asked, label),
    )


def enrol_photos(library: Library, label: str, images: Sequence[Path]) -> int:
    """Give the photos with the contents of these files a label, all or none, and return how many they are.

    Raises LookalikeError where a file cannot be read or is not in the library, or the text is no label.
    """
    ids = [find_photo_id(image, library.store) for image in images]
    unknown_images = [image for image, photo in zip(images, ids, strict=True) if not library.load_photos([photo])]
    if unknown_images:
        raise LookalikeError(
            "{image} is not in the library {name}. Index its folder first: lookalike index FOLDER. "
            "Or add --add: then a copy of it is taken in.",
            image=show_path(unknown_images[0]),
            name=library.name,
        )
    library.annotations.set_label(dict.fromkeys(ids), label)
    return len(set(ids))


def _ask_out_of_fold(
    library: Library, gallery: Gallery, label_code: int, max_fmr: float | None, photo: int
) -> _AskedDistances | None:
    """The distances of labelled photos under maps that were fitted without them; None for a model that is not instant,
    and where impostors are too few.
    """
    base = library.find_base_model()
    if base is None:
        return None
    rows = sample_by_class(gallery.codes, MAX_MEASURED_PHOTOS)
    rows = np.union1d(rows, np.flatnonzero(gallery.ids == photo))
    ids, codes = gallery.ids[rows], gallery.codes[rows]
    vectors = gallery.read_embeddings(rows, base.model_id)
    is_own, groups = codes == label_code, library.stored_groups.number_groups(ids, vectors)
    distances = np.full(len(rows), np.nan)
    for held_out, metric in iterate_held_out_maps(vectors, codes, base, groups):
        own = groups[held_out], groups[is_own]
        distances[held_out] = _ask_under_map(metric, vectors[held_out], vectors[is_own], *own)
    is_impostor, is_genuine = ~is_own & ~np.isnan(distances), is_own & np.isfinite(distances)
    if not _are_enough(codes[is_impostor], label_code):
        return None
    asked = distances[ids == photo]
    own_distance = float(asked[0]) if len(asked) and np.isfinite(asked[0]) else None
    genuine = distances[is_genuine & (ids != photo)]
    return _AskedDistances(
        distances[is_impostor],
        codes[is_impostor],
        genuine if len(genuine) > LABEL_NEIGHBOURS else np.zeros(0),
        base.purpose == "classes",
        own_distance,
    )


def _ask_under_map(
    metric: ClassMetric, asked: np.ndarray, own: np.ndarray, asked_groups: np.ndarray, own_groups: np.ndarray
) -> np.ndarray:
    """Mean distances (q,) of photos with unit vectors (q, dim) to the nearest of a label's photos (m, dim) but those of
    its own group, itself among them, all under the map.
    """
    queries, photos = (metric.transform(vectors).astype(np.float64) for vectors in (asked, own))
    table = compute_distance_table(queries, photos)
    table[asked_groups[:, None] == own_groups] = np.inf
    nearest = np.sort(table, axis=1)[:, :LABEL_NEIGHBOURS]
    return _compute_mean_distances(NearestPhotos(np.zeros(nearest.shape, np.int64), nearest))


def _ask_unseen(library: Library, gallery: Gallery, label_code: int, max_fmr: float | None) -> _AskedDistances:
    """The distances of labelled photos that the model was not trained on, or of random ones."""
    label_gallery = gallery.select_label(label_code)
    impostors = _choose_impostors(library, gallery, max_fmr, exclude_label=label_code)
    nearest = label_gallery.find_nearest(impostors.vectors, LABEL_NEIGHBOURS, exclude_photos=impostors.ids)
    genuine = _measure_genuine_distances(library, label_gallery)
    return _AskedDistances(_compute_mean_distances(nearest), impostors.codes, genuine, impostors.new_labels)


def _are_enough(codes: np.ndarray, label_code: int) -> bool:
    """Whether impostors with these label codes (n,) are enough, and of more than one label with the verified one."""
    labels = len(set(codes.tolist())) + (label_code >= 0)
    return labels > 1 and len(codes) >= LEAST_IMPOSTORS


def _choose_impostors(
    library: Library, gallery: Gallery, max_fmr: float | None, *, exclude_label: int = -2
) -> _ImpostorPhotos:
    """Unseen labelled photos without those of `exclude_label`, or random unlabelled ones where these are too few."""
    impostor_count = max(
        math.ceil(LEAST_BELOW_THRESHOLD / (max_fmr or DEFAULT_FMR)),
        min(MAX_IMPOSTORS, MAX_DISTANCE_COUNT // len(gallery.ids)),
    )
    ids, codes, names, new_labels = library.calibration_source.select_labelled_photos(
        library.model_fingerprint, library.model_id
    )
    codes = np.array([gallery.names.index(name) for name in names], np.int64)[codes]
    ids, codes = ids[codes != exclude_label], codes[codes != exclude_label]
    rows = sample_by_class(codes, impostor_count)
    if _are_enough(codes[rows], exclude_label):
        vectors = library.calibration_source.read_embeddings(ids[rows], library.model_id)
        return _ImpostorPhotos(ids[rows], vectors, codes[rows], new_labels)
    return _draw_random_impostors(library, gallery)


def _draw_random_impostors(library: Library, gallery: Gallery) -> _ImpostorPhotos:
    """Random photos without a label that the model was not trained on."""
    drawn = library.calibration_source.draw_random_photos(library.model_fingerprint, library.model_id)
    is_unlabelled = ~np.isin(drawn.ids, gallery.ids)
    ids, vectors = drawn.ids[is_unlabelled], drawn.values[is_unlabelled].astype(np.float32)
    return _ImpostorPhotos(ids, vectors, np.full(len(ids), -1, np.int64), new_labels=True)


def _find_threshold(impostor_distances: np.ndarray, max_fmr: float | None) -> float | None:
    """The greatest distance below which at most a share `max_fmr` of the impostors is; None where they are too few.

    Raises LookalikeError where they are too few for a `max_fmr` that is given, or it is no share.
    """
    least_rate = LEAST_BELOW_THRESHOLD / len(impostor_distances) if len(impostor_distances) else 1.0
    if max_fmr is not None and not 0 < max_fmr < 1:
        raise LookalikeError("A false-match rate is a share between 0 and 1, such as 0.05.")
    if max_fmr is not None and least_rate > max_fmr:
        raise LookalikeError(
            "The {count:,} photos that can be asked cannot show a false-match rate of {max_fmr:g}.",
            count=len(impostor_distances),
            max_fmr=max_fmr,
        )
    fmr = max(least_rate, max_fmr or DEFAULT_FMR)
    return (
        float(np.sort(impostor_distances)[math.floor(fmr * len(impostor_distances))])
        if fmr <= max(max_fmr or 0.0, WORST_FMR)
        else None
    )


def _decide_verdict(distance: float, threshold: float | None, genuine_distances: np.ndarray) -> str:
    """The verdict of a LabelVerification: "same", "different" or "not sure"."""
    if threshold is not None and distance < threshold:
        return "same"
    is_further = (
        threshold is not None
        and len(genuine_distances) > 0
        and distance >= np.quantile(genuine_distances, MATCHED_QUANTILE)
    )
    return "different" if is_further else "not sure"


def _compute_mean_distances(nearest: NearestPhotos) -> np.ndarray:
    """The mean distance (q,) to the nearest photos that were found; infinite where there is none."""
    is_found = np.isfinite(nearest.distances)
    total = np.where(is_found, nearest.distances, 0).sum(axis=1)
    return np.where(is_found[:, 0], total / np.maximum(is_found.sum(axis=1), 1), np.inf)


def _measure_genuine_distances(library: Library, label_gallery: Gallery) -> np.ndarray:
    """The mean distances (n,) of a label's unseen photos, one of each group, to the nearest of these others; (0,) where
    they are too few.
    """
    count = len(label_gallery.ids)
    vectors = label_gallery.read_embeddings(np.arange(count)) if count <= MOST_GROUPED_PHOTOS else None
    groups = library.stored_groups.number_groups(label_gallery.ids, vectors)
    firsts = np.sort(np.unique(groups, return_index=True)[1])
    label_gallery = label_gallery._replace(ids=label_gallery.ids[firsts], codes=label_gallery.codes[firsts])
    is_unseen = library.calibration_source.mask_unseen_photos(library.model_fingerprint, label_gallery.ids)
    rows = np.flatnonzero(is_unseen)[:MAX_IMPOSTORS]
    if len(rows) <= LABEL_NEIGHBOURS:
        return np.zeros(0)
    nearest = label_gallery.find_nearest(
        label_gallery.read_embeddings(rows), LABEL_NEIGHBOURS, exclude_photos=label_gallery.ids[rows]
    )
    return _compute_mean_distances(nearest)


def _measure_false_non_matches(genuine_distances: np.ndarray, threshold: float | None) -> ErrorRate | None:
    """The share of a label's own photos that would be refused, with an interval; None without threshold or photos."""
    if threshold is None or not len(genuine_distances):
        return None
    return estimate_error_rate(genuine_distances >= threshold, np.zeros(len(genuine_distances), np.int64))


def _describe_measurement(asked: _AskedDistances, label: str) -> str:
    """A sentence for people: which photos the rates were measured on, and for what labels they hold."""
    codes = asked.impostor_codes
    if (codes < 0).any() or not len(codes):
        unlabelled = tr(
            "{photos:,} random photos without a label, all counted as wrong: labels are too few.", photos=len(codes)
        )
        return tr("Measured on {photos}", photos=unlabelled)
    labels = len(set(codes.tolist()))
    photos = tr("{photos:,} photos not of {label}, of {labels:,} labels", photos=len(codes), label=label, labels=labels)
    return state_validity(tr("Measured on {photos}", photos=photos), new_labels=asked.new_labels)
