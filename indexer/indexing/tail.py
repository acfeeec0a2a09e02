"""The tail: embeddings that came after the published generation, when they are built into one, and what is damaged.

A search compares the tail one by one, so it is kept short.
"""

from indexer.database.model_table import GenerationRow
from indexer.database.store import Store
from indexer.errors import EmbeddingsDamaged
from indexer.library import Library
from indexer.progress import Steps
from indexer.search import generations

MIN_TAIL = 5_000  # embeddings that may be outside the generation, and are searched exactly, before a new one is built
TAIL_SHARE = 0.1  # of the rows of the generation; the larger of the two bounds holds


def drop_damaged_tail(store: Store, model: int) -> None:
    """Delete what is damaged of the embeddings outside the generation, so that this run embeds their photos again.

    Those in it are looked through when the next one is built, and by `check`.
    """
    row = store.models.find_generation(model)
    if damaged := store.embeddings.find_damaged(model, row.built_upto if row else 0):
        store.embeddings.drop_embeddings(damaged)


def publish_sound(library: Library, model: int, fingerprint: str) -> Steps[bool]:
    """Publish a generation of all embeddings that are sound; returns False where others had to be dropped for it."""
    library.store.database.require_present()
    try:
        yield from generations.publish_generation(library.folder, library.store, model, fingerprint)
    except EmbeddingsDamaged:
        embeddings = library.store.embeddings
        embeddings.drop_embeddings(embeddings.find_damaged(model))
        yield from generations.publish_generation(library.folder, library.store, model, fingerprint)
        return False
    return True


def has_tail_outgrown(store: Store, model: int) -> bool:
    """Whether more embeddings are outside the generation than in it, as a first run publishes on the way."""
    row = store.models.find_generation(model)
    return _count_tail(store, model, row) > max(MIN_TAIL, row.rows if row else 0)


def is_tail_long(store: Store, model: int) -> bool:
    """Whether so many embeddings are outside the generation that a new one should be built at the end of a run."""
    row = store.models.find_generation(model)
    tail = _count_tail(store, model, row)
    return tail > 0 if row is None else tail > max(MIN_TAIL, TAIL_SHARE * row.rows)


def _count_tail(store: Store, model: int, row: GenerationRow | None) -> int:
    """The number of embeddings that came after the generation was built, all where there is none."""
    return store.embeddings.count_embeddings(model, row.built_upto if row else 0)


def check_generation(library: Library) -> bool:
    """Whether the published generation, if any, can be opened; a damaged one is discarded."""
    row = library.store.models.find_generation(library.model_id)
    if row is None or library.load_generation() is not None:
        return True
    library.store.models.discard_generation(row.number)
    return False
