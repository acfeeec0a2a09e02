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
from indexer.indexing.run import IndexReport
from indexer.indexing.scan import FolderIdentity, identify_folder
from indexer.library import Library
from indexer.paths import is_below
from indexer.photos.reading import is_candidate
from indexer.progress import Progress, Steps

CHECK_SECONDS = 0.5  # seconds between looks at the roots, and between chances to stop
QUIET_SECONDS = 0.5  # seconds without an event after which a burst of them is over
BURST_SECONDS = (
    2.0  # seconds after which a burst that does not end is indexed all the same, and from one run to the next
)
POLL_SECONDS = 3.0  # seconds between runs where a root gives no events
RESCAN_SECONDS = 60.0  # seconds between runs where all do
IDLE_FACTOR = 20  # a run that nothing asked for waits so many times as long as the last one took

# Not the events of reading: the runs themselves read.
CHANGE_EVENTS: list[type[FileSystemEvent]] = [
    *(FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent),
    *(DirCreatedEvent, DirMovedEvent, DirDeletedEvent),
]
REMOTE_FILE_SYSTEMS = (
    "nfs",
    "cifs",
    "smb",
    "fuse.",
    "9p",
    "afs",
    "ceph",
    "davfs",
    "drvfs",
    "vboxsf",
    "vmhgfs",
    "prl_fs",
)
IDLE_PROGRESS = Progress("watch", 0, 0)

StartIndexRun = Callable[[], Steps[IndexReport]]


def watch_library(library: Library, start_run: StartIndexRun) -> Iterator[Progress | IndexReport]:
    """Index now and whenever something has changed; a Report after each run. Ends only by not being asked again."""
    with contextlib.closing(_RootWatcher(library.folder)) as watcher:
        while True:
            start = time.monotonic()
            report = yield from _run_when_free(library, start_run)
            yield IDLE_PROGRESS
            yield report
            if not watcher.watch_roots(
                _list_root_paths(library)
            ):  # what is watched only now may have changed just before
                yield from _wait_for_changes(library, watcher, start, time.monotonic() - start)


def _run_when_free(library: Library, start_run: StartIndexRun) -> Steps[IndexReport]:
    while True:
        try:
            job = library.take_job_lock()
        except LibraryBusy as busy:
            yield IDLE_PROGRESS._replace(note=str(busy))
            time.sleep(CHECK_SECONDS)
            continue
        with job:
            return (yield from start_run())


def _wait_for_changes(
    library: Library, watcher: "_RootWatcher", start: float, run_seconds: float
) -> Iterator[Progress]:
    """Come to an end when a run is due; yields in between, as a chance to stop."""
    due = start + max(POLL_SECONDS if watcher.lacks_events else RESCAN_SECONDS, IDLE_FACTOR * run_seconds)
    while time.monotonic() < due and watcher.watched_folders == _identify_roots(_list_root_paths(library)):
        yield IDLE_PROGRESS
        if watcher.wait_for_event(CHECK_SECONDS):
            due = max(time.monotonic(), start) + BURST_SECONDS
            while time.monotonic() < due and (
                watcher.wait_for_event(QUIET_SECONDS) or time.monotonic() < start + BURST_SECONDS
            ):
                yield IDLE_PROGRESS
            return


def _list_root_paths(library: Library) -> list[bytes]:
    return [root.path for root in library.store.files.list_roots()]


def _identify_roots(roots: list[bytes]) -> dict[bytes, FolderIdentity | None]:
    return {root: identify_folder(root) for root in roots}


class _RootWatcher:
    """The system's events from the roots. `seen` is what is watched; `blind` where a root gives no events."""

    def __init__(self, library: Path) -> None:
        self.watched_folders: dict[bytes, FolderIdentity | None] = {}
        self.lacks_events = False
        self._change_queue: Queue[None] = Queue(1)  # one token stands for any number of events
        self._change_handler = _ChangeHandler(os.fsencode(library.resolve()), self._change_queue)
        self._watches: list[ObservedWatch] = []
        self._observer = Observer()
        self._observer.start()

    def wait_for_event(self, seconds: float) -> bool:
        """Whether something happens before the time is over."""
        try:
            self._change_queue.get(timeout=seconds)
        except Empty:
            return False
        return True

    def watch_roots(self, roots: list[bytes]) -> bool:
        """Watch these folders, as far as they are there; whether that is anything new.

        Also anew where folders have come: of folders made one in the other at once, the inner may have been missed.
        """
        identities = _identify_roots(roots)
        if identities == self.watched_folders and not self._change_handler.new_folders:
            return False
        self._change_handler.new_folders = False
        self._observer.unschedule_all()
        self.watched_folders = identities
        watched = [self._watch_root(root) for root, identity in identities.items() if identity]
        self.lacks_events = not all(watched)
        return True

    def _watch_root(self, root: bytes) -> bool:
        try:
            self._observer.schedule(self._change_handler, os.fsdecode(root), recursive=True, event_filter=CHANGE_EVENTS)
        except OSError:  # more folders than the system watches, or one that may not be entered
            return False
        return not _is_remote(root)

    def close(self) -> None:
        """End the thread that listens; where it does not notice, it ends with the process."""
        self._observer.stop()
        self._observer.join(timeout=2 * CHECK_SECONDS)


class _ChangeHandler(FileSystemEventHandler):
    """Called in the observer's thread: puts a token into the queue where an event is about pictures or folders."""

    def __init__(self, library: bytes, change_queue: "Queue[None]") -> None:
        self._library, self._change_queue = library, change_queue
        self.new_folders = False

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Any event, of one path or of two."""
        self.new_folders |= event.is_directory
        paths = [os.fsencode(path) for path in (event.src_path, event.dest_path) if path]
        if any(self._is_relevant(path, event.is_directory) for path in paths):
            with contextlib.suppress(Full):
                self._change_queue.put_nowait(None)

    def _is_relevant(self, path: bytes, is_folder: bool) -> bool:
        picture = is_folder or is_candidate(path.rpartition(os.sep.encode())[2])
        return picture and not is_below(path, self._library)


def _is_remote(path: bytes) -> bool:
    """Whether changes can be made to a folder from elsewhere, of which the system hears nothing."""
    try:
        lines = Path("/proc/self/mounts").read_bytes().splitlines()
    except OSError:  # other systems
        return False
    mounts = {fields[1]: fields[2].decode() for fields in map(bytes.split, lines) if len(fields) > 2}
    mount_points = [place for place in mounts if is_below(path, place)]
    return bool(mount_points) and mounts[max(mount_points, key=len)].startswith(REMOTE_FILE_SYSTEMS)
