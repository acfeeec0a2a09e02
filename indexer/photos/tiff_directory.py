"""The directory of a TIFF or BigTIFF file: its tags read in either byte order, and a small directory written.

Works on the bytes of a file that `reading` has read. TIFF 6.0, section 2; BigTIFF has the same with longer numbers.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

MAX_TAG_VALUES = 1 << 22  # a gigapixel in tiles of 16 x 16 has as many
MAX_TAGS = 4096
_BESIDE = 1 | 4  # of a subfile: a smaller copy of another picture, a mask (TIFF 6.0, NewSubfileType)
MAX_DIRECTORIES = 16  # that are looked at for the main picture

TagValues = tuple[int | float, ...] | bytes

# The number of a type -> its letter for `struct`.
_TYPE_LETTERS = {1: "B", 2: "s", 3: "H", 4: "I", 6: "b", 7: "s", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_TYPE_LETTERS |= {16: "Q", 17: "q", 18: "Q"}


class Tag(IntEnum):
    """The tags that are read, by the names of TIFF 6.0 or nearly so."""

    SUBFILE = 254
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    SAMPLES = 277
    STRIP_ROWS = 278
    STRIP_BYTES = 279
    MIN_VALUE = 280
    MAX_VALUE = 281
    PLANAR = 284
    PREDICTOR = 317
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_BYTES = 325
    EXTRA_SAMPLES = 338
    SAMPLE_FORMAT = 339
    LOWEST = 340
    HIGHEST = 341
    PROFILE = 34675
    NO_DATA = 42113


@dataclass(frozen=True, slots=True)
class TiffDirectory:
    """The tags of the first picture of a TIFF file; `order` is "<" or ">", `big` says that it is a BigTIFF."""

    order: str
    big: bool
    tags: Mapping[int, TagValues]

    def get_number(self, tag: int, default: int) -> int:
        """The first value of a tag as an integer, the default where it has none."""
        values = self.tags.get(tag)
        return int(values[0]) if values and not isinstance(values, bytes) else default

    def list_numbers(self, tag: int) -> tuple[int | float, ...]:
        """All values of a tag, none where it is missing or text."""
        values = self.tags.get(tag, ())
        return () if isinstance(values, bytes) else values

    def get_bytes(self, tag: int) -> bytes:
        """The bytes of a tag, none where it is missing."""
        values = self.tags.get(tag, b"")
        return values if isinstance(values, bytes) else b""

    @property
    def is_beside(self) -> bool:
        """Whether this is a smaller copy of another picture of the file, or a mask for one."""
        return bool(self.get_number(Tag.SUBFILE, 0) & _BESIDE)


def read_directory(data: bytes) -> TiffDirectory | None:
    """The first directory of a TIFF or BigTIFF file in either byte order, None for anything else."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        return None
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version not in (42, 43):
        return None
    big = version == 43
    try:
        (start,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
        return TiffDirectory(order, big, dict(_read_entries(data, order, start, big=big)))
    except struct.error:
        return None  # the directory goes beyond the end of the file


def put_main_picture_first(data: bytes, directory: TiffDirectory) -> bytes:
    """The file with the first of its directories that is no small copy and no mask as its first one.

    The bytes as they are, where none is.
    """
    order, big = directory.order, directory.big
    count_form, place_form, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    head = struct.calcsize(order + place_form)  # the first place stands behind as many bytes as it takes
    with suppress(struct.error):  # a directory beyond the end of the file
        (start,) = struct.unpack_from(order + place_form, data, head)
        for _ in range(MAX_DIRECTORIES):
            (count,) = struct.unpack_from(order + count_form, data, start)
            start += struct.calcsize(order + count_form) + entry * count
            (start,) = struct.unpack_from(order + place_form, data, start)
            if not start:
                break
            if not TiffDirectory(order, big, dict(_read_entries(data, order, start, big=big))).is_beside:
                return data[:head] + struct.pack(order + place_form, start) + data[2 * head :]
    return data


def _read_entries(data: bytes, order: str, start: int, *, big: bool) -> Iterator[tuple[int, TagValues]]:
    count_form, entry_form, inline = ("Q", "HHQ", 8) if big else ("H", "HHI", 4)
    (count,) = struct.unpack_from(order + count_form, data, start)
    head = struct.calcsize(order + entry_form)
    position = start + struct.calcsize(order + count_form)
    for _ in range(min(count, MAX_TAGS)):
        tag, kind, values = struct.unpack_from(order + entry_form, data, position)
        letter = _TYPE_LETTERS.get(kind)
        if letter is not None and values <= MAX_TAG_VALUES:
            form = f"{order}{values}{letter}"
            size, at = struct.calcsize(form), position + head
            if size > inline:
                (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, at)
            if at + size <= len(data):
                found = struct.unpack_from(form, data, at)
                yield tag, found[0] if letter == "s" else found
        position += head + inline


def write_directory(before: bytes, tags: Mapping[int, tuple[str, Sequence[int | float] | bytes]]) -> bytes:
    """`before`, and behind it a little-endian directory of these tags, each a letter of a type and its values."""
    table, behind = struct.pack("<H", len(tags)), b""
    end = len(before) + 2 + 12 * len(tags) + 4
    numbers = {letter: number for number, letter in reversed(_TYPE_LETTERS.items())}
    for tag, (letter, values) in sorted(tags.items()):
        packed = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{letter}", *values)
        field = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", end + len(behind))
        behind += packed + b"\0" * (len(packed) % 2) if len(packed) > 4 else b""
        table += struct.pack("<HHI", tag, numbers[letter], len(values)) + field
    return before + table + struct.pack("<I", 0) + behind


def rewrite_as_classic(data: bytes, directory: TiffDirectory) -> bytes:
    """The same picture as a little-endian classic TIFF, for samples of at most 8 bits, which have no byte order."""
    tags: dict[int, tuple[str, Sequence[int | float] | bytes]] = {}
    for tag, values in directory.tags.items():
        if isinstance(values, bytes):
            tags[tag] = "s", values
        elif all(isinstance(value, int) and 0 <= value < 1 << 32 for value in values):
            tags[tag] = ("H" if max(values, default=0) < 1 << 16 else "I"), values
    before = b"II*\0" + struct.pack("<I", len(data)) + data[8:]
    return write_directory(before, tags)
