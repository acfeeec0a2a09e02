"""What a labelled folder holds, in a few figures and sentences, for the dialog and the command line."""

from collections.abc import Iterator
from dataclasses import dataclass

from indexer import photos
from indexer.errors import LookalikeError
from training.choices import PURPOSES
from training.data import Labelled
from training.split import split

NAMED = 3  # examples named in a sentence
FEW = 6  # photos below which a class cannot be in all three parts


@dataclass(frozen=True, slots=True)
class Summary:
    """Classes, distinct photos, photos of each class by name; what is wrong, in sentences, worst first; and for each
    purpose why it cannot be had with this folder, "" where it can.
    """

    classes: int
    photos: int
    counts: dict[str, int]
    problems: tuple[str, ...]
    refusals: dict[str, str]


def summarise(found: Labelled) -> Summary:
    """Say what was found."""
    refusals = {purpose: _refusal(found, purpose) for purpose in PURPOSES}
    return Summary(len(found.counts), len(found.samples), found.counts, tuple(_problems(found)), refusals)


def _refusal(found: Labelled, purpose: str) -> str:
    try:
        split(found.samples, purpose)
    except LookalikeError as why:
        return str(why)
    return ""


def _problems(found: Labelled) -> Iterator[str]:
    if found.conflicts:
        classes = _some([" and ".join(conflict.labels) for conflict in found.conflicts])
        number = _many(len(found.conflicts), "picture stands", "pictures stand")
        yield f"{number} in more than one class and cannot be used: {classes}."
    if found.unreadable:
        files = _some([f"{photos.text(file.path)} ({file.reason})" for file in found.unreadable])
        yield f"{_many(len(found.unreadable), 'file', 'files')} could not be read: {files}."
    if found.empty:
        number = _many(len(found.empty), "folder holds", "folders hold")
        yield f"{number} no usable picture: {_some(list(found.empty))}."
    few = sorted(label for label, count in found.counts.items() if count < FEW)
    if few:
        yield f"{_many(len(few), 'class has', 'classes have')} fewer than {FEW} different pictures: {_some(few)}."
    if found.outside:
        yield f"{_many(found.outside, 'picture stands', 'pictures stand')} beside the class folders and cannot be used."
    if found.copies:
        yield f"{_many(found.copies, 'copy', 'copies')} of a picture in the same class left out."


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _some(items: list[str]) -> str:
    rest = len(items) - NAMED
    return "; ".join(items[:NAMED]) + (f"; and {rest} more" if rest > 0 else "")
