"""A file on disk that names the photos being decoded now, so that the next run knows which of them ended this one.

A decoder of foreign bytes can crash the process or hang, and a thread cannot be ended from outside. So each path is
written to the journal before its content is decoded and removed after. The next run decodes the paths that it finds
there in processes of their own (`sandbox`). The journal guards against the end of the process, not of the machine:
nothing waits for the disk.
"""

import faulthandler
import os
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock, get_ident
from types import TracebackType
from typing import TypeVar

from indexer.errors import DecoderStuck
from indexer.paths import show_path
from indexer.photos.capture_facts import DescribedPhoto, decode_described, read_capture_facts
from indexer.photos.reading import CaptureFacts
from indexer.photos.sandbox import decode_described_in_child

HANG_SECONDS = 60.0  # of processor time in one decoder after which it hangs; the worst known picture takes 0.4
IDLE_FACTOR = 10  # times as long by the clock: for a decoder that waits, and where the processor time is not told
EXIT_SECONDS = 600.0  # by the clock, where the decoder keeps Python's lock, so that nobody can ask for more
CHECK_SECONDS = 1.0  # seconds between checks for a hanging decoder while the run waits for a result
SLOT_BYTES = 4200  # bytes of a record: two of length, then a path, of which no system opens more than 4,096
MAX_SLOTS = 4096  # many times the threads of any computer; a longer file is none of ours

Result = TypeVar("Result")


class DecodingJournal:
    """The journal of one run; `unfinished_paths` are the absolute paths that earlier runs left in it."""

    def __init__(self, path: Path) -> None:
        records = _read_records(path)
        self.unfinished_paths = frozenset(record for record in records if record)
        self._path = path
        flags = os.O_RDWR | os.O_CREAT | (0 if records else os.O_TRUNC)
        self._file = os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)
        self._null_device = os.open(os.devnull, os.O_WRONLY)
        self._free_slots = [slot for slot, record in enumerate(records) if not record]
        self._slot_count = len(records)
        self._decoding_paths: dict[int, tuple[bytes, Callable[[], float]]] = {}
        self._lock = Lock()
        self._armed_at = 0.0

    def __enter__(self) -> "DecodingJournal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._null_device)
        with self._lock:
            self._file.close()
            # A run that was cut short may not have decoded the unfinished paths of earlier ones: then they stay.
            if not self._decoding_paths and (kind is None or not self.unfinished_paths):
                self._path.unlink(missing_ok=True)

    def decode(self, path: bytes, data: bytes, short_side: int) -> DescribedPhoto:
        """Decode as `decode_described` does, with the path in the journal meanwhile; called from the decoding threads.

        A path that an earlier run left unfinished is decoded in a process of its own.
        """
        if path in self.unfinished_paths:
            return decode_described_in_child(data, short_side)
        with self._record_decoding(path):
            return decode_described(data, short_side)

    def read_facts(self, path: bytes, data: bytes) -> CaptureFacts:
        """The facts of the taking, read as `decode` decodes; no pixel is decoded for it but in a process of its own."""
        if path in self.unfinished_paths:
            return decode_described_in_child(data, 1).capture
        with self._record_decoding(path):
            return read_capture_facts(data)

    @contextmanager
    def _record_decoding(self, path: bytes) -> Iterator[None]:
        """Keep the path in a slot of the journal until the block ends."""
        with self._lock:
            slot = self._free_slots.pop() if self._free_slots else self._slot_count
            self._slot_count = max(self._slot_count, slot + 1)
            self._decoding_paths[slot] = path, start_work_clock()
            self._write_record(slot, len(path).to_bytes(2, "big") + path)
        try:
            yield
        finally:
            with self._lock:
                self._write_record(slot, b"\0\0")
                del self._decoding_paths[slot]
                self._free_slots.append(slot)

    def _write_record(self, slot: int, record: bytes) -> None:
        if not self._file.closed:  # a decoding thread may return after the journal was closed
            self._file.seek(slot * SLOT_BYTES)
            self._file.write(record)

    def watch_batches(self, batches: Generator[Result, None, None]) -> Iterator[Result]:
        """The same batches; the process ends where a decoder keeps Python's lock for EXIT_SECONDS meanwhile."""
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
        """The result of a decoding thread. Raises DecoderStuck where any decoder hangs meanwhile."""
        while not (future.done() or wait([future], CHECK_SECONDS).done):
            self._check_for_hang()
            self._arm_exit_timer()
        if time.monotonic() - self._armed_at > CHECK_SECONDS:
            self._arm_exit_timer()
        return future.result()

    def _arm_exit_timer(self) -> None:
        """End the process with exit code 1 after EXIT_SECONDS, unless armed again; that needs no lock of Python's."""
        self._armed_at = time.monotonic()
        faulthandler.dump_traceback_later(EXIT_SECONDS, file=self._null_device, exit=True)

    def _check_for_hang(self) -> None:
        """Raise DecoderStuck where a photo has kept its decoder at work for more than HANG_SECONDS."""
        with self._lock:
            for path, measure_work in self._decoding_paths.values():
                if measure_work() > HANG_SECONDS:
                    shown = show_path(path)
                    raise DecoderStuck(
                        "{shown} keeps its decoder busy for {seconds:.0f} s. It is tried alone next.",
                        shown=shown,
                        seconds=HANG_SECONDS,
                    )


def start_work_clock() -> Callable[[], float]:
    """A function for any thread that returns the seconds for which the calling thread has been working since now.

    By its processor time, as a busy computer or one that slept says nothing about a decoder; a thread that waits is
    charged IDLE_FACTOR times less.
    """
    start = time.monotonic()
    try:
        clock = time.pthread_getcpuclockid(get_ident())
        start_of_work = time.clock_gettime(clock)
    except (AttributeError, OSError):  # a system without such clocks
        return lambda: (time.monotonic() - start) / IDLE_FACTOR
    return lambda: max(time.clock_gettime(clock) - start_of_work, (time.monotonic() - start) / IDLE_FACTOR)


def _read_records(path: Path) -> list[bytes]:
    """The paths in the slots of a journal, empty ones included; none where there is no journal, or a longer one."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SLOTS * SLOT_BYTES + 1)
    except FileNotFoundError:
        return []
    if len(data) > MAX_SLOTS * SLOT_BYTES:
        return []
    slots = (data[start : start + SLOT_BYTES] for start in range(0, len(data), SLOT_BYTES))
    return [slot[2 : 2 + int.from_bytes(slot[:2], "big")] for slot in slots]
