"""A picture is read no larger than it is seen: a panorama of 150 megapixels in bounded memory, on a dense screen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QRectF, QSize, QSizeF
from PySide6.QtGui import QImage

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.search.query import CroppedExample
from retrieval_app.viewer.picture_reading import read_fitted_picture, read_picture_area
from tests.support.commands import ROOT
from tests.support.made_once import make_once

PANORAMA_SIZE = (30_000, 5_000)
STRIPE = 4  # px from one bright stripe of the panorama to the next; half of that is bright
MOST_MIB = 400  # of a process that shows it, of which Qt takes 90; the picture as a whole would take 600 alone


@pytest.fixture(scope="session")
def large_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A panorama whose right part has stripes, and a picture that EXIF turns, red above and blue below."""

    def draw(folder: Path) -> None:
        grey = np.full((PANORAMA_SIZE[1], PANORAMA_SIZE[0]), 16, np.uint8)
        grey[:, 20_000:].reshape(PANORAMA_SIZE[1], -1, STRIPE)[:, :, : STRIPE // 2] = 240
        Image.fromarray(grey).save(folder / "panorama.jpg", quality=85)
        stored = np.zeros((1_600, 2_400, 3), np.uint8)
        stored[:, :1_200, 0] = stored[:, 1_200:, 2] = 220
        exif = Image.Exif()
        exif[0x0112] = 6  # its left side is above
        Image.fromarray(stored).save(folder / "turned.jpg", exif=exif)

    return make_once(tmp_path_factory, "large-pictures", draw)


def test_a_panorama_on_a_dense_screen_is_sharp_where_it_is_seen_and_small_in_memory(
    large_pictures: Path, indexed: Path
) -> None:
    environment = os.environ | {"QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "tests.support.panorama_child", str(indexed)]
    command += [str(large_pictures / name) for name in ("panorama.jpg", "turned.jpg")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=ROOT)
    facts = json.loads(done.stdout)
    assert facts["ratio"] == 2
    assert facts["fitted"] == [2_400, 400]  # of the screen's pixels, which are two for one of the window's
    assert facts["scale"] == pytest.approx(1)
    assert facts["stripes"] == pytest.approx(2_400 / STRIPE, abs=20)
    assert facts["enlarged"][0] < 2 * 2_400  # the seen part and its margins
    assert facts["turned"] == [853, 1_280]  # upright
    assert facts["top"][0] > 200
    assert facts["top"][2] < 40
    assert facts["peak_mib"] < MOST_MIB


def test_a_part_of_a_cropped_and_turned_picture_has_its_own_pixels(large_pictures: Path, indexed: Path) -> None:
    turned = large_pictures / "turned.jpg"
    with Library.open(indexed) as library:
        whole = read_fitted_picture(library, turned, QSize(400, 600))
        assert (whole.size, whole.part.image.size()) == (QSize(1_600, 2_400), QSize(400, 600))
        lower = CroppedExample(turned, (0.25, 0.4, 0.5, 0.6))  # its first sixth is red
        part = read_fitted_picture(library, lower, QSize(10_000, 10_000))
        assert part.size == part.part.image.size() == QSize(800, 1_440)
        area = QRectF(0, 0, 1, 0.5)
        above = read_picture_area(library, lower, area, QSizeF(200, 180))
        assert (above.part.area, above.size) == (area, QSize(800, 1_440))
        colours = [
            above.part.image.pixelColor(100, above.part.image.height() * n // 10).red() > 128 for n in (1, 2, 5, 9)
        ]
        assert colours == [True, True, False, False]
        in_memory = CroppedExample(Image.new("RGB", (300, 200)), (30, 20, 150, 100))  # in px
        assert read_fitted_picture(library, in_memory, QSize(500, 500)).size == QSize(150, 100)
        with pytest.raises(LookalikeError, match="There is no file"):
            read_fitted_picture(library, large_pictures / "gone.jpg", QSize(100, 100))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_part_of_a_jpeg_that_is_too_large_to_be_decoded_has_its_own_pixels(
    orientation: int, indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the same area of the picture decoded whole, in each of the eight ways that EXIF can turn it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise = np.random.default_rng(orientation).integers(0, 256, (60, 90, 3), np.uint8)
    stored = Image.fromarray(noise).resize((720, 480), Image.Resampling.NEAREST)
    stored.save(tmp_path / "large.jpg", exif=exif, quality=95, subsampling=0)
    area, room = QRectF(0.25, 0.5, 0.5, 0.25), QSizeF(360, 180)
    with Library.open(indexed) as library:
        whole = read_picture_area(library, tmp_path / "large.jpg", area, room)
        for module in ("indexer.photos.decoding", "indexer.search.examples"):
            monkeypatch.setattr(f"{module}.MAX_RESULT_PIXELS", 100_000)
        part = read_picture_area(library, tmp_path / "large.jpg", area, room)
    assert part.size == whole.size
    assert part.part.image.size() == whole.part.image.size()
    pixels, expected = (to_array(picture.part.image) for picture in (part, whole))
    assert np.abs(pixels - expected).mean() < 2  # of 255: two decoders


def to_array(image: QImage) -> NDArray[np.float64]:
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : 3 * plain.width()].astype(np.float64)
