"""Libraries of made-up embeddings without pictures, for searches that are compared with a plain loop."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from indexer.database.file_table import FileOutcome, FileRecord
from indexer.library import Library
from indexer.photos.reading import content_hash
from indexer.progress import drain
from indexer.search import generations
from tests.support.embedders import tiny_card

ROOT = b"/nowhere/photos"


def clustered(count: int, *, dim: int = 192, seed: int = 0) -> np.ndarray:
    """Unit vectors (count, dim) float16 in clusters of about twenty, as those of pictures are."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((max(2, count // 20), dim))
    vectors = centres[random.integers(0, len(centres), count)] + 0.7 * random.standard_normal((count, dim))
    unit: np.ndarray = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    return unit


def outcome(root: int, number: int, vector: np.ndarray) -> FileOutcome:
    """The outcome of a file with a content of its own and this embedding."""
    sha256 = content_hash(str(number).encode())
    return FileOutcome(root, FileRecord(b"%06d.jpg" % number, 1, 1, 1), None, sha256, 10, 10, vector, "fp32")


def fill(folder: Path, vectors: np.ndarray, *, publish: bool = True, first: int = 0) -> None:
    """Add photos with these embeddings (n, dim) to a library, which is created if needed, and publish a generation."""
    with Library.create(folder) as library:
        card = tiny_card()
        model = library.store.models.add_model(card.fingerprint, card.name, vectors.shape[1])
        library.store.files.add_root(ROOT, labelled=False)
        root = library.store.files.list_roots()[0].id
        library.store.record_outcomes((outcome(root, first + n, vector) for n, vector in enumerate(vectors)), model)
        if publish:
            drain(generations.publish_generation(folder, library.store, model, card.fingerprint))


def all_vectors(library: Library) -> tuple[list[int], np.ndarray]:
    """Photo ids and vectors (n, dim) of all embeddings in the order of writing, straight from the database."""
    rows = library.store.database.fetch_rows("SELECT photo, vector FROM embeddings ORDER BY seq")
    return [row[0] for row in rows], np.stack([np.frombuffer(row[1], "<f2") for row in rows])


def record_bursts(library: Library, bursts: np.ndarray) -> None:
    """Photo i + 1 was taken in burst i, frame after frame a second apart, each burst an hour after the one before."""
    starts = np.unique(bursts, return_index=True, return_inverse=True)[1:]
    seconds = 3600 * starts[1] + np.arange(len(bursts)) - starts[0][starts[1]]
    nothing = [None] * 6
    rows = [
        (id, (second * 10**6, None, "Maker", "Camera", "", *nothing)) for id, second in enumerate(seconds.tolist(), 1)
    ]
    with library.store.database.transaction():
        library.store.embeddings.record_captures(rows)


def give_labels(library: Library, codes: np.ndarray) -> None:
    """Photo i + 1 gets the label of code i."""
    for code in np.unique(codes).tolist():
        library.annotations.set_label((np.flatnonzero(codes == code) + 1).tolist(), f"class {code}")


def open_filled(folder: Path, vectors: np.ndarray) -> Library:
    """A new library of photos with these embeddings (n, 192), none of them seen by the model."""
    fill(folder, vectors, publish=False)
    place = folder / "models" / tiny_card().fingerprint
    place.mkdir(parents=True)
    save_file({"seen": np.zeros((0, 32), np.uint8)}, place / "model.safetensors")
    return Library.open(folder)
