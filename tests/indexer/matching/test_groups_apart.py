"""What a library says of its labels does not rest on near copies and frames of a burst, with a clock or without."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from indexer.library import Library
from indexer.matching.identification_rule import measure_rule
from indexer.matching.identity import verify_label
from indexer.photos.thumbnails import encode_thumbnail
from tests.support.vectors import give_labels, open_filled, record_bursts


def record_copies(library: Library, copies: NDArray[np.int64]) -> None:
    """Photo i + 1 has a thumbnail of picture copies[i], each a little darker than the one before; no clock."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (copies.max() + 1, 12, 12, 3), np.uint8)
    for photo, number in zip(library.load_photos(range(1, len(copies) + 1)), copies, strict=True):
        darker = (pictures[number] * (1 - 0.02 * (photo.id % 4))).astype(np.uint8)
        library.thumbnails.put([(photo.sha256, encode_thumbnail(Image.fromarray(darker).resize((128, 128))))])


@pytest.mark.parametrize("record", [record_bursts, record_copies])
def test_a_frame_of_a_burst_and_a_near_copy_prove_nothing_of_a_label(
    record: Callable[[Library, NDArray[np.int64]], None], tmp_path: Path
) -> None:
    """Labels by lot: only the others of a photo's own group are like it, by the clock or by their pixels alone."""
    random, groups = np.random.default_rng(0), np.arange(180) // 4
    frames = random.standard_normal((45, 192))[groups] + 0.05 * random.standard_normal((180, 192))
    unit = (frames / np.linalg.norm(frames, axis=1, keepdims=True)).astype(np.float16)
    with open_filled(tmp_path / "lot.library", unit) as library:
        give_labels(library, random.permutation(45)[groups] % 9)
        alone, said = measure_rule(library).by_ratio, verify_label(library, 1, "class 1")
        record(library, groups)
        apart, verified = measure_rule(library).by_ratio, verify_label(library, 1, "class 1")
        calibration = library.load_calibration()
    assert alone.identified is not None
    assert apart.identified is not None
    assert (alone.identified.value > 0.5, apart.identified.value < 0.2) == (True, True)
    assert "one of each group (135 frames and near copies of them left out)" in apart.measured
    assert said.fnmr is not None
    assert verified.fnmr is not None
    assert (said.fnmr.value < 0.2, verified.fnmr.value > 0.5) == (True, True)
    assert calibration.grouped_pairs == 45 * 6
