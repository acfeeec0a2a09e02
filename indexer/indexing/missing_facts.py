"""Photos that a version without EXIF has indexed: what they say of their taking is read, and nothing is embedded."""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from indexer.database.embedding_table import UnreadCapture
from indexer.errors import PhotoError
from indexer.indexing.pipeline import bounded_map
from indexer.library import Library
from indexer.models.embedder import CPU_THREADS
from indexer.paths import show_path
from indexer.photos.journal import DecodingJournal
from indexer.photos.reading import JPEG_START, CaptureFacts, read_photo, read_photo_start
from indexer.progress import Progress, Steps

PHOTOS_PER_COMMIT = 256
HEADER_BYTES = 512 << 10  # of a JPEG, whose EXIF stands within its first 64 KiB, behind other blocks at most


def read_missing_facts(library: Library) -> Steps[int]:
    """Read the capture facts of photos that have none yet and whose files are there; return the number of photos read.

    A file that cannot be read now is tried again by the next run.
    """
    unread, known = library.store.embeddings.list_unread_captures(), 0
    if not unread:
        return 0
    with DecodingJournal(library.folder / "decoding.journal") as journal:
        batches = journal.watch_batches(_read_batches(unread, journal))
        try:
            for number, batch in enumerate(batches):
                found = [(one.photo, facts) for one, facts in batch if facts is not None]
                with library.store.database.transaction():
                    library.store.embeddings.record_captures(found)
                known += len(found)
                done, last = number * PHOTOS_PER_COMMIT + len(batch), show_path(batch[-1][0].path)
                yield Progress("facts", done, len(unread), last)
        finally:
            batches.close()  # type: ignore[attr-defined]  # a generator: its pool ends here
    return known


def _read_batches(
    unread: Sequence[UnreadCapture], journal: DecodingJournal
) -> Generator[list[tuple[UnreadCapture, CaptureFacts | None]], None, None]:
    pool, batch = ThreadPoolExecutor(CPU_THREADS, "facts"), list[tuple[UnreadCapture, CaptureFacts | None]]()
    try:
        read = partial(_try_reading, journal)
        for one, facts in zip(
            unread, bounded_map(pool, read, unread, 2 * CPU_THREADS, journal.wait_for_result), strict=True
        ):
            batch.append((one, facts))
            if len(batch) == PHOTOS_PER_COMMIT:
                yield batch
                batch = []
        if batch:
            yield batch
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _try_reading(journal: DecodingJournal, unread: UnreadCapture) -> CaptureFacts | None:
    """The facts of a photo, None where its file cannot be read; of a JPEG only the beginning is."""
    try:
        data = read_photo_start(unread.path, HEADER_BYTES)
        if not data.startswith(JPEG_START):
            data = read_photo(unread.path)
        return journal.read_facts(unread.path, data)
    except PhotoError:
        return None
