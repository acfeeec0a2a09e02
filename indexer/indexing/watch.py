"""Keep a library up to date while its folders change: index, wait for something to happen, index again.

Events say only when to index, not what: each run compares the folders with the library, which is cheap, so that a lost
or doubled event does no harm. Where no events come (network drives, limits of the system) runs follow each other every
few seconds, elsewhere once a minute, for drives mounted inside a root and for targets of links. The job lock is held
only during a run, so that other programs can work on the library in between.
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
from indexer.paths import get_file_name, is_below
from indexer.photos.reading import is_candidate
from indexer.progress import Progress, Steps

CHECK_SECONDS = 0.5  # seconds between checks of the roots, and between chances to stop
QUIET_SECONDS = 0.5  # seconds without an event after which a burst of them is over
BURST_SECONDS = 2.0  # seconds after which a burst without end is indexed; the least time between two such runs
POLL_SECONDS = 3.0  # seconds between runs where a root gives no events
RESCAN_SECONDS = 60.0  # seconds between runs where all do
IDLE_FACTOR = 20  # runs without an event begin at least so many times the length of the last run apart

# Without the events of reading, as the runs themselves read.
CHANGE_EVENTS: list[type[FileSystemEvent]] = [
    *(FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent),
    *(DirCreatedEvent, DirMovedEvent, DirDeletedEvent),
]
REMOTE_FILE_SYSTEMS = (  # how their names begin in /proc/self/mounts
    *("nfs", "cifs", "smb", "fuse.", "9p", "afs", "ceph", "davfs"),
    *("drvfs", "vboxsf", "vmhgfs", "prl_fs"),  # of virtual machines
)
IDLE_PROGRESS = Progress("watch", 0, 0)

StartIndexRun = Callable[[], Steps[IndexReport]]


def watch_library(library: Library, start_run: StartIndexRun) -> Iterator[Progress | IndexReport]:
    """Index now and whenever something has changed; yields an IndexReport after each run, and never ends by itself."""
    with contextlib.closing(_RootWatcher(library.folder)) as watcher:
        while True:
            start = time.monotonic()
            report = yield from _run_when_free(library, start_run)
            yield IDLE_PROGRESS
            yield report
            newly_watched = watcher.watch_roots(_list_root_paths(library))
            if not newly_watched:  # else a folder may have changed just before it was watched
                yield from _wait_for_changes(library, watcher, start, time.monotonic() - start)


def _run_when_free(library: Library, start_run: StartIndexRun) -> Steps[IndexReport]:
    """A run under the job lock, as soon as no other program holds it."""
    while True:
        try:
            job = library.store.take_job_lock()
        except LibraryBusy as busy:
            yield IDLE_PROGRESS._replace(note=str(busy))
            time.sleep(CHECK_SECONDS)
            continue
        with job:
            return (yield from start_run())


def _wait_for_changes(
    library: Library, watcher: "_RootWatcher", start: float, run_seconds: float
) -> Iterator[Progress]:
    """Return when the next run is due; yields in between, as a chance to stop.

    `start` and `run_seconds` are the monotonic time and the length of the last run.
    """
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
    """The system's events from the roots.

    `watched_folders` are the roots watched, by path; `lacks_events` says that one of them gives no events.
    """

    def __init__(self, library: Path) -> None:
        self.watched_folders: dict[bytes, FolderIdentity | None] = {}
        self.lacks_events = False
        self._change_queue: Queue[None] = Queue(1)  # one item stands for any number of events
        self._change_handler = _ChangeHandler(os.fsencode(library.resolve()), self._change_queue)
        self._watches: list[ObservedWatch] = []
        self._observer = Observer()
        self._observer.start()

    def wait_for_event(self, seconds: float) -> bool:
        """Whether an event comes within so many seconds."""
        try:
            self._change_queue.get(timeout=seconds)
        except Empty:
            return False
        return True

    def watch_roots(self, roots: list[bytes]) -> bool:
        """Watch those of these folders that are there; False where they were watched already.

        They are watched anew where folders have come below them: where nested folders are made at once, the inner ones
        may have been missed.
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
        """End the observer's thread; one that does not react ends with the process."""
        self._observer.stop()
        self._observer.join(timeout=2 * CHECK_SECONDS)


class _ChangeHandler(FileSystemEventHandler):
    """Puts an item into the queue for each event about a picture or folder; called in the observer's thread."""

    def __init__(self, library: bytes, change_queue: "Queue[None]") -> None:
        self._library, self._change_queue = library, change_queue
        self.new_folders = False

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Handle an event, which has one path or, where something moved, two."""
        self.new_folders |= event.is_directory
        paths = [os.fsencode(path) for path in (event.src_path, event.dest_path) if path]
        if any(self._is_relevant(path, event.is_directory) for path in paths):
            with contextlib.suppress(Full):
                self._change_queue.put_nowait(None)

    def _is_relevant(self, path: bytes, is_folder: bool) -> bool:
        picture = is_folder or is_candidate(get_file_name(path))
        return picture and not is_below(path, self._library)


def _is_remote(path: bytes) -> bool:
    """Whether a folder lies on a file system that other computers change without this system having events of it."""
    try:
        lines = Path("/proc/self/mounts").read_bytes().splitlines()
    except OSError:  # other systems
        return False
    mounts = {fields[1]: fields[2].decode() for fields in map(bytes.split, lines) if len(fields) > 2}
    mount_points = [place for place in mounts if is_below(path, place)]
    return bool(mount_points) and mounts[max(mount_points, key=len)].startswith(REMOTE_FILE_SYSTEMS)
