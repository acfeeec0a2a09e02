"""What a distance means, as a band under a picture: a word, a length and a colour; and in a sentence."""

import math
from typing import NamedTuple

from indexer.library import Hit
from retrieval_app import wording as words

SAME, LIKELY = 0.9, 0.5  # probabilities of the same label from which a hit is called so
RAREST = 1e6  # pairs: the rarity whose band is full


class Band(NamedTuple):
    """How alike a hit is: its word, how far its bar goes from 0 to 1, and its colour's name in the theme."""

    word: str
    share: float
    colour: str


def band(hit: Hit) -> Band | None:
    """By the probability of the same label where it is known, else by the rarity; None where neither is."""
    if hit.probability is not None:
        word = "same" if hit.probability >= SAME else "likely" if hit.probability >= LIKELY else "unsure"
        return Band(word, hit.probability, word)
    if hit.rarity is not None:
        share = math.log10(max(1.0, hit.rarity)) / math.log10(RAREST)
        return Band(f"1 in {words.rounded(hit.rarity)}", min(1.0, share), "unsure")
    return None


def sentence(hit: Hit) -> str:
    """'Distance 0.231, same label with 97 % confidence', or how rare so small a distance is."""
    start = f"Distance {hit.distance:.3f}"
    if hit.probability is not None:
        return f"{start}, same label with {words.confidence(hit.probability)} confidence"
    if hit.rarity is not None:
        return f"{start}, {rarity(hit.rarity)}"
    return start


def rarity(number: float) -> str:
    """How rare a distance is, in words."""
    if number < 2:
        return "no closer than most random pairs"
    return f"closer than 1 in {words.rounded(number)} random pairs"
