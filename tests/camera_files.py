"""TIFF and camera RAW files written by hand, as no library writes them."""

import struct
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

TiffEntry = tuple[int, str, Sequence[int]]
_TIFF_TYPES = {"B": 1, "s": 2, "H": 3, "I": 4}


def tiff_directory(entries: Sequence[TiffEntry], at: int, following: int = 0) -> bytes:
    """One little-endian TIFF directory that will lie `at` this offset, long values behind it."""
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


def dng(preview: bytes = b"", *, orientation: int = 1, size: tuple[int, int] = (320, 240)) -> bytes:
    """A camera RAW file in DNG: a grey ramp on a 16-bit sensor with red, green and blue cells, and maybe a preview."""
    width, height = size
    cells = np.tile(np.linspace(500, 60000, width).astype("<u2"), (height, 1)).tobytes()
    at_cells, at_preview = 8, 8 + len(cells)
    at_sensor = at_preview + len(preview) + len(preview) % 2
    sensor = tiff_directory(_sensor_entries(width, height, at_cells, len(cells), orientation), at_sensor)
    body = cells + preview.ljust(at_sensor - at_preview, b"\0") + sensor
    if not preview:
        return b"II*\0" + struct.pack("<I", at_sensor) + body
    at_first = 8 + len(body) + len(body) % 2
    with Image.open(BytesIO(preview)) as opened:
        first = _preview_entries(opened.size, at_preview, len(preview), orientation)
    body = body.ljust(at_first - 8, b"\0") + tiff_directory([*first, (330, "I", [at_sensor])], at_first)
    return b"II*\0" + struct.pack("<I", at_first) + body


def _camera_entries(orientation: int) -> list[TiffEntry]:
    return [
        (271, "s", b"Lookalike\0"),
        (272, "s", b"Test\0"),
        (274, "H", [orientation]),
        (50706, "B", [1, 4, 0, 0]),
        (50708, "s", b"Lookalike Test\0"),
    ]


def _sensor_entries(width: int, height: int, at: int, length: int, orientation: int) -> list[TiffEntry]:
    return [
        *_camera_entries(orientation),
        *((tag, "I", [value]) for tag, value in ((254, 0), (256, width), (257, height), (273, at), (279, length))),
        *((tag, "H", [value]) for tag, value in ((258, 16), (259, 1), (262, 32803), (277, 1), (284, 1))),
        (278, "I", [height]),
        (33421, "H", [2, 2]),
        (33422, "B", [0, 1, 1, 2]),
        (50717, "I", [65535]),
    ]


def _preview_entries(size: tuple[int, int], at: int, length: int, orientation: int) -> list[TiffEntry]:
    return [
        *_camera_entries(orientation),
        *((tag, "I", [value]) for tag, value in ((254, 1), (256, size[0]), (257, size[1]), (273, at), (279, length))),
        *((tag, "H", [value]) for tag, value in ((259, 7), (262, 6), (277, 3), (284, 1))),
        (258, "H", [8, 8, 8]),
        (278, "I", [size[1]]),
    ]
