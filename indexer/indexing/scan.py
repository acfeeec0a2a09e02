"""What lies below a root now, and how that differs from what the library knows.

A walk reads names and times only, no picture. Links to files are followed, links to folders are not (they can form
loops, and what they point to has its own place); hidden files and folders are passed over. A folder that cannot be
listed hides nothing: what the library knows below it stays as it was.
"""

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from indexer.database.connection import MAX_INTEGER
from indexer.database.file_table import FileRecord
from indexer.paths import show_path
from indexer.photos.reading import is_candidate


class FolderListing(NamedTuple):
    """The pictures found in one folder, and the relative paths that could not be looked at."""

    files: list[FileRecord]
    unreadable: list[bytes]


class RootChanges(NamedTuple):
    """How a root differs from the library: files to read, relative paths that went and that came back.

    `found` counts all pictures that are there, `unreadable` names what could not be looked at.
    """

    new: list[FileRecord]
    gone: list[bytes]
    back: list[bytes]
    found: int
    unreadable: list[bytes]


class FolderIdentity(NamedTuple):
    """Which folder a path leads to, and so whether another drive hangs there now."""

    device: int
    inode: int


def identify_folder(path: bytes) -> FolderIdentity | None:
    """The folder at a path, None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - bytes
    except OSError:
        return None
    return FolderIdentity(status.st_dev, status.st_ino)


def walk_root(root: bytes, skipped_folders: Collection[bytes] = ()) -> Iterator[FolderListing]:
    """List the candidates below a root, folder by folder; `skip` holds absolute folders that are roots of their own."""
    pending = [b""]
    root = root.rstrip(b"/")
    while pending:
        folder = pending.pop()
        listing = FolderListing([], [])
        try:
            with os.scandir(root + b"/" + folder) as entries:
                for entry in entries:
                    _visit_entry(entry, folder, pending, listing)
        except OSError:
            listing.unreadable.append(folder)
        if skipped_folders:
            pending = [path for path in pending if root + b"/" + path[:-1] not in skipped_folders]
        yield listing


def _visit_entry(entry: "os.DirEntry[bytes]", folder: bytes, pending: list[bytes], listing: FolderListing) -> None:
    name = entry.name
    if entry.is_dir(follow_symlinks=False):
        if not name.startswith(b"."):
            pending.append(folder + name + b"/")
    elif is_candidate(name):
        try:
            status = entry.stat()
        except FileNotFoundError:  # a dangling link, or gone since it was listed; maybe with all of its folder
            if not os.path.isdir(os.path.dirname(entry.path)):  # noqa: PTH112, PTH120 - bytes
                listing.unreadable.append(folder)
            return
        except OSError:  # it is there, but a folder on the way to it may not be entered
            listing.unreadable.append(folder + name)
            return
        if not stat.S_ISDIR(status.st_mode):
            mtime_ns, ctime_ns = status.st_mtime_ns, status.st_ctime_ns
            if mtime_ns > MAX_INTEGER or ctime_ns > MAX_INTEGER:  # file systems hold more: a wrong clock can say 2300
                mtime_ns, ctime_ns = min(mtime_ns, MAX_INTEGER), min(ctime_ns, MAX_INTEGER)
            listing.files.append(FileRecord(folder + name, status.st_size, mtime_ns, ctime_ns))


def compare_listings(listings: Iterable[FolderListing], known: Iterable[FileRecord]) -> RootChanges:
    """Which files must be read, which have gone, which are back as they were.

    A file is taken as unchanged when size and time of change are; a failed one also when its status-change time is,
    so that a file made readable is tried again. An unfinished one is read in any case.
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
    """Add a file that is not exactly as it was known."""
    changed = known_file is None or known_file.mtime_ns != file.mtime_ns or known_file.size != file.size
    if (
        known_file is None
        or changed
        or known_file.state == "unfinished"
        or (known_file.state == "failed" and known_file.ctime_ns != file.ctime_ns)
    ):
        changes.new.append(file)
    elif known_file.state == "missing":
        changes.back.append(file.path)


def _exclude_below(paths: Iterator[bytes], folders: tuple[bytes, ...]) -> Iterator[bytes]:
    return (path for path in paths if not path.startswith(folders)) if folders else paths


def parse_folder_label(path: bytes) -> str | None:
    """The class that a relative path states by its first folder, None for a file at the top."""
    first, slash, _ = path.partition(b"/")
    return show_path(first) if slash else None
