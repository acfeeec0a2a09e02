"""Labels from other programs: a table of paths and labels, or the sidecars that lie beside the photos."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.exchange.xmp_sidecars import MOST_BYTES, SIDECAR_SUFFIX, read_keywords
from indexer.library import Library
from indexer.paths import show_path
from indexer.progress import Progress, Steps
from indexer.search.examples import find_photo_id
from indexer.search.results import Photo
from indexer.trust.regular_file import UnusableFile, read_regular_file
from indexer.wording import count_noun, normalise_label, tr

PHOTOS_PER_BLOCK = 500
PATH_COLUMNS, LABEL_COLUMNS = ("path", "file", "filename", "filepath", "image"), ("label", "class", "category", "tag")
MOST_TABLE_BYTES = 256 << 20


# What is said of several rows or sidecars that could not be used, and of one.
UNUSED_REASONS = {
    "are of files that the library does not hold": "is of a file that the library does not hold",
    "are empty": "is empty",
    "differ from an earlier one of the same photo": "differs from an earlier one of the same photo",
    "could not be read": "could not be read",
    "have several keywords, of which not just one is a label of the library": (
        "has several keywords, of which not just one is a label of the library"
    ),
}


class FoundLabels(NamedTuple):
    """Labels by photo id, and what of the source could not be used: one of UNUSED_REASONS, and how often it holds.

    `sources` is the number of rows or sidecars that were there.
    """

    labels: dict[int, str]
    remarks: Counter[str]
    sources: int

    def describe_unused(self, noun: str) -> list[str]:
        """What could not be used, a sentence each; `noun` is what the source is made of."""
        return [
            f"{count_noun(count, noun)} {UNUSED_REASONS[reason] if count == 1 else reason}."
            for reason, count in self.remarks.items()
        ]


def read_label_table(table: Path, library: Library) -> FoundLabels:
    """The labels of a CSV table with a column for the file and one for the label.

    Relative paths start at the table's folder. Raises LookalikeError where the table cannot be read, or has no such
    columns.
    """
    found, remarks, sources = dict[int, str](), Counter[str](), 0
    by_path = {photo.path: photo.id for photo in _iterate_photos(library)}
    for name, label in _iterate_table(table):
        sources += 1
        path = table.parent / name
        photo = by_path.get(os.fsencode(path.absolute())) or _find_by_content(path, library)
        if not photo:
            remarks["are of files that the library does not hold"] += 1
        elif not label.strip():
            remarks["are empty"] += 1
        elif found.setdefault(photo, label) != label:
            remarks["differ from an earlier one of the same photo"] += 1
    return FoundLabels(found, remarks, sources)


def read_sidecars(library: Library, within: Filter | None = None) -> Steps[FoundLabels]:
    """The labels of the XMP sidecars beside the library's shown photos, which are `PHOTO.EXT.xmp` or `PHOTO.xmp`.

    Of several keywords the one that is a label of the library already is taken; where none or several are, none is.
    """
    found, remarks, sources = dict[int, str](), Counter[str](), 0
    known = {normalise_label(label) for label in library.annotations.read_labels(library.model_id).values()}
    ids = library.find_photo_ids(within).tolist()
    for start in range(0, len(ids), PHOTOS_PER_BLOCK):
        yield Progress("read", start, len(ids), tr("reading sidecars"))
        for photo in library.load_photos(ids[start : start + PHOTOS_PER_BLOCK]):
            sidecar = read_sidecar(Path(os.fsdecode(photo.path)))
            if sidecar is None:
                continue
            sources += 1
            try:
                label, keywords = read_keywords(sidecar)
            except LookalikeError:
                remarks["could not be read"] += 1
                continue
            chosen = [label] if label else _choose_keywords(keywords, known)
            if len(chosen) == 1:
                found[photo.id] = chosen[0]
            elif keywords:
                remarks["have several keywords, of which not just one is a label of the library"] += 1
    return FoundLabels(found, remarks, sources)


def read_sidecar(picture: Path) -> bytes | None:
    """The content of a picture's sidecar, None where it has none."""
    for path in list_sidecar_paths(picture):
        try:
            return read_regular_file(path, MOST_BYTES + 1)
        except (OSError, UnusableFile):
            continue
    return None


def list_sidecar_paths(picture: Path) -> tuple[Path, Path]:
    """Where a picture's sidecar may lie: with the whole name, which no second picture has, and without its ending."""
    return picture.with_name(picture.name + SIDECAR_SUFFIX), picture.with_suffix(SIDECAR_SUFFIX)


def apply_labels(library: Library, labels: Mapping[int, str]) -> int:
    """Give the photos these labels, all or none; the number of photos whose label is another one now."""
    before = library.annotations.read_labels(library.model_id, list(labels))
    changed = {photo: label for photo, label in labels.items() if before.get(photo) != normalise_label(label.strip())}
    library.annotations.set_labels(changed)
    return len(changed)


def take_sidecar_labels(library: Library) -> Steps[int]:
    """Give the shown photos the labels of their sidecars, where the user has given none; how many have another now."""
    found = yield from read_sidecars(library)
    given = library.annotations.read_user_labels(found.labels)
    return apply_labels(library, {photo: label for photo, label in found.labels.items() if given.get(photo) is None})


def _choose_keywords(keywords: tuple[str, ...], known: set[str]) -> list[str]:
    """The keyword of a photo that has one; of several those that are known as labels."""
    return list(keywords) if len(keywords) == 1 else [one for one in keywords if normalise_label(one) in known]


def _iterate_photos(library: Library) -> Iterator[Photo]:
    ids = library.find_photo_ids().tolist()
    for start in range(0, len(ids), PHOTOS_PER_BLOCK):
        yield from library.load_photos(ids[start : start + PHOTOS_PER_BLOCK])


def _iterate_table(table: Path) -> Iterator[tuple[str, str]]:
    try:
        text = read_regular_file(table, MOST_TABLE_BYTES).decode("utf-8-sig")
        rows = csv.DictReader(io.StringIO(text), dialect=csv.Sniffer().sniff(text[:4096], ",;\t"))
        columns = {name.strip().lower(): name for name in rows.fieldnames or ()}
        path_column = next((columns[name] for name in PATH_COLUMNS if name in columns), None)
        label_column = next((columns[name] for name in LABEL_COLUMNS if name in columns), None)
        if path_column is None or label_column is None:
            raise LookalikeError(
                "{table} needs a column `path` and a column `label` in its first line.", table=show_path(table)
            )
        yield from ((row[path_column] or "", row[label_column] or "") for row in rows)
    except (OSError, UnusableFile, UnicodeDecodeError, csv.Error) as fault:
        raise LookalikeError(
            "{table} cannot be read as a table: {fault}.", table=show_path(table), fault=fault
        ) from None


def _find_by_content(path: Path, library: Library) -> int:
    """The photo with the content of a file, 0 where there is none."""
    try:
        return find_photo_id(path, library.store) if path.is_file() else 0
    except (LookalikeError, OSError, ValueError):
        return 0
