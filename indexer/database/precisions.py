"""How many embeddings were computed in each precision, counted on from the last time.

The precision stands behind each vector in the table, so counting all of them reads gigabytes for a million photos.
"""

from collections import Counter

from indexer.database.store import Store


def count_precisions(store: Store, model: int) -> dict[str, int]:
    """The number of the model's embeddings by precision; only those that are new since the last count are read."""
    setting_name = f"precisions {model}"
    upto, known_counts = _parse_stored_counts(store.models.read_setting(setting_name))
    last = store.embeddings.find_last_seq(model)
    counts = dict(Counter(known_counts) + Counter(store.embeddings.count_by_precision(model, upto, last)))
    expected = store.embeddings.count_embeddings(model) - store.embeddings.count_embeddings(model, above=last)
    if sum(counts.values()) != expected:  # some were forgotten, or the stored counts are damaged
        counts = store.embeddings.count_by_precision(model, 0, last)
    if (last, counts) != (upto, known_counts):
        store.models.keep_setting(setting_name, {"upto": last, "counts": counts})
    return counts


def _parse_stored_counts(setting: object) -> tuple[int, dict[str, int]]:
    """The seq up to which was counted, and the counts; 0 and none where the setting is damaged."""
    if not isinstance(setting, dict) or not isinstance(counts := setting.get("counts"), dict):
        return 0, {}
    upto = setting.get("upto")
    if not isinstance(upto, int) or not all(isinstance(count, int) and count > 0 for count in counts.values()):
        return 0, {}
    return upto, counts
