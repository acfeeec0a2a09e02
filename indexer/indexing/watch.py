"""Keep a library up to date while its folders change: index, wait for something to happen, index again.

What happened is not taken from the events: each run compares the folders with the library, which is cheap, so a lost
or doubled event costs nothing. Events only say when. Where none come (network drives, limits of the system), and once a
minute anyhow (for drives inside a root, targets of links), the run comes by itself. The job lock is held only while a
run is at work, so other programs have their turn.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Full, Queue

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

from indexer.errors import LibraryBusy
from indexer.indexing.run import Report
from indexer.indexing.scan import Folder, folder_at
from indexer.library import Library
from indexer.paths import is_below
from indexer.photos.reading import is_candidate
from indexer.progress import Progress, Steps

LOOK = 0.5  # seconds between looks at the roots, and between chances to stop
QUIET = 0.5  # seconds without an event after which a burst of them is over
BURST = 2.0  # seconds after which a burst that does not end is indexed all the same, and from one run to the next
POLL = 3.0  # seconds between runs where a root gives no events
RESCAN = 60.0  # seconds between runs where all do
SHARE = 20  # a run that nothing asked for waits so many times as long as the last one took

# Not the events of reading: the runs themselves read.
EVENTS: list[type[FileSystemEvent]] = [
    *(FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent),
    *(DirCreatedEvent, DirMovedEvent, DirDeletedEvent),
]
REMOTE = ("nfs", "cifs", "smb", "fuse.", "9p", "afs", "ceph", "davfs", "drvfs", "vboxsf", "vmhgfs", "prl_fs")
IDLE = Progress("watch", 0, 0)

Run = Callable[[], Steps[Report]]


def watch(library: Library, run: Run) -> Iterator[Progress | Report]:
    """Index now and whenever something has changed; a Report after each run. Ends only by not being asked again."""
    with contextlib.closing(_Eyes(library.folder)) as eyes:
        while True:
            start = time.monotonic()
            report = yield from _run_when_free(library, run)
            yield IDLE
            yield report
            if not eyes.turn_to(_roots(library)):  # what is watched only now may have changed just before
                yield from _until_news(library, eyes, start, time.monotonic() - start)


def _run_when_free(library: Library, run: Run) -> Steps[Report]:
    while True:
        try:
            job = library.job()
        except LibraryBusy as busy:
            yield IDLE._replace(note=str(busy))
            time.sleep(LOOK)
            continue
        with job:
            return (yield from run())


def _until_news(library: Library, eyes: "_Eyes", start: float, took: float) -> Iterator[Progress]:
    """Come to an end when a run is due; yields in between, as a chance to stop."""
    due = start + max(POLL if eyes.blind else RESCAN, SHARE * took)
    while time.monotonic() < due and eyes.seen == _identities(_roots(library)):
        yield IDLE
        if eyes.something_within(LOOK):
            due = max(time.monotonic(), start) + BURST
            while time.monotonic() < due and (eyes.something_within(QUIET) or time.monotonic() < start + BURST):
                yield IDLE
            return


def _roots(library: Library) -> list[bytes]:
    return [root.path for root in library.store.roots()]


def _identities(roots: list[bytes]) -> dict[bytes, Folder | None]:
    return {root: folder_at(root) for root in roots}


class _Eyes:
    """The system's events from the roots. `seen` is what is watched; `blind` where a root gives no events."""

    def __init__(self, library: Path) -> None:
        self.seen: dict[bytes, Folder | None] = {}
        self.blind = False
        self._news: Queue[None] = Queue(1)  # one token stands for any number of events
        self._ears = _Ears(os.fsencode(library.resolve()), self._news)
        self._watches: list[ObservedWatch] = []
        self._observer = Observer()
        self._observer.start()

    def something_within(self, seconds: float) -> bool:
        """Whether something happens before the time is over."""
        try:
            self._news.get(timeout=seconds)
        except Empty:
            return False
        return True

    def turn_to(self, roots: list[bytes]) -> bool:
        """Watch these folders, as far as they are there; whether that is anything new.

        Also anew where folders have come: of folders made one in the other at once, the inner may have been missed.
        """
        identities = _identities(roots)
        if identities == self.seen and not self._ears.new_folders:
            return False
        self._ears.new_folders = False
        self._observer.unschedule_all()
        self.seen = identities
        watched = [self._watch(root) for root, identity in identities.items() if identity]
        self.blind = not all(watched)
        return True

    def _watch(self, root: bytes) -> bool:
        try:
            self._observer.schedule(self._ears, os.fsdecode(root), recursive=True, event_filter=EVENTS)
        except OSError:  # more folders than the system watches, or one that may not be entered
            return False
        return not _is_remote(root)

    def close(self) -> None:
        """End the thread that listens; where it does not notice, it ends with the process."""
        self._observer.stop()
        self._observer.join(timeout=2 * LOOK)


class _Ears(FileSystemEventHandler):
    """Called in the observer's thread: puts a token into the queue where an event is about pictures or folders."""

    def __init__(self, library: bytes, news: "Queue[None]") -> None:
        self._library, self._news = library, news
        self.new_folders = False

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Any event, of one path or of two."""
        self.new_folders |= event.is_directory
        paths = [os.fsencode(path) for path in (event.src_path, event.dest_path) if path]
        if any(self._matters(path, event.is_directory) for path in paths):
            with contextlib.suppress(Full):
                self._news.put_nowait(None)

    def _matters(self, path: bytes, is_folder: bool) -> bool:
        picture = is_folder or is_candidate(path.rpartition(os.sep.encode())[2])
        return picture and not is_below(path, self._library)


def _is_remote(path: bytes) -> bool:
    """Whether changes can be made to a folder from elsewhere, of which the system hears nothing."""
    try:
        lines = Path("/proc/self/mounts").read_bytes().splitlines()
    except OSError:  # other systems
        return False
    mounts = {fields[1]: fields[2].decode() for fields in map(bytes.split, lines) if len(fields) > 2}
    held = [place for place in mounts if is_below(path, place)]
    return bool(held) and mounts[max(held, key=len)].startswith(REMOTE)
