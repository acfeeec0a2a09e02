"""What a distance means: the probability of the same label, how rare it is among random pairs, and cut-offs.

A Calibration is measured once (`calibration_measurement`), stored as JSON, and asked for each distance that is shown.
Cut-offs state their false-match rate (FMR) and false-non-match rate (FNMR), each with a 95 % interval.
"""

import bisect
import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from indexer.errors import LookalikeError
from indexer.statistics.error_rates import LEAST_UNITS, ErrorRate
from indexer.wording import count_noun, tr

DEFAULT_FMR = 0.01
WORST_FMR = 0.1  # beyond it, "same" would say too little: then nothing is called the same unless the user asks


class DistanceCutoff(NamedTuple):
    """Two photos closer than `distance` count as the same; `fnmr` is None where there are no matched pairs.

    FMR is the share of mismatched pairs below `distance`, FNMR that of matched pairs at it or beyond. `fmr.value` is
    the rate that was chosen. Where several pairs lie exactly at `distance`, none of them counts as the same, and the
    measured rate is lower.
    """

    distance: float
    fmr: ErrorRate
    fnmr: ErrorRate | None

    @property
    def max_same_distance(self) -> float:
        """The greatest number below `distance`: what is at most so far away counts as the same."""
        return math.nextafter(self.distance, 0.0)


class DistanceMeaning(NamedTuple):
    """P(same label) at a distance, or N of "one in N random pairs is this close"; None where that was not measured."""

    probability: float | None
    rarity: float | None


class PairComparison(NamedTuple):
    """Whether two pictures are the same: `verdict` is "same", "different" or "not sure".

    "same" lies below `threshold`, "different" at or above `different_from`; each is None where the pairs cannot back
    it. `measured` describes these pairs in a sentence, `scope` in a few words for which photos the rates hold.
    """

    distance: float
    verdict: str
    threshold: float | None
    different_from: float | None
    fmr: ErrorRate | None
    fnmr: ErrorRate | None
    probability: float | None
    rarity: float | None
    measured: str
    scope: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """What distances mean under one model; `source` is "labels", "checkpoint" or "photos" (random pairs, no labels).

    `knots` are distances, ascending, each with the probability of the same label at the prior `prior` (the share of
    matched pairs among all pairs), or, without labels, with the share of random pairs that are as close.
    `new_labels` says that the model was trained on none of the labels: only then do the rates hold for others.
    `grouped_pairs` within one of the `groups`, near copies or frames of a burst, are left out; `groups` is 0 where
    nobody has looked for any.
    """

    source: str
    photos: int
    classes: int
    matched: int
    mismatched: int
    prior: float | None
    knots: tuple[tuple[float, float], ...]
    cutoffs: tuple[DistanceCutoff, ...]
    different_from: float | None
    new_labels: bool = True
    groups: int = 0
    grouped_pairs: int = 0

    def interpret_distance(self, distance: float) -> DistanceMeaning:
        """The probability of the same label where it was measured on labels, else the rarity, at most `max_rarity`.

        At distance 0 the probability is 1: it is the same content, whatever the pairs say of others.
        """
        if distance == 0:
            return DistanceMeaning(1.0, self.max_rarity if self.prior is None and self.knots else None)
        value = _interpolate_knots(self.knots, distance)
        if self.prior is not None or value is None:
            return DistanceMeaning(value, None)
        return DistanceMeaning(None, min(1 / value, self.max_rarity))

    @property
    def max_rarity(self) -> float:
        """The number of pairs that were measured: a rarer distance is only known to be rarer than one in so many."""
        return float(self.mismatched)

    def choose_cutoff(self, fmr: float | None = None) -> DistanceCutoff:
        """The widest cut-off whose FMR is at most `fmr` (0 to 1, exclusive), by default DEFAULT_FMR.

        Where the pairs cannot back the default, the least rate that they can, up to WORST_FMR. Raises LookalikeError
        where there are too few pairs for the rate.
        """
        if fmr is not None and not 0 < fmr < 1:
            raise LookalikeError("A false-match rate is a share between 0 and 1, such as 0.01.")
        if not self.cutoffs:
            raise LookalikeError(
                "There are too few pictures to say how often a distance is wrong: index or label more of them."
            )
        within_fmr = [cutoff for cutoff in self.cutoffs if cutoff.fmr.value <= (fmr or DEFAULT_FMR)]
        if not within_fmr and fmr is not None:
            raise LookalikeError(
                "The {mismatched:,} pairs at hand cannot show a false-match rate of {fmr:g}; the least they can "
                "is {value:g}.",
                mismatched=self.mismatched,
                fmr=fmr,
                value=self.cutoffs[0].fmr.value,
            )
        if not within_fmr and not self._backs_useful_fmr:
            raise LookalikeError("There are too few pairs to call two pictures the same: index or label more of them.")
        return within_fmr[-1] if within_fmr else self.cutoffs[0]

    @property
    def _backs_useful_fmr(self) -> bool:
        """Whether the pairs can back a false-match rate of at most WORST_FMR."""
        return bool(self.cutoffs) and self.cutoffs[0].fmr.value <= WORST_FMR

    def judge_distance(self, distance: float, fmr: float | None = None) -> PairComparison:
        """The verdict on two pictures at this distance; raises LookalikeError where the pairs cannot back `fmr`."""
        cutoff = self.choose_cutoff(fmr) if self._backs_useful_fmr or fmr is not None else None
        different_from = self.different_from
        if cutoff and different_from is not None:
            different_from = max(different_from, cutoff.distance)
        return PairComparison(
            distance,
            _choose_verdict(distance, cutoff.distance if cutoff else None, different_from),
            cutoff.distance if cutoff else None,
            different_from,
            cutoff.fmr if cutoff else None,
            cutoff.fnmr if cutoff else None,
            *self.interpret_distance(distance),
            self.describe_pairs(),
            self.scope,
        )

    @property
    def scope(self) -> str:
        """For which photos the rates hold, in a few words."""
        if self.source == "photos":
            return tr("random photos, all counted as different")
        if not self.new_labels:
            return tr("known labels only: the model was trained on them")
        return tr("as many other labels") if self.classes >= LEAST_UNITS else tr("these labels only")

    @property
    def basis(self) -> str:
        """What the words for likeness were measured on, for people."""
        if self.source == "photos":
            return tr(
                "{pairs:,} random pairs of your photos. "
                "How often pictures are the same is not known: label some photos.",
                pairs=self.mismatched,
            )
        if self.source == "labels":
            return tr("{photos:,} of your labelled photos", photos=self.photos)
        return tr("{photos:,} pictures of its training", photos=self.photos)

    def describe_pairs(self) -> str:
        """A sentence on the pairs behind the figures."""
        if self.source == "photos":
            return tr(
                "Measured on {pairs:,} random pairs of {photos:,} photos that the model was not trained on, all "
                "counted as different: there are too few labels, so how often the same is missed is not known.",
                pairs=self.mismatched,
                photos=self.photos,
            )
        pairs = tr(
            "{matched:,} matched and {mismatched:,} mismatched pairs{left_out}",
            matched=self.matched,
            mismatched=self.mismatched,
            left_out=self._describe_groups(),
        )
        photos = (
            tr("{photos:,} photos of this library with {labels:,} labels", photos=self.photos, labels=self.classes)
            if self.source == "labels"
            else tr(
                "{photos:,} pictures that came with the checkpoint with {labels:,} labels",
                photos=self.photos,
                labels=self.classes,
            )
        )
        if not self.new_labels:
            return tr(
                "Measured on {photos}: {pairs}. The model was not trained on these pictures, but on others of their "
                "labels, so the rates hold for known labels only.",
                photos=photos,
                pairs=pairs,
            )
        return tr(
            "Measured on {photos} that the model was not trained on: {pairs}. The intervals are for {scope}.",
            photos=photos,
            pairs=pairs,
            scope=self.scope,
        )

    def _describe_groups(self) -> str:
        """The pairs that were left out, behind those that were measured; "" where there are none."""
        if not self.grouped_pairs:
            return ""
        left_out = count_noun(self.grouped_pairs, "pair")
        return tr(
            " ({groups:,} groups: {pairs} of near copies or frames of one burst left out)",
            groups=self.groups,
            pairs=left_out,
        )

    def fields(self) -> dict[str, Any]:
        """The fields as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_fields(cls, fields: object) -> "Calibration":
        """The calibration with these `fields`, read from JSON; raises ValueError where they are anything else."""
        try:
            if not isinstance(fields, dict):
                raise TypeError("no fields")
            read = cls(
                source={"labels": "labels", "checkpoint": "checkpoint", "photos": "photos"}[fields["source"]],
                photos=int(fields["photos"]),
                classes=int(fields["classes"]),
                matched=int(fields["matched"]),
                mismatched=int(fields["mismatched"]),
                prior=None if fields["prior"] is None else float(fields["prior"]),
                knots=tuple((float(place), float(value)) for place, value in fields["knots"]),
                cutoffs=tuple(_parse_cutoff(*cutoff) for cutoff in fields["cutoffs"]),
                different_from=None if fields["different_from"] is None else float(fields["different_from"]),
                new_labels=fields.get("new_labels", True) is True,
                groups=int(fields.get("groups", 0)),
                grouped_pairs=int(fields.get("grouped_pairs", 0)),
            )
            places = [place for place, _ in read.knots]
            if not all(map(math.isfinite, places)) or places != sorted(places):
                raise ValueError("its knots do not ascend")
        except (KeyError, TypeError) as error:
            raise ValueError("this is no calibration") from error
        return read


def _interpolate_knots(knots: tuple[tuple[float, float], ...], distance: float) -> float | None:
    """The value at a distance, interpolated linearly; beyond the outer knots theirs, None where there are none."""
    if not knots:
        return None
    after = bisect.bisect(knots, (distance, math.inf))
    if after in (0, len(knots)):
        return knots[max(0, after - 1)][1]
    (place, value), (next_place, next_value) = knots[after - 1 : after + 1]
    return value + (next_value - value) * (distance - place) / (next_place - place)


def _parse_cutoff(distance: object, fmr: Any, fnmr: Any) -> DistanceCutoff:
    """A cut-off from its fields in JSON; TypeError or ValueError where they are anything else."""
    return DistanceCutoff(
        float(str(distance)), ErrorRate(*map(float, fmr)), None if fnmr is None else ErrorRate(*map(float, fnmr))
    )


def _choose_verdict(distance: float, threshold: float | None, different_from: float | None) -> str:
    """The verdict "same", "different" or "not sure"; equal embeddings are always the same."""
    if distance == 0 or (threshold is not None and distance < threshold):
        return "same"
    return "different" if different_from is not None and distance >= different_from else "not sure"
