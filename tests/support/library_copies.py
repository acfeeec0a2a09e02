"""Copies of libraries that other tests may be reading just now."""

import shutil
from pathlib import Path


def copy_library(source: Path, target: Path) -> Path:
    """Copy a library, or a folder of libraries, that nobody writes to.

    Without the files that SQLite makes while somebody reads it: they come and go, and hold nothing then.
    """
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns("*-wal", "*-shm")))
