"""What lies below a root now, and how that differs from what the library knows.

A walk reads names and times only, no picture. Links to files are followed, links to folders are not (they can form
loops, and what they point to has its own place); hidden files and folders are passed over. A folder that cannot be
listed hides nothing: what the library knows below it stays as it was.
"""

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from indexer.database.connection import LARGEST
from indexer.database.store import File
from indexer.paths import show_path
from indexer.photos.reading import is_candidate


class Listing(NamedTuple):
    """The pictures found in one folder, and the relative paths that could not be looked at."""

    files: list[File]
    unreadable: list[bytes]


class Changes(NamedTuple):
    """How a root differs from the library: files to read, relative paths that went and that came back.

    `found` counts all pictures that are there, `unreadable` names what could not be looked at.
    """

    new: list[File]
    gone: list[bytes]
    back: list[bytes]
    found: int
    unreadable: list[bytes]


class Folder(NamedTuple):
    """Which folder a path leads to, and so whether another drive hangs there now."""

    device: int
    inode: int


def folder_at(path: bytes) -> Folder | None:
    """The folder at a path, None where there is none."""
    try:
        about = os.stat(path)  # noqa: PTH116 - bytes
    except OSError:
        return None
    return Folder(about.st_dev, about.st_ino)


def walk(root: bytes, skip: Collection[bytes] = ()) -> Iterator[Listing]:
    """List the candidates below a root, folder by folder; `skip` holds absolute folders that are roots of their own."""
    pending = [b""]
    root = root.rstrip(b"/")
    while pending:
        folder = pending.pop()
        listing = Listing([], [])
        try:
            with os.scandir(root + b"/" + folder) as entries:
                for entry in entries:
                    _visit(entry, folder, pending, listing)
        except OSError:
            listing.unreadable.append(folder)
        if skip:
            pending = [path for path in pending if root + b"/" + path[:-1] not in skip]
        yield listing


def _visit(entry: "os.DirEntry[bytes]", folder: bytes, pending: list[bytes], listing: Listing) -> None:
    name = entry.name
    if entry.is_dir(follow_symlinks=False):
        if not name.startswith(b"."):
            pending.append(folder + name + b"/")
    elif is_candidate(name):
        try:
            about = entry.stat()
        except FileNotFoundError:  # a dangling link, or gone since it was listed; maybe with all of its folder
            if not os.path.isdir(os.path.dirname(entry.path)):  # noqa: PTH112, PTH120 - bytes
                listing.unreadable.append(folder)
            return
        except OSError:  # it is there, but a folder on the way to it may not be entered
            listing.unreadable.append(folder + name)
            return
        if not stat.S_ISDIR(about.st_mode):
            changed, status_changed = about.st_mtime_ns, about.st_ctime_ns
            if changed > LARGEST or status_changed > LARGEST:  # file systems hold more: a wrong clock can say 2300
                changed, status_changed = min(changed, LARGEST), min(status_changed, LARGEST)
            listing.files.append(File(folder + name, about.st_size, changed, status_changed))


def compare(listings: Iterable[Listing], known: Iterable[File]) -> Changes:
    """Which files must be read, which have gone, which are back as they were.

    A file is taken as unchanged when size and time of change are; a failed one also when its status-change time is,
    so that a file made readable is tried again. An unfinished one is read in any case.
    """
    before = set(known)  # almost all files are what they were to the last number: sets drop those at little cost
    changes, odd, found = Changes([], [], [], 0, []), list[File](), 0
    for files, unreadable in listings:
        odd += [file for file in files if file not in before]
        before.difference_update(files)
        found += len(files)
        changes.unreadable.extend(unreadable)
    rest = {file.path: file for file in before}
    for file in odd:
        _judge(file, rest.pop(file.path, None), changes)
    unseen = (file.path for file in rest.values() if file.state != "missing")
    changes.gone.extend(_outside(unseen, tuple(changes.unreadable)))
    return changes._replace(found=found)


def _judge(file: File, old: File | None, changes: Changes) -> None:
    """Add a file that is not exactly as it was known."""
    changed = old is None or old.mtime_ns != file.mtime_ns or old.size != file.size
    if old is None or changed or old.state == "unfinished" or (old.state == "failed" and old.ctime_ns != file.ctime_ns):
        changes.new.append(file)
    elif old.state == "missing":
        changes.back.append(file.path)


def _outside(paths: Iterator[bytes], folders: tuple[bytes, ...]) -> Iterator[bytes]:
    return (path for path in paths if not path.startswith(folders)) if folders else paths


def folder_label(path: bytes) -> str | None:
    """The class that a relative path states by its first folder, None for a file at the top."""
    first, slash, _ = path.partition(b"/")
    return show_path(first) if slash else None
