"""How well a model finds the pictures of the same class in a labelled folder; needs no library.

Copies count once, a content in two classes is left out (no answer would be right), and so is everything the model was
trained on or chosen by.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.database.store import Failure
from indexer.errors import LookalikeError
from indexer.indexing import scan
from indexer.indexing.pipeline import embed_files
from indexer.models.embedder import Embedder
from indexer.paths import join_path, show_path
from indexer.progress import Progress, Steps
from indexer.statistics.detailed_metrics import (
    ClassFigures,
    Histogram,
    clustering,
    histogram,
    mean_average_precision,
    per_class,
    roc,
)
from indexer.statistics.metrics import Retrieval, Threshold, Verification, judged, pair_distances, retrieval


class Evaluation(NamedTuple):
    """Figures of a labelled folder, and what they leave out; `names` are the classes, by code."""

    retrieval: Retrieval
    verification: Verification
    mean_average_precision: float
    nmi: float
    per_class: list[ClassFigures]
    roc: list[Threshold]
    histogram: Histogram
    names: list[str]
    photos: int
    classes: int
    copies: int
    ambiguous: int
    seen: int
    failed: list[Failure]


class LabelledEmbeddings(NamedTuple):
    """One row for each distinct content: hashes, class names, vectors (n, dim) float32; and what was left out."""

    hashes: list[bytes]
    labels: list[str]
    vectors: np.ndarray
    copies: int
    ambiguous: int
    seen: int
    failed: list[Failure]


def evaluate(folder: Path, model: Embedder, leave_out: Collection[bytes] = ()) -> Steps[Evaluation]:
    """Figures of the model on a folder whose sub-folders are classes; contents in `leave_out` (sha256) do not count.

    Raises LookalikeError where there is no such folder or no two pictures of a class.
    """
    found = yield from embed_labelled(folder, model, leave_out)
    names = sorted(set(found.labels))
    at = {name: code for code, name in enumerate(names)}
    codes = np.array([at[label] for label in found.labels], np.int64)
    yield Progress("measure", 0, 3, "Ranking")
    figures = retrieval(found.vectors, codes)
    average = mean_average_precision(found.vectors, codes)
    yield Progress("measure", 1, 3, "Comparing pairs")
    pairs = pair_distances(found.vectors, codes)
    yield Progress("measure", 2, 3, "Clustering")
    return Evaluation(
        retrieval=figures,
        verification=judged(pairs),
        mean_average_precision=average,
        nmi=clustering(found.vectors, codes),
        per_class=per_class(figures, codes),
        roc=roc(pairs),
        histogram=histogram(pairs),
        names=names,
        photos=len(found.hashes),
        classes=len(names),
        copies=found.copies,
        ambiguous=found.ambiguous,
        seen=found.seen,
        failed=found.failed,
    )


def embed_labelled(folder: Path, model: Embedder, leave_out: Collection[bytes] = ()) -> Steps[LabelledEmbeddings]:
    """The embeddings of a labelled folder, in the order of paths."""
    paths, labels = labelled_paths(folder)
    classes: dict[bytes, set[str]] = {}
    first: dict[bytes, np.ndarray] = {}
    failed: list[Failure] = []
    copies = done = 0
    for batch in embed_files(paths, model, lambda sha256: sha256 not in leave_out):
        for path, label, result in zip(paths[done:], labels[done:], batch, strict=False):
            if result.sha256 is None or result.reason is not None:
                failed.append(Failure(path, result.reason or ""))
                continue
            copies += result.sha256 in classes
            classes.setdefault(result.sha256, set()).add(label)
            if result.vector is not None:
                first.setdefault(result.sha256, result.vector)
        done += len(batch)
        yield Progress("embed", done, len(paths))
    kept = [sha256 for sha256 in first if len(classes[sha256]) == 1]
    return LabelledEmbeddings(
        hashes=kept,
        labels=[next(iter(classes[sha256])) for sha256 in kept],
        vectors=np.stack([first[sha256] for sha256 in kept]) if kept else np.zeros((0, model.card.dim), np.float32),
        copies=copies,
        ambiguous=len(first) - len(kept),
        seen=len(classes.keys() - first.keys()),
        failed=failed,
    )


def labelled_paths(folder: Path) -> tuple[list[bytes], list[str]]:
    """Absolute paths of the pictures in the sub-folders of a folder, sorted, and their class names."""
    if not folder.is_dir():
        raise LookalikeError(f"{show_path(folder)} is not a folder. Name one with a sub-folder per class.")
    root = os.fsencode(folder)
    files = sorted(file.path for listing in scan.walk(root) for file in listing.files)
    named = [(join_path(root, path), scan.folder_label(path)) for path in files]
    inside = [(path, label) for path, label in named if label is not None]
    if not inside:
        raise LookalikeError(
            f"{show_path(root)} has no sub-folders with pictures. Each sub-folder is one class of pictures."
        )
    return [path for path, _ in inside], [label for _, label in inside]
