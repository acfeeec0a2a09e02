"""What a labelled folder or a library has to learn from, in a few figures and sentences, for the training dialog."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from indexer.errors import LookalikeError
from indexer.paths import show_path
from indexer.photos.class_folders import describe_loose, describe_system_folders
from training.data.given_parts import describe_given_parts, divide_folder
from training.data.labelled_folders import LabelledFolder
from training.data.sources import LibrarySamples
from training.data.split import DataSplit, split_samples
from training.settings.choices import PURPOSES

MAX_NAMED = 3  # examples named in a sentence
SMALL_CLASS_SIZE = 6  # photos below which a class cannot be in all three parts


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """The number of classes, of distinct photos, and of photos of each class by name; problems as sentences, the worst
    first; and for each purpose why a training for it is refused with these photos, "" where it is not.

    `deeper_label` is an example of a class where the folders of the second level can be the classes too, else "".
    """

    classes: int
    photos: int
    counts: dict[str, int]
    problems: tuple[str, ...]
    refusals: dict[str, str]
    deeper_label: str = ""


def summarise_folder(found: LabelledFolder) -> SourceSummary:
    """The summary of a labelled folder."""
    refusals = _find_refusals(lambda purpose: divide_folder(found, purpose).split)
    summary = _make_summary(found.class_counts, _list_folder_problems(found), refusals)
    return replace(summary, deeper_label=found.layout.deeper_label)


def summarise_library(found: LibrarySamples) -> SourceSummary:
    """The summary of a library's labelled photos."""
    counts = dict(sorted(Counter(sample.label for sample in found.labelled).items()))
    refusals = _find_refusals(lambda purpose: split_samples(found.labelled, purpose))
    return _make_summary(counts, _list_library_problems(found, counts), refusals)


def _make_summary(counts: dict[str, int], problems: Iterable[str], refusals: dict[str, str]) -> SourceSummary:
    return SourceSummary(len(counts), sum(counts.values()), counts, tuple(problems), refusals)


def _find_refusals(divide: Callable[[str], DataSplit]) -> dict[str, str]:
    """For each purpose why the photos cannot be divided for it, "" where they can."""
    refusals = dict.fromkeys(PURPOSES, "")
    for purpose in PURPOSES:
        try:
            divide(purpose)
        except LookalikeError as why:
            refusals[purpose] = str(why)
    return refusals


def _list_folder_problems(found: LabelledFolder) -> Iterator[str]:
    yield from describe_given_parts(found)
    if found.conflicts:
        classes = _join_examples([" and ".join(conflict.labels) for conflict in found.conflicts])
        number = _format_count(len(found.conflicts), "picture stands", "pictures stand")
        yield f"{number} in more than one class and cannot be used: {classes}."
    if found.unreadable:
        files = _join_examples([f"{show_path(file.path)} ({file.reason})" for file in found.unreadable])
        yield f"{_format_count(len(found.unreadable), 'file', 'files')} could not be read: {files}."
    if found.empty_classes:
        number = _format_count(len(found.empty_classes), "folder holds", "folders hold")
        yield f"{number} no usable picture: {_join_examples(list(found.empty_classes))}."
    yield from _report_small_classes(found.class_counts)
    yield from describe_loose(found.layout)
    yield from describe_system_folders(found.layout)
    if found.copy_count:
        yield f"{_format_count(found.copy_count, 'copy', 'copies')} of a picture in the same class left out."


def _list_library_problems(found: LibrarySamples, counts: Mapping[str, int]) -> Iterator[str]:
    if found.offline:
        yield (
            f"{_format_count(found.offline, 'photo lies', 'photos lie')} in folders that are offline and cannot "
            "be used."
        )
    yield from _report_small_classes(counts)
    if found.unlabelled:
        number = _format_count(len(found.unlabelled), "photo has", "photos have")
        yield f"{number} no label; only the recipe unlabelled learns from such."


def _report_small_classes(counts: Mapping[str, int]) -> Iterator[str]:
    small = sorted(label for label, count in counts.items() if count < SMALL_CLASS_SIZE)
    if small:
        yield (
            f"{_format_count(len(small), 'class has', 'classes have')} fewer than {SMALL_CLASS_SIZE} different "
            f"pictures: {_join_examples(small)}."
        )


def _format_count(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _join_examples(items: list[str]) -> str:
    rest = len(items) - MAX_NAMED
    return "; ".join(items[:MAX_NAMED]) + (f"; and {rest} more" if rest > 0 else "")
