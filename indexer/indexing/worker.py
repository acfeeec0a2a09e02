"""A worker of a shared library: leases files, embeds them, and stores what became of them, on any computer.

It embeds as an index run does; what differs is where the files come from (`leases`), and that a batch is stored only
while its leases are the worker's own. A file over which a worker was lost is decoded in a process of its own the next
time; one over which three were lost is a failure.
"""

import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from indexer.database.file_table import FileOutcome, LibraryRoot
from indexer.database.interface import Database
from indexer.database.postgresql.leases import (
    MOST_TRIES,
    LeasedFile,
    LeaseLost,
    add_work,
    count_work,
    find_own_files,
    guard_leases,
    lease_files,
    release_leases,
)
from indexer.errors import LibraryError
from indexer.indexing.pipeline import EmbeddingResult, index_files
from indexer.indexing.run import PendingFile, make_outcome, open_claims
from indexer.library import Library
from indexer.models.embedder import Embedder
from indexer.paths import show_path
from indexer.photos.journal import DecodingJournal
from indexer.progress import Progress, Steps

LEASE_SECONDS = 120.0
PAUSE_SECONDS = 0.5  # between two looks for work where there is none
PATIENCE_SECONDS = 600.0  # with a library that cannot be reached or written
LOST_REASON = "stopped the program that read it, three times"


class WorkerRequest(NamedTuple):
    """Who works: a name of its own, how many files it leases at once and for how long, and when it ends.

    `roots` are the folders of this computer at which it sees roots, by the paths that the library knows.
    """

    owner: str
    batch: int = 32
    seconds: float = LEASE_SECONDS
    until_done: bool = True
    roots: Mapping[bytes, bytes] = {}


class WorkerReport(NamedTuple):
    """How many files a worker has embedded, failed to read, and lost to others as its leases had run out."""

    embedded: int = 0
    failed: int = 0
    lost: int = 0


def queue_files(library: Library, pending: list[PendingFile]) -> None:
    """Leave files to workers."""
    add_work(library.store.database, [(item.root.id, item.file) for item in pending])


def work_for_library(library: Library, model: Embedder, request: WorkerRequest) -> Steps[WorkerReport]:
    """Lease, embed and store files until there are none, or without end; the model is the library's active one.

    A library that cannot be reached or written is waited for, for PATIENCE_SECONDS; then LibraryError is raised.
    """
    worker, reached = _LeasingWorker(library, model, request), time.monotonic()
    while True:
        try:
            yield from worker.embed_leased()
            counts = count_work(library.store.database)
            if request.until_done and not worker.has_open_work():
                return worker.report
            waiting, reached = counts.waiting + counts.leased, time.monotonic()
            said = f"{counts.workers} workers"
        except LibraryError as fault:
            if time.monotonic() - reached > PATIENCE_SECONDS:
                raise
            worker.drop_leases()
            waiting, said = 0, str(fault)
        yield Progress("wait", 0, waiting, said)
        time.sleep(PAUSE_SECONDS)


class _LeasingWorker:
    """The leases that a worker holds, in the order in which their files are embedded, and what it has done.

    Those that it has dropped, as the library could not be written, are given back when it can be reached again.
    """

    def __init__(self, library: Library, model: Embedder, request: WorkerRequest) -> None:
        self._library, self._model, self._request = library, model, request
        self._held: deque[tuple[LeasedFile, PendingFile]] = deque()
        self._has_dropped = False
        self._known_sizes: set[int] = set()  # of files leased, in bytes
        self._model_id = library.model_id
        self._roots = dict(_find_seen_roots(library, request.roots))
        self.report = WorkerReport()

    @property
    def _database(self) -> Database:
        return self._library.store.database

    def has_open_work(self) -> bool:
        """Whether a file below the roots that this computer sees is still to be read, by whomever."""
        listed = self._database.dialect.list_values(self._roots)
        sql = f"SELECT count(*) FROM work WHERE root IN {listed.sql}"
        return self._database.fetch_integer(sql, (listed.value,)) > 0

    def drop_leases(self) -> None:
        """Leave what is leased to whoever takes it: when it is given back, or when the leases have run out."""
        self._held.clear()
        self._has_dropped = True

    def embed_leased(self) -> Steps[None]:
        """Embed what can be leased now, and store it batch by batch."""
        self._model_id = self._library.model_id
        if self._has_dropped:
            release_leases(self._database, self._request.owner)
            self._has_dropped = False
        with (
            open_claims(self._library, self._model_id, self._known_sizes.__contains__) as claims,
            DecodingJournal(self._library.folder / f"decoding-{os.getpid()}.journal") as journal,
        ):
            batches = index_files(self._lease_paths(journal), self._model, claims.claim_content, journal)
            try:
                for batch in batches:
                    leased = [self._held.popleft() for _ in batch]
                    self._store_batch(leased, batch)
                    yield Progress("embed", sum(self.report[:2]), 0, show_path(leased[-1][1].file.path))
            finally:
                batches.close()  # type: ignore[attr-defined]  # a generator: its pool ends here

    def _lease_paths(self, journal: DecodingJournal) -> Iterator[bytes]:
        """The paths of files, leased when they are asked for, until there are none."""
        request = self._request
        while leased := lease_files(self._database, request.owner, list(self._roots), request.batch, request.seconds):
            self._known_sizes.update(file.file.size for file in leased if file.has_known_size)
            hopeless = [file for file in leased if file.tries > MOST_TRIES]
            self._store_outcomes(hopeless, [_make_failure(file) for file in hopeless])
            for file in leased:
                if file.tries <= MOST_TRIES:
                    item = PendingFile(self._roots[file.root], file.file)
                    if file.tries > 1:
                        journal.unfinished_paths |= {item.absolute_path}
                    self._held.append((file, item))
                    yield item.absolute_path

    def _store_batch(self, leased: list[tuple[LeasedFile, PendingFile]], batch: list[EmbeddingResult]) -> None:
        outcomes = [make_outcome(item, result, self._model) for (_, item), result in zip(leased, batch, strict=True)]
        self._store_outcomes([file for file, _ in leased], outcomes)

    def _store_outcomes(self, leased: list[LeasedFile], outcomes: list[FileOutcome]) -> None:
        """Store what became of the files that are still leased to this worker."""
        while leased:
            try:
                guard = guard_leases(self._database, self._request.owner, leased, self._request.seconds)
                self._library.store.record_outcomes(outcomes, self._model_id, guard=guard)
            except LeaseLost:
                own_files = find_own_files(self._database, self._request.owner, leased)
                own_outcomes = [
                    (file, outcome) for file, outcome in zip(leased, outcomes, strict=True) if file.id in own_files
                ]
                self.report = self.report._replace(lost=self.report.lost + len(leased) - len(own_outcomes))
                leased, outcomes = [file for file, _ in own_outcomes], [outcome for _, outcome in own_outcomes]
                continue
            failed = sum(outcome.reason is not None for outcome in outcomes)
            embedded = sum(outcome.vector is not None for outcome in outcomes)
            self.report = self.report._replace(
                embedded=self.report.embedded + embedded, failed=self.report.failed + failed
            )
            return


def _make_failure(file: LeasedFile) -> FileOutcome:
    return FileOutcome(file.root, file.file, reason=LOST_REASON)


def _find_seen_roots(library: Library, here: Mapping[bytes, bytes]) -> Iterator[tuple[int, LibraryRoot]]:
    """The roots that this computer sees, each at the path that it has here."""
    for root in library.store.files.list_roots():
        path = here.get(root.path, root.path)
        if Path(os.fsdecode(path)).is_dir():
            yield root.id, root._replace(path=path)
