"""Labelled folders: a sub-folder is a class, and what stands in it belongs to that class.

`survey` reads a folder into a Labelled, `summarise` says what was found in sentences; `split.py` divides it. No torch.
"""

import contextlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.errors import LookalikeError, PhotoError
from indexer.paths import show_path
from indexer.photos.reading import content_hash, is_candidate, read_photo
from indexer.progress import Progress, Steps


class Sample(NamedTuple):
    """One photo with its class: the absolute path of one of its files, and the sha256 of its content (32 bytes)."""

    path: bytes
    sha256: bytes
    label: str


class Unreadable(NamedTuple):
    """A file that could not be read, and why."""

    path: bytes
    reason: str


class Conflict(NamedTuple):
    """One content that stands in several classes, so that nobody knows which is right: left out everywhere."""

    labels: tuple[str, ...]
    paths: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a labelled folder holds; samples are distinct contents in order of (label, sha256)."""

    folder: Path
    samples: tuple[Sample, ...]
    copies: int
    conflicts: tuple[Conflict, ...]
    unreadable: tuple[Unreadable, ...]
    outside: int
    empty: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Photos of each class, by name."""
        return dict(Counter(sample.label for sample in self.samples))


class _File(NamedTuple):
    path: bytes
    label: str


def survey(folder: Path) -> Steps[Labelled]:
    """Find, read and hash the pictures of a labelled folder; LookalikeError when there is no such folder.

    The first level of sub-folders names the classes, deeper ones belong to them. Hidden folders and links to folders
    are not entered.
    """
    root = os.fsencode(folder.absolute())
    unreadable: list[Unreadable] = []
    classes, outside = _first_level(root)
    files = [_File(path, label) for label, top in classes for path in _pictures(top, unreadable)]
    samples: list[Sample] = []
    for done, file in enumerate(files):
        yield Progress("scan", done, len(files), show_path(os.path.basename(file.path)))  # noqa: PTH119 - bytes
        try:
            samples.append(Sample(file.path, content_hash(read_photo(file.path)), file.label))
        except PhotoError as fault:
            unreadable.append(Unreadable(file.path, str(fault)))
    yield Progress("scan", len(files), len(files))
    empty = sorted({label for label, _ in classes} - {sample.label for sample in samples})
    return _labelled(folder, samples, unreadable, outside, tuple(empty))


def survey_unlabelled(folder: Path) -> Steps[tuple[Sample, ...]]:
    """Every distinct picture at and below a folder, in order of content, each a class of its own named by its hash."""
    unreadable: list[Unreadable] = []
    found: dict[bytes, bytes] = {}
    paths = list(_pictures(os.fsencode(folder.absolute()), unreadable))
    for done, path in enumerate(paths):
        yield Progress("scan", done, len(paths), show_path(os.path.basename(path)))  # noqa: PTH119 - bytes
        with contextlib.suppress(PhotoError):  # decoding will say so
            found.setdefault(content_hash(read_photo(path)), path)
    yield Progress("scan", len(paths), len(paths))
    return tuple(alone(path, sha256) for sha256, path in sorted(found.items()))


def alone(path: bytes, sha256: bytes) -> Sample:
    """A photo nobody has said anything about: a class of its own."""
    return Sample(path, sha256, sha256.hex())


def _first_level(root: bytes) -> tuple[list[tuple[str, bytes]], int]:
    """The classes with their folders, sorted, and the number of pictures that stand beside them."""
    try:
        with os.scandir(root) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as fault:
        raise LookalikeError(f"{show_path(root)} cannot be read: {fault.strerror}.") from None
    folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(b".")]
    beside = sum(is_candidate(entry.name) and not entry.is_dir() for entry in entries)
    return [(show_path(entry.name), entry.path) for entry in folders], beside


def _pictures(top: bytes, unreadable: list[Unreadable]) -> Iterator[bytes]:
    """Paths of the pictures at and below a folder, in a fixed order; folders that cannot be listed are noted."""

    def note(fault: OSError) -> None:
        unreadable.append(Unreadable(fault.filename, f"the folder cannot be read: {fault.strerror}"))

    for folder, inner, names in os.walk(top, onerror=note):
        inner[:] = sorted(name for name in inner if not name.startswith(b"."))
        yield from (os.path.join(folder, name) for name in sorted(names) if is_candidate(name))  # noqa: PTH118


def _labelled(
    folder: Path, found: list[Sample], unreadable: list[Unreadable], outside: int, empty: tuple[str, ...]
) -> Labelled:
    """Merge copies within a class and set aside contents that stand in several."""
    by_content: dict[bytes, list[Sample]] = defaultdict(list)
    for sample in found:
        by_content[sample.sha256].append(sample)
    samples, conflicts, copies = [], [], 0
    for alike in by_content.values():
        labels = tuple(sorted({sample.label for sample in alike}))
        if len(labels) > 1:
            conflicts.append(Conflict(labels, tuple(sample.path for sample in alike)))
        else:
            samples.append(alike[0])
            copies += len(alike) - 1
    samples.sort(key=lambda sample: (sample.label, sample.sha256))
    return Labelled(folder, tuple(samples), copies, tuple(conflicts), tuple(unreadable), outside, empty)


class Numbered(NamedTuple):
    """Samples' labels as numbers, (n,) int64, and the class that each number stands for, in order of name."""

    labels: NDArray[np.int64]
    names: tuple[str, ...]


def has_labels(samples: Iterable[Sample]) -> bool:
    """Whether any two photos share a class; where none do, each was given one of its own."""
    counts = Counter(sample.label for sample in samples)
    return any(count > 1 for count in counts.values())


def require_usable(wanted: Sequence[Sample], usable: Sequence[Sample], task: str) -> None:
    """LookalikeError where the pictures of a part that could be read leave nothing to ask: fewer than two, or no two of
    one class where there were some.
    """
    if len(usable) < 2 or (has_labels(wanted) and not has_labels(usable)):
        lost = f"{len(wanted) - len(usable):,} of the {len(wanted):,} pictures to {task}"
        raise LookalikeError(
            f"{lost} cannot be read, and the rest leave nothing to ask: mend or remove them, or add pictures."
        )


def number(samples: Iterable[Sample]) -> Numbered:
    """Give each class among the samples a number."""
    labels = [sample.label for sample in samples]
    names = tuple(sorted(set(labels)))
    numbers = {name: index for index, name in enumerate(names)}
    return Numbered(np.array([numbers[label] for label in labels], dtype=np.int64), names)
