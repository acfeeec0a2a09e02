"""Files moved to the system's trash, the one thing that this program does to the user's files, and put back again.

It happens by the user's express act, file by file, and each time it is looked again on disk whether the file may go.
Never goes the last copy of a content: another file must hold it, whose bytes are read at that moment. Never goes a
link, a file that a link leads to or that has a second name, one that has changed, or one below a root that is offline
or can only be read. Each move is written to a journal before and after it, by which it can be taken back.
"""

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from indexer.database.contents import ContentFile, find_content_files
from indexer.duplicates.trash_folders import find_trashed_place, remove_trash_info
from indexer.duplicates.trash_journal import FAILED, MOVED, MOVING, RESTORED, TrashedFile, TrashJournal
from indexer.errors import LookalikeError, PhotoError
from indexer.library import Library
from indexer.paths import find_relative_path, find_same_files, get_parent_folder, show_path
from indexer.photos.reading import content_hash, explain_fault, read_photo
from indexer.progress import Progress, Steps

TRASH_SETTING = "trash allowed"


class RefusedFile(NamedTuple):
    """A file that stayed where it was, and why, as the end of a sentence that begins with its path."""

    path: bytes
    reason: str


class TrashOutcome(NamedTuple):
    """What became of the files: the paths of those that were moved or put back, and those that were refused."""

    done: list[bytes]
    refused: list[RefusedFile]


class _MustStay(Exception):
    """The file must stay where it is; the text is the reason."""


class _FileIdentity(NamedTuple):
    """What stays the same of a file unless something happens to it: device, inode, size and time in ns."""

    device: int
    inode: int
    size: int
    mtime_ns: int


def is_trash_allowed(library: Library) -> bool:
    """Whether files of this library may be moved to the trash; so it is unless the user has said otherwise."""
    return library.store.models.read_setting(TRASH_SETTING) is not False


def allow_trash(library: Library, *, allowed: bool) -> None:
    """Remember whether files of this library may be moved to the trash."""
    library.store.models.keep_setting(TRASH_SETTING, allowed)


def move_to_trash(library: Library, paths: Sequence[bytes]) -> Steps[TrashOutcome]:
    """Move those files to the trash of which another copy stays; the rest is refused, each with its reason.

    Raises LookalikeError where that is not allowed, or another program is at work on the library.
    """
    if not is_trash_allowed(library):
        raise LookalikeError("Moving files to the trash is switched off for this library. Allow it in its settings.")
    journal, moved, refused = TrashJournal(library.folder), list[bytes](), list[RefusedFile]()
    with library.store.take_job_lock():
        batch = journal.start_batch()
        for number, path in enumerate(paths):
            yield Progress("trash", number, len(paths))
            try:
                file = _require_free_to_go(library, path)
                _move_file(library, journal, file, batch)
                moved.append(path)
            except (_MustStay, PhotoError) as reason:
                refused.append(RefusedFile(path, str(reason)))
    return TrashOutcome(moved, refused)


def put_back(library: Library) -> Steps[TrashOutcome]:
    """Put the files that went to the trash last, together, back where they were; nothing that is there is replaced.

    Raises LookalikeError where nothing is to be put back, or another program is at work on the library.
    """
    journal, restored, refused = TrashJournal(library.folder), list[bytes](), list[RefusedFile]()
    with library.store.take_job_lock():
        gone = journal.list_last_batch()
        if not gone:
            raise LookalikeError("No file was moved to the trash from this library, or all were put back.")
        for number, file in enumerate(gone):
            yield Progress("trash", number, len(gone))
            try:
                _restore_file(library, file)
                journal.note(RESTORED, file)
                restored.append(file.path)
            except _MustStay as reason:
                refused.append(RefusedFile(file.path, str(reason)))
    return TrashOutcome(restored, refused)


# may it go?


def _require_free_to_go(library: Library, path: bytes) -> ContentFile:
    """The file, where it may go now; raises _MustStay or PhotoError with the reason where it may not."""
    copies = find_content_files(library.store.database, path)
    file = next((copy for copy in copies if copy.absolute_path == path), None)
    if file is None:
        raise _MustStay("is no file of this library")
    _require_writable_root(file)
    identity = _read_identity(path)
    _require_no_other_name(path, copies)
    if content_hash(read_photo(path)) != file.sha256:
        raise _MustStay("has changed since it was indexed; index its folder again")
    if not any(_is_sound_copy(copy, identity) for copy in copies if copy.absolute_path != path):
        raise _MustStay("is the only file that holds this picture")
    if _read_identity(path) != identity:
        raise _MustStay("has just been changed")
    return file


def _require_writable_root(file: ContentFile) -> None:
    folder = get_parent_folder(file.absolute_path)
    if not file.online or not os.path.isdir(folder):  # noqa: PTH112 - bytes
        raise _MustStay("is in a folder that is offline")
    is_read_only = hasattr(os, "statvfs") and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    if is_read_only or not os.access(folder, os.W_OK):
        raise _MustStay("is in a folder that can only be read")


def _read_identity(path: bytes) -> _FileIdentity:
    """The identity of a regular file that is no link and has one name; raises _MustStay for anything else."""
    try:
        status = os.lstat(path)
    except OSError as fault:
        raise _MustStay(f"could not be read: {explain_fault(fault)}") from None
    if not stat.S_ISREG(status.st_mode):
        raise _MustStay("is a link" if stat.S_ISLNK(status.st_mode) else "is no regular file")
    if status.st_nlink > 1:
        raise _MustStay("has a second name (a hard link), so it is no copy")
    return _FileIdentity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _require_no_other_name(path: bytes, copies: Sequence[ContentFile]) -> None:
    """Raise _MustStay where another path of the library leads to this very file: a link, or a folder known twice."""
    paths = [copy.absolute_path for copy in copies]
    same = find_same_files(paths)
    first_same = same[paths.index(path)]
    other = next((one for one, place in zip(paths, same, strict=True) if place == first_same and one != path), None)
    if other is not None:
        raise _MustStay(f"is also reached as {show_path(other)}")


def _is_sound_copy(copy: ContentFile, identity: _FileIdentity) -> bool:
    """Whether another file of its own holds the content now."""
    try:
        first_same = _read_identity(copy.absolute_path) if copy.online else identity
        is_other = (first_same.device, first_same.inode) != (identity.device, identity.inode)
        return is_other and content_hash(read_photo(copy.absolute_path)) == copy.sha256
    except (_MustStay, PhotoError):
        return False


# there and back


def _move_file(library: Library, journal: TrashJournal, file: ContentFile, batch: int) -> None:
    from send2trash import send2trash  # noqa: PLC0415 (only where a file goes)

    path = file.absolute_path
    entry = TrashedFile(batch, path, file.sha256, None)
    journal.note(MOVING, entry)
    try:
        send2trash(path if os.name == "posix" else os.fsdecode(path))
    except OSError as fault:
        if os.path.lexists(path):
            journal.note(FAILED, entry)
        raise _MustStay(f"could not be moved to the trash: {explain_fault(fault)}") from None
    place = find_trashed_place(Path(os.fsdecode(path)))
    journal.note(MOVED, entry if place is None else entry._replace(place=bytes(place)))
    library.store.files.set_state(file.root, [file.path], "missing")


def _restore_file(library: Library, entry: TrashedFile) -> None:
    """Move a file from the trash to where it was; raises _MustStay where that cannot be."""
    path = Path(os.fsdecode(entry.path))
    place = find_trashed_place(path) if entry.place is None else Path(os.fsdecode(entry.place))
    if os.path.lexists(path) and place is None and _holds_content(path, entry.sha256):
        return  # it never went, or came back by other hands
    place = _require_free_way(path, place, entry)
    try:
        _move_without_replacing(place, path)
    except OSError as fault:
        raise _MustStay(f"could not be put back: {explain_fault(fault)}") from None
    remove_trash_info(place)
    for root in library.store.files.list_roots():
        relative = find_relative_path(entry.path, root.path)
        if relative is not None:
            library.store.files.set_state(root.id, [relative], "present")


def _require_free_way(path: Path, place: Path | None, entry: TrashedFile) -> Path:
    """The place in the trash, where it holds the file still and nothing stands where it was; else raises _MustStay."""
    if os.path.lexists(path):
        raise _MustStay("is there again, and nothing is replaced")
    if place is None or not os.path.lexists(place):
        raise _MustStay("is not in the trash any more, or only the system can put it back from there")
    if not path.parent.is_dir():
        raise _MustStay("was in a folder that is gone or offline")
    if not _holds_content(place, entry.sha256):
        raise _MustStay("has been changed in the trash")
    return place


def _holds_content(path: Path, sha256: bytes) -> bool:
    try:
        return content_hash(read_photo(path)) == sha256
    except PhotoError:
        return False


def _move_without_replacing(place: Path, path: Path) -> None:
    """Move a file to a path where nothing is; FileExistsError where there is something by now."""
    try:
        path.hardlink_to(place)
    except FileExistsError:
        raise
    except OSError:  # another file system, or one without links
        path.open("xb").close()  # claims the name
        shutil.copy2(place, path)
    place.unlink()
