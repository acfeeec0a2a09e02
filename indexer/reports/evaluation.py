"""How well a model finds the pictures of the same class in a labelled folder; needs no library.

Copies count once. Left out are contents that lie in two classes, as no answer about them would be right, and pictures
that the model was trained on or chosen by.
"""

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.database.file_table import FailedFile
from indexer.errors import LookalikeError
from indexer.grouping.photo_groups import GroupCandidate, PhotoGroups, find_photo_groups
from indexer.indexing import scan
from indexer.indexing.pipeline import embed_and_describe_files
from indexer.models.embedder import Embedder
from indexer.paths import join_path, show_path
from indexer.photos.class_folders import ClassLayout, describe_layout, read_class_layout, require_clear_classes
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
from indexer.wording import tr


class ModelEvaluation(NamedTuple):
    """Figures of a model on a labelled folder, and the numbers of pictures that they leave out.

    `names` are the classes; the `code` of a ClassFigures is an index into them. `photos` counts distinct contents,
    `copies` further files of the same content, `ambiguous` contents in two classes, `seen` contents whose picture the
    model knows. `remarks` are sentences on how the folder was read.
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
    remarks: tuple[str, ...]
    groups: PhotoGroups


class LabelledEmbeddings(NamedTuple):
    """Hashes, class names and vectors (n, dim) float32 of the distinct contents of a labelled folder.

    Then the numbers of what was left out, as in ModelEvaluation, and what tells which photos belong together.
    """

    hashes: list[bytes]
    labels: list[str]
    vectors: np.ndarray
    copies: int
    ambiguous: int
    seen: int
    failed: list[FailedFile]
    candidates: list[GroupCandidate]


def evaluate_model(
    folder: Path,
    model: Embedder,
    leave_out: Collection[bytes] = (),
    *,
    class_level: int = 1,
    group_column: Mapping[bytes, str] | None = None,
) -> Steps[ModelEvaluation]:
    """Figures of the model on a folder whose sub-folders are classes, without the pictures in `leave_out`.

    That has the sha256 of contents and of pixels, however turned. Near copies, frames of a burst and photos with the
    same entry of `group_column` (by absolute path) are no matches of each other and no mismatches.

    LookalikeError where the folder is missing, no class has two pictures, all pictures are of one class, or most stand
    in several.
    """
    layout = read_labelled_layout(folder, class_level)
    labelled = yield from _embed_layout(folder, layout, model, leave_out)
    require_clear_classes(labelled.labels, labelled.ambiguous, layout)
    names = sorted(set(labelled.labels))
    codes = np.searchsorted(np.array(names), np.array(labelled.labels)).astype(np.int64)
    entries = group_column or {}
    groups = yield from find_photo_groups(
        [candidate._replace(column=entries.get(candidate.path)) for candidate in labelled.candidates]
    )
    yield Progress("measure", 0, 3, tr("Ranking"))
    figures = measure_retrieval(labelled.vectors, codes, groups=groups.numbers)
    average = compute_mean_average_precision(labelled.vectors, codes, groups=groups.numbers)
    yield Progress("measure", 1, 3, tr("Comparing pairs"))
    pairs = measure_pair_distances(labelled.vectors, codes, groups=groups.numbers)
    yield Progress("measure", 2, 3, tr("Clustering"))
    alone = np.unique(groups.numbers, return_index=True)[1]  # one photo of each group: clusters of frames prove nothing
    return ModelEvaluation(
        retrieval=figures,
        verification=measure_pair_errors(pairs),
        mean_average_precision=average,
        nmi=measure_clustering(labelled.vectors[alone], codes[alone]),
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
        remarks=_describe_source(layout),
        groups=groups,
    )


def _describe_source(layout: ClassLayout) -> tuple[str, ...]:
    """Sentences on how the folder was read: its given parts, levels and loose pictures."""
    names = list(layout.parts.values())
    joined = f"The classes are the folders inside {', '.join(names[:-1])} and {names[-1]}" if names else ""
    parts = [f"{joined}, measured together; name one of these to measure it alone."] if names else []
    return (*parts, *describe_layout(layout))


def embed_labelled(folder: Path, model: Embedder, leave_out: Collection[bytes] = ()) -> Steps[LabelledEmbeddings]:
    """The embeddings of a labelled folder, in the order of paths, without the pictures in `leave_out`."""
    return (yield from _embed_layout(folder, read_labelled_layout(folder), model, leave_out))


def _embed_layout(
    folder: Path, layout: ClassLayout, model: Embedder, leave_out: Collection[bytes]
) -> Steps[LabelledEmbeddings]:
    paths, labels = list_labelled_paths(folder, layout)
    classes: dict[bytes, set[str]] = {}
    first_vectors: dict[bytes, np.ndarray] = {}
    candidates: dict[bytes, GroupCandidate] = {}
    failed: list[FailedFile] = []
    copies = files_done = 0
    describe = partial(embed_and_describe_files, keep_turned=bool(leave_out))
    for batch in describe(paths, model, lambda sha256: sha256 not in leave_out):
        for path, label, result in zip(paths[files_done:], labels[files_done:], batch, strict=False):
            if result.sha256 is None or result.reason is not None:
                failed.append(FailedFile(path, result.reason or ""))
                continue
            copies += result.sha256 in classes
            classes.setdefault(result.sha256, set()).add(label)
            seen = any(pixels in leave_out for pixels in (result.pixel_sha256, *result.turned_sha256s))
            if result.vector is not None and not seen:
                first_vectors.setdefault(result.sha256, result.vector)
                candidates.setdefault(result.sha256, GroupCandidate(path, result.sha256, result.traits))
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
        candidates=[candidates[sha256] for sha256 in unambiguous],
        failed=failed,
    )


def read_labelled_layout(folder: Path, class_level: int = 1) -> ClassLayout:
    """The class folders of a folder; LookalikeError where it is none or cannot be read."""
    if not folder.is_dir():
        raise LookalikeError(
            "{folder} is not a folder. Name one with a sub-folder per class.", folder=show_path(folder)
        )
    return read_class_layout(folder, class_level)


def list_labelled_paths(folder: Path, layout: ClassLayout) -> tuple[list[bytes], list[str]]:
    """Absolute paths of the pictures in the class folders of a folder, sorted, and the class name of each.

    Raises LookalikeError where they hold no picture.
    """
    found = sorted(
        (join_path(top.path, file.path), top.label)
        for top in layout.folders
        for listing in scan.walk_root(top.path)
        for file in listing.files
    )
    if not found:
        raise LookalikeError(
            "{folder} has no sub-folders with pictures. Each sub-folder is one class of pictures.",
            folder=show_path(folder),
        )
    return [path for path, _ in found], [label for _, label in found]
