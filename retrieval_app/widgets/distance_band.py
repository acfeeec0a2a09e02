"""How alike a hit is: as a band under a picture, with a word, a length and a colour, and as a sentence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from indexer.statistics.likeness import describe_likeness, name_likeness
from indexer.wording import tr

if TYPE_CHECKING:
    from indexer.search.results import Hit

FULL_BAND_RARITY = 1e6  # one pair in so many: the rarity whose band is full
BAND_COLOURS = ("unlike", "unlike", "likely", "same")  # names in ColourTokens, by the strength of the level


class DistanceBand(NamedTuple):
    """How alike a hit is, as a word, the length of a band and a colour."""

    word: str
    share: float  # the length of the band, from 0 to 1
    colour: str  # its name in ColourTokens


def compute_distance_band(hit: Hit) -> DistanceBand | None:
    """The band of a hit by its level of likeness, as long as it is probable or rare; None where neither is known."""
    level = name_likeness(hit)
    if level is None:
        return None
    share = 1.0
    if hit.distance and hit.probability is not None:
        share = hit.probability
    elif hit.distance and hit.rarity is not None:
        share = min(1.0, math.log10(max(1.0, hit.rarity)) / math.log10(FULL_BAND_RARITY))
    return DistanceBand(tr(level.word), share, BAND_COLOURS[level.strength])


def describe_distance(hit: Hit) -> str:
    """The sentence of likeness, and the distance: 'Likely the same: of 100 pairs this close 60 are. Distance 0.231'."""
    return " ".join(filter(None, (describe_likeness(hit), tr("Distance {distance:.3f}", distance=hit.distance))))
