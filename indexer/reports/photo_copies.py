"""Copies of photo files in another folder, or links to them: under their own names, and nothing is replaced."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from indexer.errors import PhotoError
from indexer.photos.reading import explain_fault, read_photo


def copy_photo_file(source: bytes, folder: Path) -> Path:
    """Copy a file with its times into a folder; the path of the copy, with a number where its name is taken.

    A file of that name and content is the copy already. Raises PhotoError where it cannot be read or written.
    """
    data = read_photo(source)
    try:
        times = Path(os.fsdecode(source)).stat()
        for target in _list_target_names(source, folder):
            if not os.path.lexists(target):
                _write_new_file(target, data)
                os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
                return target
            if target.is_file() and target.stat().st_size == len(data) and read_photo(target) == data:
                return target
    except OSError as fault:
        raise PhotoError("could not be copied: {fault}", fault=explain_fault(fault)) from None
    raise AssertionError("never reached")  # the numbers do not end


def link_photo_file(source: bytes, folder: Path) -> Path:
    """Make a symbolic link to a file in a folder; the path of the link, with a number where its name is taken.

    A link to that file is the one already. Raises PhotoError where the file is not there or no link can be made.
    """
    original = Path(os.fsdecode(source))
    if not original.exists():
        raise PhotoError("could not be linked to: it is not there")
    try:
        for target in _list_target_names(source, folder):
            if not os.path.lexists(target):
                target.symlink_to(original)
                return target
            if target.is_symlink() and target.readlink() == original:
                return target
    except OSError as fault:
        raise PhotoError("could not be linked to: {fault}", fault=explain_fault(fault)) from None
    raise AssertionError("never reached")  # the numbers do not end


def _list_target_names(source: bytes, folder: Path) -> Iterator[Path]:
    """The file's name in the folder, then with 2, 3 and so on behind it."""
    name = Path(os.fsdecode(source)).name
    yield folder / name
    for number in itertools.count(2):
        yield folder / f"{Path(name).stem} ({number}){Path(name).suffix}"


def _write_new_file(target: Path, data: bytes) -> None:
    """Write a file that is not there, durably; after a failure (OSError) it is not there still."""
    with target.open("xb") as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            target.unlink()
            raise
