"""Where the pictures of a training are from, and where its checkpoint goes. Imports no torch."""

import time
from pathlib import Path

from indexer.card import show
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.places import home
from training.data import Sample, alone
from training.split import Split, split, without_classes

UNFINISHED = "unfinished.safetensors"  # beside a checkpoint to come: a training that can be taken up again


def is_library(folder: Path) -> bool:
    """Whether a folder is a library's and not one of pictures."""
    return (folder / "library.sqlite").is_file()


def from_library(folder: Path, purpose: str, recipe: str) -> Split:
    """The parts of a library's photos whose files are here: of those with a label, the user's own or a folder's.

    Without any labels all photos, each a class of its own. With the recipe unlabelled the labelled ones choose and
    judge, and all others are learned from. LookalikeError where there is no library or too little in it.
    """
    with Library.open(folder) as library:
        labels = library.annotations.labels(library.model_id)
        found = [photo for photo in library.photos(library.photo_ids().tolist()) if not photo.offline]
    labelled = [Sample(photo.path, photo.sha256, labels[photo.id]) for photo in found if photo.id in labels]
    others = tuple(alone(photo.path, photo.sha256) for photo in found if photo.id not in labels)
    if recipe != "unlabelled" and (labelled or recipe != "auto"):
        return split(labelled, purpose)
    if not labelled:
        return without_classes(others)
    parts = split(labelled, purpose)
    return parts._replace(train=parts.train + others)


def checkpoint_folder(source: Path) -> Path:
    """A new folder for what is learned from a source, named by it and the time."""
    return home() / "checkpoints" / f"{source.absolute().name}-{time.strftime('%Y%m%d-%H%M%S')}"


def cut_off(source: Path) -> Path:
    """The newest of the source's checkpoint folders whose training was cut off; LookalikeError where there is none."""
    name = source.absolute().name
    found = sorted(path.parent for path in (home() / "checkpoints").glob(f"*/{UNFINISHED}"))
    ours = [path for path in found if path.name.rsplit("-", 2)[0] == name]
    if not ours:
        raise LookalikeError(
            f"No training on {show(source)} was cut off: leave --resume out, or name its folder by --out."
        )
    return ours[-1]
