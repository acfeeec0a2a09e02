"""Vectors scaled to unit length."""

import numpy as np
import pytest

from indexer.vectors.unit_vectors import scale_to_unit_length


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rows_get_length_one_and_zeros_stay(kind: type[np.floating]) -> None:
    rows = np.array([[3, 4], [0, 0], [-1e-6, 0]], np.float32)
    units = scale_to_unit_length(rows, kind)
    expected = np.array([[0.6, 0.8], [0.0, 0.0], [-1.0, 0.0]])
    np.testing.assert_allclose(units, expected, rtol=1e-7)
    assert units.dtype == kind
    assert rows.tolist()[0] == [3, 4]  # what was given is not written to
