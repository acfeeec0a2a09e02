"""How a library's database is reached: in its folder, or without writing there where that is not possible.

SQLite writes beside a database even to read it. Where the folder may only be read, or its disk is full, the file is
opened as one that never changes; where a killed run has left its log, or an older version its tables, a copy elsewhere
is brought up to date and read.

A library may come from anywhere, so every name of ours in its folder is looked at first: a link there would be written
through or emptied, and a pipe waits for ever.
"""

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import NamedTuple

from indexer.errors import LibraryError
from indexer.paths import show_path
from indexer.wording import tr

DATABASE_FILE = "library.sqlite"
ADDRESS_FILE = "server.json"  # in its place, where the library is one of a server
QUESTIONS_FILE = "questions.json"  # what is usually asked of that server
THUMBNAIL_FILES = ("thumbnails.sqlite", "thumbnails-large.sqlite")
LOG_SUFFIX = "-wal"
OWN_FOLDERS = ("models", "generations", "layouts")
_SQLITE_SUFFIXES = ("", LOG_SUFFIX, "-shm", "-journal")
OWN_FILES = (
    *(name + suffix for name in (DATABASE_FILE, *THUMBNAIL_FILES) for suffix in _SQLITE_SUFFIXES),
    *(name + ".damaged" for name in THUMBNAIL_FILES),
    "decoding.journal",
    "trash.journal",
    "job.lock",
    ADDRESS_FILE,
    QUESTIONS_FILE,
    "models/install.lock",
)
NEEDED_BYTES = 64 << 20  # free bytes below which a disk counts as full: what a batch with its log may take


class DatabaseSource(NamedTuple):
    """The URI to open, whether it may only be read, and the temporary folder of a copy, None where it is none."""

    uri: str
    read_only: bool = False
    copy: "tempfile.TemporaryDirectory[str] | None" = None


def has_library(folder: Path) -> bool:
    """Whether a library is kept in a folder, or the folder stands for a shared one."""
    return (folder / DATABASE_FILE).is_file() or (folder / ADDRESS_FILE).is_file()


def require_own_folder(folder: Path) -> None:
    """Raise LibraryError where a name of ours in the library's folder is a link, a pipe, or else not as we made it."""
    for names, is_own, wanted in ((OWN_FOLDERS, stat.S_ISDIR, "folder"), (OWN_FILES, stat.S_ISREG, "file")):
        for name in names:
            try:
                mode = (folder / name).lstat().st_mode
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise LibraryError(
                    "The library {folder} cannot be read ({reason}).",
                    folder=show_path(folder),
                    reason=error.strerror,
                ) from error
            if not is_own(mode):
                raise LibraryError(
                    "The library {folder} is not opened: {name} in it is {kind}, not a {wanted} of its own. Your "
                    "photos are untouched: index the folder into a new library.",
                    folder=show_path(folder),
                    name=name,
                    kind=_name_kind(mode),
                    wanted=wanted,
                )


def _name_kind(mode: int) -> str:
    kinds = {
        stat.S_IFLNK: tr("a link"),
        stat.S_IFIFO: tr("a pipe"),
        stat.S_IFDIR: tr("a folder"),
        stat.S_IFREG: tr("a file"),
    }
    return kinds.get(stat.S_IFMT(mode), tr("a device"))


def choose_source(path: Path) -> DatabaseSource:
    """The database itself, or where its folder may not be written, a way to read it."""
    if path.exists() and not os.access(path.parent, os.W_OK):
        return read_without_writing(path)
    return DatabaseSource(path.absolute().as_uri())


def read_without_writing(path: Path) -> DatabaseSource:
    """A way to read a database that writes nothing beside it: as one that never changes, or a copy with its log."""
    log = path.with_name(path.name + LOG_SUFFIX)
    if log.exists() and log.stat().st_size:
        return copy_elsewhere(path)
    return DatabaseSource(path.absolute().as_uri() + "?immutable=1", read_only=True)


def copy_elsewhere(path: Path) -> DatabaseSource:
    """A copy of the database and its log in a temporary folder. Raises LibraryError where there is no room for it."""
    files = [file for file in (path, path.with_name(path.name + LOG_SUFFIX)) if file.exists()]
    copy = tempfile.TemporaryDirectory(prefix="lookalike-", ignore_cleanup_errors=True)
    try:
        for file in files:
            shutil.copyfile(file, Path(copy.name) / file.name)
    except OSError as error:
        copy.cleanup()
        needed = sum(file.stat().st_size for file in files) / 1e6
        raise LibraryError(
            "The library {parent} cannot be written, and a copy to read needs {needed:,.0f} MB in {place} "
            "({reason}). Make room there, or set TMPDIR.",
            parent=show_path(path.parent),
            needed=needed,
            place=show_path(Path(tempfile.gettempdir())),
            reason=error.strerror,
        ) from error
    return DatabaseSource((Path(copy.name) / path.name).as_uri(), read_only=True, copy=copy)


def describe_full_disk(folder: Path) -> str:
    """A sentence where the disk that a folder lies on has less than NEEDED_BYTES free, else empty."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    if free >= NEEDED_BYTES:
        return ""
    return tr(
        "The disk that holds the library {folder} is full: {free:,.1f} MB are free, and "
        "{needed:,.0f} MB are needed to write. Make room there; searching goes on.",
        folder=show_path(folder),
        free=free / 1e6,
        needed=NEEDED_BYTES / 1e6,
    )
