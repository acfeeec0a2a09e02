"""What a distance means: as a band under a picture, with a word, a length and a colour, and as a sentence."""

import math
from typing import NamedTuple

from indexer.search.results import Hit
from retrieval_app.wording import format_confidence, format_rounded

SAME_PROBABILITY, LIKELY_PROBABILITY = 0.9, 0.5  # from these probabilities of the same label on
FULL_BAND_RARITY = 1e6  # one pair in so many: the rarity whose band is full


class DistanceBand(NamedTuple):
    """How alike a hit is."""

    word: str
    share: float  # the length of the band, from 0 to 1
    colour: str  # its name in ColourTokens


def compute_distance_band(hit: Hit) -> DistanceBand | None:
    """The band of a hit by its probability of the same label, else by its rarity; None where neither is known."""
    if hit.probability is not None:
        word = (
            "same"
            if hit.probability >= SAME_PROBABILITY
            else "likely"
            if hit.probability >= LIKELY_PROBABILITY
            else "unsure"
        )
        return DistanceBand(word, hit.probability, word)
    if hit.rarity is not None:
        share = math.log10(max(1.0, hit.rarity)) / math.log10(FULL_BAND_RARITY)
        return DistanceBand(f"1 in {format_rounded(hit.rarity)}", min(1.0, share), "unsure")
    return None


def describe_distance(hit: Hit) -> str:
    """A hit's distance and what it means: 'Distance 0.231, same label with 97 % confidence', or how rare it is."""
    start = f"Distance {hit.distance:.3f}"
    if hit.probability is not None:
        return f"{start}, same label with {format_confidence(hit.probability)} confidence"
    if hit.rarity is not None:
        return f"{start}, {describe_rarity(hit.rarity)}"
    return start


def describe_rarity(rarity: float) -> str:
    """'closer than 1 in 1,200 random pairs', for a distance that only one random pair in `rarity` goes below."""
    if rarity < 2:
        return "no closer than most random pairs"
    return f"closer than 1 in {format_rounded(rarity)} random pairs"
