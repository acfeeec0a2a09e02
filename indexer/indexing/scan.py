"""The files below a root now, and how they differ from those that the library knows.

A walk reads names and times only, no picture. Links to files are followed; links to folders are not, as they can form
loops and their targets have a place of their own. Left out are hidden files and folders, and the folders that systems
and programs make for themselves (`reading.SYSTEM_FOLDERS`). Of a folder that cannot be listed nothing is concluded: the
files that the library knows below it stay as they were.
"""

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from indexer.database.connection import MAX_INTEGER
from indexer.database.file_table import FileRecord
from indexer.paths import get_first_folder, get_parent_folder, join_path, make_prefix
from indexer.photos.class_folders import name_class
from indexer.photos.reading import is_candidate, is_photo_folder

TOUCHED = "touched"  # state of a file found whose content may be another, though its size and time are those known


class FolderListing(NamedTuple):
    """The candidates found in one folder, and the paths, relative to the root, that could not be read."""

    files: list[FileRecord]
    unreadable: list[bytes]


class RootChanges(NamedTuple):
    """How a root differs from the library: files to read, paths relative to it that went and that came back.

    `found` counts all candidates that are there; `unreadable` are the paths that could not be read.
    """

    new: list[FileRecord]
    gone: list[bytes]
    back: list[bytes]
    found: int
    unreadable: list[bytes]


class FolderIdentity(NamedTuple):
    """The folder that a path leads to; another one where another drive is mounted there."""

    device: int
    inode: int


def identify_folder(path: bytes) -> FolderIdentity | None:
    """The identity of the folder at a path, None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - bytes
    except OSError:
        return None
    return FolderIdentity(status.st_dev, status.st_ino)


def walk_root(root: bytes, skipped_folders: Collection[bytes] = ()) -> Iterator[FolderListing]:
    """List the candidates below a root, folder by folder, without the `skipped_folders` (absolute) below it."""
    pending = [b""]
    skipped_prefixes = {make_prefix(folder) for folder in skipped_folders}
    while pending:
        folder = pending.pop()
        listing = FolderListing([], [])
        try:
            with os.scandir(join_path(root, folder)) as entries:
                for entry in entries:
                    _visit_entry(entry, folder, pending, listing)
        except OSError:
            listing.unreadable.append(folder)
        if skipped_prefixes:
            pending = [path for path in pending if join_path(root, path) not in skipped_prefixes]
        yield listing


def _visit_entry(entry: "os.DirEntry[bytes]", folder: bytes, pending: list[bytes], listing: FolderListing) -> None:
    """Add a folder to those that are pending, a candidate to the listing."""
    if entry.is_dir(follow_symlinks=False):
        if is_photo_folder(entry.name):
            pending.append(make_prefix(folder + entry.name))
    elif is_candidate(entry.name):
        _add_candidate(entry, folder, listing)


def _add_candidate(entry: "os.DirEntry[bytes]", folder: bytes, listing: FolderListing) -> None:
    try:
        status = entry.stat()
    except FileNotFoundError:  # a dangling link, or gone since it was listed; maybe with all of its folder
        if not os.path.isdir(get_parent_folder(entry.path)):  # noqa: PTH112 - bytes
            listing.unreadable.append(folder)
    except OSError:  # it is there, but a folder on the way to it may not be entered
        listing.unreadable.append(folder + entry.name)
    else:
        if not stat.S_ISDIR(status.st_mode):
            listing.files.append(_make_record(folder + entry.name, status))


def _make_record(path: bytes, status: os.stat_result) -> FileRecord:
    """A file as the database can hold it, its times not beyond the largest integer of SQLite."""
    mtime_ns, ctime_ns = status.st_mtime_ns, status.st_ctime_ns
    if mtime_ns > MAX_INTEGER or ctime_ns > MAX_INTEGER:  # file systems hold more: a wrong clock can say 2300
        mtime_ns, ctime_ns = min(mtime_ns, MAX_INTEGER), min(ctime_ns, MAX_INTEGER)
    return FileRecord(path, status.st_size, mtime_ns, ctime_ns)


def compare_listings(listings: Iterable[FolderListing], known: Iterable[FileRecord]) -> RootChanges:
    """The files that must be read, those that have gone, and those that are back as they were.

    A file counts as unchanged when its size, its time of modification and its time of status change are those known. A
    file with another time of status change alone is TOUCHED: that is set by whoever gives a file its rights or a second
    name, but also where other content was put in with the old time (rsync, cp -p). An unfinished file is always read.
    """
    remaining = set(known)  # almost all files are what they were to the last number: sets drop those at little cost
    changes, differing, found = RootChanges([], [], [], 0, []), list[FileRecord](), 0
    for files, unreadable in listings:
        differing += [file for file in files if file not in remaining]
        remaining.difference_update(files)
        found += len(files)
        changes.unreadable.extend(unreadable)
    remaining_by_path = {file.path: file for file in remaining}
    for file in differing:
        _classify_file(file, remaining_by_path.pop(file.path, None), changes)
    vanished_paths = (file.path for file in remaining_by_path.values() if file.state != "missing")
    changes.gone.extend(_exclude_below(vanished_paths, tuple(changes.unreadable)))
    return changes._replace(found=found)


def _classify_file(file: FileRecord, known_file: FileRecord | None, changes: RootChanges) -> None:
    """Add a file that differs from its known record to the changes: to those to be read, or to those that are back."""
    if known_file is None or (known_file.size, known_file.mtime_ns) != (file.size, file.mtime_ns):
        changes.new.append(file)
    elif known_file.state == "unfinished" or known_file.ctime_ns != file.ctime_ns:
        changes.new.append(file._replace(state=TOUCHED) if known_file.state == "present" else file)
    elif known_file.state == "missing":
        changes.back.append(file.path)


def distrust_times(known: Iterable[FileRecord]) -> list[FileRecord]:
    """The known files without their time of status change, so that `compare_listings` has each of them read again."""
    return [file._replace(ctime_ns=-MAX_INTEGER) for file in known]


def _exclude_below(paths: Iterator[bytes], folders: tuple[bytes, ...]) -> Iterator[bytes]:
    return (path for path in paths if not path.startswith(folders)) if folders else paths


def parse_folder_label(path: bytes) -> str | None:
    """The class of a file in a labelled root: the first folder of its relative path, None for a file at the top."""
    folder = get_first_folder(path)
    return None if folder is None else name_class(folder)
