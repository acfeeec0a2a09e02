"""Sound pictures with something odd beside or behind their pixels are read, with the pixels that were written."""

import resource
import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer.errors import PhotoError
from indexer.photos import mending
from indexer.photos.decoding import decode_photo
from tests.support import pictures
from tests.support.tiff_files import write_tiff

SCENE = pictures.scene()
ROWS = b"".join(b"\0" + row.tobytes() for row in np.asarray(SCENE))
JPEG_KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "progressive": {"progressive": True},
    "with restarts": {"restart_marker_blocks": 4},
    "fine": {"quality": 95, "subsampling": 0},
    "grey": {},
}
FILM = b"\0\0\0\x18ftypmp42" + b"\xff\xda\0\x0c" * 50


def jpeg(kind: str) -> bytes:
    image = SCENE.convert("L") if kind == "grey" else SCENE
    return pictures.encoded(image, "JPEG", **JPEG_KINDS[kind])


def shown(data: bytes, short_side: int = 10_000) -> np.ndarray:
    return pictures.pixels(decode_photo(data, short_side).image)


def spoilt(chunk: bytes) -> bytes:
    """The chunk with a wrong checksum."""
    return chunk[:-1] + bytes([chunk[-1] ^ 1])


def text(size: int, kind: bytes = b"zTXt") -> bytes:
    head = {b"zTXt": b"Comment\0\0", b"iTXt": b"Comment\0\1\0\0\0", b"tEXt": b"Comment\0"}[kind]
    content = b"a" * size
    return pictures.png_chunk(kind, head + (content if kind == b"tEXt" else zlib.compress(content)))


# -- JPEG


@pytest.mark.parametrize("kind", JPEG_KINDS)
@pytest.mark.parametrize(
    "behind", [b"", b"\xff", bytes(100), b"\xff" + bytes(100), FILM, bytes(range(1, 250)) * 3, b"whole", b"\xff\xd8"]
)
def test_a_jpeg_without_end_marker_is_the_picture_it_is_with_one(kind: str, behind: bytes) -> None:
    whole = jpeg(kind)
    for short_side in (10_000, 20):
        unended = whole[:-2] + (whole if behind == b"whole" else behind)
        assert np.array_equal(shown(unended, short_side), shown(whole, short_side))


@pytest.mark.parametrize("kind", JPEG_KINDS)
@pytest.mark.parametrize("share", [0.55, 0.7, 0.95])
@pytest.mark.parametrize("behind", [b"", bytes(9999), FILM])
def test_a_jpeg_that_is_cut_stays_damaged(kind: str, share: float, behind: bytes) -> None:
    whole = jpeg(kind)
    with pytest.raises(PhotoError, match="is damaged"):
        decode_photo(whole[: int(len(whole) * share)] + behind, 10_000)


def test_a_progressive_jpeg_without_its_last_scan_is_damaged() -> None:
    whole = jpeg("progressive")
    with pytest.raises(PhotoError, match="is damaged"):
        decode_photo(whole[: whole.rindex(b"\xff\xda")], 10_000)


# -- PNG


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"tEXt"])
def test_a_png_may_have_as_much_text_as_it_likes(kind: bytes) -> None:
    data = pictures.png(SCENE.size, ROWS, extra=text(3_000_000, kind))
    assert np.array_equal(shown(data), pictures.pixels(SCENE))
    behind = pictures.png(SCENE.size, ROWS)
    assert np.array_equal(shown(behind[:-12] + text(3_000_000, kind) + behind[-12:]), pictures.pixels(SCENE))


def test_a_large_profile_of_a_png_is_applied() -> None:
    chunks = [
        pictures.png_chunk(b"iCCP", b"wide\0\0" + zlib.compress(pictures.wide_profile() + bytes(size)))
        for size in (0, 2_000_000)
    ]
    small, large = (shown(pictures.png(SCENE.size, ROWS, extra=chunk)) for chunk in chunks)
    assert np.array_equal(small, large)
    assert np.abs(small - pictures.pixels(SCENE)).max() > 10


@pytest.mark.parametrize("kind", [b"tEXt", b"tIME", b"pHYs", b"gAMA", b"eXIf", b"abCd"])
def test_a_wrong_checksum_in_a_side_chunk_costs_that_chunk(kind: bytes) -> None:
    chunk = spoilt(pictures.png_chunk(kind, b"Comment\0abc"))
    whole = pictures.png(SCENE.size, ROWS)
    for data in (pictures.png(SCENE.size, ROWS, extra=chunk), whole[:-12] + chunk + whole[-12:]):
        assert np.array_equal(shown(data), pictures.pixels(SCENE))


@pytest.mark.parametrize("kind", [b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"tRNS", b"bKGD", b"iCCP", b"eXIf", b"acTL"])
@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_side_chunk_too_short_for_what_it_says_costs_that_chunk(kind: bytes, length: int) -> None:
    data = pictures.png(SCENE.size, ROWS, extra=pictures.png_chunk(kind, bytes(length)))
    assert np.array_equal(shown(data), pictures.pixels(SCENE))


def test_a_wrong_checksum_in_the_pixels_is_damage() -> None:
    data = pictures.png(SCENE.size, ROWS)
    at = data.index(b"IDAT") + 500
    with pytest.raises(PhotoError, match="is damaged"):
        decode_photo(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], 10_000)


def test_what_a_mended_png_says_of_its_looks_is_kept() -> None:
    turned = pictures.with_exif_orientation(6)[6:]
    chunks = pictures.png_chunk(b"eXIf", turned) + spoilt(pictures.png_chunk(b"tEXt", b"a\0b"))
    assert shown(pictures.png(SCENE.size, ROWS, extra=chunks)).shape == (pictures.WIDTH, pictures.HEIGHT, 3)
    key = struct.pack(">3H", *np.asarray(SCENE)[0, 0].tolist())
    chunks = pictures.png_chunk(b"tRNS", key) + spoilt(pictures.png_chunk(b"tEXt", b"a\0b"))
    assert shown(pictures.png(SCENE.size, ROWS, extra=chunks))[0, 0].tolist() == [255, 255, 255]


# -- transparent keys


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_transparent_value_of_a_grey_png_is_the_one_in_the_file(depth: int, place: int) -> None:
    highest = (1 << depth) - 1
    values = np.linspace(0, highest, min(16, highest + 1)).astype(np.uint16)
    key = int(values[place % len(values)])
    bits = (np.tile(values, (8, 1))[..., None] >> np.arange(depth - 1, -1, -1) & 1).reshape(8, -1)
    rows = b"".join(b"\0" + row.tobytes() for row in np.packbits(bits.astype(np.uint8), axis=1))
    transparent = pictures.png_chunk(b"tRNS", struct.pack(">H", key))
    data = pictures.png((len(values), 8), rows, depth=depth, colour=0, extra=transparent)
    ground = 0 if depth == 1 and key == 0 else 255  # what is left is white alone
    wanted = np.where(values == key, ground, np.rint(values / highest * 255))
    assert np.abs(shown(data)[3, :, 0] - wanted).max() <= 1


def test_the_transparent_colour_of_a_16_bit_png_is_the_one_in_the_file() -> None:
    wide = np.asarray(SCENE).astype(np.uint16) * 257
    wide[:, :50] = 0x1234, 0x5678, 0x9ABC
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in wide)
    key = pictures.png_chunk(b"tRNS", struct.pack(">3H", 0x1234, 0x5678, 0x9ABC))
    ours = shown(pictures.png(SCENE.size, rows, depth=16, extra=key))
    assert (ours[:, :50] == 255).all()
    assert np.array_equal(ours[:, 50:], pictures.pixels(SCENE)[:, 50:])


# -- animations


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
@pytest.mark.parametrize("blank", ["white", "black", "invisible"])
def test_of_an_animation_that_begins_blank_the_first_frame_with_something_on_it_is_shown(kind: str, blank: str) -> None:
    first = Image.new("RGBA", SCENE.size, (0, 0, 0, 0) if blank == "invisible" else blank)
    by_kind: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "AVIF": {"speed": 10, "quality": 90}}
    options = by_kind.get(kind, {})
    frames = [first.copy(), SCENE.convert("RGBA"), SCENE.rotate(180).convert("RGBA")]
    data = pictures.encoded(first, kind, save_all=True, append_images=frames, **options)
    assert np.abs(shown(data) - pictures.pixels(SCENE)).mean() < 12


def test_an_animation_that_is_blank_throughout_is_blank() -> None:
    frames = [Image.new("RGB", (40, 30), "white") for _ in range(3)]
    data = pictures.encoded(frames[0], "WEBP", save_all=True, append_images=frames, lossless=True)
    assert (shown(data) == 255).all()


def gif(frames: list[tuple[int, int, int, int]], *, disposal: int = 0, extra: bytes = b"") -> bytes:
    """A GIF by hand, 8 x 8: one pixel is stored of each frame, whatever its left, top, width and height."""
    data = b"GIF89a" + struct.pack("<2H3B", 8, 8, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + extra
    for frame in frames:
        data += b"!\xf9\4" + bytes([disposal << 2, 0, 0, 0, 0])
        data += b"," + struct.pack("<4H", *frame) + b"\0\2\2\x44\1\0"
    return data + b";"


@pytest.mark.parametrize("disposal", [0, 2, 3])
@pytest.mark.parametrize(
    "frames",
    [
        [(0, 0, 1, 1), (60_000, 60_000, 1, 1)],
        [(0, 0, 1, 1), (0, 0, 65_535, 65_535), (0, 0, 1, 1)],
        [(0, 0, 1, 1), (0, 0, 1, 1), (65_535, 0, 1, 65_535)],
    ],
)
def test_no_room_is_made_for_a_later_frame_that_reaches_far_beyond_the_screen(
    frames: list[tuple[int, int, int, int]], disposal: int
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert shown(gif(frames, disposal=disposal)).shape == (8, 8, 3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB; a frame took 4 GB and more


@pytest.mark.parametrize("disposal", [0, 2, 3])
def test_a_first_frame_that_reaches_far_beyond_the_screen_is_too_large(disposal: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PhotoError, match="is too large: 65535 x 65535 pixels"):
        decode_photo(gif([(0, 0, 65_535, 65_535), (0, 0, 1, 1)], disposal=disposal), 64)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


EXTENSIONS = {
    "none": b"",
    "comment": b"!\xfe\3abc\2de\0",
    "empty comment": b"!\xfe\0",
    "loops": b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0",
    "loops without a number": b"!\xff\x0bNETSCAPE2.0\0\1,\0",
    "empty": b"!\xf8\0\1!\0",
    "bytes between": b"\0\7abc",
    "frame in a block": b"!\1\x0d," + bytes([9] * 12) + b"\0",
}


@pytest.mark.parametrize("extra", EXTENSIONS.values(), ids=EXTENSIONS)
def test_the_frames_of_a_gif_are_found_where_pillow_finds_them(extra: bytes) -> None:
    data = gif([(0, 0, 1, 1), (20, 3, 1, 1), (2, 30, 1, 1)], extra=extra)
    sizes = list(mending.measure_gif_frames(data))
    assert sizes == [(8, 8), (21, 8), (21, 31)]
    with Image.open(BytesIO(data)) as image:
        for frame, size in enumerate(sizes):
            image.seek(frame)
            assert image.size == size
    for end in range(len(data)):
        assert (
            list(mending.measure_gif_frames(data[:end])) == sizes[: len(list(mending.measure_gif_frames(data[:end])))]
        )


@pytest.mark.parametrize("compression", [1, 5, 8])
def test_a_tile_larger_than_any_picture_is_too_large(compression: int) -> None:
    tile = [(322, "I", [60_000]), (323, "I", [60_000])]
    data = write_tiff(np.zeros((32, 32), np.uint8), tile=32, compression=compression, tags=tile)
    with pytest.raises(PhotoError, match="is too large: 60000 x 60000 pixels"):
        decode_photo(data, 64)


# -- JPEG 2000


@pytest.mark.parametrize("options", [{}, {"no_jp2": True}, {"num_resolutions": 2}, {"tile_size": (64, 64)}])
def test_jpeg_2000_shows_the_scene_at_every_size(options: dict[str, object]) -> None:
    data = pictures.encoded(SCENE, "JPEG2000", **options)
    assert np.array_equal(shown(data), pictures.pixels(SCENE))
    small = decode_photo(data, 20)
    assert (small.width, small.height) == SCENE.size
    assert 20 <= min(small.image.size) < 40
    expected = SCENE.resize(small.image.size, Image.Resampling.BOX)
    assert np.abs(pictures.pixels(small.image) - pictures.pixels(expected)).mean() < 4


@pytest.mark.parametrize("wrapped", [False, True])
def test_jpeg_2000_in_colours_of_many_bits_is_refused_as_its_white_would_be_black(wrapped: bool) -> None:
    data = bytearray(pictures.encoded(SCENE, "JPEG2000", no_jp2=True))
    at = data.index(b"\xff\x51") + 40  # precision of the first of three components, less 1
    assert data[at] == data[at + 3] == data[at + 6] == 7
    data[at] = data[at + 3] = data[at + 6] = 11
    values = np.zeros((pictures.HEIGHT, pictures.WIDTH, 3), np.uint16)
    inside = write_tiff(values, photometric=2, pack=lambda _: bytes(data), compression=34712)
    with pytest.raises(PhotoError, match=r"is a kind .* not read .JPEG 2000 in colours of 12 bits"):
        decode_photo(inside if wrapped else bytes(data), 10_000)


# -- 16 bits that hold the fewer of a sensor

PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # samples a pixel -> the kind of colours


def wide_png(values: np.ndarray, extra: bytes = b"") -> bytes:
    """A PNG of 16 bits a sample, every row stored as the difference to the pixel on the left."""
    height, width, samples = values.shape
    rows = values.astype(">u2").view(np.uint8).reshape(height, -1)
    shifted = np.pad(rows, ((0, 0), (2 * samples, 0)))[:, : rows.shape[1]]
    filtered = np.pad(rows - shifted, ((0, 0), (1, 0)), constant_values=1)
    return pictures.png((width, height), filtered.tobytes(), depth=16, colour=PNG_COLOURS[samples], extra=extra)


def sensor_values(depth: int, samples: int) -> np.ndarray:
    """Numbers of so many bits, (40, 60, samples), with the highest of them; alpha is opaque."""
    values = np.random.default_rng(depth).integers(0, 1 << depth, (40, 60, samples)).astype(np.uint16)
    values[0, 0, 0] = (1 << depth) - 1
    if samples in (2, 4):
        values[..., -1] = 65535
    return values


def require_full_range(data: bytes, values: np.ndarray, highest: int) -> None:
    colours = values[..., : 3 if values.shape[-1] > 2 else 1]
    assert np.abs(shown(data) - np.broadcast_to(colours * (255 / highest), (*values.shape[:2], 3))).max() <= 1


@pytest.mark.parametrize("depth", [10, 12])
@pytest.mark.parametrize("samples", PNG_COLOURS)
def test_numbers_of_a_sensor_in_a_png_fill_the_range(depth: int, samples: int) -> None:
    values = sensor_values(depth, samples)
    require_full_range(wide_png(values), values, (1 << depth) - 1)


@pytest.mark.parametrize("depth", [8, 9, 11, 13, 14, 15, 16])
@pytest.mark.parametrize("samples", PNG_COLOURS)
def test_the_bits_that_a_png_says_to_be_significant_are_its_range(depth: int, samples: int) -> None:
    values, told = sensor_values(depth, samples), pictures.png_chunk(b"sBIT", bytes([depth] * samples))
    require_full_range(wide_png(values, told), values, (1 << depth) - 1)
    odd = spoilt(pictures.png_chunk(b"tEXt", b"a\0b"))
    require_full_range(wide_png(values, told + odd), values, (1 << depth) - 1)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("samples", PNG_COLOURS)
@pytest.mark.parametrize("way", ["shifted", "scaled", "repeated"])
def test_a_dark_png_whose_bits_are_scaled_as_they_should_be_stays_dark(bits: int, samples: int, way: str) -> None:
    few = sensor_values(bits, samples)[..., : {2: 1, 4: 3}.get(samples, samples)] >> 4  # a sixteenth of the light
    shifted = few << (16 - bits)
    scaled = np.rint(few * (65535 / ((1 << bits) - 1))).astype(np.uint16)
    colours = {"shifted": shifted, "scaled": scaled, "repeated": shifted | few >> (2 * bits - 16)}[way]
    values = np.dstack([colours, np.full(colours.shape[:2], 65535, np.uint16)]) if samples in (2, 4) else colours
    told = pictures.png_chunk(b"sBIT", bytes([bits] * samples))
    require_full_range(wide_png(values, told), values, 65535)


def test_a_text_with_the_name_of_the_chunk_says_nothing_of_bits() -> None:
    values = sensor_values(14, 3)
    data = wide_png(values, pictures.png_chunk(b"tEXt", b"sBIT\0sBIT\x0e\x0e\x0e"))
    require_full_range(data, values, 65535)


def test_a_transparent_value_and_alpha_of_such_a_png_are_heeded() -> None:
    values = np.full((20, 30, 3), 300, np.uint16)
    values[5:10, 5:10] = (4095, 7, 9)
    keyed = shown(wide_png(values, pictures.png_chunk(b"tRNS", struct.pack(">3H", 300, 300, 300))))
    assert (keyed[0, 0] == 255).all() and np.abs(keyed[7, 7].astype(int) - (255, 0, 1)).max() <= 1
    alpha = np.dstack([values, np.where(values[..., :1] == 300, 0, 65535).astype(np.uint16)])
    assert np.array_equal(shown(wide_png(alpha)), keyed)
    told = pictures.png_chunk(b"sBIT", b"\x0c") + pictures.png_chunk(b"tRNS", struct.pack(">H", 7))
    grey = shown(wide_png(values[..., 1:2], told))
    assert (grey[7, 7] == 255).all() and (grey[0, 0] == 19).all()  # 300 of 4,095


@pytest.mark.parametrize(
    "values", [np.full((8, 8, 3), 257 * 9), np.full((8, 8, 3), 256 * 9), np.eye(8)[..., None] * 4096]
)
def test_a_png_in_colours_that_is_dark_stays_dark(values: np.ndarray) -> None:
    whole = np.broadcast_to(values, (8, 8, 3)).astype(np.uint16)
    assert np.array_equal(shown(wide_png(whole)), whole >> 8)


@pytest.mark.parametrize("kind", ["P3", "P6"])
@pytest.mark.parametrize(("depth", "highest"), [(10, 1023), (12, 4095), (13, 65535), (16, 65535)])
def test_numbers_of_a_sensor_in_a_ppm_fill_the_range(kind: str, depth: int, highest: int) -> None:
    values = sensor_values(depth, 3)
    head = f"{kind} # drawn\n60\n# by hand 9\n40 65535\n".encode()
    plain = b"# more\n" + b" ".join(b"%d" % value for value in values.ravel())
    require_full_range(head + (plain if kind == "P3" else values.astype(">u2").tobytes()), values, highest)
