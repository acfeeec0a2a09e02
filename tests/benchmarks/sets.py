"""Labelled pictures for the benchmarks as (file, label): the bundled ones, and those of Debian packages."""

import csv
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from indexer.paths import find_assets_folder
from indexer.photos.samples import find_sample_folder, write_fashion_mnist
from indexer.progress import drain

CLIPART = Path("/usr/share/openclipart/png")
TOPICS = ("animals", "buildings", "food", "people", "plants", "recreation", "tools", "transportation")
DECKS = ("bordered", "ornamental", "simple", "white")
FEWEST, MOST, LARGEST = 12, 20, 1_000_000  # pictures of a class of clip art, and pixels of one
FASHION = 50  # pictures of each class


def list_drawings(work: Path) -> list[tuple[Path, str]]:
    """The bundled drawings; their folder is the label."""
    del work
    return [(path, path.parent.name) for path in sorted(find_sample_folder().glob("*/*.png"))]


def list_photographs(work: Path) -> list[tuple[Path, str]]:
    """The bundled photographs; their folder is the label."""
    del work
    return [(path, path.parent.name) for path in sorted((find_assets_folder() / "photographs").glob("*/*.webp"))]


def list_drawings_and_photographs(work: Path) -> list[tuple[Path, str]]:
    """Both bundled sets, as many kinds."""
    return [*list_drawings(work), *list_photographs(work)]


def list_clip_art(work: Path) -> list[tuple[Path, str]]:
    """Clip art about things, without the bundled drawings; its folder is the label."""
    del work
    bundled, pictures = list_bundled_originals(), []
    for folder in sorted(folder for topic in TOPICS for folder in (CLIPART / topic).rglob("*") if folder.is_dir()):
        files = [path for path in sorted(folder.glob("*.png")) if path not in bundled and _is_small(path)][:MOST]
        pictures += [(path, str(folder.relative_to(CLIPART))) for path in files if len(files) >= FEWEST]
    return pictures


def list_bundled_originals() -> set[Path]:
    """The files of clip art that the bundled drawings were made from."""
    with (find_assets_folder() / "sample.tsv").open(encoding="utf-8") as file:
        return {CLIPART / row["original"] for row in csv.DictReader(file, delimiter="\t")}


def _is_small(path: Path) -> bool:
    with Image.open(path) as image:
        return image.width * image.height <= LARGEST


def list_cards(work: Path) -> list[tuple[Path, str]]:
    """Playing cards, each drawn in four decks: the card is the label, whatever the deck looks like."""
    del work
    folder = CLIPART / "recreation" / "games" / "cards"
    return [
        (path, path.stem.removeprefix(f"{deck}_")) for deck in DECKS for path in sorted((folder / deck).glob("*.png"))
    ]


def list_fashion(work: Path) -> list[tuple[Path, str]]:
    """Photographs of the test part of Fashion-MNIST."""
    drain(write_fashion_mnist(work / "fashion", per_class=FASHION))
    return [(path, path.parent.name) for path in sorted((work / "fashion").glob("*/*.png"))]


SETS: dict[str, Callable[[Path], list[tuple[Path, str]]]] = {
    "drawings": list_drawings,
    "clip art": list_clip_art,
    "Fashion-MNIST": list_fashion,
}
