"""Who is it: a claimed label checked, a label found by vote or *unknown*, labels given by the user; no training.

Thresholds are measured in the library itself by asking what has to be refused: pictures of other labels for a claim,
pictures whose own label is left out for an identification. They are pictures that the model was not trained on. Where
labels are too few, random photos are asked instead, and all of them are counted as wrong, which errs on the safe side.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.matching.gallery import NEAREST, Gallery, Nearest
from indexer.paths import show_path
from indexer.search.examples import photo_of
from indexer.search.query import Example
from indexer.statistics import calibration
from indexer.statistics.calibration import MATCHED_WITHIN, WORST_FMR
from indexer.statistics.error_rates import Rate, shares_of_units

VOTES = 5
DEFAULT_FMR = 0.05
ASKED = 1500  # pictures that have to be refused, at most where nothing else is wished
LEAST_TAKEN = 10  # of them below a threshold; the intervals say how little that is
LEAST_ASKED = 50  # labelled pictures; with fewer, random photos are asked
WORK = 60_000_000  # distances computed at most to measure a threshold: 2 s


class Claim(NamedTuple):
    """Is a picture of a label? `distance` is the mean of those to the nearest `photos` of the label, 3 at most.

    "same" lies below `threshold`; "different" is further than 0.95 of the label's own photos from each other.
    """

    label: str
    distance: float
    photos: int
    verdict: str
    threshold: float | None
    fmr: Rate | None
    fnmr: Rate | None
    measured: str


class Alternative(NamedTuple):
    """A label that the nearest photos vote for: its share of the vote, and its distance as that of a claim."""

    label: str
    vote: float
    distance: float
    probability: float | None


class Identity(NamedTuple):
    """The label found, None for unknown; `identified` is the share of known pictures that get their label at that."""

    label: str | None
    threshold: float | None
    fmr: Rate | None
    identified: Rate | None
    alternatives: list[Alternative]
    measured: str


class _Asked(NamedTuple):
    """Pictures to be refused: photo ids and vectors, codes of their labels (-1: none, random photos).

    `new` says that the model was trained on none of their labels.
    """

    ids: np.ndarray
    vectors: np.ndarray
    codes: np.ndarray
    new: bool


def verify_label(library: Library, image: Example, label: str, *, max_fmr: float | None = None) -> Claim:
    """Whether a picture is of a label, by the nearest three of its photos, with a threshold of the label's own.

    Raises LookalikeError where the label has no other photo, the picture cannot be read, or `max_fmr` cannot be shown.
    """
    gallery = Gallery.of(library)
    if label not in gallery.names:
        raise LookalikeError(f"No photo of the library has the label {label}. Give it: lookalike label LABEL IMAGE...")
    own = gallery.names.index(label)
    of_label = gallery.only(own)
    vector = library.vector(image).astype(np.float64)
    found = of_label.nearest(vector[None], NEAREST, leave_out=np.array([photo_of(image, library.store)]))
    if not np.isfinite(found.distances[0, 0]):
        raise LookalikeError(f"The picture itself is the only photo with the label {label}: there is none to compare.")
    strangers = _strangers(library, gallery, max_fmr, but=own)
    refused = _means(of_label.nearest(strangers.vectors, NEAREST, leave_out=strangers.ids))
    threshold, own_means = _threshold(refused, max_fmr), _own_means(library, of_label)
    distance = float(_means(found)[0])
    return Claim(
        label,
        distance,
        int(np.isfinite(found.distances[0]).sum()),
        _verdict(distance, threshold, own_means),
        threshold,
        _false(refused, strangers, threshold),
        _missed(own_means, threshold),
        _measured(strangers, f"not of {label}"),
    )


class Rule(NamedTuple):
    """How a library tells known from unknown: who votes, the threshold, and how well that does."""

    gallery: Gallery
    k: int
    threshold: float | None
    fmr: Rate | None
    identified: Rate | None
    measured: str


def identify(library: Library, image: Example, *, k: int = VOTES, max_fmr: float | None = None) -> Identity:
    """The label that the k nearest labelled photos vote for, or unknown, where strangers come as near to theirs.

    Raises LookalikeError where nothing is labelled, the picture cannot be read, or `max_fmr` cannot be shown.
    """
    return identify_by(rule(library, k=k, max_fmr=max_fmr), image)


def rule(library: Library, *, k: int = VOTES, max_fmr: float | None = None) -> Rule:
    """Measure the threshold once, for one picture or many. Raises LookalikeError as `identify` does."""
    gallery = Gallery.of(library)
    if not gallery.names:
        raise LookalikeError("No photo of the library has a label yet. Give some: lookalike label LABEL IMAGE...")
    strangers = _strangers(library, gallery, max_fmr)
    refused = gallery.nearest(strangers.vectors, leave_out=strangers.ids, but=strangers.codes).winners(k)
    threshold = _threshold(refused.distances, max_fmr)
    return Rule(
        gallery,
        k,
        threshold,
        _false(refused.distances, strangers, threshold),
        _identified(gallery, strangers, threshold, k),
        _measured(strangers, "whose label was left out"),
    )


class Rules:
    """The rule of a library with the usual settings, measured again only where its database has changed."""

    def __init__(self) -> None:
        self._rule: Rule | None = None
        self._seen: tuple[object, ...] = ()

    def of(self, library: Library) -> Rule:
        """Raises LookalikeError as `rule` does. Called in the library's own thread."""
        state = (library.fingerprint, library.version(), library.store.database.changes())
        if self._rule is None or self._rule.gallery.library is not library or state != self._seen:
            self._rule, self._seen = rule(library), state
        return self._rule


def identify_by(rule: Rule, image: Example) -> Identity:
    """The label of a picture, or unknown. Raises LookalikeError where the picture cannot be read."""
    library = rule.gallery.library
    itself = np.array([photo_of(image, library.store)])
    vector = library.vector(image).astype(np.float64)
    alternatives = _alternatives(library, rule.gallery, rule.gallery.nearest(vector[None], leave_out=itself), rule.k)
    known = bool(alternatives) and rule.threshold is not None and alternatives[0].distance < rule.threshold
    label = alternatives[0].label if known else None
    return Identity(label, rule.threshold, rule.fmr, rule.identified, alternatives, rule.measured)


def enrol(library: Library, label: str, images: Sequence[Path]) -> int:
    """Give the photos with these contents a label of the user's; returns how many. All of them or none.

    Raises LookalikeError where a picture cannot be read or is not in the library, or the label is none.
    """
    ids = [photo_of(image, library.store) for image in images]
    outside = [image for image, photo in zip(images, ids, strict=True) if not library.photos([photo])]
    if outside:
        raise LookalikeError(
            f"{show_path(outside[0])} is not in the library {library.name}. Index its folder first: lookalike index "
            "FOLDER"
        )
    library.annotations.label(dict.fromkeys(ids), label)
    return len(set(ids))


def _strangers(library: Library, gallery: Gallery, max_fmr: float | None, *, but: int = -2) -> _Asked:
    """Pictures that have to be refused: unseen labelled ones but those of a label, else random ones without a label."""
    wanted = max(math.ceil(LEAST_TAKEN / (max_fmr or DEFAULT_FMR)), min(ASKED, WORK // len(gallery.ids)))
    ids, codes, names, new = library.evidence.labelled(library.fingerprint, library.model_id)
    codes = np.array([gallery.names.index(name) for name in names], np.int64)[codes]
    ids, codes = ids[codes != but], codes[codes != but]
    rows = calibration.sample(codes, wanted)
    labels = len(set(codes[rows].tolist())) + (but >= 0)
    if labels > 1 and len(rows) >= LEAST_ASKED:
        return _Asked(ids[rows], library.evidence.vectors(ids[rows], library.model_id), codes[rows], new)
    found = library.evidence.random_photos(library.fingerprint, library.model_id)
    strange = ~np.isin(found.ids, gallery.ids)
    count = int(strange.sum())
    return _Asked(found.ids[strange], found.values[strange].astype(np.float32), np.full(count, -1, np.int64), new=True)


def _threshold(refused: np.ndarray, max_fmr: float | None) -> float | None:
    """The largest distance below which at most a share `max_fmr` of what must be refused lies; None: too few."""
    least = LEAST_TAKEN / len(refused) if len(refused) else 1.0
    if max_fmr is not None and not 0 < max_fmr < 1:
        raise LookalikeError("A false-match rate is a share between 0 and 1, such as 0.05.")
    if max_fmr is not None and least > max_fmr:
        raise LookalikeError(
            f"The {len(refused):,} photos that can be asked cannot show a false-match rate of {max_fmr:g}."
        )
    fmr = max(least, max_fmr or DEFAULT_FMR)
    return float(np.sort(refused)[math.floor(fmr * len(refused))]) if fmr <= max(max_fmr or 0.0, WORST_FMR) else None


def _verdict(distance: float, threshold: float | None, own: np.ndarray) -> str:
    if threshold is not None and distance < threshold:
        return "same"
    further = threshold is not None and len(own) > 0 and distance >= np.quantile(own, MATCHED_WITHIN)
    return "different" if further else "not sure"


def _means(found: Nearest) -> np.ndarray:
    """The mean distance (q,) to the nearest photos, three at most; infinite where there is none."""
    there = np.isfinite(found.distances)
    total = np.where(there, found.distances, 0).sum(axis=1)
    return np.where(there[:, 0], total / np.maximum(there.sum(axis=1), 1), np.inf)


def _false(refused: np.ndarray, asked: _Asked, threshold: float | None) -> Rate | None:
    """The share of what must be refused that is not, with an interval over its labels."""
    return None if threshold is None else shares_of_units(refused < threshold, asked.codes)


def _own_means(library: Library, of_label: Gallery) -> np.ndarray:
    """The mean distances of the label's own unseen photos to the nearest others; none where they are too few."""
    rows = np.flatnonzero(library.evidence.unseen(library.fingerprint, of_label.ids))[:ASKED]
    if len(rows) <= NEAREST:
        return np.zeros(0)
    return _means(of_label.nearest(of_label.vectors(rows), NEAREST, leave_out=of_label.ids[rows]))


def _missed(own: np.ndarray, threshold: float | None) -> Rate | None:
    """The share of the label's own photos that would be refused, with an interval over photos."""
    if threshold is None or not len(own):
        return None
    return shares_of_units(own >= threshold, np.zeros(len(own), np.int64))


def _identified(gallery: Gallery, asked: _Asked, threshold: float | None, k: int) -> Rate | None:
    """The share of unseen labelled photos, each left out in turn, that get their own label and not unknown."""
    if threshold is None or (asked.codes < 0).any():
        return None
    found = gallery.nearest(asked.vectors, leave_out=asked.ids).winners(k)
    return shares_of_units((found.codes == asked.codes) & (found.distances < threshold), asked.codes)


def _alternatives(library: Library, gallery: Gallery, found: Nearest, k: int) -> list[Alternative]:
    """The labels voted for, the winner first."""
    meaning = library.calibration().meaning
    return [
        Alternative(gallery.names[code], vote, distance, meaning(distance).probability)
        for code, vote, distance in found.votes(0, k)
    ]


def _measured(asked: _Asked, which: str) -> str:
    if (asked.codes < 0).any() or not len(asked.codes):
        return (
            f"Measured on {len(asked.codes):,} random photos without a label, all counted as wrong: labels are too few."
        )
    whom = f"Measured on {len(asked.codes):,} photos {which}, of {len(set(asked.codes.tolist())):,} labels"
    if asked.new:
        return f"{whom}; the model was not trained on them."
    return (
        f"{whom}. The model was not trained on these photos, but on others of their labels, so the rates hold for "
        "known labels only: strangers of new ones may come nearer."
    )
