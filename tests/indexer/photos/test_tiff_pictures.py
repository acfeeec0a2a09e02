"""What a TIFF's tags say its samples mean is what is shown: every kind against the numbers it was written from."""

import resource
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from indexer.errors import PhotoError
from indexer.photos import tiff_pictures
from indexer.photos.decoding import decode_photo
from tests.support import pictures
from tests.support.tiff_files import pack_bits, pack_deflate, pack_lzw, write_tiff

WIDTH, HEIGHT = 70, 50
PACKERS = {1: None, 5: pack_lzw, 8: pack_deflate, 32773: pack_bits}


def ramp() -> npt.NDArray[np.float64]:
    """Fractions of white, (HEIGHT, WIDTH), from left to right, a little darker downwards, with black and white."""
    x, y = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(1, 0.7, HEIGHT))
    return x * y


def colours() -> npt.NDArray[np.float64]:
    """Fractions of red, green and blue, each another ramp."""
    grey = ramp()
    return np.stack((grey, grey[::-1], 1 - grey), axis=-1)


def shown(data: bytes, short_side: int = 10_000) -> npt.NDArray[np.int16]:
    return pictures.pixels(decode_photo(data, short_side).image)


def require_shown(data: bytes, fractions: npt.NDArray[np.float64], tolerance: float = 1.0) -> None:
    """The picture shows these fractions of white, in grey or in three colours."""
    wanted = 255 * (fractions if fractions.ndim == 3 else np.repeat(fractions[..., None], 3, axis=-1))
    assert np.abs(shown(data) - wanted).max() <= tolerance


def whole(fractions: npt.NDArray[np.float64], bits: int, kind: type = np.uint16) -> npt.NDArray[Any]:
    """The fractions as integers of so many bits."""
    return np.rint(fractions * ((1 << bits) - 1)).astype(kind)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("compression", PACKERS)
def test_colours_are_those_stored(compression: int, bits: int, planar: bool, big: bool, order: str) -> None:
    stored = whole(colours(), bits, np.uint8 if bits == 8 else np.uint16)
    layout: dict[str, Any] = {
        "compression": compression,
        "pack": PACKERS[compression],
        "planar": planar,
        "big": big,
        "order": order,
    }
    require_shown(write_tiff(stored, photometric=2, strip_rows=16, **layout), colours())


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [2, 4, 6, 8, 10, 12, 14, 16])
@pytest.mark.parametrize("compression", PACKERS)
def test_grey_of_every_depth_is_what_is_stored(compression: int, bits: int, photometric: int) -> None:
    stored = whole(ramp(), bits, np.uint8 if bits <= 8 else np.uint16)
    data = write_tiff(
        stored, photometric=photometric, bits=bits, strip_rows=7, compression=compression, pack=PACKERS[compression]
    )
    fractions = stored / ((1 << bits) - 1)
    require_shown(data, fractions if photometric == 1 else 1 - fractions)


@pytest.mark.parametrize(
    "kind", ["colours", "colours and alpha", "grey and alpha", "grey and more", "negative", "inks"]
)
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("predictor", [1, 2])
def test_eight_bits_are_those_stored_whoever_reads_them(
    kind: str, planar: bool, tile: int, big: bool, predictor: int
) -> None:
    grey, solid = ramp()[..., None], np.ones((HEIGHT, WIDTH, 1))
    fractions, photometric, extra = {
        "colours": (colours(), 2, []),
        "colours and alpha": (np.concatenate((colours(), solid), axis=-1), 2, [2]),
        "grey and alpha": (np.concatenate((grey, solid), axis=-1), 1, [2]),
        "grey and more": (np.concatenate((grey, 1 - grey, 1 - grey), axis=-1), 1, [0, 0]),
        "negative": (1 - grey, 0, []),
        "inks": (np.concatenate((1 - colours(), 0 * solid), axis=-1), 5, []),
    }[kind]
    for order in "<", ">":
        data = write_tiff(
            whole(fractions, 8, np.uint8),
            photometric=photometric,
            extra=extra,
            order=order,
            big=big,
            planar=planar,
            tile=tile,
            strip_rows=0 if tile else 9,
            predictor=predictor,
            compression=8,
            pack=pack_deflate,
        )
        require_shown(data, colours() if kind in ("colours", "colours and alpha", "inks") else grey[..., 0])


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("order", ["<", ">"])
def test_packed_and_reversed_bits_of_colours(bits: int, order: str) -> None:
    stored = whole(colours(), bits)
    data = write_tiff(stored, photometric=2, bits=bits, order=order, strip_rows=9)
    require_shown(data, colours())
    reverse = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]

    def reverse_and_pack(strip: bytes) -> bytes:
        return reverse[np.frombuffer(pack_bits(strip), np.uint8)].tobytes()

    fill_order = [(266, "H", [2])]
    data = write_tiff(
        stored, photometric=2, bits=bits, order=order, pack=reverse_and_pack, compression=32773, tags=fill_order
    )
    require_shown(data, colours())


@pytest.mark.parametrize("kind", ["u2", "u4", "f2", "f4", "f8", "i2", "i4"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", [0, 1, 2])
def test_wide_numbers_go_from_black_to_white(kind: str, order: str, photometric: int) -> None:
    fractions = colours() if photometric == 2 else ramp()
    number = np.dtype(kind)
    if number.kind == "f":
        stored = fractions.astype(number)
    else:
        low, high = np.iinfo(number).min, np.iinfo(number).max
        stored = (low + fractions * (float(high) - low)).clip(low, high).astype(number)
    data = write_tiff(stored, photometric=photometric, order=order, strip_rows=11, compression=8, pack=pack_deflate)
    require_shown(data, 1 - fractions if photometric == 0 else fractions, tolerance=3)


@pytest.mark.parametrize("kind", ["u2", "u4", "f2", "f4", "f8"])
@pytest.mark.parametrize("tile", [0, 32])
def test_predicted_and_tiled_samples(kind: str, tile: int) -> None:
    number = np.dtype(kind)
    scale = np.iinfo(number).max if number.kind == "u" else 1
    stored = (colours() * scale).astype(number)
    predictor = 3 if number.kind == "f" else 2
    data = write_tiff(
        stored, photometric=2, predictor=predictor, compression=8, pack=pack_deflate, strip_rows=13, tile=tile
    )
    require_shown(data, colours(), tolerance=2)


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("photometric", [0, 1, 2])
def test_a_sensor_s_depth_in_sixteen_bits_is_not_nearly_black(bits: int, photometric: int) -> None:
    fractions = colours() if photometric == 2 else ramp()
    data = write_tiff(whole(fractions, bits), photometric=photometric)
    require_shown(data, 1 - fractions if photometric == 0 else fractions)


def test_a_depth_that_the_tags_say_holds() -> None:
    data = write_tiff(whole(ramp(), 14), tags=[(281, "H", [(1 << 14) - 1])])
    require_shown(data, ramp())


@pytest.mark.parametrize("mark", [-9999.0, -3.4e38, np.nan, 1e20])
@pytest.mark.parametrize("told", [False, True])
def test_what_was_not_measured_does_not_whiten_the_rest(mark: float, told: bool) -> None:
    heights = (200 + 800 * ramp()).astype(np.float32)
    hole = (slice(10, 30), slice(20, 40))
    heights[hole] = mark
    tags = [(42113, "s", f"{mark}".encode() + b"\0")] if told else []
    got = shown(write_tiff(heights, tags=tags))[..., 0]
    wanted = 255 * ramp()
    measured = np.ones(got.shape, bool)
    measured[hole] = False
    assert np.abs(got - wanted)[measured].max() <= 3
    assert set(got[hole].ravel().tolist()) <= {0, 255}


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("mark", [0, 4095, 65535])
def test_what_was_not_measured_says_nothing_of_the_bits_of_whole_numbers(mark: int, photometric: int) -> None:
    heights = np.clip(whole(ramp(), 12), 1, 4094).astype(np.uint16)
    hole = (slice(10, 30), slice(20, 40))
    heights[hole] = mark
    tags = [(42113, "s", f"{mark}".encode() + b"\0")]
    got = shown(write_tiff(heights, photometric=photometric, tags=tags))[..., 0]
    measured = np.ones(got.shape, bool)
    measured[hole] = False
    wanted = 255 * (ramp() if photometric == 1 else 1 - ramp())
    assert np.abs(got - wanted)[measured].max() <= 1
    assert set(got[hole].ravel().tolist()) <= {0, 255}


def test_a_few_hot_pixels_do_not_blacken_the_rest() -> None:
    light = (1000 * ramp()).astype(np.float32)
    light[3, 3] = 1e6
    assert np.abs(shown(write_tiff(light))[..., 0] - 255 * ramp())[5:].max() <= 3


@pytest.mark.parametrize("premultiplied", [False, True])
@pytest.mark.parametrize(("model", "bits"), [("grey", 16), ("colours", 16), ("inks", 8), ("inks", 16)])
def test_alpha_lays_the_picture_on_white(model: str, bits: int, premultiplied: bool) -> None:
    fractions = {"grey": ramp()[..., None], "colours": colours()}.get(model, 1 - colours())
    if model == "inks":
        fractions = np.concatenate((fractions, np.zeros((HEIGHT, WIDTH, 1))), axis=-1)
    alpha = np.tile(np.linspace(0.2, 1, HEIGHT)[:, None, None], (1, WIDTH, 1))
    number = np.uint8 if bits == 8 else np.uint16
    stored = np.concatenate((fractions * alpha if premultiplied else fractions, alpha), axis=-1)
    data = write_tiff(
        whole(stored, bits, number),
        photometric={"grey": 1, "colours": 2, "inks": 5}[model],
        extra=[1 if premultiplied else 2],
    )
    seen = 1 - fractions[..., :3] if model == "inks" else fractions
    require_shown(data, np.broadcast_to(seen * alpha + 1 - alpha, (HEIGHT, WIDTH, 3)), tolerance=4)


def test_samples_beyond_the_colours_are_no_alpha() -> None:
    bands = np.concatenate((colours(), colours()), axis=-1)
    for bits, number in ((8, np.uint8), (16, np.uint16)):
        require_shown(write_tiff(whole(bands, bits, number), photometric=2, extra=[0, 0, 0]), colours())
        require_shown(write_tiff(whole(bands, bits, number), photometric=2, extra=[0, 0, 0], planar=True), colours())


def test_lab_of_sixteen_bits_is_brought_to_srgb() -> None:
    lab = np.zeros((4, 4, 3), np.int32)
    lab[:] = round(54.3 / 100 * 65535), round(80.8 * 256), round(69.9 * 256)  # sRGB red, D50
    ours = shown(write_tiff((lab & 0xFFFF).astype(np.uint16), photometric=8))
    assert np.abs(ours[0, 0] - [255, 0, 0]).max() <= 10


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_wide_picture_is_turned_upright(orientation: int) -> None:
    turns = {1: 0, 3: 2, 6: 1, 8: 3}
    stored = np.rot90(whole(ramp(), 16), turns[orientation])
    data = write_tiff(np.ascontiguousarray(stored), tags=[(274, "H", [orientation])])
    require_shown(data, ramp())
    assert decode_photo(data, 10).width == WIDTH


@pytest.mark.parametrize("kind", ["L", "RGB"])
@pytest.mark.parametrize("tile", [0, 32])
def test_jpeg_2000_inside_a_tiff(kind: str, tile: int) -> None:
    stored = whole(colours() if kind == "RGB" else ramp(), 8, np.uint8)
    filled = np.pad(stored, ((0, 14), (0, 26)) + ((0, 0),) * (kind == "RGB"))

    size = iter([(left, top) for top in (0, 32) for left in (0, 32, 64)])

    def encode(_: bytes) -> bytes:
        left, top = next(size) if tile else (0, 0)
        part = filled[top : top + 32, left : left + 32] if tile else stored
        return pictures.encoded(Image.fromarray(part), "JPEG2000", irreversible=False, no_jp2=True)

    data = write_tiff(stored, photometric=2 if kind == "RGB" else 1, tile=tile, pack=encode, compression=34712)
    require_shown(data, colours() if kind == "RGB" else ramp())


def test_jpeg_2000_that_its_decoder_turns_to_rgb_is_turned_once() -> None:
    stored = whole(colours(), 8, np.uint8)
    segment = pictures.encoded(Image.fromarray(stored), "JPEG2000", irreversible=False, no_jp2=True, mct=1)
    require_shown(write_tiff(stored, photometric=6, pack=lambda _: segment, compression=34712), colours())
    luma_first = Image.fromarray(stored).convert("YCbCr")
    plain = Image.merge("RGB", luma_first.split())
    segment = pictures.encoded(plain, "JPEG2000", irreversible=False, no_jp2=True, mct=0)
    require_shown(write_tiff(stored, photometric=6, pack=lambda _: segment, compression=34712), colours(), tolerance=5)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("tile", [0, 80])
def test_webp_inside_a_tiff(tile: int, alpha: bool, capfd: pytest.CaptureFixture[str]) -> None:
    stored = whole(colours(), 8, np.uint8)
    if alpha:
        stored = np.concatenate((stored, np.full((HEIGHT, WIDTH, 1), 255, np.uint8)), axis=-1)
    part = np.pad(stored, ((0, 30), (0, 10), (0, 0))) if tile else stored
    segment = pictures.encoded(Image.fromarray(part), "WEBP", lossless=True, exact=True)
    extra = [2] if alpha else []
    data = write_tiff(stored, photometric=2, tile=tile, pack=lambda _: segment, compression=50001, extra=extra)
    require_shown(data, colours())
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("beside", [1, 4, 5])
def test_the_picture_is_shown_and_not_a_small_copy_or_mask_before_it(
    beside: int, bits: int, big: bool, order: str
) -> None:
    small = np.full((9, 9, 3), 77, np.uint8)
    main = whole(colours(), bits, np.uint8 if bits == 8 else np.uint16)
    layout: dict[str, Any] = {"photometric": 2, "big": big, "order": order}
    first = write_tiff(small, tags=[(254, "I", [beside])], **layout)
    require_shown(write_tiff(main, behind=first, **layout), colours())
    assert shown(first)[4, 4].tolist() == [77, 77, 77]  # there is no other
    alike = write_tiff(main, tags=[(254, "I", [beside])], behind=first, **layout)
    assert shown(alike)[4, 4].tolist() == [77, 77, 77]


@pytest.mark.parametrize("side", [161, 20_000, 60_000])
def test_no_room_is_made_for_jpeg_2000_larger_than_its_part_of_the_tiff(side: int) -> None:
    stored = bytearray(pictures.encoded(pictures.scene(), "JPEG2000", no_jp2=True))
    struct.pack_into(">8I", stored, stored.index(b"\xff\x51") + 6, side, side, 0, 0, side, side, 0, 0)
    scene = pictures.pixels(pictures.scene()).astype(np.uint8)
    data = write_tiff(scene, photometric=2, compression=34712, pack=lambda _: bytes(stored))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PhotoError, match="is damaged: a part of it has another size than its tags say"):
        decode_photo(data, 64)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB; it took gigabytes


def test_one_large_strip_is_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_pictures, "GROUP_BYTES", 5000)
    for order in "<", ">":
        require_shown(write_tiff(whole(colours(), 16), photometric=2, order=order), colours())


def test_every_size_asked_for_is_of_one_picture() -> None:
    data = write_tiff(whole(colours(), 16), photometric=2, planar=True, strip_rows=16)
    full, small = shown(data), shown(data, 10)
    wanted = full[:50, :70].reshape(10, 5, 14, 5, 3).mean(axis=(1, 3))
    assert np.abs(small - wanted).max() <= 1


@pytest.mark.parametrize(
    ("values", "options", "reason"),
    [
        (np.zeros((4, 4), np.complex64), {}, "TIFF with samples of 64 bits, complex"),
        (np.zeros((4, 4, 3), np.uint16), {"photometric": 6}, "is a kind that Lookalike does not read"),
        (np.zeros((4, 4), np.uint16), {"compression": 34887}, "TIFF with LERC inside"),
        (np.zeros((4, 4, 3), np.uint16), {"photometric": 2, "tags": [(258, "H", [16, 16, 8])]}, "different sizes"),
        (np.zeros((9, 9), np.uint16), {"tags": [(279, "I", [17])]}, "is damaged: its data end too early"),
        (np.zeros((9, 9), np.uint16), {"tags": [(257, "I", [1 << 20]), (256, "I", [1 << 20])]}, "is too large"),
        (np.zeros((9, 9), np.uint16), {"tags": [(273, "I", [])]}, "is damaged: parts of it are missing"),
    ],
)
def test_what_is_not_read_is_said(values: npt.NDArray[Any], options: dict[str, Any], reason: str) -> None:
    with pytest.raises(PhotoError, match=reason):
        decode_photo(write_tiff(values, **options), 64)
