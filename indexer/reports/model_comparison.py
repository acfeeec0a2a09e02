"""Two models on a library's own photos, before one takes the other's place: on its labels, and on changed copies.

Nothing is written. What either model was trained on is left out, and photos of one group are no matches of each other.
"""

import io
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer.database.contents import read_content_hash
from indexer.errors import LookalikeError, PhotoError
from indexer.grouping.photo_groups import GroupCandidate, find_photo_groups
from indexer.indexing.pipeline import EmbeddingResult, embed_and_describe_files, embed_files
from indexer.library import Library
from indexer.models.card import WEIGHTS_FILE, read_seen_hashes
from indexer.models.embedder import Embedder
from indexer.models.model import load_model
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import read_photo
from indexer.progress import Progress, Steps
from indexer.search.examples import find_picture_file
from indexer.statistics.metrics import DifferenceInterval, RetrievalFigures, bootstrap_difference, measure_retrieval

MOST_PHOTOS = 300  # of a library, evenly drawn: a few seconds for each model
LEAST_LABELLED = 20  # photos whose label another has; fewer say nothing
COPIED_PHOTOS = 60
AGREEING_HITS = 10


class ModelSide(NamedTuple):
    """What was measured of one model.

    `seconds_per_photo` with all cores, decoding included; `label_found` and `map_at_r` None without labels;
    `copies_found` is the share of changed copies whose nearest photo is their original.
    """

    name: str
    fingerprint: str
    megabytes: float
    seconds_per_photo: float
    copies_found: float
    label_found: float | None = None
    map_at_r: float | None = None


class ModelComparison(NamedTuple):
    """Two models on `photos` photos of a library: `queries` with a label that others have, `seen` left out.

    `change` is the difference of MAP@R, None without labels; `agreement` the share of the nearest AGREEING_HITS that
    both models give.
    """

    photos: int
    queries: int
    seen: int
    before: ModelSide
    after: ModelSide
    change: DifferenceInterval | None
    agreement: float

    @property
    def verdict(self) -> str:
        """ "better", "worse" or "no clear difference": by labels if there are any, else by changed copies."""
        if self.change is not None:
            return "better" if self.change.low > 0 else "worse" if self.change.high < 0 else "no clear difference"
        return "no clear difference" if self.after.copies_found >= self.before.copies_found - 0.02 else "worse"


class _EmbeddedPhotos(NamedTuple):
    """The results of reading photos in their order, those without a vector too, and the seconds that all took."""

    results: list[EmbeddingResult]
    seconds: float


def compare_models(library: Library, before: Path, after: Path) -> Steps[ModelComparison]:
    """Both models, each an installed one in a folder, on photos of the library; LookalikeError where it has too few."""
    models = [load_model(folder) for folder in (before, after)]
    seen = _find_seen_contents(library, before, after)
    ids, labels = _choose_photos(library)
    paths = [os.fsencode(find_picture_file(photo, library.store)) for photo in ids]
    first = yield from _embed_photos(paths, models[0], seen, describe=True)
    second = yield from _embed_photos(paths, models[1], seen, describe=False)
    rows = [
        row
        for row, pair in enumerate(zip(first.results, second.results, strict=True))
        if all(result.vector is not None for result in pair)
    ]
    if len(rows) < 2:
        raise LookalikeError("There are too few photos here that neither model was trained on.")
    vectors = [np.stack([part.results[row].vector for row in rows]) for part in (first, second)]  # type: ignore[misc]
    candidates = [
        GroupCandidate(paths[row], first.results[row].sha256 or b"", first.results[row].traits) for row in rows
    ]
    groups = (yield from find_photo_groups(candidates)).numbers
    figures = _measure_labels(vectors, [labels.get(ids[row], "") for row in rows], groups)
    found = []
    for model, known in zip(models, vectors, strict=True):
        found.append((yield from _find_copies([paths[row] for row in rows], model, known)))
    sides = [
        ModelSide(
            model.card.name,
            model.card.fingerprint,
            (folder / WEIGHTS_FILE).stat().st_size / 1e6,
            part.seconds / max(len(rows), 1),
            share,
            figures[place].p_at_1 if figures else None,
            figures[place].map_at_r if figures else None,
        )
        for place, (model, folder, part, share) in enumerate(
            zip(models, (before, after), (first, second), found, strict=True)
        )
    ]
    change = None
    if figures:
        change = bootstrap_difference(figures[0].per_query_map_at_r, figures[1].per_query_map_at_r)
    queries, left_out = figures[0].queries if figures else 0, sum(r.sha256 in seen for r in first.results)
    return ModelComparison(len(rows), queries, left_out, sides[0], sides[1], change, _compute_agreement(*vectors))


def _find_seen_contents(library: Library, *models: Path) -> frozenset[bytes]:
    """The contents (sha256) that any of these models was trained on, and those of the library with the same pixels."""
    seen = {bytes(row) for folder in models for row in read_seen_hashes(folder)}
    same = {photo for content in seen for photo in library.store.embeddings.find_same_pictures(content)}
    return frozenset(seen | {read_content_hash(library.store.database, photo) for photo in same})


def _choose_photos(library: Library) -> tuple[list[int], dict[int, str]]:
    """Ids of at most MOST_PHOTOS shown photos, evenly drawn, those with labels first if enough have one; and labels."""
    shown = np.sort(library.find_photo_ids())
    labels = library.annotations.read_labels(library.model_id)
    shared = {label for label, count in Counter(labels.values()).items() if count > 1}
    labelled = np.array(sorted(photo for photo, label in labels.items() if label in shared), np.int64)
    pool = labelled if len(shared) > 1 and len(labelled) >= LEAST_LABELLED else shown
    step = max(1.0, len(pool) / MOST_PHOTOS)
    chosen = pool[np.unique(np.arange(0, len(pool), step).astype(np.int64))].tolist()
    return chosen, labels if pool is labelled else {}


def _embed_photos(
    paths: Sequence[bytes], model: Embedder, seen: frozenset[bytes], *, describe: bool
) -> Steps[_EmbeddedPhotos]:
    embed = embed_and_describe_files if describe else embed_files
    results: list[EmbeddingResult] = []
    start = time.perf_counter()
    for batch in embed(paths, model, lambda sha256: sha256 not in seen):
        results += batch
        yield Progress("embed", len(results), len(paths), model.card.name)
    return _EmbeddedPhotos(results, time.perf_counter() - start)


def _measure_labels(
    vectors: Sequence[np.ndarray], labels: Sequence[str], groups: np.ndarray
) -> list[RetrievalFigures] | None:
    """The figures of both models over the same queries; None without labels that two groups share."""
    if not all(labels):
        return None
    codes = np.unique(np.array(labels), return_inverse=True)[1]
    try:
        return [measure_retrieval(part, codes, groups=groups) for part in vectors]
    except LookalikeError:  # no photo has a match
        return None


def _find_copies(paths: Sequence[bytes], model: Embedder, known: np.ndarray) -> Steps[float]:
    """The share of changed copies of some photos whose nearest of the vectors `known` (n, dim) is their original's."""
    step = max(1, len(paths) // COPIED_PHOTOS)
    hits: list[bool] = []
    for row in range(0, len(paths), step):
        try:
            data = read_photo(Path(os.fsdecode(paths[row])))
            image = decode_photo(data, model.card.preprocessing.short_side).image.convert("RGB")
        except PhotoError:
            continue
        copies = model.embed(np.stack([model.prepare(copy) for copy in _change_picture(image)]))
        hits += [bool(nearest == row) for nearest in (np.nan_to_num(copies) @ known.T).argmax(axis=1)]
        yield Progress("copies", row + 1, len(paths), model.card.name)
    return float(np.mean(hits)) if hits else 0.0


def _change_picture(image: Image.Image) -> list[Image.Image]:
    """The picture saved badly, at a third of its size, and without its edges."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=35)
    width, height = image.size
    small = image.resize((max(8, width // 3), max(8, height // 3)), Image.Resampling.BICUBIC)
    inner = image.crop((width // 12, height // 12, width - width // 12, height - height // 12))
    return [Image.open(buffer).convert("RGB"), small, inner]


def _compute_agreement(first: np.ndarray, second: np.ndarray) -> float:
    """The mean share of the nearest AGREEING_HITS other photos that both embeddings (n, dim) give."""
    count = min(AGREEING_HITS, len(first) - 1)
    nearest = []
    for vectors in (first, second):
        products = vectors @ vectors.T
        np.fill_diagonal(products, -np.inf)
        nearest.append(np.argsort(-products, axis=1, kind="stable")[:, :count])
    shared = [len(np.intersect1d(one, other)) for one, other in zip(*nearest, strict=True)]
    return float(np.mean(shared) / count)
