"""Embeddings on their few leading principal directions, read in blocks: what maps and clusters are computed from."""

from typing import NamedTuple

import numpy as np

from indexer.library import Library
from indexer.progress import Progress, Steps
from indexer.vectors import projection
from indexer.vectors.distances import ROWS_PER_BLOCK
from indexer.wording import tr


class ProjectedPhotos(NamedTuple):
    """Projected embeddings (n, width) float32 of photos with these ids (n,), ascending."""

    ids: np.ndarray
    values: np.ndarray

    def select_values(self, ids: np.ndarray) -> np.ndarray:
        """The projected embeddings (m, width) of the photos with these ids (m,)."""
        return self.values[np.searchsorted(self.ids, ids)]


def fit_basis(library: Library, width: int, stage: str) -> Steps[np.ndarray]:
    """The leading principal directions (dim, width) of the embeddings, fitted to evenly spaced ones of them."""
    total, rows_read, rows = library.store.embeddings.count_embeddings(library.model_id), 0, []
    step = max(1, total // projection.MAX_FIT_ROWS)
    last = 0
    while len((part := library.store.embeddings.read_embeddings(library.model_id, last, None, ROWS_PER_BLOCK)).seqs):
        rows.append(part.values[-rows_read % step :: step])
        rows_read, last = rows_read + len(part.seqs), int(part.seqs[-1])
        yield Progress(stage, rows_read, total, tr("reading embeddings"))
    values = np.concatenate(rows)
    return projection.fit_pca(values, min(width, values.shape[1]))


def project_photos(library: Library, wanted: np.ndarray, basis: np.ndarray, stage: str) -> Steps[ProjectedPhotos]:
    """The projected embeddings of the wanted photos, ids (m,), without those that have no embedding."""
    total, rows_read, last = library.store.embeddings.count_embeddings(library.model_id), 0, 0
    ids, values = [], []
    while len((part := library.store.embeddings.read_embeddings(library.model_id, last, None, ROWS_PER_BLOCK)).seqs):
        is_wanted = np.isin(part.ids, wanted)
        ids.append(part.ids[is_wanted])
        values.append(part.values[is_wanted].astype(np.float32) @ basis)
        rows_read, last = rows_read + len(part.seqs), int(part.seqs[-1])
        yield Progress(stage, rows_read, total, tr("projecting embeddings"))
    order = np.argsort(np.concatenate(ids))
    return ProjectedPhotos(np.concatenate(ids)[order], np.concatenate(values)[order])
