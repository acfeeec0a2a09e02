"""Bring a library up to date with its folders: scan, embed what is new, publish.

Only contents without an embedding under the model go through the network: moved, renamed and copied files are
recognised by their hash. Each batch is one transaction, thumbnails before it, so a run killed anywhere is continued
by the next one. The caller holds the library's job lock.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.database.precisions import count_precisions
from indexer.database.store import Failure, File, Outcome, Root, Store
from indexer.indexing import scan
from indexer.indexing.pipeline import Embedded, index_files
from indexer.indexing.roots import add_roots, require_folders
from indexer.library import Library
from indexer.models.embedder import Embedder
from indexer.paths import join_path, show_path
from indexer.photos import decoding as photos
from indexer.photos.journal import Journal
from indexer.progress import Progress, Steps
from indexer.search import generations

MIN_TAIL = 5_000  # embeddings searched exactly before a new generation is worth building
TAIL_SHARE = 0.1
THERE = ("present", "unfinished")


class Report(NamedTuple):
    """What a run did, and what is present after it; `failed` lists all failures, `new_failures` counts this run's."""

    files: int
    photos: int
    embedded: int
    moved: int
    missing: int
    failed: list[Failure]
    new_failures: int
    offline: list[bytes]
    seconds: float


class _Work(NamedTuple):
    """A file to be read, and where it lies."""

    root: Root
    file: File

    @property
    def path(self) -> bytes:
        """Absolute."""
        return join_path(self.root.path, self.file.path)


class _Counts(NamedTuple):
    embedded: int = 0
    moved: int = 0
    failed: int = 0

    def plus(self, batch: list[Embedded], moved: int) -> "_Counts":
        """With a committed batch added."""
        embedded = sum(result.vector is not None for result in batch)
        failed = sum(result.reason is not None for result in batch)
        return _Counts(self.embedded + embedded, self.moved + moved, self.failed + failed)


def index(library: Library, folders: Sequence[Path], model: Embedder, *, labelled: bool = False) -> Steps[Report]:
    """Add the folders as roots (none: bring the known roots up to date), embed what is new, publish, make it active.

    Raises LibraryError where a folder is none, before anything is changed.
    """
    start = time.perf_counter()
    require_folders(library.folder, folders)
    add_roots(library, folders, labelled=labelled)
    card, store = model.card, library.store
    model_id = store.add_model(card.fingerprint, card.name, card.dim)
    if not library.fingerprint:  # a first run can be searched from its first batch on
        store.set_setting("active_model", card.fingerprint)
    work = yield from _find_work(store, model_id)
    if work:
        start += _load(model)
    counts = yield from _embed(library, work, model, model_id)
    library.activate(card.fingerprint)
    for root in store.roots():
        if work and scan.folder_at(root.path) is None:  # its drive went during the run
            store.set_online(root.id, online=False)
    if _tail_is_long(store, model_id, first_run=False) or not _sound(library):
        yield from generations.publish(library.folder, store, model_id, card.fingerprint)
    report = _report(library, model_id, counts, time.perf_counter() - start)
    if work:
        yield Progress("publish", report.photos, report.photos, "measuring what distances mean")
        library.calibration()  # both are kept, so that no search and no look at the figures has to wait for them
        count_precisions(store, model_id)
    return report


def _load(model: Embedder) -> float:
    """Have the model loaded; returns the seconds it took, which are no part of a run's."""
    start = time.perf_counter()
    _ = model.precision
    return time.perf_counter() - start


# scanning


def _find_work(store: Store, model: int) -> Steps[list[_Work]]:
    for extra in ("heif", "raw"):
        if photos.available(extra):
            store.forget_curable(extra)
    work: list[_Work] = []
    roots = store.roots()
    for root in roots:
        yield Progress("scan", len(work), 0, show_path(root.path))
        inner = {other.path for other in roots if other.path != root.path}
        work.extend(_scan_root(store, root, model, inner))
    yield Progress("scan", len(work), len(work))
    return work


def _scan_root(store: Store, root: Root, model: int, inner: set[bytes]) -> Iterator[_Work]:
    """Compare one root with the library, record what went and came back, and yield what is to be read."""
    known, folder = list(store.files(root.id, model)), scan.folder_at(root.path)
    changes = scan.compare(scan.walk(root.path, inner), known)
    empty = not changes.found and (b"" in changes.unreadable or any(file.state in THERE for file in known))
    gone_dark = empty or scan.folder_at(root.path) != folder  # taken away while it was walked
    store.set_online(root.id, online=not gone_dark)
    if gone_dark:  # a drive that is not there, or an empty mount point: nothing is concluded from that
        return
    if changes.gone:
        store.set_state(root.id, changes.gone, "missing")
    if changes.back:
        store.set_state(root.id, changes.back, "present")
    if root.labelled and (unlabelled := store.unlabelled(root.id)):
        store.set_labels(root.id, ((scan.folder_label(path), path) for path in unlabelled))
    yield from (_Work(root, file) for file in changes.new)


# embedding


class _Claims:
    """Which contents need an embedding: not those the library has, nor those another file of this run has brought."""

    def __init__(self, store: Store, model: int) -> None:
        self._store, self._model = store, model
        self._taken: set[bytes] = set()
        self._lock = threading.Lock()

    def take(self, sha256: bytes) -> bool:
        """Whether the caller is the one to embed this content; called from the decoding threads."""
        with self._lock:
            if sha256 in self._taken or self._store.finished(sha256, self._model):
                return False
            self._taken.add(sha256)
            return True

    def close(self) -> None:
        """Close the store, not while a thread asks; one that was given up may ask later and gets an error."""
        with self._lock:
            self._store.close()


@contextmanager
def _claims(library: Library, model: int) -> Iterator[_Claims]:
    claims = _Claims(Store(library.folder, any_thread=True), model)
    try:
        yield claims
    finally:
        claims.close()


def _embed(library: Library, work: list[_Work], model: Embedder, model_id: int) -> Steps[_Counts]:
    """Commit batch after batch; publish on the way whenever the library has doubled."""
    done, counts = 0, _Counts()
    paths = (item.path for item in work)
    with _claims(library, model_id) as claims, Journal(library.folder / "decoding.journal") as journal:
        batches = index_files(paths, model, claims.take, journal)
        try:
            for batch in batches:
                items = work[done : done + len(batch)]
                became = [pair for pair in zip(items, batch, strict=True) if not _went(*pair)]
                moved = _commit(library, became, model)
                counts = counts.plus([result for _, result in became], moved)
                done += len(batch)
                yield Progress("embed", done, len(work), show_path(items[-1].file.path))
                if _tail_is_long(library.store, model_id, first_run=True):
                    yield from generations.publish(library.folder, library.store, model_id, model.card.fingerprint)
        finally:
            batches.close()  # type: ignore[attr-defined]  # a generator: its pool ends here
    return counts


def _went(item: _Work, result: Embedded) -> bool:
    """Whether a file is not there any more, maybe with its drive: that is for the next scan to say, and no failure."""
    return result.sha256 is None and not os.path.exists(item.path)  # noqa: PTH110 - bytes


def _commit(library: Library, became: list[tuple[_Work, Embedded]], model: Embedder) -> int:
    """Store what became of a batch, thumbnails first; returns how many of its files had only moved."""
    results = [result for _, result in became]
    library.thumbnails.put((r.sha256, r.thumbnail) for r in results if r.sha256 is not None and r.thumbnail is not None)
    outcomes = [_outcome(item, result, model) for item, result in became]
    return library.store.record(outcomes, library.store.model_id(model.card.fingerprint))


def _outcome(item: _Work, result: Embedded, model: Embedder) -> Outcome:
    return Outcome(
        root=item.root.id,
        file=item.file,
        label=scan.folder_label(item.file.path) if item.root.labelled else None,
        sha256=result.sha256,
        width=result.width,
        height=result.height,
        vector=None if result.vector is None else result.vector.astype(np.float16),
        precision="" if result.vector is None else model.precision,
        reason=result.reason,
        needs=result.needs,
    )


# publishing


def _tail_is_long(store: Store, model: int, *, first_run: bool) -> bool:
    """Whether so much is searched exactly that a generation should cover it."""
    row = store.generation(model)
    tail = store.count_embeddings(model, row.built_upto if row else 0)
    rows = row.rows if row else 0
    if first_run:
        return tail > max(MIN_TAIL, rows)
    return tail > 0 if row is None else tail > max(MIN_TAIL, TAIL_SHARE * rows)


def _sound(library: Library) -> bool:
    """Whether the published generation can be opened; a damaged one is dropped so that it is built anew."""
    row = library.store.generation(library.model_id)
    if row is None or library.generation() is not None:
        return True
    library.store.discard_generation(row.number)
    return False


def _report(library: Library, model: int, counts: _Counts, seconds: float) -> Report:
    store = library.store
    return Report(
        files=store.count_files(model),
        photos=store.count_photos(model),
        embedded=counts.embedded,
        moved=counts.moved,
        missing=store.count_missing(),
        failed=library.failures(),
        new_failures=counts.failed,
        offline=[root.path for root in store.roots() if not root.online],
        seconds=round(seconds, 3),
    )
