"""`index --watch` follows changes of the folders: soon, in few runs, and without keeping other programs waiting."""

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from indexer.cli.terminal import STOPPED_BY_USER
from indexer.indexing.watch import _RootWatcher
from indexer.library import Library
from tests.support.commands import command, environment
from tests.support.trees import paint, paint_many

pytestmark = pytest.mark.long  # they wait for the system's events, in real time
DEADLINE = 60.0  # seconds on crowded cores; how soon things are to happen is asserted where it is promised


class Watching:
    """A watching child: its JSON lines as they come, with the time each came."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[tuple[float, dict[str, Any]]] = []
        self._arriving: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._arriving.put(line)
        self._arriving.put(None)

    def end(self) -> None:
        """Kill it where it has not ended, and let go of its pipes."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stderr):
            assert stream is not None
            stream.close()

    def until(self, condition: Callable[[dict[str, Any]], bool]) -> tuple[float, dict[str, Any]]:
        """When the first line from now on that meets the condition came, and the line."""
        end = time.monotonic() + DEADLINE
        while (line := self._arriving.get(timeout=max(0.1, end - time.monotonic()))) is not None:
            self.lines.append((time.monotonic(), json.loads(line)))
            if condition(self.lines[-1][1]):
                return self.lines[-1]
        raise AssertionError("it ended")

    def listen_until(self, end: float) -> None:
        """Take what it says until then."""
        with contextlib.suppress(queue.Empty):
            while line := self._arriving.get(timeout=max(0.01, end - time.monotonic())):
                self.lines.append((time.monotonic(), json.loads(line)))

    def idle(self) -> None:
        """Wait until it waits."""
        self.until(lambda line: line.get("stage") == "watch")

    def result(self, **values: object) -> tuple[float, dict[str, Any]]:
        """Wait for a result with these values."""
        return self.until(lambda line: "result" in line and line.items() >= values.items())

    def runs(self) -> int:
        """How many runs were begun."""
        return sum(line.get("stage") == "scan" and line["done"] == line["total"] == 0 for _, line in self.lines)


@contextmanager
def watching(home: Path, *words: str | Path) -> Iterator[Watching]:
    process = subprocess.Popen(
        command("index", "--watch", "--json", "--attached", *words),
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    child = Watching(process)
    try:
        yield child
    finally:
        child.end()


def test_watch_catches_up_and_then_follows_what_is_written_moved_and_deleted(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    paint_many(folder, 2, first=100)
    with watching(home, folder) as child:
        child.result(photos=62)
        child.idle()
        start = time.monotonic()
        paint(folder / "deep" / "er" / "new.png", 200)
        when, result = child.result(photos=63)
        assert when - start < 5
        assert result["embedded"] == 1
        (folder / "deep").rename(folder / "other")
        child.result(photos=63, moved=1, embedded=0)
        (folder / "other" / "er" / "new.png").unlink()
        child.result(photos=62, missing=1)
        with Library.open(home / "default.library") as library:
            assert len(library.find_photo_ids()) == 62


def test_watch_sees_other_content_that_was_given_the_old_time(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    place = paint(folder / "0.png", 100, side=200)
    with watching(home, folder) as child:
        child.result(photos=61)
        child.idle()
        before = place.stat()
        place.write_bytes(paint(tmp_path / "other.png", 101).read_bytes().ljust(before.st_size, b"\0"))
        os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
        child.result(photos=61, changed=1, embedded=1)


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_copy_of_many_files_makes_no_storm(home: Path, tmp_path: Path, count: int) -> None:
    paint_many(tmp_path / "camera", count, first=1000)
    (tmp_path / "more").mkdir()
    with watching(home, tmp_path / "more") as child:
        child.result(photos=60)
        child.idle()
        before, start = child.runs(), time.monotonic()
        shutil.copytree(tmp_path / "camera", tmp_path / "more" / "camera")
        when, _ = child.result(photos=60 + count)
        assert child.runs() - before <= 2 * (1 + (when - start) / 2)  # two roots are scanned in each run


def test_own_reading_and_other_files_start_no_run(home: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    with watching(home, tmp_path / "more") as child:
        child.result(photos=60)
        child.idle()
        before = child.runs()
        (tmp_path / "more" / "notes.txt").write_text("Dear diary")
        (tmp_path / "more" / ".hidden.png").write_bytes(b"")
        end = time.monotonic() + 3
        child.listen_until(end)
        assert child.runs() - before <= 2  # the run that follows turning to new roots


def test_other_programs_have_their_turn_and_watching_waits_for_theirs(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    paint_many(folder, 1, first=100)
    with watching(home, folder) as child, Library.open(home / "default.library") as library:
        child.result(photos=61)
        child.idle()
        with library.store.take_job_lock():
            paint(folder / "new.png", 200)
            child.until(lambda line: "Another program is at work" in line.get("note", ""))
        child.result(photos=62)


def test_folder_that_goes_away_and_comes_back_is_noticed(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "drive"
    paint_many(folder, 2, first=100)
    with watching(home, folder) as child:
        child.result(photos=62)
        child.idle()
        folder.rename(tmp_path / "unplugged")
        child.result(photos=62, offline=[str(folder)])
        paint(tmp_path / "unplugged" / "new.png", 200)
        (tmp_path / "unplugged").rename(folder)
        child.result(photos=63, offline=[], embedded=1)


@pytest.mark.parametrize("way", ["SIGINT", "standard input closes"])
def test_watching_ends_when_asked(home: Path, tmp_path: Path, way: str) -> None:
    with watching(home) as child:
        child.result(photos=60)
        child.idle()
        if way == "SIGINT":
            child.process.send_signal(signal.SIGINT)
        else:
            assert child.process.stdin is not None
            child.process.stdin.close()
        assert child.process.wait(DEADLINE) == 130
        assert child.process.stderr is not None
        assert child.process.stderr.read() == f"{STOPPED_BY_USER}\n"


def test_events_of_the_library_itself_start_no_run(tmp_path: Path) -> None:
    library, root = tmp_path / "root" / "own.library", tmp_path / "root"
    library.mkdir(parents=True)
    watcher = _RootWatcher(library)
    try:
        assert watcher.watch_roots([os.fsencode(root)])
        assert not watcher.watch_roots([os.fsencode(root)])
        paint(library / "0.png", 0)
        assert not watcher.wait_for_event(1.0)
        paint(root / "0.png", 0)
        assert watcher.wait_for_event(10.0)
    finally:
        watcher.close()
