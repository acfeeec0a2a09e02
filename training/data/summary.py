"""What a labelled folder or a library holds, in a few figures and sentences, for the dialog."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from indexer.errors import LookalikeError
from indexer.paths import show_path
from training.data.labelled_folders import Labelled, Sample
from training.data.sources import Held
from training.data.split import split
from training.settings.choices import PURPOSES

NAMED = 3  # examples named in a sentence
FEW = 6  # photos below which a class cannot be in all three parts


@dataclass(frozen=True, slots=True)
class Summary:
    """Classes, distinct photos, photos of each class by name; what is wrong, in sentences, worst first; and for each
    purpose why it cannot be had with these photos, "" where it can.
    """

    classes: int
    photos: int
    counts: dict[str, int]
    problems: tuple[str, ...]
    refusals: dict[str, str]


def summarise(found: Labelled) -> Summary:
    """Say what was found in a folder."""
    return _summary(found.samples, found.counts, _problems(found))


def summarise_library(found: Held) -> Summary:
    """Say what was found in a library."""
    counts = dict(sorted(Counter(sample.label for sample in found.labelled).items()))
    return _summary(found.labelled, counts, _problems_of_library(found, counts))


def _summary(samples: Sequence[Sample], counts: dict[str, int], problems: Iterable[str]) -> Summary:
    refusals = {purpose: _refusal(samples, purpose) for purpose in PURPOSES}
    return Summary(len(counts), len(samples), counts, tuple(problems), refusals)


def _refusal(samples: Sequence[Sample], purpose: str) -> str:
    try:
        split(samples, purpose)
    except LookalikeError as why:
        return str(why)
    return ""


def _problems(found: Labelled) -> Iterator[str]:
    if found.conflicts:
        classes = _some([" and ".join(conflict.labels) for conflict in found.conflicts])
        number = _many(len(found.conflicts), "picture stands", "pictures stand")
        yield f"{number} in more than one class and cannot be used: {classes}."
    if found.unreadable:
        files = _some([f"{show_path(file.path)} ({file.reason})" for file in found.unreadable])
        yield f"{_many(len(found.unreadable), 'file', 'files')} could not be read: {files}."
    if found.empty:
        number = _many(len(found.empty), "folder holds", "folders hold")
        yield f"{number} no usable picture: {_some(list(found.empty))}."
    yield from _few(found.counts)
    if found.outside:
        yield f"{_many(found.outside, 'picture stands', 'pictures stand')} beside the class folders and cannot be used."
    if found.copies:
        yield f"{_many(found.copies, 'copy', 'copies')} of a picture in the same class left out."


def _problems_of_library(found: Held, counts: Mapping[str, int]) -> Iterator[str]:
    if found.offline:
        yield f"{_many(found.offline, 'photo lies', 'photos lie')} in folders that are offline and cannot be used."
    yield from _few(counts)
    if found.others:
        number = _many(len(found.others), "photo has", "photos have")
        yield f"{number} no label; only the recipe unlabelled learns from such."


def _few(counts: Mapping[str, int]) -> Iterator[str]:
    few = sorted(label for label, count in counts.items() if count < FEW)
    if few:
        yield f"{_many(len(few), 'class has', 'classes have')} fewer than {FEW} different pictures: {_some(few)}."


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _some(items: list[str]) -> str:
    rest = len(items) - NAMED
    return "; ".join(items[:NAMED]) + (f"; and {rest} more" if rest > 0 else "")
