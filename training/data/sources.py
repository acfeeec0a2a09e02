"""Where the pictures of a training come from, and where its checkpoint goes. Imports no torch."""

import os
import time
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from indexer.cli.filter_options import format_filter_options
from indexer.database.filters import Filter
from indexer.database.sqlite.opening import has_library
from indexer.errors import LookalikeError
from indexer.home.folders import find_home_folder, list_home_folders
from indexer.library import Library
from indexer.paths import show_path
from indexer.photos.class_folders import ClassLayout
from indexer.places import LIBRARY_SUFFIX, name_library
from indexer.progress import Steps
from indexer.ranking.filter_wording import describe_conditions
from indexer.wording import speak_english
from training.data.groups import number_groups
from training.data.labelled_folders import (
    LabelledFolder,
    PhotoSample,
    join_tracks,
    make_unlabelled_sample,
    survey_folder,
)
from training.data.split import DataSplit, split_samples, split_without_classes

CHECKPOINTS_FOLDER = "checkpoints"  # of a home folder
UNFINISHED_FILE = "unfinished.safetensors"  # beside a checkpoint to come: a training that can be taken up again


class LibraryLabels(NamedTuple):
    """The labels of a library, by its folder, as what to learn from: those of the photos that pass the filter."""

    library: Path
    photo_filter: Filter | None = None


TrainingSource = Path | LibraryLabels
"""A folder whose sub-folders are classes, or a library's labels."""


class LibrarySamples(NamedTuple):
    """What a library has to learn from: its photos with a label, those without, each as a class of its own, and the
    number of photos that cannot be read now because their folders are offline.
    """

    labelled: tuple[PhotoSample, ...]
    unlabelled: tuple[PhotoSample, ...]
    offline: int


def is_library(folder: Path) -> bool:
    """Whether a folder is that of a library."""
    return has_library(folder)


def read_library_samples(source: LibraryLabels) -> LibrarySamples:
    """The photos of a library that pass the filter, with the labels that the user or a folder gave them.

    LookalikeError where there is no library.
    """
    with Library.open(source.library) as library:
        labels = library.annotations.read_labels(library.model_id)
        filtered = library.load_photos(library.find_photo_ids(source.photo_filter).tolist())
    online = [photo for photo in filtered if not photo.offline]
    labelled = (PhotoSample(photo.path, photo.sha256, labels[photo.id]) for photo in online if photo.id in labels)
    unlabelled = (make_unlabelled_sample(photo.path, photo.sha256) for photo in online if photo.id not in labels)
    return LibrarySamples(tuple(labelled), tuple(unlabelled), len(filtered) - len(online))


def survey_source(source: TrainingSource) -> Steps[LabelledFolder]:
    """The labelled photos of a folder; those of a library whose folders are online, as if they lay in one folder."""
    if isinstance(source, Path):
        return (yield from survey_folder(source))
    found = read_library_samples(source)
    samples = tuple(sorted(found.labelled, key=lambda sample: (sample.label, sample.sha256)))
    return LabelledFolder(source.library, samples, 0, (), (), (), ClassLayout((), {}, 0, 1, ""), {}, 0)


def divide_library(found: LibrarySamples, purpose: str, recipe: str, groups: Mapping[bytes, int]) -> DataSplit:
    """The three parts of a library's labelled photos whose folders are online, no group (by content hash) parted.

    Without any labels all photos take part, each track a class of its own. With the recipe "unlabelled", all photos
    without a label join the training part, but those of a group with a photo that is to choose or to judge by.
    LookalikeError where there is too little in it.
    """
    labelled = found.labelled
    if not learns_from_unlabelled(found, recipe):
        return split_samples(labelled, purpose, number_groups(labelled, groups))
    unlabelled = join_tracks(found.unlabelled, groups)
    if not labelled:
        return split_without_classes(unlabelled)
    parts = split_samples(labelled, purpose, number_groups(labelled, groups))
    kept_away = {groups[sample.sha256] for sample in parts.validation + parts.test if sample.sha256 in groups}
    free = tuple(sample for sample in unlabelled if groups.get(sample.sha256) not in kept_away)
    return parts._replace(train=parts.train + free)


def learns_from_unlabelled(found: LibrarySamples, recipe: str) -> bool:
    """Whether the photos of a library that have no label are learned from too."""
    return recipe == "unlabelled" or (recipe == "auto" and not found.labelled)


def find_group_folders(source: TrainingSource) -> tuple[Path, ...]:
    """The folders to which the files of a column of groups are relative: the labelled folder, or a library's roots."""
    if isinstance(source, Path):
        return (source,)
    with Library.open(source.library) as library:
        return tuple(Path(os.fsdecode(root.path)) for root in library.store.files.list_roots())


def describe_source(source: TrainingSource) -> str:
    """A source in words: "in /photos", "labelled in the library default (only photos: in cats)"."""
    if isinstance(source, Path):
        return f"in {show_path(os.fsencode(source))[-200:]}"
    description = f"labelled in the library {name_library(source.library)}"
    with speak_english():  # it is stored
        conditions = [named.text for named in describe_conditions(source.photo_filter)] if source.photo_filter else []
    return description + (f" (only photos: {', '.join(conditions)})" if conditions else "")


def format_source_arguments(source: TrainingSource) -> list[str]:
    """The arguments of `lookalike train` that name a source."""
    if isinstance(source, Path):
        return [os.fspath(source.absolute())]
    within = format_filter_options(source.photo_filter) if source.photo_filter else []
    return [f"--library={os.fspath(source.library.absolute())}", *within]


def choose_checkpoint_folder(source: TrainingSource) -> Path:
    """The path of a new folder for a checkpoint, named by the source and the time."""
    return find_checkpoints_folder() / f"{_name_source(source)}-{time.strftime('%Y%m%d-%H%M%S')}"


def suggest_name(source: TrainingSource) -> str:
    """A name for a training on a source: that of the folder or library, and the day."""
    name = _name_source(source).removesuffix(LIBRARY_SUFFIX)
    return f"{show_path(os.fsencode(name))[:60]}, {time.strftime('%Y-%m-%d')}"


def find_unfinished(source: TrainingSource) -> Path:
    """The newest folder of a training on a source that was cut off; LookalikeError where there is none."""
    found = sorted((path.parent for path in list_unfinished_files()), key=attrgetter("name"))
    matching = [path for path in found if path.name.rsplit("-", 2)[0] == _name_source(source)]
    if not matching:
        raise LookalikeError(
            "No training on {folder} was cut off: leave --resume out, or name its folder by --out.",
            folder=show_path(get_source_folder(source)),
        )
    return matching[-1]


def find_checkpoints_folder() -> Path:
    """The folder in the home folder where trainings put their models when no other is named."""
    return find_home_folder() / CHECKPOINTS_FOLDER


def list_checkpoints_folders() -> list[Path]:
    """Where trainings have put their models: in the home folder, and in former ones."""
    return [home / CHECKPOINTS_FOLDER for home in list_home_folders()]


def list_unfinished_files() -> list[Path]:
    """The states of the trainings that were cut off and can go on."""
    return [path for place in list_checkpoints_folders() for path in place.glob(f"*/{UNFINISHED_FILE}")]


def get_source_folder(source: TrainingSource) -> Path:
    """The labelled folder, or that of the library."""
    return source.library if isinstance(source, LibraryLabels) else source


def _name_source(source: TrainingSource) -> str:
    return get_source_folder(source).absolute().name
