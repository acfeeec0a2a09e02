"""Labelled folders: a sub-folder is a class, and what stands in it belongs to that class.

`survey_folder` reads a folder into a LabelledFolder; `summary.py` says in sentences what was found, `split.py` divides
it. No torch.
"""

import contextlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.errors import LookalikeError, PhotoError
from indexer.paths import join_path, show_file_name
from indexer.photos.class_folders import ClassLayout, read_class_layout
from indexer.photos.reading import HIDDEN_FOLDER_MARK, content_hash, is_candidate, is_photo_folder, read_photo
from indexer.progress import Progress, Steps
from training.data.benchmark_layouts import ListedFile, read_benchmark

CONTENT_MARK = "\0"  # begins the class of a photo that nobody gave one: no folder and no label can be named so
PART_PREFERENCE = ("test", "validation", "train", "")  # of copies in several parts the first counts


class PhotoSample(NamedTuple):
    """One photo with its class: the absolute path of one of its files, and the sha256 of its content (32 bytes).

    `pixel_sha256` is the hash of the picture as it was decoded for the model, b"" before that.
    """

    path: bytes
    sha256: bytes
    label: str
    pixel_sha256: bytes = b""


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

    `copy_count` are the copies left out, `empty_classes` the class folders without a usable picture. Where the folder
    has its parts given (`layout.parts`), `parts` says by sha256 which part a photo is in, and `crossing_count` how many
    contents stand in several: such a photo is in the part that is furthest from learning.
    """

    folder: Path
    samples: tuple[PhotoSample, ...]
    copy_count: int
    conflicts: tuple[LabelConflict, ...]
    unreadable: tuple[UnreadableFile, ...]
    empty_classes: tuple[str, ...]
    layout: ClassLayout
    parts: Mapping[bytes, str]
    crossing_count: int

    @property
    def class_counts(self) -> dict[str, int]:
        """The number of photos of each class, by its name."""
        return dict(Counter(sample.label for sample in self.samples))


class _FoundPhoto(NamedTuple):
    sample: PhotoSample
    part: str


def survey_folder(folder: Path, class_level: int = 1) -> Steps[LabelledFolder]:
    """Find, read and hash the pictures of a labelled folder; LookalikeError where it cannot be read.

    The folders of the layout name the classes, deeper ones belong to them. Hidden folders and links to folders are
    not entered. A data set of `benchmark_layouts` has its classes and parts by its own lists.
    """
    unreadable: list[UnreadableFile] = []
    benchmark = read_benchmark(folder)
    if benchmark is None:
        layout = read_class_layout(folder, class_level)
        files = [ListedFile(path, top) for top in layout.folders for path in _walk_pictures(top.path, unreadable)]
    else:
        layout, files = benchmark.layout, list(benchmark.files)
    photos: list[_FoundPhoto] = []
    for done, (path, top) in enumerate(files):
        yield Progress("scan", done, len(files), show_file_name(path))
        try:
            photos.append(_FoundPhoto(PhotoSample(path, content_hash(read_photo(path)), top.label), top.part))
        except PhotoError as fault:
            unreadable.append(UnreadableFile(path, str(fault)))
    yield Progress("scan", len(files), len(files))
    return _merge_copies(folder, layout, photos, unreadable)


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
    return PhotoSample(path, sha256, CONTENT_MARK + sha256.hex())


def join_tracks(samples: Sequence[PhotoSample], groups: Mapping[bytes, int]) -> tuple[PhotoSample, ...]:
    """The samples, those without a label that are of one group (by content hash) as one class, a track.

    Near copies, frames of a burst and what a column of groups puts together show the same thing (Wang, Gupta 2015).
    """
    first: dict[int, str] = {}
    joined = []
    for sample in sorted(samples, key=lambda one: one.sha256):
        is_free = sample.label.startswith(CONTENT_MARK) and sample.sha256 in groups
        label = first.setdefault(groups[sample.sha256], sample.label) if is_free else sample.label
        joined.append(sample._replace(label=label))
    return tuple(joined)


def _walk_pictures(top: bytes, unreadable: list[UnreadableFile]) -> Iterator[bytes]:
    """Paths of the pictures at and below a folder, in a fixed order; folders that cannot be listed are noted."""

    def note_fault(fault: OSError) -> None:
        unreadable.append(UnreadableFile(fault.filename, f"the folder cannot be read: {fault.strerror}"))

    for folder, inner, names in os.walk(top, onerror=note_fault):
        if HIDDEN_FOLDER_MARK in names and folder != top:
            inner.clear()
            continue
        inner[:] = sorted(name for name in inner if is_photo_folder(name))
        yield from (join_path(folder, name) for name in sorted(names) if is_candidate(name))


def _merge_copies(
    folder: Path, layout: ClassLayout, found: list[_FoundPhoto], unreadable: list[UnreadableFile]
) -> LabelledFolder:
    """Merge copies within a class and set aside contents that stand in several."""
    by_content: dict[bytes, list[_FoundPhoto]] = defaultdict(list)
    for photo in found:
        by_content[photo.sample.sha256].append(photo)
    kept: list[_FoundPhoto] = []
    conflicts: list[LabelConflict] = []
    copy_count = crossing_count = 0
    for same_content in by_content.values():
        labels = tuple(sorted({photo.sample.label for photo in same_content}))
        if len(labels) > 1:
            conflicts.append(LabelConflict(labels, tuple(photo.sample.path for photo in same_content)))
            continue
        kept.append(min(same_content, key=lambda photo: PART_PREFERENCE.index(photo.part)))
        copy_count += len(same_content) - 1
        crossing_count += len({photo.part for photo in same_content}) > 1
    return LabelledFolder(
        folder,
        samples=tuple(sorted((photo.sample for photo in kept), key=lambda sample: (sample.label, sample.sha256))),
        copy_count=copy_count,
        conflicts=tuple(conflicts),
        unreadable=tuple(unreadable),
        empty_classes=tuple(sorted({top.label for top in layout.folders} - {photo.sample.label for photo in found})),
        layout=layout,
        parts={photo.sample.sha256: photo.part for photo in kept if photo.part},
        crossing_count=crossing_count,
    )


class NumberedLabels(NamedTuple):
    """The labels of samples as class numbers (n,) int64 from 0, and the name of each class, in order of name."""

    labels: NDArray[np.int64]
    names: tuple[str, ...]


def number_tracks(samples: Iterable[PhotoSample]) -> NDArray[np.int64]:
    """The track (n,) of each of n samples, where labels do not count: a photo that has one is a track of its own."""
    tracks: dict[str, int] = {}
    names = (one.label if one.label.startswith(CONTENT_MARK) else CONTENT_MARK + one.sha256.hex() for one in samples)
    return np.array([tracks.setdefault(name, len(tracks)) for name in names], np.int64)


def has_labels(samples: Iterable[PhotoSample]) -> bool:
    """Whether any two photos share a class that somebody gave; where none do, each or each track is one of its own."""
    counts = Counter(sample.label for sample in samples if not sample.label.startswith(CONTENT_MARK))
    return any(count > 1 for count in counts.values())


def require_usable(wanted: Sequence[PhotoSample], usable: Sequence[PhotoSample], task: str) -> None:
    """Raise LookalikeError where too few pictures of a part could be read: fewer than two, or no two of one class
    although some of the wanted ones share a class. `task` says what the part is for, as "learn from".
    """
    if len(usable) < 2 or (has_labels(wanted) and not has_labels(usable)):
        raise LookalikeError(
            "{unread:,} of the {wanted:,} pictures to {task} cannot be read, and the rest leave nothing to ask: mend "
            "or remove them, or add pictures.",
            unread=len(wanted) - len(usable),
            wanted=len(wanted),
            task=task,
        )


def number_labels(samples: Iterable[PhotoSample]) -> NumberedLabels:
    """Number the classes of samples from 0, in order of name."""
    labels = [sample.label for sample in samples]
    names = tuple(sorted(set(labels)))
    numbers = {name: index for index, name in enumerate(names)}
    return NumberedLabels(np.array([numbers[label] for label in labels], dtype=np.int64), names)
