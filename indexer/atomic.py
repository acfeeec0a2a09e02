"""Files that matter are published whole or not at all, even when the power goes.

Temporary name, flush, fsync, rename, fsync of the folder: a rename alone survives kill -9 but not a power cut. What a
killed run left behind has a name that `tidy` knows.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".partial"  # a file or folder still being written
ASIDE = ".aside"  # the old form of a folder while the new one takes its place


def write_file(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`, durably; after a failure (OSError) the old file is whole and in place."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file to write, which takes the place of the one at `path` at the end, durably; not where that fails.

    An OSError names `path`, and not the temporary file that nobody asked for.
    """
    temporary = _beside(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as fault:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(fault, OSError) and fault.filename == str(temporary):
            fault.filename, fault.filename2 = str(path), None
        raise
    _sync(path.parent)


def new_folder(final: Path) -> Path:
    """An empty folder beside `final`, to be filled and handed to `publish_folder`; parents are made as needed."""
    temporary = _beside(final)
    temporary.mkdir(parents=True)
    return temporary


def publish_folder(temporary: Path, final: Path) -> None:
    """Give the filled folder its final name, durably; a folder already there is replaced.

    Between the two renames of a replacement the old folder has another name: `tidy` brings it back after a kill there.
    """
    for entry in sorted(temporary.rglob("*"), reverse=True):
        _sync(entry)
    _sync(temporary)
    aside = final.with_name(f".{final.name}{ASIDE}")
    if final.exists():
        shutil.rmtree(aside, ignore_errors=True)
        final.rename(aside)
    temporary.rename(final)
    _sync(final.parent)
    shutil.rmtree(aside, ignore_errors=True)


def tidy(parent: Path) -> None:
    """Remove what killed runs left in `parent`, and bring back a folder whose replacement was cut short.

    The caller makes sure that nobody else is writing there now.
    """
    for entry in sorted(parent.glob(f".*{ASIDE}")):
        original = parent / entry.name[1 : -len(ASIDE)]
        if not original.exists():
            entry.rename(original)
            _sync(parent)
    for entry in [*parent.glob(f".*{ASIDE}"), *parent.glob(f".*{PARTIAL}")]:
        discard(entry)


def discard(path: Path) -> None:
    """Remove a file or folder of ours; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{PARTIAL}")


def _sync(path: Path) -> None:
    """Force a file or folder to the disk. Windows cannot open folders: its journal orders the renames."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
