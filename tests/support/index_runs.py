"""Indexing in the test's own process, and what the library shows afterwards."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from indexer.indexing.run import IndexReport, index_library
from indexer.library import Library
from indexer.progress import drain
from indexer.search.results import Photo
from tests.support.commands import lookalike
from tests.support.drawings import CLASSES, draw
from tests.support.embedders import Tiny, write_card


def run_indexing(library: Library, model: Tiny, *folders: Path, labelled: bool = False) -> IndexReport:
    return drain(index_library(library, folders, model, labelled=labelled))


def load_shown_photos(library: Library) -> dict[Path, Photo]:
    """The photos that a search may find, by their paths."""
    return {Path(os.fsdecode(photo.path)): photo for photo in library.load_photos(library.find_photo_ids().tolist())}


def count_copies(library: Library) -> dict[Path, int]:
    """The number of further copies of each shown photo, by its path."""
    return {path: photo.copies for path, photo in load_shown_photos(library).items()}


def index_some(folder: Path, source: Path, classes: Iterable[str], each: int, model: Path) -> Path:
    """A home below `folder` whose default library has so many pictures of each class of `source`, under that model."""
    for name in classes:
        (folder / "photos" / name).mkdir(parents=True)
        for path in sorted(path for path in (source / name).iterdir() if path.suffix in (".png", ".webp"))[:each]:
            shutil.copy(path, folder / "photos" / name)
    shutil.copytree(model, folder / "home" / "models" / model.name)
    assert lookalike(folder / "home", "index", folder / "photos", "--labelled").code == 0
    return folder / "home"


def index_drawings(folder: Path, each: int, *, labelled: bool = False) -> Path:
    """A library below `folder` with so many drawings of each class, in a folder each, under the model Tiny."""
    for shape in CLASSES:
        (folder / "photos" / shape).mkdir(parents=True)
        for number in range(each):
            draw(shape, number).save(folder / "photos" / shape / f"{shape}{number}.png")
    write_card(folder / "default.library" / "models")
    with Library(folder / "default.library") as library:
        run_indexing(library, Tiny(), folder / "photos", labelled=labelled)
        library.store.models.activate_model(Tiny().card.fingerprint)
    return folder / "default.library"
