"""Sound pictures that Pillow refuses for what stands beside or behind their pixels: the same without it, or ended.

Asked only where Pillow has failed, or has given 16 bits as nearly black, so that it costs nothing for all others.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from itertools import islice, repeat
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer.photos.colour import MAX_PROFILE_BYTES, STORED_DEPTHS, PictureSamples

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What changes how a PNG looks: its pixels, what is transparent, which colours they are, which way is up.
_LOOK_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sBIT", b"gAMA", b"cHRM", b"sRGB", b"eXIf"})
# What such a chunk takes at least (PNG 3, 11.3); of tRNS two bytes a colour.
_LEAST_LENGTHS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1}


class MendedPng(NamedTuple):
    """A PNG without what is not read, and its colour profile, empty where it has none."""

    data: bytes
    profile: bytes


def mend_png(data: bytes) -> MendedPng | None:
    """The PNG with the chunks that change how it looks, without damaged ones that do not have to be.

    Damaged are those with a wrong checksum, and those too short for what they say. None where nothing can be left out.
    Chunks whose names begin with a capital letter have to be (PNG 3, 5.4).
    """
    if not data.startswith(PNG_SIGNATURE):
        return None
    kept, profile, position, dropped = [PNG_SIGNATURE], b"", len(PNG_SIGNATURE), False
    lengths = _LEAST_LENGTHS | {b"tRNS": {_GREY: 2, _COLOURS: 6}.get(data[_PNG_COLOUR_OFFSET], 0)}
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, chunk = data[position + 4 : position + 8], data[position : position + 12 + length]
        position += 12 + length
        needed = not kind[0] & 0x20
        sound = needed or (_is_checksum_right(chunk) and length >= lengths.get(kind, 0))
        if sound and kind == b"iCCP":
            profile = _read_profile(chunk[8:-4])
        if sound and (needed or kind in _LOOK_CHUNKS):
            kept.append(chunk)
        else:
            dropped = True
    return MendedPng(b"".join(kept), profile) if dropped else None


def _is_checksum_right(chunk: bytes) -> bool:
    return len(chunk) >= 12 and zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")


def _read_profile(content: bytes) -> bytes:
    """The colour profile in an iCCP chunk, empty where it is damaged or larger than MAX_PROFILE_BYTES."""
    _, _, compressed = content.partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(compressed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return b""
    return b"" if unpacker.unconsumed_tail else profile


# What a PNG says of its samples (PNG 3, 11.2.1): how many bits each has, and which colours they are.
PNG_DEPTH_OFFSET, _PNG_COLOUR_OFFSET = 24, 25
_GREY, _COLOURS, _GREY_ALPHA = 0, 2, 4
_SAMPLE_COUNTS = {_GREY: (1, 1), _COLOURS: (3, 3), _GREY_ALPHA: (1, 2), 6: (3, 4)}  # samples that are colours, and all


def match_key_depth(image: Image.Image, data: bytes) -> None:
    """Bring the transparent value of a PNG to the depth that Pillow has brought the pixels to."""
    depth, key = data[PNG_DEPTH_OFFSET], image.info.get("transparency")
    if depth in (2, 4) and image.mode == "L" and isinstance(key, int):
        image.info["transparency"] = key * 255 // ((1 << depth) - 1)
    elif depth == 16 and image.mode == "RGB" and isinstance(key, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in key)


# Numbers of a sensor, stored in 16 bits


def read_dark_picture(image: Image.Image, data: bytes) -> PictureSamples | None:
    """The samples of a loaded PNG or PPM so dark that its 16 bits may hold the fewer of a sensor; else None.

    Grey pictures that do not tell their bits are left to `colour`: Pillow gives all 16 of them.
    """
    if image.format == "PNG":
        return _read_dark_png(image, data) if data[PNG_DEPTH_OFFSET] == 16 else None
    head = _WIDE_PPM.match(data)
    if head is None or np.asarray(image).max() > 1 << (max(STORED_DEPTHS) - 8):
        return None
    values = _read_ppm_samples(data, head.end(), (image.height, image.width, 3))
    return None if values.max() >> max(STORED_DEPTHS) else PictureSamples(values, "RGB", 16)


# The header of a PPM of 16 bits, up to the samples: in bytes (P6) or as text (P3).
_WIDE_PPM = re.compile(rb"P[36](?:(?:\s|#[^\r\n]*)+\d+){2}(?:\s|#[^\r\n]*)+65535\s")


def _read_ppm_samples(data: bytes, start: int, shape: tuple[int, int, int]) -> np.ndarray:
    count = shape[0] * shape[1] * shape[2]
    if data.startswith(b"P6"):
        return np.frombuffer(data, ">u2", count, start).astype(np.uint16).reshape(shape)
    text = re.sub(rb"#[^\r\n]*", b"", data[start:])
    return np.fromstring(text.decode("ascii"), np.uint16, count, sep=" ").reshape(shape)


def _read_dark_png(image: Image.Image, data: bytes) -> PictureSamples | None:
    told = _read_sample_bits(data)
    is_grey = data[_PNG_COLOUR_OFFSET] == _GREY
    if is_grey and not told:
        return None
    limit = max(*STORED_DEPTHS, told % 16)
    given = np.asarray(image)  # the high bytes, of grey all bits
    if (given if is_grey else given[..., :3]).max() >> (limit if is_grey else limit - 8):
        return None
    values = _read_png_samples(image, data)
    colours = values[..., : _SAMPLE_COUNTS[data[_PNG_COLOUR_OFFSET]][0]]
    key = image.info.get("transparency")
    if key is not None:
        opaque = (values != np.array(key, np.uint16)).any(-1, keepdims=True)
        values = np.concatenate([values, np.where(opaque, 65535, 0).astype(np.uint16)], -1)
    mode = "L" if colours.shape[-1] == 1 else "RGB"
    span = _choose_told_span(colours, told) if told else None
    return PictureSamples(values, mode, 16, alpha="straight" if values.shape[-1] in (2, 4) else "", span=span)


def _read_sample_bits(data: bytes) -> int:
    """How many bits of its colours a PNG says to be significant (sBIT; PNG 3, 11.3.2.4), 0 where it does not."""
    colours, samples = _SAMPLE_COUNTS[data[_PNG_COLOUR_OFFSET]]
    head = data[: max(0, data.find(b"IDAT"))]
    told = max(head.partition(bytes([0, 0, 0, samples]) + b"sBIT")[2][:colours], default=0)
    return told if told <= 16 else 0


def _choose_told_span(colours: np.ndarray, bits: int) -> tuple[float, float]:
    """The values of black and white of samples of so many significant bits.

    They are to be scaled to 16 bits (PNG 3, 13.12); writers that pass on what a sensor gives leave them as they are.
    """
    seen = np.zeros(1 << 16, bool)
    seen[colours] = True
    present = np.flatnonzero(seen)
    highest = (1 << bits) - 1
    stored = present >> (16 - bits)
    ways = (stored << (16 - bits), np.rint(stored * (65535 / highest)))
    is_scaled = present[-1] > highest or any(np.array_equal(present, way) for way in ways)
    return (0, 65535) if is_scaled else (0, highest)


def _read_png_samples(image: Image.Image, data: bytes) -> np.ndarray:
    """All bits of a loaded PNG of 16 bits a sample, (height, width, samples) uint16."""
    colour, samples = data[_PNG_COLOUR_OFFSET], np.asarray(image).astype(np.uint16)
    if colour == _GREY:
        return samples[..., None]
    if colour == _GREY_ALPHA:  # stored as the four bytes of a picture in colours with alpha are
        data = _name_kind(data, depth=8, colour=6)
    with Image.open(BytesIO(data), formats=("PNG",)) as again:
        if colour == _GREY_ALPHA:
            samples = np.asarray(again).view(">u2").astype(np.uint16)
        else:
            again.tile = [tile._replace(args=_LOW_BYTE_MODES[image.mode]) for tile in again.tile]
            samples = samples << 8 | np.asarray(again)
    return samples


# The raw modes by which Pillow takes the low byte of each sample, where its own takes the high one.
_LOW_BYTE_MODES = {"RGB": "RGB;16L", "RGBA": "RGBA;16L"}


def _name_kind(data: bytes, depth: int, colour: int) -> bytes:
    """The PNG with another depth and kind of colours in its header."""
    header = data[12:PNG_DEPTH_OFFSET] + bytes([depth, colour]) + data[26:29]
    return data[:12] + header + zlib.crc32(header).to_bytes(4, "big") + data[33:]


# Animations

_ANIMATED_FORMATS = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
MAX_BLANK_FRAMES = 32  # at the start of an animation; it fades in


def find_shown_frame(image: Image.Image, data: bytes, most_pixels: int) -> Image.Image:
    """The picture itself, or of an animation whose first frame is blank the first that is not.

    No frame is asked for that would make the picture larger than so many pixels.
    """
    if image.format not in _ANIMATED_FORMATS or not getattr(image, "is_animated", False) or not _is_blank(image):
        return image
    sizes = measure_gif_frames(data) if image.format == "GIF" else repeat(image.size)
    for frame, (width, height) in islice(enumerate(sizes), 1, MAX_BLANK_FRAMES):
        if width * height > most_pixels:
            break
        try:
            image.seek(frame)
            image.load()
        except Exception:  # foreign bytes: no more frames, or none that can be read
            break
        if not _is_blank(image):
            return image.copy()
    image.seek(0)
    image.load()
    return image


def _is_blank(image: Image.Image) -> bool:
    """Whether all pixels of the frame are alike, or none can be seen."""
    ranges = image.getextrema()
    bands = [ranges] if isinstance(ranges[0], (int, float)) else list(ranges)
    invisible = image.mode in ("RGBA", "LA") and bands[-1][1] == 0
    return invisible or all(low == high for low, high in bands)


def measure_gif_frames(data: bytes) -> Iterator[tuple[int, int]]:
    """The width and height that Pillow gives a GIF from each frame on, found in the way Pillow finds the frames.

    A frame may reach far beyond the screen that the header tells of; room is made for it where Pillow comes to it.
    """
    if len(data) < 13:
        return
    size = struct.unpack_from("<2H", data, 6)
    position = 13 + _measure_palette(data[10:11])
    is_first = True
    while (found := _GIF_BLOCK.search(data, position)) and (kind := data[found.start()]) != _GIF_END:
        position = found.end()
        if kind == _GIF_EXTENSION:
            position = _skip_gif_extension(data, position, is_first=is_first)
        elif kind == _GIF_FRAME and position + 9 <= len(data):
            left, top, width, height = struct.unpack_from("<4H", data, position)
            size = max(size[0], left + width), max(size[1], top + height)
            yield size
            position += 9 + _measure_palette(data[position + 8 : position + 9]) + 1
            position, is_first = _skip_gif_blocks(data, position, 1), False


_GIF_BLOCK = re.compile(b"[!,;]")  # what stands between them is passed over
_GIF_EXTENSION, _GIF_FRAME, _GIF_END, _GIF_COMMENT = b"!,;\xfe"


def _measure_palette(flags: bytes) -> int:
    """The bytes of the palette that these flags tell of."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 128 else 0


def _skip_gif_extension(data: bytes, position: int, *, is_first: bool) -> int:
    """Where what follows the extension begins; of all but a comment Pillow takes at least two blocks."""
    looped = (
        is_first and data[position + 2 : position + 13] == b"NETSCAPE2.0" and data[position : position + 1] == b"\xff"
    )
    least = 1 if data[position : position + 1] == bytes([_GIF_COMMENT]) else 2 + looped
    return _skip_gif_blocks(data, position + 1, least)


def _skip_gif_blocks(data: bytes, position: int, least: int) -> int:
    """Where what follows the blocks begins: after an empty one that is at least the so-manieth."""
    while position < len(data):
        length, least = data[position], least - 1
        position += 1 + length
        if not length and least <= 0:
            break
    return position
