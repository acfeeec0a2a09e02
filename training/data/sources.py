"""Where the pictures of a training are from, and where its checkpoint goes. Imports no torch."""

import os
import time
from pathlib import Path
from typing import NamedTuple

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import SUFFIX, home
from indexer.ranking import filter_options as filter_words
from training.data.labelled_folders import Sample, alone
from training.data.split import Split, split, without_classes

UNFINISHED = "unfinished.safetensors"  # beside a checkpoint to come: a training that can be taken up again


class Labels(NamedTuple):
    """A library's labels as what to learn from, by its folder: those of the photos that pass the filter."""

    library: Path
    within: Filter | None = None


Source = Path | Labels
"""A folder whose sub-folders are classes, or a library's labels."""


class Held(NamedTuple):
    """What a library has to learn from: its photos with a label, those without, each a class of its own, and how many
    cannot be read now as their folders are offline.
    """

    labelled: tuple[Sample, ...]
    others: tuple[Sample, ...]
    offline: int


def is_library(folder: Path) -> bool:
    """Whether a folder is a library's and not one of pictures."""
    return (folder / "library.sqlite").is_file()


def held(source: Labels) -> Held:
    """The photos of a library that pass the filter, their labels the user's own or a folder's.

    LookalikeError where there is no library.
    """
    with Library.open(source.library) as library:
        labels = library.annotations.labels(library.model_id)
        shown = library.photos(library.photo_ids(source.within).tolist())
    found = [photo for photo in shown if not photo.offline]
    labelled = (Sample(photo.path, photo.sha256, labels[photo.id]) for photo in found if photo.id in labels)
    others = (alone(photo.path, photo.sha256) for photo in found if photo.id not in labels)
    return Held(tuple(labelled), tuple(others), len(shown) - len(found))


def from_library(source: Labels, purpose: str, recipe: str) -> Split:
    """The parts of a library's photos whose files are here: of those with a label.

    Without any labels all photos, each a class of its own. With the recipe unlabelled the labelled ones choose and
    judge, and all others are learned from. LookalikeError where there is no library or too little in it.
    """
    labelled, others, _ = held(source)
    if recipe != "unlabelled" and (labelled or recipe != "auto"):
        return split(labelled, purpose)
    if not labelled:
        return without_classes(others)
    parts = split(labelled, purpose)
    return parts._replace(train=parts.train + others)


def described(source: Source) -> str:
    """What is learned from, for people: 'in /photos', 'labelled in the library default (only photos: in cats)'."""
    if isinstance(source, Path):
        return f"in {show_path(os.fsencode(source))[-200:]}"
    words = f"labelled in the library {show_path(os.fsencode(source.library.name.removesuffix(SUFFIX)))}"
    conditions = [one.text for one in filter_words.told(source.within)] if source.within else []
    return words + (f" (only photos: {', '.join(conditions)})" if conditions else "")


def checkpoint_folder(source: Source) -> Path:
    """A new folder for what is learned from a source, named by it and the time."""
    return home() / "checkpoints" / f"{_name(source)}-{time.strftime('%Y%m%d-%H%M%S')}"


def cut_off(source: Source) -> Path:
    """The newest of the source's checkpoint folders whose training was cut off; LookalikeError where there is none."""
    found = sorted(path.parent for path in (home() / "checkpoints").glob(f"*/{UNFINISHED}"))
    ours = [path for path in found if path.name.rsplit("-", 2)[0] == _name(source)]
    if not ours:
        raise LookalikeError(
            f"No training on {show_path(_folder(source))} was cut off: leave --resume out, or name its folder by --out."
        )
    return ours[-1]


def _name(source: Source) -> str:
    return _folder(source).absolute().name


def _folder(source: Source) -> Path:
    return source.library if isinstance(source, Labels) else source
