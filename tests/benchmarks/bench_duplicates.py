"""Seconds to group the duplicates of 20,000 photos, and how much faster that is than comparing all with all.

The library is made up: embeddings of 1280 dimensions in clusters as those of pictures are (tests/support/vectors.py),
thumbnails of soft patches with a long side of 256 px, one photo in twenty a near copy of another in both. The naive
baseline, at 5,000 photos in the same run, compares each hash and each embedding with all later ones. Also printed is
the share of its pairs of look-alikes that ours finds.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.duplicates import duplicate_groups as duplicates
from indexer.library import Library
from indexer.matching.close_pairs import find_close_pairs
from indexer.matching.perceptual_hash import MAX_DIFFERENCE, compute_hashes, count_differing_bits
from indexer.photos import thumbnails
from indexer.photos.reading import content_hash
from indexer.progress import drain
from tests.support.embedders import tiny_card
from tests.support.soft_pictures import soft
from tests.support.vectors import ROOT, clustered, outcome

DIM = 1280
COPIES = 20  # one photo in so many is a near copy of the one before it
LIMIT = 60  # seconds for 20,000 photos
KINDS = {"copies": False, "near": False, "near, turned": True, "alike": False}


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--naive", type=int, default=5_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        for count in (options.naive, options.photos):
            with create_made_up_library(Path(work) / f"{count}.library", count) as library:
                seconds = {kind: time_grouping(library, kind) for kind in KINDS}
                if count == options.naive:
                    compare_with_naive(library, seconds)
    slowest = max(seconds.values())
    print(f"{LIMIT} s for {options.photos:,} photos {'kept' if slowest <= LIMIT else 'exceeded'}: {slowest:.1f} s")


def create_made_up_library(folder: Path, count: int) -> Library:
    """A library of `count` photos with embeddings and thumbnails but without files."""
    library = Library.create(folder)
    vectors = clustered(count, dim=DIM)
    random = np.random.default_rng(1)
    for row in range(COPIES, count, COPIES):
        near = vectors[row - 1] + 0.3 / DIM**0.5 * random.standard_normal(DIM)
        vectors[row] = near / np.linalg.norm(near)
    card = tiny_card()
    model = library.store.models.add_model(card.fingerprint, card.name, DIM)
    library.store.files.add_root(ROOT, labelled=False)
    library.store.record_outcomes((outcome(1, row, vector) for row, vector in enumerate(vectors)), model)
    library.thumbnails.put((content_hash(str(row).encode()), make_thumbnail(row)) for row in range(count))
    return library


def make_thumbnail(row: int) -> bytes:
    if row and row % COPIES == 0:
        return thumbnails.encode_thumbnail(soft(row - 1, (128, 96)).resize((256, 192), Image.Resampling.BICUBIC))
    return thumbnails.encode_thumbnail(soft(row, (256, 192)))


def time_grouping(library: Library, kind: str) -> float:
    start = time.perf_counter()
    groups = drain(duplicates.find_duplicates(library, kind.partition(",")[0], turned=KINDS[kind]))
    seconds = time.perf_counter() - start
    print(f"{len(library.find_photo_ids()):,} photos, {kind}: {seconds:.1f} s, {len(groups):,} groups", flush=True)
    return seconds


def compare_with_naive(library: Library, seconds: dict[str, float]) -> None:
    """Print the seconds of comparing all with all, and the share of the pairs of look-alikes that ours finds."""
    ids, values = read_all_embeddings(library)
    start = time.perf_counter()
    jpegs = [library.thumbnails.get(photo.sha256) for photo in library.load_photos(ids.tolist())]
    hashes = np.concatenate([compute_hashes(jpeg, turned=False) for jpeg in jpegs if jpeg is not None])
    for row in range(len(hashes)):
        np.flatnonzero(count_differing_bits(hashes[row + 1 :], hashes[row]) <= MAX_DIFFERENCE)
    near = time.perf_counter() - start
    start = time.perf_counter()
    reach = duplicates.LOOKALIKE_SHARE * duplicates.measure_usual_distances(values)
    plain = values.astype(np.float32)
    true_pairs = {pair for row in range(len(values)) for pair in _find_pairs_of_row(plain, row, reach)}
    alike = time.perf_counter() - start
    found_pairs = set(map(tuple, drain(find_close_pairs(values, reach)).tolist()))
    share = len(found_pairs & true_pairs) / max(1, len(true_pairs))
    print(f"all with all at {len(values):,}: near {near:.1f} s, {near / seconds['near']:.1f} x ours")
    print(
        f"  alike {alike:.1f} s, {alike / seconds['alike']:.1f} x ours, "
        f"which finds {share:.4f} of {len(true_pairs):,} pairs"
    )


def _find_pairs_of_row(values: np.ndarray, row: int, reach: np.ndarray) -> list[tuple[int, int]]:
    distances = np.linalg.norm(values[row + 1 :] - values[row], axis=1)
    near = np.flatnonzero(distances <= np.minimum(reach[row + 1 :], reach[row]))
    return [(row, row + 1 + int(other)) for other in near]


def read_all_embeddings(library: Library) -> tuple[np.ndarray, np.ndarray]:
    """The ids (n,) and embeddings (n, dim) of all photos."""
    embeddings = library.store.embeddings.read_embeddings(library.model_id, 0)
    return embeddings.ids, embeddings.values


if __name__ == "__main__":
    main(sys.argv[1:])
