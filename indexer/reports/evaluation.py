"""How well a model finds the pictures of the same class in a labelled folder; needs no library.

Copies count once. Left out are contents that lie in two classes, as no answer about them would be right, and pictures
that the model was trained on or chosen by.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.database.file_table import FailedFile
from indexer.errors import LookalikeError
from indexer.indexing import scan
from indexer.indexing.pipeline import embed_files
from indexer.models.embedder import Embedder
from indexer.paths import join_path, show_path
from indexer.progress import Progress, Steps
from indexer.statistics.detailed_metrics import (
    ClassFigures,
    DistanceHistogram,
    build_histogram,
    compute_mean_average_precision,
    compute_roc,
    measure_classes,
    measure_clustering,
)
from indexer.statistics.metrics import (
    RetrievalFigures,
    VerificationFigures,
    VerificationThreshold,
    measure_pair_distances,
    measure_pair_errors,
    measure_retrieval,
)


class ModelEvaluation(NamedTuple):
    """Figures of a model on a labelled folder, and the numbers of pictures that they leave out.

    `names` are the classes; the `code` of a ClassFigures is an index into them. `photos` counts distinct contents,
    `copies` further files of the same content, `ambiguous` contents in two classes, `seen` contents the model knows.
    """

    retrieval: RetrievalFigures
    verification: VerificationFigures
    mean_average_precision: float
    nmi: float
    per_class: list[ClassFigures]
    roc: list[VerificationThreshold]
    histogram: DistanceHistogram
    names: list[str]
    photos: int
    classes: int
    copies: int
    ambiguous: int
    seen: int
    failed: list[FailedFile]


class LabelledEmbeddings(NamedTuple):
    """Hashes, class names and vectors (n, dim) float32 of the distinct contents of a labelled folder.

    Then the numbers of what was left out, as in ModelEvaluation.
    """

    hashes: list[bytes]
    labels: list[str]
    vectors: np.ndarray
    copies: int
    ambiguous: int
    seen: int
    failed: list[FailedFile]


def evaluate_model(folder: Path, model: Embedder, leave_out: Collection[bytes] = ()) -> Steps[ModelEvaluation]:
    """Figures of the model on a folder whose sub-folders are classes, without the contents in `leave_out` (sha256).

    Raises LookalikeError where the folder is missing or no class has two pictures.
    """
    labelled = yield from embed_labelled(folder, model, leave_out)
    names = sorted(set(labelled.labels))
    code_by_name = {name: code for code, name in enumerate(names)}
    codes = np.array([code_by_name[label] for label in labelled.labels], np.int64)
    yield Progress("measure", 0, 3, "Ranking")
    figures = measure_retrieval(labelled.vectors, codes)
    average = compute_mean_average_precision(labelled.vectors, codes)
    yield Progress("measure", 1, 3, "Comparing pairs")
    pairs = measure_pair_distances(labelled.vectors, codes)
    yield Progress("measure", 2, 3, "Clustering")
    return ModelEvaluation(
        retrieval=figures,
        verification=measure_pair_errors(pairs),
        mean_average_precision=average,
        nmi=measure_clustering(labelled.vectors, codes),
        per_class=measure_classes(figures, codes),
        roc=compute_roc(pairs),
        histogram=build_histogram(pairs),
        names=names,
        photos=len(labelled.hashes),
        classes=len(names),
        copies=labelled.copies,
        ambiguous=labelled.ambiguous,
        seen=labelled.seen,
        failed=labelled.failed,
    )


def embed_labelled(folder: Path, model: Embedder, leave_out: Collection[bytes] = ()) -> Steps[LabelledEmbeddings]:
    """The embeddings of a labelled folder, in the order of paths, without the contents in `leave_out` (sha256)."""
    paths, labels = list_labelled_paths(folder)
    classes: dict[bytes, set[str]] = {}
    first_vectors: dict[bytes, np.ndarray] = {}
    failed: list[FailedFile] = []
    copies = files_done = 0
    for batch in embed_files(paths, model, lambda sha256: sha256 not in leave_out):
        for path, label, result in zip(paths[files_done:], labels[files_done:], batch, strict=False):
            if result.sha256 is None or result.reason is not None:
                failed.append(FailedFile(path, result.reason or ""))
                continue
            copies += result.sha256 in classes
            classes.setdefault(result.sha256, set()).add(label)
            if result.vector is not None:
                first_vectors.setdefault(result.sha256, result.vector)
        files_done += len(batch)
        yield Progress("embed", files_done, len(paths))
    unambiguous = [sha256 for sha256 in first_vectors if len(classes[sha256]) == 1]
    return LabelledEmbeddings(
        hashes=unambiguous,
        labels=[next(iter(classes[sha256])) for sha256 in unambiguous],
        vectors=np.stack([first_vectors[sha256] for sha256 in unambiguous])
        if unambiguous
        else np.zeros((0, model.card.dim), np.float32),
        copies=copies,
        ambiguous=len(first_vectors) - len(unambiguous),
        seen=len(classes.keys() - first_vectors.keys()),
        failed=failed,
    )


def list_labelled_paths(folder: Path) -> tuple[list[bytes], list[str]]:
    """Absolute paths of the pictures in the sub-folders of a folder, sorted, and the class name of each.

    Raises LookalikeError where the folder is none or its sub-folders hold no picture.
    """
    if not folder.is_dir():
        raise LookalikeError(f"{show_path(folder)} is not a folder. Name one with a sub-folder per class.")
    root = os.fsencode(folder)
    files = sorted(file.path for listing in scan.walk_root(root) for file in listing.files)
    named = [(join_path(root, path), scan.parse_folder_label(path)) for path in files]
    in_classes = [(path, label) for path, label in named if label is not None]
    if not in_classes:
        raise LookalikeError(
            f"{show_path(root)} has no sub-folders with pictures. Each sub-folder is one class of pictures."
        )
    return [path for path, _ in in_classes], [label for _, label in in_classes]
