"""What was moved to the trash from a library, one JSON line a step, written and flushed to disk before and after it.

A move that was cut short has its first line only: whether the file went is then seen on disk.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

JOURNAL_FILE = "trash.journal"
MOVING, MOVED, FAILED, RESTORED = "moving", "moved", "failed", "restored"


class TrashedFile(NamedTuple):
    """A file that went to the trash: the batch it went with, its path, its content, and where it is, if known."""

    batch: int
    path: bytes
    sha256: bytes
    place: bytes | None


class TrashJournal:
    """The journal of what was moved to the trash from a library: a file in its folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL_FILE

    def start_batch(self) -> int:
        """The number of a new batch."""
        return max((file.batch for file in self.list_gone()), default=0) + 1 if self._path.exists() else 1

    def note(self, step: str, file: TrashedFile) -> None:
        """Write down a step of a file, durably."""
        place = None if file.place is None else os.fsdecode(file.place)
        names = {"step": step, "batch": file.batch, "path": os.fsdecode(file.path), "sha256": file.sha256.hex()}
        line = json.dumps(names | {"place": place, "time": round(time.time())}) + "\n"
        with self._path.open("ab") as stream:
            stream.write(line.encode())
            stream.flush()
            os.fsync(stream.fileno())

    def list_gone(self) -> list[TrashedFile]:
        """The files that went to the trash, or were about to, and were not put back, in the order of their going."""
        gone: dict[tuple[int, bytes], TrashedFile] = {}
        for line in self._read_lines():
            file = _parse_file(line)
            if file is None:
                continue
            if line["step"] in (FAILED, RESTORED):
                gone.pop((file.batch, file.path), None)
            else:
                gone[file.batch, file.path] = file
        return list(gone.values())

    def list_last_batch(self) -> list[TrashedFile]:
        """Of the files that are gone those that went last, together."""
        gone = self.list_gone()
        last = max((file.batch for file in gone), default=0)
        return [file for file in gone if file.batch == last]

    def _read_lines(self) -> Iterator[dict[str, Any]]:
        """The whole lines of the journal; one that was cut short is passed over."""
        lines: Iterable[bytes] = self._path.read_bytes().splitlines() if self._path.is_file() else ()
        for line in lines:
            try:
                fields = json.loads(line)
            except ValueError:
                continue
            if isinstance(fields, dict):
                yield fields


def _parse_file(fields: dict[str, Any]) -> TrashedFile | None:
    try:
        place = None if fields["place"] is None else os.fsencode(fields["place"])
        return TrashedFile(int(fields["batch"]), os.fsencode(fields["path"]), bytes.fromhex(fields["sha256"]), place)
    except (KeyError, TypeError, ValueError):
        return None
