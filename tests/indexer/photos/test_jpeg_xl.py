"""JPEG XL is read with the pixels that were written, in both of its forms, and damaged ones are refused."""

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pylibjxl
import pytest
from PIL import Image, ImageCms

from indexer.errors import PhotoError
from indexer.library import Library
from indexer.photos import decoding
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import is_candidate
from tests.support import pictures
from tests.support.commands import Tell

SCENE = np.asarray(pictures.scene())


def jpeg_xl(values: np.ndarray, *, lossless: bool = True, icc: bytes | None = None) -> bytes:
    data: bytes = pylibjxl.encode(
        np.ascontiguousarray(values), lossless=lossless, distance=0.0 if lossless else 1.0, icc=icc
    )
    return data


def shown(data: bytes, short_side: int = 10_000) -> np.ndarray:
    return pictures.pixels(decode_photo(data, short_side).image)


def test_grey_colours_and_alpha_are_as_written() -> None:
    assert is_candidate(b"x.JXL")
    assert np.array_equal(shown(jpeg_xl(SCENE)), SCENE)
    assert np.array_equal(shown(jpeg_xl(SCENE[..., 0])), np.repeat(SCENE[..., :1], 3, -1))
    half = np.dstack([SCENE, np.where(np.arange(SCENE.shape[1]) < 80, 255, 0) * np.ones(SCENE.shape[:2])]).astype(
        np.uint8
    )
    assert np.array_equal(shown(jpeg_xl(half))[:, :80], SCENE[:, :80])
    assert (shown(jpeg_xl(half))[:, 80:] == 255).all()
    assert np.abs(shown(jpeg_xl(SCENE, lossless=False)).astype(int) - SCENE).mean() < 3


def test_it_is_shrunk_and_its_size_is_that_of_the_original() -> None:
    decoded = decode_photo(jpeg_xl(SCENE), 30)
    assert (decoded.width, decoded.height) == (160, 120)
    assert decoded.image.size == (40, 30)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_kept_in_it_is_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    jpeg = pictures.encoded(pictures.scene(), "JPEG", quality=95, exif=exif)
    boxed = pylibjxl.jpeg_to_jxl(jpeg)
    assert np.abs(shown(boxed).astype(int) - shown(jpeg)).mean() < 2


def test_its_profile_is_applied() -> None:
    profile = pictures.wide_profile()
    profiles = BytesIO(profile), ImageCms.createProfile("sRGB")
    expected = ImageCms.profileToProfile(pictures.scene(), *profiles, outputMode="RGB")
    assert expected is not None
    assert np.abs(shown(jpeg_xl(SCENE, icc=profile)).astype(int) - pictures.pixels(expected)).max() <= 3


@pytest.mark.parametrize("data", [jpeg_xl(SCENE), pylibjxl.jpeg_to_jxl(pictures.encoded(pictures.scene(), "JPEG"))])
def test_a_damaged_one_is_refused_as_damaged(data: bytes) -> None:
    for damaged in (data[: len(data) // 2], data[:20], data[:2] + bytes(400), data[:-40]):
        with pytest.raises(PhotoError, match=r"is damaged|is not a picture"):
            decode_photo(damaged, 64)


def test_one_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(decoding.PIXEL_LIMITS, "JXL", 100)
    monkeypatch.setattr(pylibjxl, "JXL", None)
    with pytest.raises(PhotoError, match="is too large: 160 x 120 pixels"):
        decode_photo(jpeg_xl(SCENE), 64)


def test_without_the_extra_the_reason_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg_xl(SCENE)
    monkeypatch.setitem(sys.modules, "pylibjxl", None)
    with pytest.raises(PhotoError, match=r"install lookalike\[jxl\]") as caught:
        decode_photo(data, 64)
    assert caught.value.needs == "jxl"


def test_it_is_indexed_as_soon_as_the_extra_is_there(
    home: Path, tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "scene.jxl").write_bytes(jpeg_xl(SCENE))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pylibjxl", None)
        said = tell(home, "index", folder, "--json")
        reason = "is a JPEG XL picture: install lookalike[jxl] to read it"
        assert {"path": str(folder / "scene.jxl"), "reason": reason} in said.result()["failed"]
        assert said.code == 1 and said.result()["embedded"] == 0
        assert reason in tell(home, "failed").out
        assert tell(home, "doctor", "--json").result()["formats"]["jxl"] is False
    result = tell(home, "index", "--json").result()
    assert result["embedded"] == 1 and "scene.jxl" not in str(result["failed"])
    (hit,) = tell(home, "search", folder / "scene.jxl", "-k", "1", "--json").result()["hits"]
    assert (hit["distance"], hit["path"]) == (0, str(folder / "scene.jxl"))
    with Library.open(home / "default.library") as library:
        (photo,) = library.load_photos([hit["id"]])
        small = library.read_thumbnail(photo)
    assert small is not None
    with Image.open(BytesIO(small)) as thumbnail:
        assert np.abs(pictures.pixels(thumbnail.convert("RGB")) - SCENE.astype(int)).mean() < 8
