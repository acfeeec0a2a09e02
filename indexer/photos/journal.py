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
from indexer.photos.decoding import DecodedPhoto, decode_photo
from indexer.photos.sandbox import decode_in_child

HANG_SECONDS = 60.0  # seconds in one decoder after which it is taken for hanging; the worst known picture takes 0.4
EXIT_SECONDS = 120.0  # the same where the decoder keeps Python's lock; loading a network keeps it for seconds too
CHECK_SECONDS = 1.0  # seconds between looks at the decoders while the run waits for one
SLOT_BYTES = 4200  # bytes of a record: two of length, then a path, of which no system opens more than 4,096

Result = TypeVar("Result")


class DecoderStuck(LookalikeError):
    """A picture hangs in its decoder. Its thread goes on, so the process must end; the next run tries it alone."""


class DecodingJournal:
    """The journal of one run; `suspects` are the absolute paths that earlier runs left in it."""

    def __init__(self, path: Path) -> None:
        records = _read_records(path)
        self.unfinished_paths = frozenset(record for record in records if record)
        self._path = path
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        self._null_device = os.open(os.devnull, os.O_WRONLY)
        self._free_slots = [slot for slot, record in enumerate(records) if not record]
        self._slot_count = len(records)
        self._decoding_since: dict[int, tuple[bytes, float]] = {}
        self._lock = Lock()
        self._armed_at = 0.0

    def __enter__(self) -> "DecodingJournal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._null_device)
        with self._lock:
            self._file.close()
            if not self._decoding_since and (
                kind is None or not self.unfinished_paths
            ):  # a run cut short may not have come to them
                self._path.unlink(missing_ok=True)

    def decode(self, path: bytes, data: bytes, short_side: int) -> DecodedPhoto:
        """As `photos.decode`, on record; a suspect goes to a process of its own. Called from the decoding threads."""
        if path in self.unfinished_paths:
            return decode_in_child(data, short_side)
        with self._record_decoding(path):
            return decode_photo(data, short_side)

    @contextmanager
    def _record_decoding(self, path: bytes) -> Iterator[None]:
        with self._lock:
            slot = self._free_slots.pop() if self._free_slots else self._slot_count
            self._slot_count = max(self._slot_count, slot + 1)
            self._decoding_since[slot] = path, time.monotonic()
            self._write_record(slot, len(path).to_bytes(2, "big") + path)
        try:
            yield
        finally:
            with self._lock:
                self._write_record(slot, b"\0\0")
                del self._decoding_since[slot]
                self._free_slots.append(slot)

    def _write_record(self, slot: int, record: bytes) -> None:
        if not self._file.closed:  # a thread that was given up may come back late
            self._file.seek(slot * SLOT_BYTES)
            self._file.write(record)

    def watch_batches(self, batches: Generator[Result, None, None]) -> Iterator[Result]:
        """The same batches; where a decoder keeps Python's lock while one is awaited, the process ends by itself."""
        with closing(batches):
            while True:
                self._arm_exit_timer()
                try:
                    batch = next(batches)
                except StopIteration:
                    return
                finally:
                    faulthandler.cancel_dump_traceback_later()
                yield batch

    def wait_for_result(self, future: "Future[Result]") -> Result:
        """The result of a thread. DecoderStuck where a decoder hangs meanwhile."""
        while not (future.done() or wait([future], CHECK_SECONDS).done):
            self._check_for_hang()
            self._arm_exit_timer()
        if time.monotonic() - self._armed_at > CHECK_SECONDS:
            self._arm_exit_timer()
        return future.result()

    def _arm_exit_timer(self) -> None:
        """Exit code 1 after LAST_PATIENCE, unless put off: it takes no lock of Python's to see to that."""
        self._armed_at = time.monotonic()
        faulthandler.dump_traceback_later(EXIT_SECONDS, file=self._null_device, exit=True)

    def _check_for_hang(self) -> None:
        with self._lock:
            for path, since in self._decoding_since.values():
                if time.monotonic() - since > HANG_SECONDS:
                    shown = show_path(path)
                    raise DecoderStuck(
                        f"{shown} keeps its decoder busy for {HANG_SECONDS:.0f} s. It is tried alone next."
                    )


def _read_records(path: Path) -> list[bytes]:
    """The paths in the slots of a journal, empty ones included; none where there is no journal."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    slots = (data[start : start + SLOT_BYTES] for start in range(0, len(data), SLOT_BYTES))
    return [slot[2 : 2 + int.from_bytes(slot[:2], "big")] for slot in slots]
