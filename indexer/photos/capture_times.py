"""When a photo was taken and by which camera, as its file says in EXIF.

Foreign bytes like the pixels: whatever is wrong with them means that nothing is known. No picture is decoded for it.
"""

from datetime import UTC, datetime
from io import BytesIO
from typing import NamedTuple

from PIL import ExifTags, Image

from indexer.photos import camera_raw
from indexer.photos.decoding import is_heif, open_heif, silence_pillow

# What Pillow tells of these before any pixel; a PNG that says it behind its pixels would have to be decoded.
_HEADER_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
MAX_EXIF_BYTES = 1 << 20  # a maker's note may hold a preview; what is longer was not written by a camera
LONGEST_TEXT = 64  # characters of a camera's name or number


class CaptureTime(NamedTuple):
    """A moment in seconds, by the clock of one camera; `camera` is its make, model and serial number, each maybe ""."""

    camera: tuple[str, str, str]
    seconds: float


def read_capture_time(data: bytes) -> CaptureTime | None:
    """When the photo was taken and by what, of a picture's file content.

    None where the file does not say, where it names no camera, and where the clock stands at midnight to the second:
    that is a date and no time.
    """
    silence_pillow()
    try:
        exif = _read_exif(data)
        return _parse_capture_time(exif) if exif else None
    except Exception:  # foreign bytes: parsers of EXIF raise almost anything
        return None


def _read_exif(data: bytes) -> Image.Exif | None:
    exif = Image.Exif()
    if camera_raw.is_raw(data):
        exif.load(data)  # most are TIFF files; of others Pillow finds nothing
        return exif
    with open_heif(data) if is_heif(data) else Image.open(BytesIO(data), formats=_HEADER_FORMATS) as image:
        if image.format == "TIFF":
            return image.getexif()
        block = image.info.get("exif")
        if not isinstance(block, bytes) or len(block) > MAX_EXIF_BYTES:
            return None
        exif.load(block)
    return exif


def _parse_capture_time(exif: Image.Exif) -> CaptureTime | None:
    details = exif.get_ifd(ExifTags.IFD.Exif)
    camera = (
        _read_text(exif.get(ExifTags.Base.Make)),
        _read_text(exif.get(ExifTags.Base.Model)),
        _read_text(details.get(ExifTags.Base.BodySerialNumber)),
    )
    moment = _read_text(details.get(ExifTags.Base.DateTimeOriginal))
    if not (camera[0] or camera[1]) or not moment or moment.endswith("00:00:00"):
        return None
    # As if in UTC: only differences count, and a computer's own zone would skip an hour in spring.
    seconds = datetime.strptime(moment, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    return CaptureTime(camera, seconds + _read_fraction(details.get(ExifTags.Base.SubsecTimeOriginal)))


def _read_text(value: object) -> str:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    return text.strip("\0 ")[:LONGEST_TEXT] if isinstance(text, str) else ""


def _read_fraction(value: object) -> float:
    """The digits behind the point of the second, 0 where there are none."""
    digits = _read_text(value)
    return float(f"0.{digits}") if digits.isascii() and digits.isdigit() else 0.0
