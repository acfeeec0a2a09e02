"""Files that matter are published whole or not at all, even when the power goes.

One program at a time is let in by a lock of the system, which ends with the program that holds it.

Temporary name, flush, fsync, rename, fsync of the folder: a rename alone survives kill -9 but not a power cut. What a
killed run left behind has a name by which `remove_leftovers` finds it.
"""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import filelock

PARTIAL_SUFFIX = ".partial"  # a file or folder still being written
_PARTIAL_END = r"\.[0-9a-f]{12}\.partial"
_PARTIAL_NAME = re.compile(r"\..+" + _PARTIAL_END, re.DOTALL)
REPLACED_SUFFIX = ".aside"  # the old form of a folder while the new one takes its place


def write_file(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`, durably; after a failure (OSError) the old file is whole and in place."""
    with replace_file(path) as file:
        file.write(data)


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """A new file to write, which replaces the one at `path` durably when the block ends without an error.

    After an error the old file stays in place. An OSError names `path`, not the temporary file.
    """
    temporary = _choose_temporary_path(path)
    try:
        with _open_unnamed(path.parent) or temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if not temporary.exists():
                _name_file(file.fileno(), temporary)
        temporary.replace(path)
    except BaseException as fault:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(fault, OSError) and (
            fault.filename is None or str(temporary) in (fault.filename, fault.filename2)
        ):
            fault.filename, fault.filename2 = str(path), None
        raise
    _sync_to_disk(path.parent)


def _open_unnamed(folder: Path) -> BinaryIO | None:
    """A new file on the folder's drive that has no name yet, so that a kill leaves nothing; None where there are none.

    Linux alone has them, and not on every drive; elsewhere a kill leaves a hidden file that `remove_leftovers` knows.
    """
    flag = getattr(os, "O_TMPFILE", 0)
    if not flag or not os.path.isdir("/proc/self/fd"):  # noqa: PTH112
        return None
    try:
        return os.fdopen(os.open(folder, flag | os.O_WRONLY, 0o666), "wb")
    except OSError:
        return None


def _name_file(descriptor: int, path: Path) -> None:
    """Give a file that has no name its first one."""
    # With a folder's descriptor, which an absolute path ignores, Python calls linkat, which alone follows the link.
    os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor, follow_symlinks=True)


def create_temporary_folder(final: Path) -> Path:
    """An empty folder beside `final`, to be filled and given to `publish_folder`; missing parents are made."""
    temporary = _choose_temporary_path(final)
    temporary.mkdir(parents=True)
    return temporary


def create_sole_temporary_folder(final: Path) -> Path:
    """Remove what killed runs left for `final`, then do as `create_temporary_folder`; only for a folder with a single
    writer.
    """
    remove_partial(final)
    return create_temporary_folder(final)


def remove_partial(final: Path) -> None:
    """Remove what killed runs left for `final`; only where nobody else writes it."""
    is_left = re.compile(re.escape(f".{final.name}") + _PARTIAL_END).fullmatch
    for entry in final.parent.iterdir() if final.parent.is_dir() else ():
        if is_left(entry.name):
            remove_path(entry)


def publish_folder(temporary: Path, final: Path) -> None:
    """Give the filled folder its final name, durably; a folder already there is replaced.

    Between the two renames of a replacement the old folder has another name: after a kill there, `remove_leftovers`
    brings it back.
    """
    for entry in sorted(temporary.rglob("*"), reverse=True):
        _sync_to_disk(entry)
    _sync_to_disk(temporary)
    replaced = final.with_name(f".{final.name}{REPLACED_SUFFIX}")
    if final.exists():
        shutil.rmtree(replaced, ignore_errors=True)
        final.rename(replaced)
    temporary.rename(final)
    _sync_to_disk(final.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def copy_compared(source: Path, copy: Path) -> Iterator[int]:
    """Copy a file, or a folder with all that is in it, and read both again; yields the bytes of each file once copied.

    Raises OSError where something cannot be copied, or where the copy is not what the source is by then.
    """
    (copy if source.is_dir() else copy.parent).mkdir(parents=True, exist_ok=True)
    for path in _walk_files(source):
        target = copy / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target, follow_symlinks=False)
        if not target.is_symlink():
            _sync_to_disk(target)
        yield path.lstat().st_size
    if not has_same_files(source, copy):
        raise OSError(errno.EIO, "The copy is not the same", str(copy))


def has_same_files(one: Path, other: Path) -> bool:
    """Whether two files, or all files in two folders, have the same names and hold the same."""
    return _hash_files(one) == _hash_files(other)


def publish_new_path(temporary: Path, final: Path) -> None:
    """Give a file or folder its final name on the same drive, durably; OSError where there is something by then."""
    if os.path.lexists(final):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final))
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary.rename(final)
    for folder in (temporary.parent, final.parent):
        _sync_to_disk(folder)


def publish_from_folder(temporary: Path, final: Path) -> None:
    """Do as `publish_new_path`, and remove the temporary folder that the file or folder was in."""
    publish_new_path(temporary, final)
    remove_path(temporary.parent)


def remove_durably(path: Path) -> None:
    """Remove a file or folder, of which nothing has its name any more when a part has gone."""
    doomed = create_temporary_folder(path)
    path.rename(doomed / path.name)
    _sync_to_disk(path.parent)
    remove_path(doomed)


def remove_moved(parent: Path, other: Path) -> None:
    """Remove what a killed run has left of `remove_durably` in `parent`, of all that lies in the `other` folder."""
    for entry in parent.glob(f".*{PARTIAL_SUFFIX}"):
        if is_partial_name(entry.name) and (other / entry.name[1:].rsplit(".", 2)[0]).exists():
            remove_path(entry)


def list_states(place: Path) -> dict[Path, tuple[int, int]]:
    """Size in bytes and time of each file, without those that come and go with connections to a database."""
    states = {path: path.lstat() for path in _walk_files(place) if not path.name.endswith(("-wal", "-shm"))}
    return {path: (state.st_size, state.st_mtime_ns) for path, state in states.items()}


def _walk_files(place: Path) -> list[Path]:
    """The file itself, or all files and links in a folder. OSError where there is anything else, as a pipe."""
    if not place.is_dir():
        return [place]
    entries = [Path(parent, name) for parent, folders, names in os.walk(place) for name in (*folders, *names)]
    paths = [path for path in sorted(entries) if path.is_symlink() or not path.is_dir()]
    for path in paths:
        if not (path.is_symlink() or path.is_file()):
            raise OSError(errno.EINVAL, "It is neither a file nor a folder", str(path))
    return paths


def _hash_files(place: Path) -> dict[str, str]:
    """The sha256 of each file by its path below the place, and where each link leads."""
    hashes = {}
    for path in _walk_files(place):
        if path.is_symlink():
            hashes[path.relative_to(place).as_posix()] = os.readlink(path)  # noqa: PTH115  # which may be no text
        else:
            with path.open("rb") as file:
                hashes[path.relative_to(place).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def remove_leftovers(parent: Path) -> None:
    """Remove what killed runs left in `parent`, and bring back a folder whose replacement was cut short.

    The caller makes sure that nobody else is writing there now.
    """
    for entry in sorted(parent.glob(f".*{REPLACED_SUFFIX}")):
        bring_back(parent / entry.name[1 : -len(REPLACED_SUFFIX)])
    for entry in [*parent.glob(f".*{REPLACED_SUFFIX}"), *parent.glob(f".*{PARTIAL_SUFFIX}")]:
        if entry.name.endswith(REPLACED_SUFFIX) or is_partial_name(entry.name):
            remove_path(entry)


def bring_back(final: Path) -> None:
    """Give a folder its final name again if its replacement was cut short; else do nothing."""
    replaced = final.with_name(f".{final.name}{REPLACED_SUFFIX}")
    if replaced.exists() and not final.exists():
        replaced.rename(final)
        _sync_to_disk(final.parent)


def is_partial_name(name: str) -> bool:
    """Whether a file or folder of this name is one of ours that was still being written."""
    return _PARTIAL_NAME.fullmatch(name) is not None


def remove_path(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; does nothing where there is neither."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def acquire_lock(path: Path, seconds: float) -> AbstractContextManager[object]:
    """Hold the lock of a file until the context ends.

    TimeoutError where another program holds it for so many seconds; OSError where the drive offers no locks, as a file
    that merely exists would outlive a program that was killed and shut out all others.
    """
    return filelock.FileLock(path, fallback_to_soft=False).acquire(timeout=seconds)


def _choose_temporary_path(path: Path) -> Path:
    """A new hidden name beside the path."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{PARTIAL_SUFFIX}")


def _sync_to_disk(path: Path) -> None:
    """Force a file or folder to the disk. Windows cannot open folders: its journal orders the renames."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
