"""How many embeddings were computed in each precision, counted on from the last time.

The precision stands behind each vector, so counting them all reads the whole table: gigabytes of a million photos.
"""

import contextlib
from collections import Counter

from indexer.database.store import Store
from indexer.errors import LibraryError


def count_precisions(store: Store, model: int) -> dict[str, int]:
    """Embeddings of the model by precision; only those that are new since the last count are read."""
    name = f"precisions {model}"
    upto, known = _known(store.setting(name))
    last = store.last_seq(model)
    found = dict(Counter(known) + Counter(store.precisions(model, upto, last)))
    if sum(found.values()) != store.count_embeddings(model) - store.count_embeddings(model, last):
        found = store.precisions(model, 0, last)  # some were forgotten, or the count was no good
    if (last, found) != (upto, known) and not store.database.read_only:
        with contextlib.suppress(LibraryError):  # a full disk stops no look at a library
            store.set_setting(name, {"upto": last, "counts": found})
    return found


def _known(kept: object) -> tuple[int, dict[str, int]]:
    """Up to which seq was counted, and what; nothing where it is not as it was written."""
    if not isinstance(kept, dict) or not isinstance(counts := kept.get("counts"), dict):
        return 0, {}
    upto = kept.get("upto")
    if not isinstance(upto, int) or not all(isinstance(count, int) and count > 0 for count in counts.values()):
        return 0, {}
    return upto, counts
