"""The three data sets of the field as they are shared: Cars196, CUB-200-2011 and Stanford Online Products.

None of them is a folder of classes inside train and test. All are divided in the usual way of metric learning: the
first half of the classes to learn from, the others to be asked about (Oh Song et al. 2016).
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from indexer.errors import LookalikeError
from indexer.paths import find_below, get_file_name, get_first_folder, show_path
from indexer.photos.class_folders import ClassFolder, ClassLayout, name_class
from indexer.photos.reading import is_candidate

LARGEST_LIST = 64 << 20  # bytes of a list of files
CARS_LEARNED, BIRDS_LEARNED = 98, 100  # classes to learn from
CARS_LIST, BIRDS_LIST = "cars_annos.mat", "images.txt"
PRODUCT_LISTS = {"train": "Ebay_train.txt", "test": "Ebay_test.txt"}


class ListedFile(NamedTuple):
    """A picture of a data set's list: its path, its class, and the part that class belongs to."""

    path: bytes
    class_folder: ClassFolder


class BenchmarkLayout(NamedTuple):
    """The pictures of a data set in the order of its own list, and its classes as a layout with given parts."""

    files: tuple[ListedFile, ...]
    layout: ClassLayout


def read_benchmark(folder: Path) -> BenchmarkLayout | None:
    """The data set in a folder, recognised by its lists; None for any other folder.

    LookalikeError where a list is damaged.
    """
    for is_there, read_files in BENCHMARKS:
        if is_there(folder):
            try:
                files = tuple(found for found in read_files(folder) if is_candidate(get_file_name(found.path)))
            except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
                raise LookalikeError(
                    "The lists in {folder} are damaged or of another version. Get the data set again, or take the "
                    "lists away: then its sub-folders are the classes.",
                    folder=show_path(folder),
                ) from error
            classes = tuple(sorted({found.class_folder for found in files}))
            return BenchmarkLayout(files, ClassLayout(classes, {"train": "train", "test": "test"}, 0, 1, ""))
    return None


def _read_birds(folder: Path) -> Iterator[ListedFile]:
    """`images.txt`: a number and a path `001.Name/File.jpg` in each line."""
    for line in _read_lines(folder / BIRDS_LIST):
        name = line.split(maxsplit=1)[1].encode()
        class_name = get_first_folder(name) or b""
        part = "train" if int(class_name.split(b".")[0]) <= BIRDS_LEARNED else "test"
        yield _make_file(folder / "images", name, class_name, part)


def _read_products(folder: Path) -> Iterator[ListedFile]:
    """`Ebay_train.txt` and `Ebay_test.txt`: a heading, then picture, class, super-class and path in each line."""
    for part, list_name in PRODUCT_LISTS.items():
        for line in _read_lines(folder / list_name)[1:]:
            _, class_number, _, name = line.split(maxsplit=3)
            yield _make_file(folder, name.encode(), f"{int(class_number):05d}".encode(), part)


def _read_cars(folder: Path) -> Iterator[ListedFile]:
    """`cars_annos.mat`: a table of pictures with their class, and the names of the classes."""
    from scipy.io import loadmat  # noqa: PLC0415 (only this data set needs it)

    _require_small(folder / CARS_LIST)
    tables = loadmat(folder / CARS_LIST, squeeze_me=True, variable_names=["annotations", "class_names"])
    names = [str(name) for name in tables["class_names"]]
    for row in tables["annotations"]:
        number = int(row["class"])
        label = f"{number:03d} {names[number - 1]}".encode()
        yield _make_file(
            folder, str(row["relative_im_path"]).encode(), label, "train" if number <= CARS_LEARNED else "test"
        )


def _make_file(folder: Path, name: bytes, class_name: bytes, part: str) -> ListedFile:
    """A file below the folder; ValueError where the list names one elsewhere."""
    root = os.fsencode(folder.absolute())
    if (path := find_below(root, name)) is None:
        raise ValueError("a path outside the data set")
    return ListedFile(path, ClassFolder(name_class(class_name), root, part))


def _read_lines(path: Path) -> list[str]:
    _require_small(path)
    return [line for line in path.read_text("utf-8").splitlines() if line.strip()]


def _require_small(path: Path) -> None:
    if not path.is_file() or path.stat().st_size > LARGEST_LIST:
        raise ValueError("no list")


def _has_files(*names: str) -> Callable[[Path], bool]:
    return lambda folder: all((folder / name).exists() for name in names)


BENCHMARKS: tuple[tuple[Callable[[Path], bool], Callable[[Path], Iterator[ListedFile]]], ...] = (
    (_has_files(CARS_LIST, "car_ims"), _read_cars),
    (_has_files(BIRDS_LIST, "images"), _read_birds),
    (_has_files(*PRODUCT_LISTS.values()), _read_products),
)
