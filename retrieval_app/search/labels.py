"""The labels of the open library: the question that several parts of the page ask its reader thread."""

from indexer.library import Library

LABELS_KEY = "labels"


def list_labels(library: Library) -> list[str]:
    """The labels in use, in the order of their names."""
    return sorted(set(library.annotations.read_labels(library.model_id).values()))
