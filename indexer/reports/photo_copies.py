"""Copies of photo files in another folder: under their own names, beside what is there, and nothing is replaced."""

import itertools
import os
from pathlib import Path

from indexer.errors import PhotoError
from indexer.photos.reading import explain_fault, read_photo


def copy_photo_file(source: bytes, folder: Path) -> Path:
    """Copy a file with its times into a folder; the path of the copy, with a number where its name is taken.

    A file of that name and content is the copy already. Raises PhotoError where it cannot be read or written.
    """
    data, name = read_photo(source), Path(os.fsdecode(source)).name
    try:
        times = Path(os.fsdecode(source)).stat()
        for number in itertools.count(1):
            target = folder / (name if number == 1 else f"{Path(name).stem} ({number}){Path(name).suffix}")
            if not os.path.lexists(target):
                _write_new_file(target, data)
                os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
                return target
            if target.is_file() and target.stat().st_size == len(data) and read_photo(target) == data:
                return target
    except OSError as fault:
        raise PhotoError(f"could not be copied: {explain_fault(fault)}") from None
    raise AssertionError("never reached")  # the numbers do not end


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
