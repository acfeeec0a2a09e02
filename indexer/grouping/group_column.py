"""A column of groups that the user gives: a CSV file with the columns `file` and `group`."""

import csv
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from indexer.errors import LookalikeError
from indexer.paths import find_below, show_path
from indexer.wording import normalise_label

_COLUMNS = ("file", "group")
LARGEST_FILE = 256 * 1024 * 1024  # bytes: two million lines


def read_group_column(path: Path, *folders: Path) -> dict[bytes, str]:
    """The group of each file that a CSV file lists, by absolute path; its paths are relative to one of the folders.

    An empty group says nothing of its file. LookalikeError where the file is no such CSV, names a file that is in none
    of the folders, or puts one file into two groups.
    """
    roots = [os.fsencode(folder.absolute()) for folder in folders]
    groups: dict[bytes, str] = {}
    for file, group in _read_rows(path):
        target = _find_below(roots, file)
        if target is None:
            where = " or ".join(map(show_path, roots)) or "a library without folders"
            raise LookalikeError(
                "{table} names {file!r}, which is no file in {where}.",
                table=show_path(os.fsencode(path)),
                file=file,
                where=where,
            )
        if groups.setdefault(target, group) != group:
            raise LookalikeError(
                "{table} puts {file!r} into two groups.", table=show_path(os.fsencode(path)), file=file
            )
    return {target: group for target, group in groups.items() if group}


def _read_rows(path: Path) -> list[tuple[str, str]]:
    """The entries (file, group) of each line, without the space around them."""
    shown = show_path(os.fsencode(path))
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise LookalikeError("{shown} is too large for a list of groups.", shown=shown)
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if not set(_COLUMNS) <= set(reader.fieldnames or ()):
                raise LookalikeError("{shown} needs a first line that names the columns file and group.", shown=shown)
            return [((row["file"] or "").strip(), normalise_label((row["group"] or "").strip())) for row in reader]
    except OSError as fault:
        raise LookalikeError("{shown} cannot be read: {reason}.", shown=shown, reason=fault.strerror) from None
    except csv.Error as fault:
        raise LookalikeError("{shown} is no CSV file: {fault}.", shown=shown, fault=fault) from None


def _find_below(roots: Sequence[bytes], file: str) -> bytes | None:
    """The path of a file below the first of the folders that has it, in whichever Unicode spelling; None where none."""
    spellings = dict.fromkeys((file, *(unicodedata.normalize(form, file) for form in ("NFC", "NFD"))))
    for target in (find_below(root, os.fsencode(spelling)) for root in roots for spelling in spellings):
        if target is not None and os.path.isfile(target):  # noqa: PTH113 - bytes
            return target
    return None
