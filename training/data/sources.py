"""Where the pictures of a training are from, and where its checkpoint goes. Imports no torch."""

import os
import time
from pathlib import Path
from typing import NamedTuple

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import LIBRARY_SUFFIX, find_home_folder
from indexer.ranking.filter_options import describe_conditions
from training.data.labelled_folders import PhotoSample, make_unlabelled_sample
from training.data.split import DataSplit, split_samples, split_without_classes

UNFINISHED_FILE = "unfinished.safetensors"  # beside a checkpoint to come: a training that can be taken up again


class LibraryLabels(NamedTuple):
    """A library's labels as what to learn from, by its folder: those of the photos that pass the filter."""

    library: Path
    photo_filter: Filter | None = None


TrainingSource = Path | LibraryLabels
"""A folder whose sub-folders are classes, or a library's labels."""


class LibrarySamples(NamedTuple):
    """What a library has to learn from: its photos with a label, those without, each a class of its own, and how many
    cannot be read now as their folders are offline.
    """

    labelled: tuple[PhotoSample, ...]
    unlabelled: tuple[PhotoSample, ...]
    offline: int


def is_library(folder: Path) -> bool:
    """Whether a folder is a library's and not one of pictures."""
    return (folder / "library.sqlite").is_file()


def read_library_samples(source: LibraryLabels) -> LibrarySamples:
    """The photos of a library that pass the filter, their labels the user's own or a folder's.

    LookalikeError where there is no library.
    """
    with Library.open(source.library) as library:
        labels = library.annotations.read_labels(library.model_id)
        filtered = library.load_photos(library.find_photo_ids(source.photo_filter).tolist())
    online = [photo for photo in filtered if not photo.offline]
    labelled = (PhotoSample(photo.path, photo.sha256, labels[photo.id]) for photo in online if photo.id in labels)
    unlabelled = (make_unlabelled_sample(photo.path, photo.sha256) for photo in online if photo.id not in labels)
    return LibrarySamples(tuple(labelled), tuple(unlabelled), len(filtered) - len(online))


def split_library(source: LibraryLabels, purpose: str, recipe: str) -> DataSplit:
    """The parts of a library's photos whose files are here: of those with a label.

    Without any labels all photos, each a class of its own. With the recipe unlabelled the labelled ones choose and
    judge, and all others are learned from. LookalikeError where there is no library or too little in it.
    """
    labelled, unlabelled, _ = read_library_samples(source)
    if recipe != "unlabelled" and (labelled or recipe != "auto"):
        return split_samples(labelled, purpose)
    if not labelled:
        return split_without_classes(unlabelled)
    parts = split_samples(labelled, purpose)
    return parts._replace(train=parts.train + unlabelled)


def describe_source(source: TrainingSource) -> str:
    """What is learned from, for people: 'in /photos', 'labelled in the library default (only photos: in cats)'."""
    if isinstance(source, Path):
        return f"in {show_path(os.fsencode(source))[-200:]}"
    description = f"labelled in the library {show_path(os.fsencode(source.library.name.removesuffix(LIBRARY_SUFFIX)))}"
    conditions = [one.text for one in describe_conditions(source.photo_filter)] if source.photo_filter else []
    return description + (f" (only photos: {', '.join(conditions)})" if conditions else "")


def checkpoint_folder(source: TrainingSource) -> Path:
    """A new folder for what is learned from a source, named by it and the time."""
    return find_home_folder() / "checkpoints" / f"{_name_source(source)}-{time.strftime('%Y%m%d-%H%M%S')}"


def find_unfinished(source: TrainingSource) -> Path:
    """The newest of the source's checkpoint folders whose training was cut off; LookalikeError where there is none."""
    found = sorted(path.parent for path in (find_home_folder() / "checkpoints").glob(f"*/{UNFINISHED_FILE}"))
    matching = [path for path in found if path.name.rsplit("-", 2)[0] == _name_source(source)]
    if not matching:
        raise LookalikeError(
            f"No training on {show_path(_get_source_folder(source))} was cut off: leave --resume out, or name its "
            "folder by --out."
        )
    return matching[-1]


def _name_source(source: TrainingSource) -> str:
    return _get_source_folder(source).absolute().name


def _get_source_folder(source: TrainingSource) -> Path:
    return source.library if isinstance(source, LibraryLabels) else source
