"""Labelled folders: a sub-folder is a class, and what stands in it belongs to that class.

`survey_folder` reads a folder into a LabelledFolder; `summary.py` says in sentences what was found, `split.py` divides
it. No torch.
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
from indexer.paths import show_file_name, show_path
from indexer.photos.reading import content_hash, is_candidate, is_photo_folder, read_photo
from indexer.progress import Progress, Steps


class PhotoSample(NamedTuple):
    """One photo with its class: the absolute path of one of its files, and the sha256 of its content (32 bytes)."""

    path: bytes
    sha256: bytes
    label: str


class UnreadableFile(NamedTuple):
    """A file that could not be read, and why."""

    path: bytes
    reason: str


class LabelConflict(NamedTuple):
    """One content that stands in several classes: it is left out, as nobody knows which class is right."""

    labels: tuple[str, ...]
    paths: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LabelledFolder:
    """What a labelled folder holds; samples are distinct contents in order of (label, sha256).

    `copy_count` are the copies left out, `unclassed_count` the pictures beside the class folders, `empty_classes` the
    sub-folders without a usable picture.
    """

    folder: Path
    samples: tuple[PhotoSample, ...]
    copy_count: int
    conflicts: tuple[LabelConflict, ...]
    unreadable: tuple[UnreadableFile, ...]
    unclassed_count: int
    empty_classes: tuple[str, ...]

    @property
    def class_counts(self) -> dict[str, int]:
        """The number of photos of each class, by its name."""
        return dict(Counter(sample.label for sample in self.samples))


class _LabelledFile(NamedTuple):
    path: bytes
    label: str


def survey_folder(folder: Path) -> Steps[LabelledFolder]:
    """Find, read and hash the pictures of a labelled folder; LookalikeError where it cannot be read.

    The first level of sub-folders names the classes, deeper ones belong to them. Hidden folders and links to folders
    are not entered.
    """
    root = os.fsencode(folder.absolute())
    unreadable: list[UnreadableFile] = []
    classes, unclassed_count = _list_class_folders(root)
    files = [_LabelledFile(path, label) for label, top in classes for path in _walk_pictures(top, unreadable)]
    samples: list[PhotoSample] = []
    for done, file in enumerate(files):
        yield Progress("scan", done, len(files), show_file_name(file.path))
        try:
            samples.append(PhotoSample(file.path, content_hash(read_photo(file.path)), file.label))
        except PhotoError as fault:
            unreadable.append(UnreadableFile(file.path, str(fault)))
    yield Progress("scan", len(files), len(files))
    empty_classes = sorted({label for label, _ in classes} - {sample.label for sample in samples})
    return _merge_copies(folder, samples, unreadable, unclassed_count, tuple(empty_classes))


def survey_unlabelled(folder: Path) -> Steps[tuple[PhotoSample, ...]]:
    """Every distinct picture at and below a folder, in order of sha256, each as a class of its own."""
    unreadable: list[UnreadableFile] = []
    found: dict[bytes, bytes] = {}
    paths = list(_walk_pictures(os.fsencode(folder.absolute()), unreadable))
    for done, path in enumerate(paths):
        yield Progress("scan", done, len(paths), show_file_name(path))
        with contextlib.suppress(PhotoError):  # decoding will say so
            found.setdefault(content_hash(read_photo(path)), path)
    yield Progress("scan", len(paths), len(paths))
    return tuple(make_unlabelled_sample(path, sha256) for sha256, path in sorted(found.items()))


def make_unlabelled_sample(path: bytes, sha256: bytes) -> PhotoSample:
    """A photo without a label: a class of its own, named by its sha256."""
    return PhotoSample(path, sha256, sha256.hex())


def _list_class_folders(root: bytes) -> tuple[list[tuple[str, bytes]], int]:
    """The classes (name, folder) in order of name, and the number of pictures that stand beside their folders."""
    try:
        with os.scandir(root) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as fault:
        raise LookalikeError(f"{show_path(root)} cannot be read: {fault.strerror}.") from None
    folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False) and is_photo_folder(entry.name)]
    unclassed_count = sum(is_candidate(entry.name) and not entry.is_dir() for entry in entries)
    return [(show_path(entry.name), entry.path) for entry in folders], unclassed_count


def _walk_pictures(top: bytes, unreadable: list[UnreadableFile]) -> Iterator[bytes]:
    """Paths of the pictures at and below a folder, in a fixed order; folders that cannot be listed are noted."""

    def note_fault(fault: OSError) -> None:
        unreadable.append(UnreadableFile(fault.filename, f"the folder cannot be read: {fault.strerror}"))

    for folder, inner, names in os.walk(top, onerror=note_fault):
        inner[:] = sorted(name for name in inner if is_photo_folder(name))
        yield from (os.path.join(folder, name) for name in sorted(names) if is_candidate(name))  # noqa: PTH118


def _merge_copies(
    folder: Path,
    found: list[PhotoSample],
    unreadable: list[UnreadableFile],
    unclassed_count: int,
    empty_classes: tuple[str, ...],
) -> LabelledFolder:
    """Merge copies within a class and set aside contents that stand in several."""
    by_content: dict[bytes, list[PhotoSample]] = defaultdict(list)
    for sample in found:
        by_content[sample.sha256].append(sample)
    samples, conflicts, copy_count = [], [], 0
    for same_content in by_content.values():
        labels = tuple(sorted({sample.label for sample in same_content}))
        if len(labels) > 1:
            conflicts.append(LabelConflict(labels, tuple(sample.path for sample in same_content)))
        else:
            samples.append(same_content[0])
            copy_count += len(same_content) - 1
    samples.sort(key=lambda sample: (sample.label, sample.sha256))
    return LabelledFolder(
        folder, tuple(samples), copy_count, tuple(conflicts), tuple(unreadable), unclassed_count, empty_classes
    )


class NumberedLabels(NamedTuple):
    """The labels of samples as class numbers (n,) int64 from 0, and the name of each class, in order of name."""

    labels: NDArray[np.int64]
    names: tuple[str, ...]


def has_labels(samples: Iterable[PhotoSample]) -> bool:
    """Whether any two photos share a class; where none do, each was given a class of its own."""
    counts = Counter(sample.label for sample in samples)
    return any(count > 1 for count in counts.values())


def require_usable(wanted: Sequence[PhotoSample], usable: Sequence[PhotoSample], task: str) -> None:
    """LookalikeError where too few pictures of a part could be read: fewer than two, or no two of one class although
    some of the wanted ones share a class. `task` says what the part is for, as "learn from".
    """
    if len(usable) < 2 or (has_labels(wanted) and not has_labels(usable)):
        unread_count = f"{len(wanted) - len(usable):,} of the {len(wanted):,} pictures to {task}"
        raise LookalikeError(
            f"{unread_count} cannot be read, and the rest leave nothing to ask: mend or remove them, or add pictures."
        )


def number_labels(samples: Iterable[PhotoSample]) -> NumberedLabels:
    """Number the classes of samples from 0, in order of name."""
    labels = [sample.label for sample in samples]
    names = tuple(sorted(set(labels)))
    numbers = {name: index for index, name in enumerate(names)}
    return NumberedLabels(np.array([numbers[label] for label in labels], dtype=np.int64), names)
