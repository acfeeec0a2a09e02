"""How alike two pictures are, in one word and one sentence: the same everywhere in the program.

Where the probability of the same label was measured (`calibration`), it alone decides; else how rare the distance is
among random pairs. Distance 0 is always the same: it is the same content, whatever the pairs say of others.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from indexer.wording import tr, tr_count

MOST_OUT_OF_100 = 99  # no measurement makes it certain
FURTHEST = 2.0  # the greatest distance of unit vectors
_HALVINGS = 40  # of the range of distances in which a level ends


class MeasuredDistance(Protocol):
    """A distance, and the probability of the same label or its rarity where measured: of a hit, of a comparison."""

    @property
    def distance(self) -> float:
        """The distance, 0 to 2."""

    @property
    def probability(self) -> float | None:
        """The probability of the same label, 0 to 1."""

    @property
    def rarity(self) -> float | None:
        """N of "one in N random pairs is this close"."""


class LikenessLevel(NamedTuple):
    """A word for how alike two pictures are, how strong it is (3, the most, to 0), from which probability or rarity on
    it holds, and what it means in a sentence.
    """

    word: str
    strength: int
    least: float
    meaning: str


class MeaningOfDistance(Protocol):
    """The probability of the same label, or the rarity, of a distance; None where it was not measured."""

    @property
    def probability(self) -> float | None:
        """The probability of the same label, 0 to 1."""

    @property
    def rarity(self) -> float | None:
        """N of "one in N random pairs is this close"."""


class LikenessPoint(NamedTuple):
    """A distance with the probability of the same label or the rarity, where they were measured."""

    distance: float
    probability: float | None
    rarity: float | None


class LevelCut(NamedTuple):
    """A level, and the greatest distance at which pairs are of it or of a stronger one."""

    level: LikenessLevel
    distance: float


class LikenessParts(NamedTuple):
    """A sentence in two parts: 'Perhaps the same', and 'of 100 pairs this close 35 are'."""

    opening: str
    evidence: str


SAME, LIKELY, PERHAPS, DIFFERENT = LABEL_LEVELS = (
    LikenessLevel("same", 3, 0.9, "Of 100 pairs this close, 90 or more are the same."),
    LikenessLevel("likely", 2, 0.5, "Of 100 pairs this close, 50 to 89 are the same."),
    LikenessLevel("perhaps", 1, 0.1, "Of 100 pairs this close, 10 to 49 are the same."),
    LikenessLevel("different", 0, 0.0, "Of 100 pairs this close, fewer than 10 are the same."),
)
RARITY_LEVELS = (
    LikenessLevel("very close", 3, 1000.0, "Of 1,000 random pairs, at most one is this close."),
    LikenessLevel("close", 2, 100.0, "Of 100 random pairs, at most one is this close."),
    LikenessLevel("loose", 1, 10.0, "Of 100 random pairs, at most ten are this close."),
    LikenessLevel("no closer than chance", 0, 0.0, "Of 100 random pairs, more than ten are this close."),
)
VERDICT_LEVELS = {"same": SAME, "not sure": PERHAPS, "different": DIFFERENT}  # where only a threshold decides
_OPENINGS = {"same": tr("The same"), "likely": tr("Likely the same"), "perhaps": tr("Perhaps the same")}


def name_likeness(measured: MeasuredDistance) -> LikenessLevel | None:
    """The level of a distance by its probability of the same label, else by its rarity; None where neither is known."""
    if measured.distance == 0:
        return SAME
    if measured.probability is not None:
        return name_probability(measured.probability)
    if measured.rarity is not None:
        return _choose_level(RARITY_LEVELS, measured.rarity)
    return None


def find_likeness_word(measured: MeasuredDistance) -> str | None:
    """The word for a distance, as results have it; None where nothing is known."""
    level = name_likeness(measured)
    return level.word if level else None


def name_probability(probability: float) -> LikenessLevel:
    """The level of a probability (0 to 1) of being the same; it agrees with the number of 100 that is shown."""
    return _choose_level(LABEL_LEVELS, count_of_hundred(probability) / 100)


def count_of_hundred(probability: float) -> int:
    """How many of 100 pairs a probability (0 to 1) is, at most 99."""
    return min(MOST_OUT_OF_100, max(0, round(probability * 100)))


def describe_likeness(measured: MeasuredDistance) -> str:
    """The one sentence for people: 'Perhaps the same: of 100 pairs this close 35 are.'; "" where nothing is known."""
    parts = split_likeness(measured)
    return f"{parts.opening}: {parts.evidence}." if parts else ""


def split_likeness(measured: MeasuredDistance) -> LikenessParts | None:
    """The sentence for people in its two parts; None where nothing is known."""
    level = name_likeness(measured)
    if level is None:
        return None
    opening = _OPENINGS.get(level.word, tr(level.word).capitalize())
    if measured.distance == 0:
        return LikenessParts(opening, tr("for the model nothing tells them apart"))
    if measured.probability is not None:
        return LikenessParts(opening, _say_count(count_of_hundred(measured.probability)))
    return LikenessParts(opening, describe_rarity(measured.rarity or 0.0))


def explain_levels(measured: MeasuredDistance) -> str:
    """What each word of the scale that holds here means, the strongest first, a line each."""
    levels = LABEL_LEVELS if measured.probability is not None else RARITY_LEVELS
    return "\n".join(f"{tr(level.word)}: {tr(level.meaning)}" for level in levels)


def find_level_cuts(interpret_distance: Callable[[float], MeaningOfDistance]) -> list[LevelCut]:
    """How far each level but the weakest reaches, the strongest first; without those that no distance above 0 has.

    `interpret_distance` gives the meaning of a distance, which never grows stronger with the distance.
    """

    def name_at(distance: float) -> LikenessLevel | None:
        meaning = interpret_distance(distance)
        return name_likeness(LikenessPoint(distance, meaning.probability, meaning.rarity))

    nearest = name_at(FURTHEST / 2**_HALVINGS)
    levels = () if nearest is None else LABEL_LEVELS if nearest in LABEL_LEVELS else RARITY_LEVELS
    cuts = []
    for level in levels[:-1]:
        low, high = 0.0, FURTHEST
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            found = name_at(middle)
            low, high = (middle, high) if found is not None and found.strength >= level.strength else (low, middle)
        if low > 0:
            cuts.append(LevelCut(level, low))
    return cuts


def describe_rarity(rarity: float) -> str:
    """How many random pairs are as close: 'of 1,200 random pairs one is this close', or half and more of them."""
    if rarity < 2:
        return tr("most random pairs are this close")
    return tr("of {pairs:,} random pairs one is this close", pairs=_cut_digits(rarity))


def _say_count(count: int) -> str:
    if count == 0:
        return tr("of 100 pairs this close not one is")
    return tr_count(count, "of 100 pairs this close one is", "of 100 pairs this close {number} are")


def _choose_level(levels: tuple[LikenessLevel, ...], value: float) -> LikenessLevel:
    return next((level for level in levels if value >= level.least), levels[-1])


def _cut_digits(number: float) -> int:
    """The number cut to its first two digits: a rate measured on samples has no more."""
    step = int(10 ** max(0, len(str(int(number))) - 2))
    return int(number) // step * step
