"""Bring a library up to date with its folders: scan, embed what is new, publish.

Only contents without an embedding under the model go through the network: moved, renamed and copied files are
recognised by their hash. Each batch is one transaction, with its thumbnails stored before it, so that the next run goes
on where one was killed. The caller holds the library's job lock.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.database.contents import MovedRoot, find_moved_roots, mark_links
from indexer.database.file_batch import PathCounts
from indexer.database.file_table import FailedFile, FileOutcome, FileRecord, LibraryRoot
from indexer.database.passed_over import PassedOver, list_exclusions, read_passed_over, record_passed_over
from indexer.database.replacements import CarriedAnnotations
from indexer.database.store import Store, count_precisions
from indexer.indexing import scan
from indexer.indexing.drives import ACCEPTED_DRIVE, PRESENT_STATES, identify_drive, is_other_drive
from indexer.indexing.exclusions import PathPatterns
from indexer.indexing.missing_facts import read_missing_facts
from indexer.indexing.pipeline import EmbeddingResult, index_files
from indexer.indexing.redecoding import forget_outdated_decodings
from indexer.indexing.roots import add_roots, mark_lost_roots, require_folders
from indexer.indexing.tail import check_generation, drop_damaged_tail, has_tail_outgrown, is_tail_long, publish_sound
from indexer.library import Library
from indexer.models.embedder import Embedder
from indexer.own_process import take_restart_mark
from indexer.paths import join_path, show_path
from indexer.photos.decoding import EXTRA_PACKAGES, is_extra_installed
from indexer.photos.journal import DecodingJournal
from indexer.progress import Progress, Steps
from indexer.wording import tr

COUNTS_SETTING = "run counts"  # of the last run, as far as it is committed


class IndexReport(NamedTuple):
    """The library after a run, and what the run did.

    `files`, `photos` and `missing` count what is present and what is gone after it, `embedded` and `moved` what the run
    embedded and found at a new path, `changed` the known paths at which it found another content. `failed` are all
    failures, `new_failures` counts those of this run. `offline` are the paths of roots, `other_drives` of those
    where another drive is now, `moved_roots` offline ones that an online one holds. `passed_over` counts what the
    walks left out. `carried` and `replaced` say what became of the user's words about changed files, if the caller has
    looked after them (`matching.carried_annotations`). `facts_read` counts photos indexed by an older version,
    of which the run has read when and with what they were taken.
    """

    files: int
    photos: int
    embedded: int
    moved: int
    changed: int
    missing: int
    failed: list[FailedFile]
    new_failures: int
    offline: list[bytes]
    other_drives: list[bytes]
    moved_roots: list[MovedRoot]
    seconds: float
    passed_over: PassedOver
    carried: Sequence[CarriedAnnotations] = ()
    replaced: int = 0
    facts_read: int = 0


class PendingFile(NamedTuple):
    """A file to be read, and the root it lies below."""

    root: LibraryRoot
    file: FileRecord

    @property
    def absolute_path(self) -> bytes:
        """The absolute path of the file."""
        return join_path(self.root.path, self.file.path)


LeaveFiles = Callable[[Library, list[PendingFile]], None]


class _RunCounts(NamedTuple):
    """Files that a run has embedded, found at a new path, found with another content, failed to read; and all of them.

    They are stored with each batch, for a process that goes on where this one crashes.
    """

    embedded: int = 0
    moved: int = 0
    changed: int = 0
    failed: int = 0
    files: int = 0

    def add_batch(self, batch: list[EmbeddingResult], paths: PathCounts) -> "_RunCounts":
        """The counts with those of a committed batch added, of whose files `paths` says what became of their paths."""
        embedded = sum(result.vector is not None for result in batch)
        failed = sum(result.reason is not None for result in batch)
        moved, changed = self.moved + paths.moved, self.changed + paths.changed
        return _RunCounts(self.embedded + embedded, moved, changed, self.failed + failed, self.files + len(batch))


def _read_carried_counts(store: Store) -> _RunCounts:
    """The counts of the run that this process was started to go on with, else of none."""
    if not take_restart_mark():
        return _RunCounts()
    stored = store.models.read_setting(COUNTS_SETTING)
    known = stored if isinstance(stored, dict) else {}
    counts = {name: known.get(name) for name in _RunCounts._fields}
    return _RunCounts(**{name: count for name, count in counts.items() if isinstance(count, int)})


def index_library(
    library: Library,
    folders: Sequence[Path],
    model: Embedder,
    *,
    labelled: bool = False,
    verify: bool = False,
    leave_files: LeaveFiles | None = None,
) -> Steps[IndexReport]:
    """Add the folders as roots, embed what is new below all roots, make the model active, publish a generation.

    Without folders the known roots are brought up to date. With `verify` every file is read, whatever its times say,
    so that a content that has changed behind them is found. `leave_files` gets what is to be read, and nothing is
    embedded. Raises LibraryError where a folder is none, before anything is changed.
    """
    start = time.perf_counter()
    require_folders(library.folder, folders)
    add_roots(library, folders, labelled=labelled)
    card, store = model.card, library.store
    model_id = store.models.add_model(card.fingerprint, card.name, card.dim)
    if not library.model_fingerprint:  # a first run can be searched from its first batch on
        store.models.set_setting("active_model", card.fingerprint)
    drop_damaged_tail(store, model_id)
    pending = yield from _find_pending_files(store, model_id, verify=verify)
    if leave_files is not None:
        leave_files(library, pending)
        pending = []
    if any(item.file.state != scan.TOUCHED for item in pending):  # those are most often what they were
        start += _load_model(model)
    counts = yield from embed_pending_files(library, pending, model, model_id)
    facts_read = yield from read_missing_facts(library)
    library.store.models.activate_model(card.fingerprint)
    if pending:
        mark_lost_roots(store)
        mark_links(store.database)
    store.database.require_present()
    if is_tail_long(store, model_id) or not check_generation(library):
        all_sound = yield from publish_sound(library, model_id, card.fingerprint)
        if not all_sound:  # what was dropped is embedded again
            return (yield from index_library(library, [], model))
    report = _make_report(library, model_id, counts, time.perf_counter() - start)._replace(facts_read=facts_read)
    if pending:
        yield Progress("publish", report.photos, report.photos, tr("measuring what distances mean"))
        library.load_calibration()  # it and the counts are stored, so that no search has to wait for them
        count_precisions(store, model_id)
    return report


def _load_model(model: Embedder) -> float:
    """Load the model now; returns the seconds that took, which do not count as the run's."""
    start = time.perf_counter()
    _ = model.precision
    return time.perf_counter() - start


# scanning


def _find_pending_files(store: Store, model: int, *, verify: bool) -> Steps[list[PendingFile]]:
    """Compare all roots with the library; returns the files to be read."""
    for extra in EXTRA_PACKAGES:
        if is_extra_installed(extra):
            store.embeddings.forget_curable_failures(extra)
    pending: list[PendingFile] = []
    for root in (roots := store.files.list_roots()):
        yield Progress("scan", len(pending), 0, show_path(root.path))
        other_roots = {other.path for other in roots if other.path != root.path}
        yield from forget_outdated_decodings(store, root)
        known = list(store.files.iterate_files(root.id, model))
        pending.extend(_scan_root(store, root, scan.distrust_times(known) if verify else known, other_roots))
    yield Progress("scan", len(pending), len(pending))
    return pending


def _scan_root(
    store: Store, root: LibraryRoot, known: list[FileRecord], other_roots: set[bytes]
) -> Iterator[PendingFile]:
    """Compare one root with the files known of it, record what went and came back, and yield what is to be read."""
    folder_before = scan.identify_folder(root.path)
    patterns = PathPatterns(list_exclusions(store.database, root.id))
    changes = scan.compare_listings(scan.walk_root(root.path, other_roots, patterns), known)
    looks_empty = not (changes.found or changes.excluded) and (
        b"" in changes.unreadable
        or (root.drive != ACCEPTED_DRIVE and any(file.state in PRESENT_STATES for file in known))
    )
    went_offline = looks_empty or scan.identify_folder(root.path) != folder_before  # taken away while it was walked
    drive = identify_drive(root.path)
    other_drive = not went_offline and is_other_drive(root.drive, drive, known, changes)
    store.files.set_online(root.id, online=not (went_offline or other_drive), other_drive=other_drive)
    if went_offline or other_drive:  # not there, an empty mount point, or another card: nothing is concluded from that
        return
    store.files.set_drive(root.id, drive)
    record_passed_over(store.database, root.id, changes.passed_over)
    if changes.excluded:
        store.files.set_excluded(root.id, changes.excluded)
    if changes.gone:
        store.files.set_state(root.id, changes.gone, "missing")
    if changes.back:
        store.files.set_state(root.id, changes.back, "present")
    if root.labelled and (unlabelled := store.files.list_unlabelled_files(root.id)):
        store.files.set_labels(root.id, ((scan.parse_folder_label(path), path) for path in unlabelled))
    yield from (PendingFile(root, file) for file in changes.new)


# embedding


class EmbeddingClaims:
    """Gives each content that has no embedding yet to one of the decoding threads: the first that asks for it.

    The store is asked for contents of the sizes that `may_know` names, as another has none of these.
    """

    def __init__(self, store: Store, model: int, may_know: Callable[[int], bool] = lambda _size: True) -> None:
        self._store, self._model, self._may_know = store, model, may_know
        self._claimed_hashes: set[bytes] = set()
        self._lock = threading.Lock()

    def claim_content(self, sha256: bytes, size: int) -> bool:
        """Whether the caller is to embed this content of so many bytes; called from the decoding threads."""
        with self._lock:
            if sha256 in self._claimed_hashes:
                return False
            if self._may_know(size) and self._store.embeddings.is_content_finished(sha256, self._model):
                return False
            self._claimed_hashes.add(sha256)
            return True

    def close(self) -> None:
        """Close the store once no thread is asking; a thread that was given up gets an error where it asks later."""
        with self._lock:
            self._store.close()


@contextmanager
def open_claims(
    library: Library, model: int, may_know: Callable[[int], bool] = lambda _size: True
) -> Iterator[EmbeddingClaims]:
    """Claims on contents for the decoding threads of one run, open until the block ends."""
    claims = EmbeddingClaims(Store(library.folder, any_thread=True), model, may_know)
    try:
        yield claims
    finally:
        claims.close()


def embed_pending_files(
    library: Library, pending: list[PendingFile], model: Embedder, model_id: int
) -> Steps[_RunCounts]:
    """Embed the files and commit them batch by batch; publish a generation whenever the library has doubled."""
    counts = carried = _read_carried_counts(library.store)
    files_done, total = 0, carried.files + len(pending)
    if pending:  # else an older run's are there until the first batch is committed
        library.store.models.set_setting(COUNTS_SETTING, counts._asdict())
    paths = (item.absolute_path for item in pending)
    with open_claims(library, model_id) as claims, DecodingJournal(library.folder / "decoding.journal") as journal:
        batches = index_files(paths, model, claims.claim_content, journal)
        try:
            for batch in batches:
                items = pending[files_done : files_done + len(batch)]
                file_results = [pair for pair in zip(items, batch, strict=True) if not _says_nothing(*pair)]
                counts = _commit_batch(library, file_results, model, counts)
                files_done += len(batch)
                yield Progress("embed", carried.files + files_done, total, show_path(items[-1].file.path))
                if has_tail_outgrown(library.store, model_id):
                    yield from publish_sound(library, model_id, model.card.fingerprint)
        finally:
            batches.close()  # type: ignore[attr-defined]  # a generator: its pool ends here
    return counts


def _says_nothing(item: PendingFile, result: EmbeddingResult) -> bool:
    """Whether a file could not be read as it is gone, maybe with its drive, or was known and may not be read just now.

    The next scan notes the one; the other stays as it was.
    """
    if result.sha256 is not None:
        return False
    return item.file.state == scan.TOUCHED or not os.path.exists(item.absolute_path)  # noqa: PTH110 - bytes


def _commit_batch(
    library: Library, file_results: list[tuple[PendingFile, EmbeddingResult]], model: Embedder, counts: _RunCounts
) -> _RunCounts:
    """Store the results of a batch, thumbnails first, and the counts of the run with them, which are returned."""
    library.store.database.require_present()
    results = [result for _, result in file_results]
    library.thumbnails.put((r.sha256, r.thumbnail) for r in results if r.sha256 is not None and r.thumbnail is not None)
    outcomes = [make_outcome(item, result, model) for item, result in file_results]
    models = library.store.models

    def store_counts(paths: PathCounts) -> None:
        models.set_setting(COUNTS_SETTING, counts.add_batch(results, paths)._asdict())

    paths = library.store.record_outcomes(outcomes, models.find_model_id(model.card.fingerprint), store_counts)
    return counts.add_batch(results, paths)


def make_outcome(item: PendingFile, result: EmbeddingResult, model: Embedder) -> FileOutcome:
    """What became of a file that was read and embedded, as the database stores it."""
    return FileOutcome(
        root=item.root.id,
        file=item.file,
        label=scan.parse_folder_label(item.file.path) if item.root.labelled else None,
        sha256=result.sha256,
        width=result.width,
        height=result.height,
        vector=None if result.vector is None else result.vector.astype(np.float16),
        precision="" if result.vector is None else model.precision,
        reason=result.reason,
        needs=result.needs,
        pixel_sha256=result.pixel_sha256,
        capture=result.capture,
        thumbnail=result.thumbnail,
    )


def _make_report(library: Library, model: int, counts: _RunCounts, seconds: float) -> IndexReport:
    store, roots = library.store, library.store.files.list_roots()
    return IndexReport(
        files=store.files.count_files(model),
        photos=store.embeddings.count_photos(model),
        embedded=counts.embedded,
        moved=counts.moved,
        changed=counts.changed,
        missing=store.files.count_missing(),
        failed=library.list_failed_files(),
        new_failures=counts.failed,
        offline=[root.path for root in roots if not root.online],
        other_drives=[root.path for root in roots if root.other_drive],
        moved_roots=find_moved_roots(store.database),
        seconds=round(seconds, 3),
        passed_over=read_passed_over(store.database),
    )
