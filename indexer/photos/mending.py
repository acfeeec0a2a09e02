"""Sound pictures that Pillow refuses for what stands beside or behind their pixels: the same without it, or ended.

Asked only where Pillow has failed, or has given a PNG as black, so that it costs nothing for all others.
"""

import re
import struct
import zlib
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer.photos.colour import MAX_PROFILE_BYTES, STORED_DEPTHS, PictureSamples

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What changes how a PNG looks: its pixels, what is transparent, which colours they are, which way is up.
_LOOK_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"eXIf"})

MAX_COMPARED_PIXELS = 64_000_000  # above that two endings of a JPEG are compared in an eighth of its size
TAIL_BYTES = 4096  # where almost every JPEG has its end marker
FILLER_BYTES = 512  # enough for several blocks of any picture


class MendedPng(NamedTuple):
    """A PNG without what is not read, and its colour profile, empty where it has none."""

    data: bytes
    profile: bytes


def mend_png(data: bytes) -> MendedPng | None:
    """The PNG with the chunks that change how it looks, without those with a wrong checksum that do not have to be.

    None where nothing can be left out. Chunks whose names begin with a capital letter have to be (PNG 3, 5.4).
    """
    if not data.startswith(PNG_SIGNATURE):
        return None
    kept, profile, position, dropped = [PNG_SIGNATURE], b"", len(PNG_SIGNATURE), False
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, chunk = data[position + 4 : position + 8], data[position : position + 12 + length]
        position += 12 + length
        needed = not kind[0] & 0x20
        sound = needed or _is_checksum_right(chunk)
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


# The raw modes by which Pillow takes the low byte of each sample of a 16-bit PNG, where its own takes the high one.
_LOW_BYTE_MODES = {"RGB": "RGB;16L", "RGBA": "RGBA;16L"}
PNG_DEPTH_OFFSET = 24  # of the byte that says how many bits a sample has (PNG 3, 11.2.1)


def match_key_depth(image: Image.Image, data: bytes) -> None:
    """Bring the transparent value of a PNG to the depth that Pillow has brought the pixels to."""
    depth, key = data[PNG_DEPTH_OFFSET], image.info.get("transparency")
    if depth in (2, 4) and image.mode == "L" and isinstance(key, int):
        image.info["transparency"] = key * 255 // ((1 << depth) - 1)
    elif depth == 16 and image.mode == "RGB" and isinstance(key, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in key)


def read_dark_png(image: Image.Image, data: bytes) -> PictureSamples | None:
    """The samples of a loaded PNG in colours, so dark that its 16 bits may hold the 10 or 12 of a sensor; else None."""
    if image.mode not in _LOW_BYTE_MODES or data[PNG_DEPTH_OFFSET] != 16:
        return None
    high = np.asarray(image)
    if high[..., :3].max() >> (max(STORED_DEPTHS) - 8):
        return None
    with Image.open(BytesIO(data), formats=("PNG",)) as again:
        again.tile = [tile._replace(args=_LOW_BYTE_MODES[image.mode]) for tile in again.tile]
        values = high.astype(np.uint16) << 8 | np.asarray(again)
    key = image.info.get("transparency")
    if isinstance(key, tuple):
        opaque = (values != np.array(key, np.uint16)).any(-1, keepdims=True)
        values = np.concatenate([values, np.where(opaque, 65535, 0).astype(np.uint16)], -1)
    return PictureSamples(values, "RGB", 16, alpha="straight" if values.shape[-1] == 4 else "")


# JPEG

# Any marker of a JPEG but the ones without a length that occur within a scan (restarts, stuffed zeros).
SEGMENT_MARKER = re.compile(rb"\xff+([\x02-\xcf\xd8-\xfe])")
PROGRESSIVE_FRAMES = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN = 0xD8, 0xD9, 0xDA


def lacks_end(data: bytes) -> bool:
    """Whether a JPEG has no end marker, so that its decoder may have filled up missing rows."""
    return data.find(b"\xff\xd9", max(2, len(data) - TAIL_BYTES)) < 0 and _find_scan_end(data) is not None


def end_jpeg(data: bytes) -> bytes | None:
    """The JPEG with an end marker, where that is all it lacks; None where it has one, or more than that is missing.

    Whether the last scan is whole shows by what is put behind it: where two different fillers give the same pixels, the
    decoder needed neither.
    """
    end = _find_scan_end(data)
    if end is None:
        return None
    body = data[:end].rstrip(b"\0")
    if body.endswith(b"\xff"):
        body = body + b"\0" if end < len(data) or data[len(body) : len(body) + 1] == b"\0" else body[:-1]
    endings = [body + filler + b"\xff\xd9" for filler in _make_fillers()]
    try:
        first, second = map(_decode_plainly, endings)
    except Exception:  # foreign bytes: whatever is wrong with it, an end marker does not mend it
        return None
    return endings[0] if np.array_equal(first, second) else None


def _make_fillers() -> list[bytes]:
    """Two fillers of which no part is alike, without the byte that begins a marker."""
    random = np.random.default_rng(0)
    return [random.integers(0, 255, FILLER_BYTES, dtype=np.uint8).tobytes() for _ in range(2)]


def _decode_plainly(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data), formats=("JPEG",)) as image:
        if image.width * image.height > MAX_COMPARED_PIXELS:
            image.draft(None, (image.width // 8, image.height // 8))
        return np.asarray(image)


def _find_scan_end(data: bytes) -> int | None:
    """Where the last scan of a JPEG without end marker ends; None where it has a marker, or not all of its scans."""
    progress, position = ScanProgress({}, progressive=False), 2
    while found := SEGMENT_MARKER.search(data, position):
        marker, start = found[1][0], found.end()
        length = int.from_bytes(data[start : start + 2], "big")
        if marker == END_OF_IMAGE:
            return None
        if progress.is_complete():
            return found.start()
        if marker == START_OF_IMAGE or length < 2 or start + length > len(data):
            return None
        if marker in FRAME_MARKERS:
            count = data[start + 7]
            known: dict[int, list[int]] = {data[start + 8 + 3 * at]: [-1] * 64 for at in range(count)}
            progress = ScanProgress(known, progressive=marker in PROGRESSIVE_FRAMES)
        elif marker == START_OF_SCAN:
            progress.add_scan(data[start + 2 : start + length])
        position = start + length
    return len(data) if progress.is_complete() else None


class ScanProgress(NamedTuple):
    """How far the scans of a JPEG have come: for each component, of each of 64 coefficients the bits that lack."""

    lacking_bits: dict[int, list[int]]  # -1 where no scan has had the coefficient
    progressive: bool

    def add_scan(self, header: bytes) -> None:
        """Take the header of a scan behind its length (ITU T.81, B.2.3)."""
        count = header[0]
        first, last, bits = header[1 + 2 * count], header[2 + 2 * count], header[3 + 2 * count] & 15
        if not self.progressive:
            first, last, bits = 0, 63, 0
        for at in range(count):
            coefficients = self.lacking_bits.get(header[1 + 2 * at])
            if coefficients is not None:
                coefficients[first : last + 1] = [bits] * (last + 1 - first)

    def is_complete(self) -> bool:
        """Whether every coefficient of every component has come to its last bit."""
        return bool(self.lacking_bits) and not any(map(any, self.lacking_bits.values()))


def count_scans(data: bytes, most: int) -> int:
    """The number of scans of a JPEG, at most one more than `most`; 1 means that it is decoded row by row.

    Segments are skipped, so bytes that look like markers in thumbnails, profiles or an appended film do not count.
    """
    scans, components, progressive, position = 0, 0, False, 2
    while scans <= most and (found := SEGMENT_MARKER.search(data, position)):
        marker, position = found[1][0], found.end()
        if marker in (START_OF_IMAGE, END_OF_IMAGE):
            break
        if marker in FRAME_MARKERS:
            components, progressive = data[position + 7], marker in PROGRESSIVE_FRAMES
        elif marker == START_OF_SCAN:
            scans += 1
            if not progressive and data[position + 2] == components:
                return 1
        position += int.from_bytes(data[position : position + 2], "big")
    return max(2, scans)
