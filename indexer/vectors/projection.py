"""Projections of embeddings: PCA to fewer dimensions, and t-SNE to a map in which new photos can be placed."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from indexer.progress import Progress, Steps
from indexer.wording import tr

MAX_FIT_ROWS = 4096  # more rows do not change the leading components noticeably
# Up to so many rows one thread takes 2 s; where the cores are busy, several wait for each other: 43 s for 28 rows.
SINGLE_THREAD_ROWS = 1_000
ROWS_PER_PART = 512  # rows converted to float32 at a time
# Halko, Martinsson, Tropp 2011: a few more columns than wanted, and a few powers.
OVERSAMPLED_COLUMNS, POWER_ITERATIONS = 16, 3
PERPLEXITY = 30  # t-SNE's usual number of neighbours
MIN_TSNE_ROWS = 8  # of fewer rows there is nothing to arrange
STEPS_PER_ROUND = 25  # steps of t-SNE between two reports of progress
TSNE_PHASES = ((10, 12.0), (20, 1.0))  # rounds, exaggeration: openTSNE's own 250 and 500 steps


def fit_pca(values: np.ndarray, dim: int) -> np.ndarray:
    """The `dim` leading principal directions of values (n, width), as columns of a (width, dim) float32 matrix.

    By randomised subspace iteration (Halko, Martinsson, Tropp 2011, "Finding structure with randomness", algorithm 4.4)
    with a fixed seed, on at most MAX_FIT_ROWS evenly spaced rows: a full eigendecomposition of 1280 dimensions takes
    two seconds, this a tenth. Distances between projected values do not depend on whether the mean is subtracted.
    """
    rows = values[:: max(1, -(-len(values) // MAX_FIT_ROWS))]
    mean = rows.mean(0, dtype=np.float64).astype(np.float32)
    columns = min(dim + OVERSAMPLED_COLUMNS, rows.shape[1])
    basis = np.random.default_rng(0).standard_normal((rows.shape[1], columns)).astype(np.float32)
    for _ in range(POWER_ITERATIONS):
        basis = _make_orthonormal(
            np.sum([part.T @ (part @ basis) for part in _iterate_centred_rows(rows, mean)], axis=0)
        )
    basis, _ = np.linalg.qr(basis)  # where there are fewer rows than columns, the rest is orthonormal too
    projected = [part @ basis for part in _iterate_centred_rows(rows, mean)]
    _, vectors = np.linalg.eigh(np.sum([part.T @ part for part in projected], axis=0))
    return np.ascontiguousarray((basis @ vectors)[:, : -dim - 1 : -1], np.float32)


def _iterate_centred_rows(rows: np.ndarray, mean: np.ndarray) -> Iterator[np.ndarray]:
    """The rows (n, width) in float32 minus the mean, ROWS_PER_PART at a time: all at once would need the most memory of
    an index run.
    """
    for start in range(0, len(rows), ROWS_PER_PART):
        yield rows[start : start + ROWS_PER_PART].astype(np.float32) - mean


def _make_orthonormal(columns: np.ndarray) -> np.ndarray:
    """Orthonormal columns (width, c) float32 with the span of the columns, by their Gram matrix: QR takes ten times as
    long.
    """
    exact = columns.astype(np.float64)
    values, vectors = np.linalg.eigh(exact.T @ exact)
    unit: np.ndarray = exact @ (vectors / np.sqrt(np.maximum(values, 1e-12 * values[-1] + 1e-30)))
    return unit.astype(np.float32)


def fit_tsne_map(values: np.ndarray, *, jobs: int, seed: int = 0) -> Steps[np.ndarray]:
    """The t-SNE map of values (n, width): points (n, 2) float32, the same for the same seed.

    t-SNE (van der Maaten and Hinton 2008) as openTSNE computes it, starting from the two leading columns of the values,
    so that the large features of the map are those of a PCA (Kobak and Berens 2019). Fewer than MIN_TSNE_ROWS rows, and
    rows that are all equal, are placed by these two columns alone.
    """
    start = _keep_two_columns(values)
    if len(values) < MIN_TSNE_ROWS or not np.ptp(start, axis=0).any():
        return start
    jobs = _choose_thread_count(jobs, len(values))
    yield Progress("map", 0, sum(rounds for rounds, _ in TSNE_PHASES), tr("finding neighbours"))
    import openTSNE  # noqa: PLC0415 (it brings scipy and scikit-learn: only where a map is made)

    points: Any = openTSNE.TSNEEmbedding(
        openTSNE.initialization.rescale(start.astype(np.float64)), _compute_affinities(values, jobs, seed), n_jobs=jobs
    )
    done = 0
    for rounds, exaggeration in TSNE_PHASES:
        for _ in range(rounds):
            yield Progress("map", done, sum(rounds for rounds, _ in TSNE_PHASES), tr("arranging"))
            points = points.optimize(STEPS_PER_ROUND, exaggeration=exaggeration, momentum=0.8)
            done += 1
    return np.asarray(points, np.float32)


def place_on_tsne_map(
    values: np.ndarray, points: np.ndarray, new: np.ndarray, *, jobs: int, seed: int = 0
) -> np.ndarray:
    """Points (m, 2) float32 for new values (m, width) in a map of values (n, width) at points (n, 2), which stay.

    Policar, Strazar, Zupan 2023, "Embedding to reference t-SNE space addresses batch effects": each new point starts at
    the median of its neighbours and is attracted by the old points only, not by the other new ones.
    """
    if len(values) < MIN_TSNE_ROWS:
        return _keep_two_columns(new)
    import openTSNE  # noqa: PLC0415 (as above)

    jobs = _choose_thread_count(jobs, len(values))
    layout = openTSNE.TSNEEmbedding(points.astype(np.float64), _compute_affinities(values, jobs, seed), n_jobs=jobs)
    return np.asarray(layout.transform(new.astype(np.float64)), np.float32)


def _choose_thread_count(jobs: int, rows: int) -> int:
    """The number of threads for so many rows, at most `jobs`."""
    return jobs if rows > SINGLE_THREAD_ROWS else 1


def _compute_affinities(values: np.ndarray, jobs: int, seed: int) -> Any:
    """The affinities of values (n, width) as openTSNE wants them, with a perplexity that so many rows allow."""
    from openTSNE import affinity  # noqa: PLC0415 (as above)

    perplexity = min(PERPLEXITY, (len(values) - 1) / 3)
    rows = values.astype(np.float64)
    return affinity.PerplexityBasedNN(rows, perplexity=perplexity, n_jobs=jobs, random_state=seed)


def _keep_two_columns(values: np.ndarray) -> np.ndarray:
    """The two leading columns (n, 2) float32 of values (n, width); zeros where there is no second one."""
    columns = np.zeros((len(values), 2), np.float32)
    columns[:, : values.shape[1]] = values[:, :2]
    return columns
