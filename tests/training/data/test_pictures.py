from pathlib import Path

import numpy as np
import pytest

from indexer.errors import LookalikeError
from indexer.models.card import Preprocessing
from indexer.progress import drain
from tests.support.labelled_shapes import write_classes
from training.data.labelled_folders import PhotoSample, survey_folder
from training.data.pictures import read_pictures

SIZE = 16
PREPROCESSING = Preprocessing(SIZE, 1.0, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
ONE = 3 * SIZE * SIZE  # bytes of a picture


@pytest.fixture
def samples(tmp_path: Path) -> tuple[PhotoSample, ...]:
    return drain(survey_folder(write_classes(tmp_path / "shapes", 2, 5))).samples


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_pictures_beyond_the_memory_are_the_same(samples: tuple[PhotoSample, ...], kept: int) -> None:
    rows = np.array([7, 0, 3, 9, 4])
    whole = drain(read_pictures(samples, PREPROCESSING)).part
    part = drain(read_pictures(samples, PREPROCESSING, limit=kept * ONE)).part
    assert part.load_batch(rows).shape == (5, SIZE, SIZE, 3)
    np.testing.assert_array_equal(part.load_batch(rows), whole.load_batch(rows))


def test_a_picture_that_changes_meanwhile_is_refused_with_its_name(samples: tuple[PhotoSample, ...]) -> None:
    part = drain(read_pictures(samples, PREPROCESSING, limit=0)).part
    Path(samples[3].path.decode()).write_bytes(b"another")
    with pytest.raises(LookalikeError, match=r"\.png has changed since the training began: start the training again"):
        part.load_batch(np.array([3]))


def test_what_cannot_be_decoded_is_left_out_and_named(samples: tuple[PhotoSample, ...]) -> None:
    Path(samples[3].path.decode()).unlink()
    found = drain(read_pictures(samples, PREPROCESSING))
    assert [path for path, _ in found.unreadable] == [samples[3].path]
    assert [sample.sha256 for sample in found.part.samples] == [sample.sha256 for sample in samples[:3] + samples[4:]]
    np.testing.assert_array_equal(
        found.part.load_batch(np.array([3])),
        drain(read_pictures(samples[4:5], PREPROCESSING)).part.load_batch(np.array([0])),
    )
