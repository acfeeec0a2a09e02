"""How many embeddings were computed in each precision, counted on from the last time.

The precision stands behind each vector, so counting them all reads the whole table: gigabytes of a million photos.
"""

import contextlib
from collections import Counter

from indexer.database.store import Store
from indexer.errors import LibraryError


def count_precisions(store: Store, model: int) -> dict[str, int]:
    """Embeddings of the model by precision; only those that are new since the last count are read."""
    setting_name = f"precisions {model}"
    upto, known_counts = _parse_kept_counts(store.models.read_setting(setting_name))
    last = store.embeddings.find_last_seq(model)
    counts = dict(Counter(known_counts) + Counter(store.embeddings.count_by_precision(model, upto, last)))
    if sum(counts.values()) != store.embeddings.count_embeddings(model) - store.embeddings.count_embeddings(
        model, last
    ):
        counts = store.embeddings.count_by_precision(model, 0, last)  # some were forgotten, or the count was no good
    if (last, counts) != (upto, known_counts) and not store.database.read_only:
        with contextlib.suppress(LibraryError):  # a full disk stops no look at a library
            store.models.set_setting(setting_name, {"upto": last, "counts": counts})
    return counts


def _parse_kept_counts(setting: object) -> tuple[int, dict[str, int]]:
    """Up to which seq was counted, and what; nothing where it is not as it was written."""
    if not isinstance(setting, dict) or not isinstance(counts := setting.get("counts"), dict):
        return 0, {}
    upto = setting.get("upto")
    if not isinstance(upto, int) or not all(isinstance(count, int) and count > 0 for count in counts.values()):
        return 0, {}
    return upto, counts
