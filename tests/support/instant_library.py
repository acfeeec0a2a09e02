"""A library of labelled embeddings under an instant model that has learned from all of them, and under its base."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from indexer.library import Library
from indexer.models.card import Head, serialise_card
from indexer.photos.reading import content_hash
from indexer.vectors.class_metric import MetricSetting, fit_class_metric
from tests.support.embedders import tiny_card, write_card
from tests.support.vectors import fill, outcome

CLASSES, CLASS_SIZE = 14, 8
SETTING = MetricSetting(0.3, 3.0)
CODES = np.repeat(np.arange(CLASSES), CLASS_SIZE)


def make_vectors(*, labels_by_lot: bool) -> np.ndarray:
    """Unit vectors (112, 192) float16: about their class's centre, or about none."""
    random = np.random.default_rng(0)
    vectors = random.standard_normal((len(CODES), 192))
    if not labels_by_lot:
        vectors = vectors * 1.2 + random.standard_normal((CLASSES, 192))[CODES]
    unit: np.ndarray = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    return unit


def write_weights(folder: Path, value: float, **further: np.ndarray) -> None:
    """Write weights whose backbone is one tensor."""
    save_file({"body.weight": np.full((2, 3), value, np.float32), **further}, folder / "model.safetensors")


def use_instant_model(folder: Path, vectors: np.ndarray, **instant: object) -> Library:
    """A library of labelled photos under the base model, then under the map fitted on all of them, which is active."""
    fill(folder, vectors, publish=False)
    write_card(folder / "models")
    write_weights(folder / "models" / tiny_card().fingerprint, 1.0)
    card = replace(tiny_card(), name="taught", head=Head(192, kind="unit-linear"), weights_sha256="a" * 64)
    taught = folder / "models" / card.fingerprint
    taught.mkdir()
    (taught / "model.json").write_bytes(serialise_card(card, None, None, instant or None))
    seen = b"".join(content_hash(str(number).encode()) for number in range(len(vectors)))
    metric = fit_class_metric(vectors, CODES, SETTING)
    head = {"head.weight": metric.matrix.T.copy(), "head.bias": -metric.mean @ metric.matrix}
    write_weights(taught, 1.0, seen=np.frombuffer(seen, np.uint8).reshape(-1, 32), **head)
    mapped = metric.transform(vectors).astype(np.float16)
    library = Library.open(folder)
    model = library.store.models.add_model(card.fingerprint, card.name, card.dim)
    root = library.store.files.list_roots()[0].id
    library.store.record_outcomes((outcome(root, number, vector) for number, vector in enumerate(mapped)), model)
    for code in range(CLASSES):
        library.annotations.set_label((np.flatnonzero(code == CODES) + 1).tolist(), f"class {code}")
    library.store.models.activate_model(card.fingerprint)
    return library
