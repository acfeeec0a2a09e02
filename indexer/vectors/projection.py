"""Projections of embeddings: PCA to fewer dimensions, t-SNE to a map on which new photos find their place."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from indexer.progress import Progress, Steps

MAX_FIT_ROWS = 4096  # more rows do not change the leading components noticeably
SINGLE_THREAD_ROWS = (
    1_000  # rows that one thread arranges in 2 s; where the cores are busy, several wait for each other: 43 s for 28
)
ROWS_PER_PART = 512  # rows converted to float32 at a time
OVERSAMPLED_COLUMNS, POWER_ITERATIONS = (
    16,
    3,
)  # Halko, Martinsson, Tropp 2011: a few more columns and powers than wanted
PERPLEXITY, MIN_TSNE_ROWS = (
    30,
    8,
)  # t-SNE's usual number of neighbours; below that many rows there is nothing to arrange
STEPS_PER_ROUND = 25  # steps of t-SNE between two signs of life
TSNE_PHASES = ((10, 12.0), (20, 1.0))  # rounds, exaggeration: openTSNE's own 250 and 500 steps


def fit_pca(values: np.ndarray, dim: int) -> np.ndarray:
    """The `dim` leading principal directions of values (n, width), as columns of a (width, dim) float32 matrix.

    By randomised subspace iteration (Halko, Martinsson, Tropp 2011, "Finding structure with randomness", algorithm 4.4)
    with a fixed seed, on at most FIT_ROWS evenly spaced rows: a full eigendecomposition of 1280 dimensions takes two
    seconds, this a tenth. The mean need not be subtracted when projecting: differences do not depend on it.
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
    """The rows in float32 less their mean, a few at a time: all at once would be the peak of a whole index run."""
    for start in range(0, len(rows), ROWS_PER_PART):
        yield rows[start : start + ROWS_PER_PART].astype(np.float32) - mean


def _make_orthonormal(columns: np.ndarray) -> np.ndarray:
    """Orthonormal columns with the same span, by way of the small Gram matrix: a QR here costs ten times as much."""
    exact = columns.astype(np.float64)
    values, vectors = np.linalg.eigh(exact.T @ exact)
    unit: np.ndarray = exact @ (vectors / np.sqrt(np.maximum(values, 1e-12 * values[-1] + 1e-30)))
    return unit.astype(np.float32)


def fit_tsne_map(values: np.ndarray, *, jobs: int, seed: int = 0) -> Steps[np.ndarray]:
    """Points (n, 2) float32 on which neighbours among values (n, width) are neighbours; the same seed gives the same.

    t-SNE (van der Maaten and Hinton 2008) as openTSNE computes it, begun from the two leading columns of the values, so
    that the large features of the layout are those of a PCA (Kobak and Berens 2019). Fewer than FEWEST rows, and rows
    that are all alike, are laid out by these two columns alone.
    """
    start = _keep_two_columns(values)
    if len(values) < MIN_TSNE_ROWS or not np.ptp(start, axis=0).any():
        return start
    jobs = _choose_thread_count(jobs, len(values))
    yield Progress("map", 0, sum(rounds for rounds, _ in TSNE_PHASES), "finding neighbours")
    import openTSNE  # noqa: PLC0415 (it brings scipy and scikit-learn: only where a map is made)

    points: Any = openTSNE.TSNEEmbedding(
        openTSNE.initialization.rescale(start.astype(np.float64)), _compute_affinities(values, jobs, seed), n_jobs=jobs
    )
    done = 0
    for rounds, exaggeration in TSNE_PHASES:
        for _ in range(rounds):
            yield Progress("map", done, sum(rounds for rounds, _ in TSNE_PHASES), "arranging")
            points = points.optimize(STEPS_PER_ROUND, exaggeration=exaggeration, momentum=0.8)
            done += 1
    return np.asarray(points, np.float32)


def place_on_tsne_map(
    values: np.ndarray, points: np.ndarray, new: np.ndarray, *, jobs: int, seed: int = 0
) -> np.ndarray:
    """Points (m, 2) float32 for new values (m, width) on a layout of values (n, width) at points (n, 2), which stay.

    Policar, Strazar, Zupan 2023, "Embedding to reference t-SNE space addresses batch effects": each new point is begun
    at the median of its neighbours and drawn by the old points alone, not by the other new ones.
    """
    if len(values) < MIN_TSNE_ROWS:
        return _keep_two_columns(new)
    import openTSNE  # noqa: PLC0415 (as above)

    jobs = _choose_thread_count(jobs, len(values))
    layout = openTSNE.TSNEEmbedding(points.astype(np.float64), _compute_affinities(values, jobs, seed), n_jobs=jobs)
    return np.asarray(layout.transform(new.astype(np.float64)), np.float32)


def _choose_thread_count(jobs: int, rows: int) -> int:
    return jobs if rows > SINGLE_THREAD_ROWS else 1


def _compute_affinities(values: np.ndarray, jobs: int, seed: int) -> Any:
    from openTSNE import affinity  # noqa: PLC0415 (as above)

    perplexity = min(PERPLEXITY, (len(values) - 1) / 3)
    rows = values.astype(np.float64)
    return affinity.PerplexityBasedNN(rows, perplexity=perplexity, n_jobs=jobs, random_state=seed)


def _keep_two_columns(values: np.ndarray) -> np.ndarray:
    """The two leading columns, (n, 2) float32; zeros where there is no second one."""
    columns = np.zeros((len(values), 2), np.float32)
    columns[:, : values.shape[1]] = values[:, :2]
    return columns
