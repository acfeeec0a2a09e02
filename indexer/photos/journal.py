"""Which files are in the decoders' hands, on disk: whoever is named there after a crash is a suspect.

A decoder of foreign bytes can crash the process or never come back, and a thread cannot be ended from outside. So each
path is written to a small file before its content is decoded and taken out after. The next run decodes the paths it
finds there in processes of their own (suspect.py). The file guards against the death of the process, not of the
machine: nothing waits for the disk.
"""

import faulthandler
import os
import time
from collections.abc import Generator, Iterator
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TypeVar

from indexer.errors import LookalikeError
from indexer.paths import show_path
from indexer.photos import decoding as photos
from indexer.photos import sandbox as suspect

PATIENCE = 60.0  # seconds in one decoder after which it is taken for hanging; the worst known picture takes 0.4
LAST_PATIENCE = 120.0  # the same where the decoder keeps Python's lock; loading a network keeps it for seconds too
LOOK = 1.0  # seconds between looks at the decoders while the run waits for one
SLOT = 4200  # bytes of a record: two of length, then a path, of which no system opens more than 4,096

Result = TypeVar("Result")


class DecoderStuck(LookalikeError):
    """A picture hangs in its decoder. Its thread goes on, so the process must end; the next run tries it alone."""


class Journal:
    """The journal of one run; `suspects` are the absolute paths that earlier runs left in it."""

    def __init__(self, path: Path) -> None:
        records = _records(path)
        self.suspects = frozenset(record for record in records if record)
        self._path = path
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        self._nowhere = os.open(os.devnull, os.O_WRONLY)
        self._free = [slot for slot, record in enumerate(records) if not record]
        self._slots = len(records)
        self._hands: dict[int, tuple[bytes, float]] = {}
        self._lock = Lock()
        self._armed = 0.0

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._nowhere)
        with self._lock:
            self._file.close()
            if not self._hands and (kind is None or not self.suspects):  # a run cut short may not have come to them
                self._path.unlink(missing_ok=True)

    def decode(self, path: bytes, data: bytes, short_side: int) -> photos.Decoded:
        """As `photos.decode`, on record; a suspect goes to a process of its own. Called from the decoding threads."""
        if path in self.suspects:
            return suspect.decode(data, short_side)
        with self._in_hand(path):
            return photos.decode(data, short_side)

    @contextmanager
    def _in_hand(self, path: bytes) -> Iterator[None]:
        with self._lock:
            slot = self._free.pop() if self._free else self._slots
            self._slots = max(self._slots, slot + 1)
            self._hands[slot] = path, time.monotonic()
            self._write(slot, len(path).to_bytes(2, "big") + path)
        try:
            yield
        finally:
            with self._lock:
                self._write(slot, b"\0\0")
                del self._hands[slot]
                self._free.append(slot)

    def _write(self, slot: int, record: bytes) -> None:
        if not self._file.closed:  # a thread that was given up may come back late
            self._file.seek(slot * SLOT)
            self._file.write(record)

    def watched(self, batches: Generator[Result, None, None]) -> Iterator[Result]:
        """The same batches; where a decoder keeps Python's lock while one is awaited, the process ends by itself."""
        with closing(batches):
            while True:
                self._arm()
                try:
                    batch = next(batches)
                except StopIteration:
                    return
                finally:
                    faulthandler.cancel_dump_traceback_later()
                yield batch

    def wait(self, future: "Future[Result]") -> Result:
        """The result of a thread. DecoderStuck where a decoder hangs meanwhile."""
        while not (future.done() or wait([future], LOOK).done):
            self._look()
            self._arm()
        if time.monotonic() - self._armed > LOOK:
            self._arm()
        return future.result()

    def _arm(self) -> None:
        """Exit code 1 after LAST_PATIENCE, unless put off: it takes no lock of Python's to see to that."""
        self._armed = time.monotonic()
        faulthandler.dump_traceback_later(LAST_PATIENCE, file=self._nowhere, exit=True)

    def _look(self) -> None:
        with self._lock:
            for path, since in self._hands.values():
                if time.monotonic() - since > PATIENCE:
                    shown = show_path(path)
                    raise DecoderStuck(f"{shown} keeps its decoder busy for {PATIENCE:.0f} s. It is tried alone next.")


def _records(path: Path) -> list[bytes]:
    """The paths in the slots of a journal, empty ones included; none where there is no journal."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    slots = (data[start : start + SLOT] for start in range(0, len(data), SLOT))
    return [slot[2 : 2 + int.from_bytes(slot[:2], "big")] for slot in slots]
