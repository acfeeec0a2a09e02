"""Scans of a JPEG that change no pixel of a small picture are left out, and all others stay."""

import io

import numpy as np
import pytest
from PIL import Image

from indexer.photos.decoding import decode_photo
from indexer.photos.jpeg.scans import count_scans, drop_unread_scans

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")


def save_progressive(size: tuple[int, int], **options: object) -> bytes:
    """A progressive JPEG of a colourful picture full of detail."""
    rng = np.random.default_rng(size[0])
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noise = rng.normal(0, 6, (size[1], size[0], 3))
    picture = Image.fromarray(np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8))
    if options.pop("grey", False):
        picture = picture.convert("L")
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", progressive=True, **{"quality": 90} | options)
    return buffer.getvalue()


def decode_plainly(data: bytes, short_side: int) -> np.ndarray:
    """What Pillow alone gives at the scale that it chooses for a short side."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (short_side, short_side))
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("size", [(640, 480), (333, 251)])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_an_eighth_has_the_same_pixels_from_half_the_bytes(size: tuple[int, int], subsampling: str) -> None:
    data = save_progressive(size, subsampling=subsampling)
    needed = drop_unread_scans(data)
    assert len(needed) < 0.6 * len(data)
    assert 1 < count_scans(needed, 100) < count_scans(data, 100)
    eighth = min(size) // 8
    np.testing.assert_array_equal(decode_plainly(needed, eighth), decode_plainly(data, eighth))
    assert decode_plainly(needed, eighth).shape[0] == -(-size[1] // 8)
    assert (decode_plainly(needed, 10_000) != decode_plainly(data, 10_000)).any()  # only there


@pytest.mark.parametrize("short_side", [20, 30, 60, 120, 480])
@pytest.mark.parametrize("options", [{"subsampling": "4:2:0"}, {"grey": True}, {"restart_marker_blocks": 40}])
def test_photos_of_every_size_are_what_pillow_gives(short_side: int, options: dict[str, object]) -> None:
    data = save_progressive((640, 480), **options)
    expected = Image.fromarray(decode_plainly(data, short_side))
    factor = max(1, min(expected.size) // short_side)
    small = np.asarray(decode_photo(data, short_side).image)
    np.testing.assert_array_equal(small, np.asarray(expected.reduce(factor) if factor > 1 else expected))


def test_other_jpegs_and_damaged_ones_stay_as_they_are() -> None:
    with io.BytesIO() as buffer:
        Image.new("RGB", (64, 48), "teal").save(buffer, "JPEG")
        plain = buffer.getvalue()
    assert drop_unread_scans(plain) is plain
    data = save_progressive((160, 120))
    first_scan = data.index(b"\xff\xda")
    for length in range(first_scan, first_scan + 12):
        assert drop_unread_scans(data[:length]) == data[:length]


def test_what_stands_before_the_picture_and_behind_it_stays() -> None:
    film = b"\xff\xda\0\x08film"
    data = save_progressive((640, 480), comment=b"\xff\xda in a comment", icc_profile=b"p" * 200) + film
    needed = drop_unread_scans(data)
    assert needed[: data.index(b"\xff\xda\0\x0c")] == data[: data.index(b"\xff\xda\0\x0c")]
    assert needed.endswith(b"\xff\xd9" + film)
