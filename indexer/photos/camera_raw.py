"""Camera RAW content: tell it from a TIFF, and get the camera's preview or the sensor's picture out of it.

Works on the bytes of a file that `reading` has read; no file is opened here. Needs the optional package rawpy.
"""

import struct
from io import BytesIO
from typing import Any, NamedTuple

from PIL import ExifTags, Image

from indexer.errors import PhotoError

# LibRaw holds 2 bytes a sensor pixel and 8 a pixel of the half-size picture: 600 MB. Medium format has 150 megapixels.
MAX_SENSOR_PIXELS = 150_000_000

# How files start that are not TIFF: Panasonic, Olympus (three), Fujifilm, Sigma, Minolta.
_RAW_SIGNATURES = (b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM")
_SUBFILE_TYPE, _PHOTOMETRIC, _MAKE, _SUB_IFDS, _DNG_VERSION = 254, 262, 271, 330, 50706
_SENSOR_PHOTOMETRICS = (32803, 34892)  # colour filter array, linear raw

# LibRaw's flip -> EXIF orientation.
_FLIP_ORIENTATIONS = {3: 3, 5: 8, 6: 6}


class DevelopedRaw(NamedTuple):
    """A picture from a RAW file as Pillow opened it, its JPEG bytes (or none), and the upright original's size."""

    image: Image.Image
    data: bytes
    width: int
    height: int


def is_raw(data: bytes) -> bool:
    """Whether the content is camera RAW. Most kinds are TIFF files whose first picture is only a thumbnail."""
    if data.startswith(_RAW_SIGNATURES) or data[4:12] == b"ftypcrx " or data[6:14] == b"HEAPCCDR":  # CR3, CRW
        return True
    tags = _read_tiff_tags(data)
    canon = bool(tags) and data[8:10] == b"CR"
    thumbnail_first = tags.get(_SUBFILE_TYPE) == 1 and _MAKE in tags and _SUB_IFDS in tags
    return canon or thumbnail_first or _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in _SENSOR_PHOTOMETRICS


def _read_tiff_tags(data: bytes) -> dict[int, int]:
    """Tag -> value or offset, of the first directory of a TIFF file; empty for anything else."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    tags: dict[int, int] = {}
    if order is None:
        return tags
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for index in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHII", data, start + 2 + 12 * index)
            short_in_front = kind == 3 and order == ">"
            tags[tag] = value >> 16 if short_in_front else value
    except struct.error:
        return tags  # the directory goes beyond the end of the file: the tags read before that
    return tags


def develop_raw(data: bytes, short_side: int) -> DevelopedRaw:
    """The camera's preview where that is large enough, else the sensor's picture in half size.

    Large enough is a short side of `short_side` pixels or half the sensor's. Raises PhotoError where the sensor has
    more than MAX_SENSOR_PIXELS.
    """
    import rawpy  # noqa: PLC0415 - optional, and slow to import

    with _open_raw(rawpy, data) as raw:
        sizes = raw.sizes
        turned = sizes.flip in (5, 6)
        upright = (sizes.height, sizes.width) if turned else (sizes.width, sizes.height)
        preview = _extract_preview(raw)
        if preview is not None and min(preview.image.size) >= min(short_side, min(upright) // 2):
            return preview._replace(width=upright[0], height=upright[1])
        if sizes.raw_width * sizes.raw_height > MAX_SENSOR_PIXELS:
            raise PhotoError(
                "is too large: {width} x {height} sensor pixels",
                width=sizes.raw_width,
                height=sizes.raw_height,
            )
        pixels = raw.postprocess(half_size=True, use_camera_wb=True)
    return DevelopedRaw(Image.fromarray(pixels), b"", *upright)


def _open_raw(rawpy: Any, data: bytes) -> Any:
    """The file as LibRaw opens it; PhotoError where it says no more than that it cannot."""
    try:
        return rawpy.imread(BytesIO(data))
    except rawpy.LibRawFileUnsupportedError:
        raise PhotoError("is damaged or of a camera that LibRaw does not know") from None


def _extract_preview(raw: Any) -> DevelopedRaw | None:
    """The embedded picture as stored (not turned upright), None where there is none that can be opened."""
    try:
        thumbnail = raw.extract_thumb()
        if isinstance(thumbnail.data, bytes):
            data = thumbnail.data
            image: Image.Image = Image.open(BytesIO(data), formats=("JPEG",))
        else:
            data, image = b"", Image.fromarray(thumbnail.data)
        exif = image.getexif()
    except Exception:  # foreign bytes: whatever is wrong with the preview, the sensor's picture is still there
        return None
    exif.setdefault(ExifTags.Base.Orientation, _FLIP_ORIENTATIONS.get(raw.sizes.flip, 1))
    return DevelopedRaw(image, data, *image.size)
