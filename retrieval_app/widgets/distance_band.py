"""What a distance means, as a band under a picture: a word, a length and a colour; and in a sentence."""

import math
from typing import NamedTuple

from indexer.library import Hit
from retrieval_app.wording import format_confidence, format_rounded

SAME_PROBABILITY, LIKELY_PROBABILITY = 0.9, 0.5  # probabilities of the same label from which a hit is called so
FULL_BAND_RARITY = 1e6  # pairs: the rarity whose band is full


class DistanceBand(NamedTuple):
    """How alike a hit is: its word, how far its bar goes from 0 to 1, and its colour's name in the theme."""

    word: str
    share: float
    colour: str


def compute_distance_band(hit: Hit) -> DistanceBand | None:
    """By the probability of the same label where it is known, else by the rarity; None where neither is."""
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
    """'Distance 0.231, same label with 97 % confidence', or how rare so small a distance is."""
    start = f"Distance {hit.distance:.3f}"
    if hit.probability is not None:
        return f"{start}, same label with {format_confidence(hit.probability)} confidence"
    if hit.rarity is not None:
        return f"{start}, {describe_rarity(hit.rarity)}"
    return start


def describe_rarity(number: float) -> str:
    """How rare a distance is, in words."""
    if number < 2:
        return "no closer than most random pairs"
    return f"closer than 1 in {format_rounded(number)} random pairs"
