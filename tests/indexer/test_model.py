"""Installed models run without torch, agree with it, and are refused when damaged."""

from pathlib import Path

import numpy as np

from indexer.model import load

PICTURES = np.random.default_rng(7).integers(0, 256, (5, 224, 224, 3), dtype=np.uint8)


def test_embeddings_are_unit_length_float32_rows(installed_model: Path) -> None:
    model = load(installed_model, runtime="openvino")
    embeddings = model.embed(PICTURES)
    assert embeddings.shape == (5, 1280)
    assert embeddings.dtype == np.float32
    assert embeddings.flags.c_contiguous
    assert np.allclose(np.linalg.norm(embeddings.astype(np.float64), axis=1), 1, atol=1e-5)
