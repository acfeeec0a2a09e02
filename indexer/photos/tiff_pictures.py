"""TIFF pictures that Pillow reads wrongly or not at all, by their tags: wide, packed, planar, with alpha in any model.

What a sample means stands in the tags of the first directory, and they are asked before any reader is trusted: Pillow
gives some kinds other pixels without a word. Here the samples are unpacked by numpy; libtiff, through Pillow, only
undoes the compression, for which each group of strips or tiles is shown to it as a grey picture of bytes.
"""

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer.errors import PhotoError
from indexer.photos.colour import FULL_DEPTH, PictureSamples, choose_span
from indexer.photos.reading import check_jpeg_2000, refuse_kind
from indexer.photos.tiff_directory import Tag, TiffDirectory, write_directory

# Samples of one picture, as they are held: as much as Pillow may take for its largest.
MAX_SAMPLE_BYTES = 560_000_000
GROUP_BYTES = 16_000_000  # of samples that are decompressed at a time

_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_WHITE_IS_ZERO, _GREY, _RGB, _CMYK, _YCBCR, _LAB = 0, 1, 2, 5, 6, 8
_COLOUR_MODELS = {_WHITE_IS_ZERO: "L", _GREY: "L", _RGB: "RGB", _CMYK: "CMYK", _LAB: "LAB"}
_APERIO_YCBCR = 33003
_JPEG_2000 = frozenset({_APERIO_YCBCR, 33004, 33005, 34712})  # of slide scanners, and the registered one
_WEBP = 50001
_PICTURES = _JPEG_2000 | {_WEBP}  # compressions by which each segment is a picture of its own, that Pillow reads
# Compressions of bytes: none, LZW, deflate (two numbers), packed bits, LZMA, Zstandard.
_BYTE_COMPRESSIONS = frozenset({1, 5, 8, 32946, 32773, 34925, 50000})
_DEFLATE = (8, 32946)
_COMPRESSION_NAMES = {6: "old-style JPEG", 7: "JPEG of another kind", 34712: "JPEG 2000", 34887: "LERC"}
_COMPRESSION_NAMES |= {50002: "JPEG XL", 52546: "JPEG XL"}
_OTHER_SIZE = "is damaged: a part of it has another size than its tags say"


class TiffLayout(NamedTuple):
    """How the samples of a picture are stored; `bits` and `kind` (unsigned, signed, float) hold for all of them.

    A segment is a strip or a tile: `across` and `down` count them, each of `segment_width` x `segment_height` pixels.
    """

    width: int
    height: int
    samples: int
    bits: int
    kind: int
    photometric: int
    compression: int
    planar: bool
    segment_width: int
    segment_height: int
    tiled: bool

    @property
    def across(self) -> int:
        """The number of segments side by side."""
        return -(-self.width // self.segment_width)

    @property
    def down(self) -> int:
        """The number of segments one below the other."""
        return -(-self.height // self.segment_height)


def needs_own_reader(directory: TiffDirectory) -> bool:
    """Whether the tags tell of a kind that Pillow reads wrongly, reduces to a few of its bits, or does not know."""
    bits = set(directory.list_numbers(Tag.BITS)) or {1}
    kinds = set(directory.list_numbers(Tag.SAMPLE_FORMAT)) or {_UNSIGNED}
    photometric = _read_photometric(directory)
    if directory.get_number(Tag.COMPRESSION, 1) in _PICTURES:
        return True
    if photometric not in _COLOUR_MODELS or (bits <= {8} and directory.get_number(Tag.COMPRESSION, 1) in (6, 7)):
        return False
    return not bits <= {1, 2, 4, 8} or kinds != {_UNSIGNED} or _has_odd_samples(directory, bits, photometric)


def is_misread_by_pillow(data: bytes, directory: TiffDirectory) -> bool:
    """Whether Pillow gives other pixels of a kind for `read_samples`: not where it takes the upper half of 16 bits."""
    samples = read_samples(data, directory)
    photometric, planar = _read_photometric(directory), directory.get_number(Tag.PLANAR, 1) == 2
    is_plain = photometric in (_GREY, _RGB) and samples.bits == 16 and not samples.alpha
    return not is_plain or (planar and photometric == _RGB) or choose_span(samples) != FULL_DEPTH


def _read_photometric(directory: TiffDirectory) -> int:
    """How colours are stored, -1 where no tag says it; luma and chroma in JPEG 2000 are RGB once they are decoded."""
    photometric = directory.get_number(Tag.PHOTOMETRIC, -1)
    in_jpeg_2000 = directory.get_number(Tag.COMPRESSION, 1) in _JPEG_2000
    return _RGB if photometric == _YCBCR and in_jpeg_2000 else photometric


def _has_odd_samples(directory: TiffDirectory, bits: set[int | float], photometric: int) -> bool:
    """Whether a picture of at most 8 bits has samples beyond its colours that Pillow does not expect."""
    samples, colours = directory.get_number(Tag.SAMPLES, 1), _count_colours(photometric)
    if not bits <= {8}:
        return samples > 1
    in_planes = directory.get_number(Tag.PLANAR, 1) == 2 and colours == 1
    return samples > colours and (in_planes or samples > colours + 1 or photometric in (_WHITE_IS_ZERO, _CMYK, _LAB))


def _count_colours(photometric: int) -> int:
    return int(Image.getmodebands(_COLOUR_MODELS[photometric]))


@np.errstate(all="ignore")  # what floats of foreign bytes may hold
def read_samples(data: bytes, directory: TiffDirectory) -> PictureSamples:
    """The samples of the picture with what they mean. Raises PhotoError where it is too large or of another kind."""
    layout = _read_layout(directory)
    colours = _count_colours(layout.photometric)
    alpha = _find_alpha(directory, layout.samples, colours)
    planes = colours + bool(alpha)
    narrow = layout.kind == _UNSIGNED and layout.bits <= 16
    kept_type = np.dtype("u1" if layout.bits <= 8 else "u2") if narrow else np.dtype("f4")
    size = layout.width * layout.height * planes * kept_type.itemsize
    if size > MAX_SAMPLE_BYTES:
        raise PhotoError(
            "is too large: {width} x {height} pixels take {size} MB, more than {limit}",
            width=layout.width,
            height=layout.height,
            size=size // 10**6,
            limit=MAX_SAMPLE_BYTES // 10**6,
        )
    values = np.zeros((layout.height, layout.width, planes), kept_type)
    for plane in range(planes) if layout.planar else range(1):
        into = values[..., plane : plane + 1] if layout.planar else values
        _fill_planes(into, data, directory, layout, plane)
    return PictureSamples(
        values,
        mode=_COLOUR_MODELS[layout.photometric],
        bits=layout.bits if layout.kind == _UNSIGNED else 0,
        alpha=alpha,
        inverted=layout.photometric == _WHITE_IS_ZERO,
        span=_read_span(directory, layout),
        no_data=_read_no_data(directory),
    )


def _read_layout(directory: TiffDirectory) -> TiffLayout:
    """The layout of the samples; PhotoError where it is none that is read."""
    samples = directory.get_number(Tag.SAMPLES, 1)
    bits = {int(value) for value in directory.list_numbers(Tag.BITS)[:samples]} or {1}
    kinds = {int(value) for value in directory.list_numbers(Tag.SAMPLE_FORMAT)[:samples]} or {_UNSIGNED}
    kinds = {_UNSIGNED if kind == 4 else kind for kind in kinds}  # 4 is "undefined"
    width, height = directory.get_number(Tag.WIDTH, 0), directory.get_number(Tag.HEIGHT, 0)
    if min(width, height, samples) < 1:
        raise PhotoError("has no pixels")
    photometric = _read_photometric(directory)
    _check_kind(directory, samples, bits, kinds)
    tiled = Tag.TILE_OFFSETS in directory.tags
    segment_height = directory.get_number(Tag.TILE_HEIGHT if tiled else Tag.STRIP_ROWS, height)
    return TiffLayout(
        width,
        height,
        samples,
        bits.pop(),
        kinds.pop(),
        photometric,
        directory.get_number(Tag.COMPRESSION, 1),
        planar=directory.get_number(Tag.PLANAR, 1) == 2 and samples > 1,
        segment_width=max(1, directory.get_number(Tag.TILE_WIDTH, 0)) if tiled else width,
        segment_height=max(1, segment_height if tiled else min(segment_height, height)),
        tiled=tiled,
    )


def _check_kind(directory: TiffDirectory, samples: int, bits: set[int], kinds: set[int]) -> None:
    """PhotoError for a photometric interpretation, a compression or a sample format that is not read."""
    photometric, compression = _read_photometric(directory), directory.get_number(Tag.COMPRESSION, 1)
    if photometric == -1:
        raise PhotoError("is damaged: its tags do not say what its samples mean")
    if photometric not in _COLOUR_MODELS or samples < _count_colours(photometric):
        raise refuse_kind(f"TIFF with colours of kind {photometric} in {samples} samples of {max(bits)} bits")
    if compression not in _BYTE_COMPRESSIONS | _PICTURES:
        raise refuse_kind(f"TIFF with {_COMPRESSION_NAMES.get(compression, f'compression {compression}')} inside")
    if len(bits) > 1 or len(kinds) > 1:
        raise refuse_kind("TIFF with samples of different sizes")
    (width,), (kind,) = bits, kinds
    readable = {_UNSIGNED: range(1, 33), _SIGNED: (8, 16, 32, 64), _FLOAT: (16, 32, 64)}.get(kind, ())
    if width not in readable and (width, kind) != (64, _UNSIGNED):
        names = {_UNSIGNED: "unsigned", _SIGNED: "signed", _FLOAT: "float", 5: "complex", 6: "complex"}
        raise refuse_kind(f"TIFF with samples of {width} bits, {names.get(kind, 'of a format not known')}")


def _find_alpha(directory: TiffDirectory, samples: int, colours: int) -> str:
    """ "straight" or "premultiplied" where the first sample behind the colours is an alpha channel, else ""."""
    extra = directory.list_numbers(Tag.EXTRA_SAMPLES)
    return {1: "premultiplied", 2: "straight"}.get(int(extra[0]), "") if samples > colours and extra else ""


def _read_span(directory: TiffDirectory, layout: TiffLayout) -> tuple[float, float] | None:
    """The values of black and white (or white and black) where the tags say them."""
    wide = layout.kind == _FLOAT or layout.bits > 16
    low, high = (
        directory.list_numbers(tag) for tag in ((Tag.LOWEST, Tag.HIGHEST) if wide else (Tag.MIN_VALUE, Tag.MAX_VALUE))
    )
    if not high:
        return None
    lowest, highest = float(min(low)) if low else 0.0, float(max(high))
    return (lowest, highest) if np.isfinite([lowest, highest]).all() and lowest < highest else None


def _read_no_data(directory: TiffDirectory) -> float | None:
    """The value that stands where nothing was measured (GDAL's tag), None where there is none."""
    try:
        return float(directory.get_bytes(Tag.NO_DATA).strip(b"\0 "))
    except ValueError:
        return None


# segments


def _fill_planes(into: np.ndarray, data: bytes, directory: TiffDirectory, layout: TiffLayout, plane: int) -> None:
    """Unpack all segments of one plane, or of all where they are interleaved, into (height, width, planes)."""
    count = layout.across * layout.down
    tags = (Tag.TILE_OFFSETS, Tag.TILE_BYTES) if layout.tiled else (Tag.STRIP_OFFSETS, Tag.STRIP_BYTES)
    offsets, sizes = ([int(value) for value in directory.list_numbers(tag)] for tag in tags)
    offsets = offsets[plane * count : (plane + 1) * count]
    sizes = sizes[plane * count : (plane + 1) * count] or [len(data)] * len(offsets)
    if len(offsets) < count or len(sizes) < count:
        raise PhotoError("is damaged: parts of it are missing")
    interleaved = 1 if layout.planar else layout.samples
    row_bytes = -(-layout.segment_width * interleaved * layout.bits // 8)
    if row_bytes * layout.segment_height > 2 * MAX_SAMPLE_BYTES:
        raise PhotoError("is damaged: its tags tell of tiles larger than any picture")
    if count == 1 and not layout.tiled and layout.compression == 1:  # not in memory several times over
        height = max(1, GROUP_BYTES // row_bytes)
        layout = layout._replace(segment_height=min(height, layout.height))
        count = layout.down
        starts = [top * row_bytes for top in range(0, layout.height, layout.segment_height)]
        sizes = [max(0, min(layout.segment_height * row_bytes, sizes[0] - start)) for start in starts]
        offsets = [offsets[0] + start for start in starts]
    group = max(1, GROUP_BYTES // (row_bytes * layout.segment_height))
    for first in range(0, count, group):
        places = range(first, min(first + group, count))
        segments = [data[offsets[at] : offsets[at] + sizes[at]] for at in places]
        heights = [_measure_segment(layout, at) for at in places]
        if layout.compression in _PICTURES:
            parts = [_decode_segment(segment, layout, directory) for segment in segments]
        else:
            rows = _decompress_segments(segments, heights, row_bytes, directory)
            values = _unpack_values(rows, layout, directory, interleaved)
            parts = np.split(values, np.cumsum(heights)[:-1])
        for at, part in zip(places, parts, strict=True):
            _place_segment(into, part, layout, at)


def _measure_segment(layout: TiffLayout, place: int) -> int:
    """The rows that a segment stores: the last strip may be shorter, a tile is always whole."""
    top = place // layout.across * layout.segment_height
    return layout.segment_height if layout.tiled else min(layout.segment_height, layout.height - top)


def _place_segment(into: np.ndarray, part: np.ndarray, layout: TiffLayout, place: int) -> None:
    top = place // layout.across * layout.segment_height
    left = place % layout.across * layout.segment_width
    target = into[top : top + layout.segment_height, left : left + layout.segment_width]
    part = part[: target.shape[0], : target.shape[1], : target.shape[2]]
    if part.shape != target.shape:
        raise PhotoError(_OTHER_SIZE)
    target[...] = part


def _decompress_segments(
    segments: Sequence[bytes], heights: Sequence[int], row_bytes: int, directory: TiffDirectory
) -> np.ndarray:
    """The bytes of the samples, (rows, row_bytes) uint8, of segments in order; PhotoError where some lack."""
    compression, reversed_bits = directory.get_number(Tag.COMPRESSION, 1), directory.get_number(Tag.FILL_ORDER, 1) == 2
    total = sum(heights)
    if compression == 1 or (compression in _DEFLATE and not reversed_bits):
        wanted = [height * row_bytes for height in heights]
        unpack = _inflate if compression in _DEFLATE else _cut_segment
        plain = b"".join(unpack(segment, size) for segment, size in zip(segments, wanted, strict=True))
        if len(plain) != total * row_bytes:
            raise PhotoError("is damaged: its data end too early")
        rows = np.frombuffer(plain, np.uint8).reshape(total, row_bytes)
        return _REVERSED_BITS[rows] if reversed_bits else rows
    small = _write_byte_picture(segments, (row_bytes, total), max(heights), compression, reversed_bits=reversed_bits)
    with Image.open(BytesIO(small), formats=("TIFF",)) as picture:
        return np.array(picture)


def _cut_segment(segment: bytes, size: int) -> bytes:
    return segment[:size]


def _inflate(segment: bytes, size: int) -> bytes:
    """The first `size` bytes of a deflated segment: not by libtiff, which tells faults to standard error."""
    return zlib.decompressobj().decompress(segment, size)


_REVERSED_BITS = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]


def _write_byte_picture(
    segments: Sequence[bytes], size: tuple[int, int], rows: int, compression: int, *, reversed_bits: bool
) -> bytes:
    """A TIFF of one grey byte a pixel, `size` of them, whose strips of `rows` rows are these compressed segments."""
    offsets = np.cumsum([8, *map(len, segments)]).tolist()
    body = b"".join(segments)
    tags: dict[int, list[int]] = {
        Tag.WIDTH: [size[0]],
        Tag.HEIGHT: [size[1]],
        Tag.BITS: [8],
        Tag.COMPRESSION: [compression],
        Tag.PHOTOMETRIC: [_GREY],
        Tag.FILL_ORDER: [2 if reversed_bits else 1],
        Tag.STRIP_OFFSETS: offsets[:-1],
        Tag.SAMPLES: [1],
        Tag.STRIP_ROWS: [rows],
        Tag.STRIP_BYTES: [len(segment) for segment in segments],
    }
    head = b"II*\0" + struct.pack("<I", 8 + len(body))
    return write_directory(head + body, {tag: ("I", values) for tag, values in tags.items()})


def _decode_segment(segment: bytes, layout: TiffLayout, directory: TiffDirectory) -> np.ndarray:
    """The samples of a segment that is a picture, (height, width, samples), in the depth that the tags say."""
    check_jpeg_2000(segment)
    webp = layout.compression == _WEBP
    with Image.open(BytesIO(segment), formats=("WEBP" if webp else "JPEG2000",)) as picture:
        if picture.width > layout.segment_width or picture.height > layout.segment_height:  # nor is room made for it
            raise PhotoError(_OTHER_SIZE)
        # What is opaque throughout has no alpha any more in WebP, whatever the tags say.
        as_stored: Image.Image = picture.convert({4: "RGBA"}.get(layout.samples, "RGB")) if webp else picture.copy()
    luma_first = layout.compression == _APERIO_YCBCR or directory.get_number(Tag.PHOTOMETRIC, -1) == _YCBCR
    if luma_first and as_stored.mode == "RGB" and not _is_turned_to_rgb(segment):
        as_stored = Image.merge("YCbCr", as_stored.split()).convert("RGB")
    values = np.asarray(as_stored)
    depth = 8 * values.dtype.itemsize  # to which Pillow has brought the samples
    if depth != layout.bits and layout.bits <= 16:
        values = (values.astype(np.uint32) * ((1 << layout.bits) - 1) // ((1 << depth) - 1)).astype(np.uint16)
    return values[..., None] if values.ndim == 2 else values


def _is_turned_to_rgb(segment: bytes) -> bool:
    """Whether a JPEG 2000 says that its components are transformed, so that its decoder has made RGB of them."""
    style = segment.find(b"\xff\x52")  # coding style default (ITU T.800, A.6.1); eight bytes on, the transformation
    return 0 <= style < len(segment) - 8 and segment[style + 8] == 1


# samples


def _unpack_values(rows: np.ndarray, layout: TiffLayout, directory: TiffDirectory, interleaved: int) -> np.ndarray:
    """The samples (rows, width, interleaved) of a row of segments, as numbers of this computer."""
    predictor, across = directory.get_number(Tag.PREDICTOR, 1), layout.segment_width * interleaved
    if predictor == 3:
        values = _undo_float_prediction(rows, layout.bits // 8, interleaved)
    elif layout.bits in (8, 16, 32, 64):
        letter = {_UNSIGNED: "u", _SIGNED: "i", _FLOAT: "f"}[layout.kind]
        stored = np.ascontiguousarray(rows).view(f"{directory.order}{letter}{layout.bits // 8}")
        values = stored.astype(stored.dtype.newbyteorder("="))
    else:
        values = _unpack_bits(rows, across, layout.bits)
    values = values.reshape(len(rows), layout.segment_width, interleaved)
    if predictor == 2 and layout.bits in (8, 16, 32, 64):
        values = np.cumsum(values, axis=1, dtype=values.dtype)
    return values


def _unpack_bits(rows: np.ndarray, across: int, bits: int) -> np.ndarray:
    """`across` numbers of so many bits from each row of bytes, the highest bit first (TIFF 6.0, section 19)."""
    parts = np.unpackbits(rows, axis=1, count=across * bits).reshape(len(rows), across, bits)
    values = np.zeros((len(rows), across), np.uint16 if bits <= 16 else np.uint32)
    for bit in range(bits):
        values = (values << 1) | parts[..., bit]
    return values


def _undo_float_prediction(rows: np.ndarray, size: int, interleaved: int) -> np.ndarray:
    """The floats of rows stored as differences of bytes, all first bytes before all second ones (TIFF note 3)."""
    differences = rows.reshape(len(rows), -1, interleaved)
    ordered = np.cumsum(differences, axis=1, dtype=np.uint8).reshape(len(rows), size, -1)
    floats = np.ascontiguousarray(ordered.transpose(0, 2, 1)).view(f">f{size}")[..., 0]
    return floats.astype(floats.dtype.newbyteorder("="))
