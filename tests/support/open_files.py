"""Names changed while their files are open or mapped in this process: what Windows refuses, and Linux lets pass."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_watched: list[list[str]] = []  # the faults of the block that is watched now
_hooked: list[bool] = []  # a hook cannot be taken away again


def list_open_files(process: int | str = "self") -> set[str]:
    """The paths of all files that this process, or the one with an id, has open or mapped."""
    facts = Path("/proc") / str(process)
    mapped = {line.split(maxsplit=5)[5] for line in (facts / "maps").read_text().splitlines() if "/" in line}
    opened = set()
    for descriptor in (facts / "fd").iterdir():
        try:
            opened.add(str(descriptor.readlink()))
        except OSError:  # the one by which they are listed
            continue
    return mapped | opened


@contextmanager
def watch_renames() -> Iterator[list[str]]:
    """The faults of a block, filled while it runs: each a rename of what is open, or of a folder with such a file."""
    if not _hooked:
        sys.addaudithook(_note_rename)
        _hooked.append(True)
    faults: list[str] = []
    _watched.append(faults)
    try:
        yield faults
    finally:
        _watched.clear()


def _note_rename(event: str, arguments: tuple[object, ...]) -> None:
    if event != "os.rename" or not _watched:
        return
    source, target = (os.path.realpath(os.fsdecode(name)) for name in arguments[:2])  # type: ignore[arg-type]
    for path in list_open_files():
        if any(path == place or path.startswith(place + os.sep) for place in (source, target)):
            _watched[-1].append(f"{source} -> {target} while {path} is open")
