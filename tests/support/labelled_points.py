"""Labelled embeddings with known figures: points with many ties, points on a line, classes about centres."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray


def draw_tied_points(
    most: int, labels: int, groups: int | None = None
) -> st.SearchStrategy[tuple[NDArray[np.float32], *tuple[NDArray[np.int64], ...]]]:
    """Two to `most` points of small whole numbers: many exact ties and copies, and every squared distance exact in any
    order of summing; with their label codes and, where wanted, the codes of their groups.
    """

    def draw_parts(count: int) -> st.SearchStrategy[Any]:
        codes = [arrays(np.int64, count, elements=st.integers(0, codes - 1)) for codes in (labels, groups) if codes]
        return st.tuples(arrays(np.float32, (count, 2), elements=st.integers(-2, 2).map(float)), *codes)

    return st.integers(2, most).flatmap(draw_parts)


def group_by_distance(embeddings: NDArray[Any], labels: NDArray[Any], query: int) -> dict[float, list[bool]]:
    """Squared distance to a query -> of each other row that far, by a loop, whether it has the query's label."""
    groups: dict[float, list[bool]] = {}
    for row in range(len(labels)):
        if row != query:
            distance = float(((embeddings[row] - embeddings[query]) ** 2).sum())
            groups.setdefault(distance, []).append(labels[row] == labels[query])
    return groups


def put_on_line(*places: float) -> NDArray[np.float32]:
    return np.array(places, np.float32)[:, None]


def draw_classes(
    classes: int, photos: int, *, seed: int = 0, dim: int = 192
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit vectors of classes about centres that lie unevenly near each other, and label codes."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((classes, 6)) @ random.standard_normal((6, dim))
    codes = np.repeat(np.arange(classes), photos)
    vectors = centres[codes] + 3.0 * random.standard_normal((len(codes), dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), codes
