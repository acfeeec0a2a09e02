"""TIFF and BigTIFF files written from arrays byte by byte, in either byte order, as no library here writes them."""

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]
TagValues = dict[int, tuple[str, Sequence[float] | bytes]]  # by tag: the letter of the type, and the values
_SIZES = {"H": 2, "I": 4, "Q": 8, "s": 1, "d": 8, "f": 4}
_TYPES = {"s": 2, "H": 3, "I": 4, "f": 11, "d": 12, "Q": 16}


def write_tiff(
    values: Samples,
    *,
    photometric: int = 1,
    bits: int = 0,
    order: str = "<",
    big: bool = False,
    planar: bool = False,
    strip_rows: int = 0,
    tile: int = 0,
    pack: Callable[[bytes], bytes] | None = None,
    compression: int = 1,
    predictor: int = 1,
    extra: Sequence[int] = (),
    tags: Sequence[tuple[int, str, Sequence[float] | bytes]] = (),
    behind: bytes = b"",
) -> bytes:
    """A TIFF of `values` (height, width[, samples]); `bits` where they are packed tighter than their type.

    `pack` compresses a strip, or a tile of `tile` x `tile` pixels; `tags` are further ones, or others in their place.
    `behind` is a TIFF of one picture in the same order of bytes, which this one then follows in one file.
    """
    values = values[..., None] if values.ndim == 2 else values
    height, width, samples = values.shape
    depth, kind = bits or values.dtype.itemsize * 8, {"u": 1, "i": 2, "f": 3, "c": 6}[values.dtype.kind]
    planes = [values[..., plane : plane + 1] for plane in range(samples)] if planar else [values]
    parts = [part for plane in planes for part in _cut(plane, strip_rows or height, tile)]
    stored = [(pack or bytes)(_pack_rows(part, depth, order, predictor)) for part in parts]
    start = len(behind) or (16 if big else 8)
    entries: TagValues = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [depth] * samples),
        259: ("H", [compression]),
        262: ("H", [photometric]),
        277: ("H", [samples]),
        284: ("H", [2 if planar else 1]),
        317: ("H", [predictor]),
        339: ("H", [kind] * samples),
    }
    entries |= _describe_parts(stored, start, tile, strip_rows or height, place="Q" if big else "I")
    if extra:
        entries[338] = "H", extra
    entries |= {tag: (letter, content) for tag, letter, content in tags}
    body = b"".join(stored)
    body += b"\0" * (len(body) % 2)
    before = _write_head(start + len(body), order, big=big, behind=behind)
    return before + body + _write_entries(entries, start + len(body), order, big=big)


def _write_head(table: int, order: str, *, big: bool, behind: bytes) -> bytes:
    """What stands before the samples of a picture whose directory is at byte `table`."""
    if behind:
        return _link_directory(behind, table, order, big=big)
    head = struct.pack(order + "HHHQ", 43, 8, 0, table) if big else struct.pack(order + "HI", 42, table)
    return (b"II" if order == "<" else b"MM") + head


def _link_directory(data: bytes, place: int, order: str, *, big: bool) -> bytes:
    """The file with `place` as that of the directory after its first one."""
    count_form, place_form, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    (first,) = struct.unpack_from(order + place_form, data, 8 if big else 4)
    (count,) = struct.unpack_from(order + count_form, data, first)
    at = first + struct.calcsize(order + count_form) + entry * count
    packed = struct.pack(order + place_form, place)
    return data[:at] + packed + data[at + len(packed) :]


def _describe_parts(stored: Sequence[bytes], start: int, tile: int, strip_rows: int, place: str) -> TagValues:
    """The tags that say where the strips or tiles stand that follow each other from byte `start` on."""
    offsets, counts = np.cumsum([start, *map(len, stored)])[:-1].tolist(), [len(part) for part in stored]
    if tile:
        return {322: ("H", [tile]), 323: ("H", [tile]), 324: (place, offsets), 325: ("I", counts)}
    return {273: (place, offsets), 278: ("I", [strip_rows]), 279: ("I", counts)}


def _write_entries(entries: TagValues, at: int, order: str, *, big: bool) -> bytes:
    count_form, entry_form, inline = ("Q", "HHQ", 8) if big else ("H", "HHI", 4)
    table, behind = struct.pack(order + count_form, len(entries)), b""
    end = at + len(table) + len(entries) * (12 + 8 * big) + inline
    for tag, (letter, content) in sorted(entries.items()):
        packed = content if isinstance(content, bytes) else struct.pack(f"{order}{len(content)}{letter}", *content)
        table += struct.pack(order + entry_form, tag, _TYPES[letter], len(packed) // _SIZES[letter])
        if len(packed) <= inline:
            table += packed.ljust(inline, b"\0")
        else:
            table += struct.pack(order + ("Q" if big else "I"), end + len(behind))
            behind += packed + b"\0" * (len(packed) % 2)
    return table + bytes(inline) + behind


def _cut(plane: Samples, strip_rows: int, tile: int) -> list[Samples]:
    """The strips of some rows, or the tiles, filled up with zeros, in the order of the format."""
    height, width = plane.shape[:2]
    if not tile:
        return [plane[top : top + strip_rows] for top in range(0, height, strip_rows)]
    filled = np.pad(plane, ((0, -height % tile), (0, -width % tile), (0, 0)))
    return [
        filled[top : top + tile, left : left + tile] for top in range(0, height, tile) for left in range(0, width, tile)
    ]


def _pack_rows(part: Samples, depth: int, order: str, predictor: int) -> bytes:
    """The bytes of a strip, each row beginning with a byte of its own."""
    if predictor == 2:
        part = np.concatenate((part[:, :1], np.diff(part, axis=1)), axis=1).astype(part.dtype)
    if predictor == 3:
        return _spread_floats(part)
    if depth == part.dtype.itemsize * 8:
        return part.astype(order + part.dtype.str[1:]).tobytes()
    places = np.arange(depth - 1, -1, -1)
    rows = part.reshape(len(part), -1, 1).astype(np.uint32) >> places & 1
    return np.packbits(rows.reshape(len(part), -1).astype(np.uint8), axis=1).tobytes()


def _spread_floats(part: Samples) -> bytes:
    """Of each row all first bytes, then all second ones, each as its difference to the byte of the pixel before."""
    height, _, samples = part.shape
    ordered = part.astype(part.dtype.newbyteorder(">")).tobytes()
    planes = np.frombuffer(ordered, np.uint8).reshape(height, -1, part.dtype.itemsize).transpose(0, 2, 1)
    rows = planes.reshape(height, -1, samples)
    return np.concatenate((rows[:, :1], np.diff(rows, axis=1)), axis=1).astype(np.uint8).tobytes()


def pack_deflate(data: bytes) -> bytes:
    """Compression 8."""
    return zlib.compress(data)


def pack_bits(data: bytes) -> bytes:
    """Compression 32773, of literal runs alone."""
    runs = [data[start : start + 128] for start in range(0, len(data), 128)]
    return b"".join(bytes([len(run) - 1]) + run for run in runs)


def pack_lzw(data: bytes) -> bytes:
    """Compression 5, in nine bits throughout: the table is cleared before it needs a tenth (TIFF 6.0, section 13)."""
    codes = [code for at, byte in enumerate(data) for code in ([256, byte] if at % 200 == 0 else [byte])] + [257]
    digits = "".join(f"{code:09b}" for code in codes)
    return int(digits.ljust(-(-len(digits) // 8) * 8, "0"), 2).to_bytes(-(-len(digits) // 8), "big")
