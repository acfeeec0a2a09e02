"""What the makers of the two samples share: the table that says what goes where, and a folder for each class."""

import csv
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

Row = TypeVar("Row")


def read_table(table: Path, make_row: Callable[..., Row]) -> list[Row]:
    """Return the rows of a table of tab-separated cells, the heading left out."""
    with table.open(encoding="utf-8", newline="") as lines:
        return [make_row(*cells) for cells in csv.reader(lines, delimiter="\t")][1:]


def empty_class_folders(out: Path, labels: Iterable[str]) -> None:
    """Make a folder below `out` for each label, without what an earlier one held."""
    for label in set(labels):
        shutil.rmtree(out / label, ignore_errors=True)
        (out / label).mkdir(parents=True)
