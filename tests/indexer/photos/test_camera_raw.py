"""Camera RAW is told from TIFF by its content, and its preview or its sensor's picture comes out upright."""

import sys

import numpy as np
import pytest
from PIL import Image

from indexer.errors import PhotoError
from indexer.photos import camera_raw
from indexer.photos.decoding import decode_photo, is_extra_installed
from tests.support import pictures
from tests.support.camera_files import JPEG, UNCOMPRESSED, dng


def test_heic_shows_the_scene() -> None:
    ours = decode_photo(pictures.heic(pictures.scene(), quality=95), 64).image
    assert np.abs(pictures.pixels(ours) - pictures.pixels(pictures.scene())).mean() < 3


@pytest.mark.parametrize(
    ("orientation", "turn"), [(3, "ROTATE_180"), (6, "ROTATE_90"), (8, "ROTATE_270"), (2, "FLIP_LEFT_RIGHT")]
)
def test_a_turned_heic_is_upright_once(orientation: int, turn: str) -> None:
    stored = pictures.scene().transpose(Image.Transpose[turn])
    data = pictures.heic(stored, exif=pictures.with_exif_orientation(orientation), quality=95)
    photo = decode_photo(data, 10_000)
    assert (photo.width, photo.height) == photo.image.size == (pictures.WIDTH, pictures.HEIGHT)
    assert np.abs(pictures.pixels(photo.image) - pictures.pixels(pictures.scene())).mean() < 3


def test_a_raw_file_gives_the_cameras_preview_where_that_is_large_enough() -> None:
    photo = decode_photo(dng(pictures.scene()), 100)
    assert (photo.width, photo.height) == (320, 240)
    assert np.abs(pictures.pixels(photo.image) - pictures.pixels(pictures.scene())).mean() < 3


def test_a_raw_file_with_a_tiny_preview_gives_the_sensors_picture() -> None:
    image = decode_photo(dng(pictures.scene(32, 24)), 100).image
    assert image.size == (160, 120)
    columns = pictures.pixels(image).mean(axis=(0, 2))
    assert (np.diff(columns) >= -1).all()
    assert columns[-1] - columns[0] > 100


@pytest.mark.parametrize("compression", [JPEG, UNCOMPRESSED])
@pytest.mark.parametrize("preview", [pictures.scene(), None])
def test_a_turned_raw_file_is_upright(preview: Image.Image | None, compression: int) -> None:
    straight = decode_photo(dng(preview, compression=compression), 100)
    turned = decode_photo(dng(preview, compression=compression, orientation=6), 100)
    assert (turned.width, turned.height) == (240, 320)
    expected = straight.image.transpose(Image.Transpose.ROTATE_270)
    assert np.abs(pictures.pixels(turned.image) - pictures.pixels(expected)).mean() < 3


def test_a_plain_tiff_is_no_raw_file() -> None:
    for order in ("II", "MM"):
        header = {"II": b"II*\0\x08\0\0\0\0\0", "MM": b"MM\0*\0\0\0\x08\0\0"}[order]
        assert not camera_raw.is_raw(header)
    assert not camera_raw.is_raw(pictures.encoded(pictures.scene(), "TIFF"))
    assert camera_raw.is_raw(dng())


@pytest.mark.parametrize(
    ("extra", "package", "data"),
    [("heif", "pillow_heif", pictures.heic(pictures.scene())), ("raw", "rawpy", dng())],
)
def test_without_the_extra_the_reason_says_what_to_install(
    extra: str, package: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_extra_installed(extra)
    monkeypatch.setitem(sys.modules, package, None)
    assert not is_extra_installed(extra)
    with pytest.raises(PhotoError, match=rf"install lookalike\[{extra}\]") as caught:
        decode_photo(data, 64)
    assert caught.value.needs == extra
