"""Files that matter are published whole or not at all, even when the power goes.

One program at a time is let in by a lock of the system, which ends with the program that holds it.

Temporary name, flush, fsync, rename, fsync of the folder: a rename alone survives kill -9 but not a power cut. What a
killed run left behind has a name by which `remove_leftovers` finds it.
"""

import contextlib
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
    is_left = re.compile(re.escape(f".{final.name}") + _PARTIAL_END).fullmatch
    for entry in final.parent.iterdir() if final.parent.is_dir() else ():
        if is_left(entry.name):
            remove_path(entry)
    return create_temporary_folder(final)


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
