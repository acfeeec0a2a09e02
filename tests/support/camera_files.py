"""TIFF and camera RAW files built byte by byte, as no library writes them."""

import struct
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

TiffEntry = tuple[int, str, Sequence[int]]
_TIFF_TYPES = {"B": 1, "s": 2, "H": 3, "I": 4}


def tiff_directory(entries: Sequence[TiffEntry], at: int, following: int = 0) -> bytes:
    """The bytes of a little-endian TIFF directory for offset `at`, with the values longer than four bytes behind it."""
    table, behind = struct.pack("<H", len(entries)), b""
    end = at + 2 + 12 * len(entries) + 4
    for tag, kind, values in sorted(entries):
        packed = bytes(values) if kind == "s" else struct.pack(f"<{len(values)}{kind}", *values)
        field = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", end + len(behind))
        behind += packed if len(packed) > 4 else b""
        table += struct.pack("<HHI", tag, _TIFF_TYPES[kind], len(values)) + field
    return table + struct.pack("<I", following) + behind


def looping_tiff() -> bytes:
    """A TIFF without pixels whose first directory names itself as the next."""
    return b"II*\0\x08\0\0\0" + tiff_directory([(256, "H", [10]), (257, "H", [10])], 8, following=8)


JPEG, UNCOMPRESSED = 7, 1
SENSOR_SIZE = (320, 240)


def dng(preview: Image.Image | None = None, *, compression: int = JPEG, orientation: int = 1) -> bytes:
    """A camera RAW file in DNG: a grey ramp on a 16-bit sensor with red, green and blue cells, maybe with a preview."""
    cells = np.tile(np.linspace(500, 60000, SENSOR_SIZE[0]).astype("<u2"), (SENSOR_SIZE[1], 1)).tobytes()
    stored = _stored(preview, compression)
    at_sensor = 8 + len(cells) + len(stored)
    camera = _camera_entries(orientation)
    sensor = [*camera, *_sensor_entries(8, len(cells))]
    body = cells + stored + tiff_directory(sensor, at_sensor)
    if preview is None:
        return b"II*\0" + struct.pack("<I", at_sensor) + body
    body += b"\0" * (len(body) % 2)
    first = [
        *camera,
        *_preview_entries(preview.size, 8 + len(cells), len(stored), compression),
        (330, "I", [at_sensor]),
    ]
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + tiff_directory(first, 8 + len(body))


def _stored(preview: Image.Image | None, compression: int) -> bytes:
    """The bytes of the preview, padded to an even number."""
    if preview is None:
        return b""
    file = BytesIO()
    preview.copy().save(file, "JPEG", quality=95)
    data = file.getvalue() if compression == JPEG else preview.tobytes()
    return data + b"\0" * (len(data) % 2)


def _camera_entries(orientation: int) -> list[TiffEntry]:
    return [
        (271, "s", b"Lookalike\0"),
        (272, "s", b"Test\0"),
        (274, "H", [orientation]),
        (50706, "B", [1, 4, 0, 0]),
        (50708, "s", b"Lookalike Test\0"),
    ]


def _place_entries(kind: int, size: tuple[int, int], at: int, length: int) -> list[TiffEntry]:
    width, height = size
    values = {254: kind, 256: width, 257: height, 273: at, 278: height, 279: length}
    return [(tag, "I", [value]) for tag, value in values.items()]


def _sensor_entries(at: int, length: int) -> list[TiffEntry]:
    return [
        *_place_entries(0, SENSOR_SIZE, at, length),
        *((tag, "H", [value]) for tag, value in ((258, 16), (259, 1), (262, 32803), (277, 1), (284, 1))),
        (33421, "H", [2, 2]),
        (33422, "B", [0, 1, 1, 2]),
        (50717, "I", [65535]),
    ]


def _preview_entries(size: tuple[int, int], at: int, length: int, compression: int) -> list[TiffEntry]:
    photometric = 6 if compression == JPEG else 2
    return [
        *_place_entries(1, size, at, length),
        *((tag, "H", [value]) for tag, value in ((259, compression), (262, photometric), (277, 3), (284, 1))),
        (258, "H", [8, 8, 8]),
    ]
