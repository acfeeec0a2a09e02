"""Files of a library or model that a stranger may have put there: read within bounds, and without waiting for ever."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PIECE_BYTES = 8 << 20  # read at a time where a file need not be in memory whole
# Non-blocking: a pipe in the place of a file must not hang the program. Systems lack some of these.
_READ_FLAGS = os.O_RDONLY
for _flag in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY", "O_NOINHERIT"):
    _READ_FLAGS |= getattr(os, _flag, 0)


class UnusableFile(ValueError):
    """A file is not regular or too large; the text completes a sentence that begins with its path."""


@contextmanager
def open_regular_file(path: Path, limit: int) -> Iterator[BinaryIO]:
    """The regular file, open for reading; OSError, or UnusableFile for anything else and beyond `limit` bytes."""
    descriptor = os.open(path, _READ_FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnusableFile("is not a regular file")
        if status.st_size > limit:
            raise UnusableFile(f"has {status.st_size:,} bytes, more than the {limit:,} that are read")
        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def iterate_pieces(path: Path, limit: int) -> Iterator[bytes]:
    """The bytes of a regular file as it was when it was opened, PIECE_BYTES at a time; raises as the opening does."""
    with open_regular_file(path, limit) as file:
        yield from _read_pieces(file)


def _read_pieces(file: BinaryIO) -> Iterator[bytes]:
    missing = os.fstat(file.fileno()).st_size
    while missing > 0 and (piece := file.read(min(PIECE_BYTES, missing))):
        missing -= len(piece)
        yield piece


def read_regular_file(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes; raises as the opening."""
    return b"".join(iterate_pieces(path, limit))


def hash_regular_file(path: Path, limit: int) -> str:
    """The sha256 of a regular file as 64 hex digits, whatever its size; raises as the opening."""
    digest = hashlib.sha256()
    for piece in iterate_pieces(path, limit):
        digest.update(piece)
    return digest.hexdigest()


def copy_regular_file(source: Path, target: Path, limit: int) -> None:
    """Copy the bytes of a regular file into a new one; raises as the opening, or FileExistsError."""
    with open_regular_file(source, limit) as file, target.open("xb") as copy:
        copy.writelines(_read_pieces(file))
