"""Copies of libraries that other tests may be reading just now."""

import os
import shutil
from pathlib import Path

LARGE_FILES = ("model.safetensors", "openvino.bin")  # of a model: what the program changes there it replaces
_stamps: dict[Path, tuple[int, int]] = {}  # size and time of change of the large files that are linked


def copy_library(source: Path, target: Path, *, links_models: bool = False) -> Path:
    """Copy a library, or a folder of libraries, that nobody writes to.

    Without the files that SQLite makes while somebody reads it: they come and go, and hold nothing then. With
    `links_models` the networks, 27 MB, are the very files of the source: see `find_written_links`.
    """
    ignored = shutil.ignore_patterns("*-wal", "*-shm")
    copy = _link_large if links_models else shutil.copy2
    return Path(shutil.copytree(source, target, ignore=ignored, copy_function=copy))


def _link_large(source: str, target: str) -> str:
    if Path(source).name not in LARGE_FILES:
        return str(shutil.copy2(source, target))
    _stamps.setdefault(Path(source), _read_stamp(Path(source)))
    os.link(source, target)
    return target


def _read_stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def find_written_links() -> list[Path]:
    """The linked files that a test has written to since they were linked first: there may be none."""
    return [path for path, stamp in _stamps.items() if _read_stamp(path) != stamp]
