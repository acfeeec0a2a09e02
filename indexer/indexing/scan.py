"""The files below a root now, and how they differ from those that the library knows.

A walk reads names and times only, no picture. Links to files are followed; links to folders are not, as they can form
loops and their targets have a place of their own. Left out are hidden files and folders, the folders that systems and
programs make for themselves (`reading.SYSTEM_FOLDERS`), and what `exclusions` says; what is left out is counted. Of a
folder that cannot be listed nothing is concluded: the files that the library knows below it stay as they were.
"""

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from indexer.database.file_table import FileRecord
from indexer.database.interface import MAX_INTEGER
from indexer.database.passed_over import NOTHING_PASSED_OVER, PassedOver
from indexer.indexing.exclusions import NO_PATTERNS, PassedOverCounts, PathPatterns
from indexer.paths import (
    exclude_covered,
    fold_path,
    get_first_folder,
    get_parent_folder,
    join_path,
    make_openable,
    make_prefix,
)
from indexer.photos.class_folders import name_class
from indexer.photos.reading import HIDDEN_FOLDER_MARK, is_candidate, is_photo_folder, is_system_folder

TOUCHED = "touched"  # state of a file found whose content may be another, though its size and time are those known


class FolderListing(NamedTuple):
    """The candidates found in one folder, and the paths, relative to the root, that could not be read.

    `excluded` are the paths that were left out, of folders with a separator behind; `passed_over` counts all of them.
    """

    files: list[FileRecord]
    unreadable: list[bytes]
    excluded: Sequence[bytes] = ()
    passed_over: PassedOver = NOTHING_PASSED_OVER


class RootChanges(NamedTuple):
    """How a root differs from the library: files to read, paths relative to it that went and that came back.

    `found` counts all candidates that are there; `unreadable` are the paths that could not be read. `excluded` are
    known files that are now left out.
    """

    new: list[FileRecord]
    gone: list[bytes]
    back: list[bytes]
    found: int
    unreadable: list[bytes]
    excluded: Sequence[bytes] = ()
    passed_over: PassedOver = NOTHING_PASSED_OVER


class FolderIdentity(NamedTuple):
    """The identity of the folder that a path leads to; it changes once another drive is mounted there."""

    device: int
    inode: int


def identify_folder(path: bytes) -> FolderIdentity | None:
    """The identity of the folder at a path, None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - bytes
    except OSError:
        return None
    return FolderIdentity(status.st_dev, status.st_ino)


def walk_root(
    root: bytes, skipped_folders: Collection[bytes] = (), patterns: PathPatterns = NO_PATTERNS
) -> Iterator[FolderListing]:
    """List the candidates below a root, folder by folder, without the `skipped_folders` (absolute) below it.

    What the patterns match is left out.
    """
    pending = [b""]
    skipped = {fold_path(folder) for folder in skipped_folders}
    while pending:
        visit = _visit_folder(root, pending.pop(), patterns)
        pending += [path for path in visit.folders if fold_path(join_path(root, path)) not in skipped]
        yield FolderListing(visit.files, visit.unreadable, tuple(visit.excluded), visit.counts.counts)


def find_walked_file(root: bytes, path: bytes, patterns: PathPatterns = NO_PATTERNS) -> FileRecord | None:
    """The file at a stored path as a walk of the root would list it; None where the walk passes it over."""
    folder: bytes | None = b""
    while folder is not None:
        visit = _visit_folder(root, folder, patterns)
        if file := next((file for file in visit.files if file.path == path), None):
            return file
        folder = next((inner for inner in visit.folders if path.startswith(inner)), None)
    return None


def _visit_folder(root: bytes, folder: bytes, patterns: PathPatterns) -> "_FolderVisit":
    """What one folder below a root (stored path, b"" for the root) holds."""
    visit = _FolderVisit(folder, patterns)
    try:
        with os.scandir(make_openable(join_path(root, folder))) as entries:
            visit.visit_entries(entries)
    except OSError as fault:
        visit.unreadable.append(folder)
        visit.counts.add_fault(fault)
    return visit


class _FolderVisit:
    """What one folder holds: candidates, folders to be visited next, and what is passed over."""

    def __init__(self, folder: bytes, patterns: PathPatterns) -> None:
        self.folder = folder
        self.files: list[FileRecord] = []
        self.folders: list[bytes] = []
        self.unreadable: list[bytes] = []
        self.excluded: list[bytes] = []
        self.counts = PassedOverCounts()
        self._patterns = patterns

    def visit_entries(self, entries: "Iterable[os.DirEntry[bytes]]") -> None:
        """Look at all entries, unless the folder is one that is not to be looked at; the root itself always is."""
        for entry in entries:
            if entry.name == HIDDEN_FOLDER_MARK and self.folder:
                self.files, self.folders, self.excluded = [], [], [self.folder]
                self.counts = PassedOverCounts()
                self.counts.add_reason("excluded")
                return
            self._visit_entry(entry)

    def _visit_entry(self, entry: "os.DirEntry[bytes]") -> None:
        if self._patterns is not NO_PATTERNS and self._patterns.match_entry(self.folder + entry.name, entry.name):
            self._leave_out(entry)
        elif entry.is_dir(follow_symlinks=False):
            if is_photo_folder(entry.name):
                self.folders.append(make_prefix(self.folder + entry.name))
            elif is_system_folder(entry.name):
                self._leave_out(entry)
        elif is_candidate(entry.name):
            self._add_candidate(entry)
        elif entry.is_symlink() and entry.is_dir():
            self.counts.add_reason("linked")
        else:
            self.counts.add_unread_kind(entry.name)

    def _leave_out(self, entry: "os.DirEntry[bytes]") -> None:
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder or is_candidate(entry.name):
            path = self.folder + entry.name
            self.excluded.append(make_prefix(path) if is_folder else path)
            self.counts.add_reason("excluded")

    def _add_candidate(self, entry: "os.DirEntry[bytes]") -> None:
        try:
            status = entry.stat()
        except FileNotFoundError:  # a dangling link, or gone since it was listed; maybe with all of its folder
            if not os.path.isdir(get_parent_folder(entry.path)):  # noqa: PTH112 - bytes
                self.unreadable.append(self.folder)
        except OSError as fault:  # it is there, but a folder on the way to it may not be entered
            self.unreadable.append(self.folder + entry.name)
            self.counts.add_fault(fault)
        else:
            if not stat.S_ISDIR(status.st_mode):
                self.files.append(_make_record(self.folder + entry.name, status))


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
    left_out, passed_over = list[bytes](), NOTHING_PASSED_OVER
    for listing in listings:
        differing += [file for file in listing.files if file not in remaining]
        remaining.difference_update(listing.files)
        found += len(listing.files)
        changes.unreadable.extend(listing.unreadable)
        left_out.extend(listing.excluded)
        if listing.passed_over is not NOTHING_PASSED_OVER:
            passed_over = passed_over.add_counts(listing.passed_over)
    remaining_by_path = {file.path: file for file in remaining}
    for file in differing:
        _classify_file(file, remaining_by_path.pop(file.path, None), changes)
    vanished_paths = (file.path for file in remaining_by_path.values() if file.state != "missing")
    vanished = list(exclude_covered(vanished_paths, changes.unreadable))
    changes.gone.extend(exclude_covered(vanished, left_out))
    excluded = sorted(set(vanished).difference(changes.gone))
    return changes._replace(found=found, excluded=tuple(excluded), passed_over=passed_over)


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


def parse_folder_label(path: bytes) -> str | None:
    """The class of a file in a labelled root: the first folder of its relative path, None for a file at the top."""
    folder = get_first_folder(path)
    return None if folder is None else name_class(folder)
