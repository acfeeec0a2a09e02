"""When and where a photo was taken and with what, as its file says in EXIF: the one reader of that for all.

Foreign bytes like the pixels: each fact that is absurd or of a wrong kind is left out, and nothing raises.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from itertools import pairwise
from typing import NamedTuple

from PIL import ExifTags, Image

from indexer.photos import camera_raw
from indexer.photos.decoding import DecodedPhoto, decode_photo, is_heif, open_heif, silence_pillow
from indexer.photos.reading import NO_FACTS, CaptureFacts
from indexer.wording import convert_to_microseconds

# What Pillow tells of these before any pixel; a PNG that says it behind its pixels would have to be decoded.
_HEADER_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
MAX_EXIF_BYTES = 1 << 20  # a maker's note may hold a preview; what is longer was not written by a camera
LONGEST_GAP = 2.0  # seconds between two frames of a burst; a clock that tells whole seconds rounds up to one of them
# Of one camera in one second: no still camera takes more, so a clock that says so stands still.
MOST_PER_SECOND = 60
LONGEST_TEXT = 64  # characters of a name or a number
FIRST_YEAR = 1826  # of the oldest photograph that is kept
LONGEST_EXPOSURE = 1e7  # seconds; a third of a year
GREATEST_F_NUMBER, GREATEST_FOCAL_LENGTH, GREATEST_ISO = 1e3, 1e5, 10**8  # the second in mm
ISO_BEYOND = 65_535  # stands for "more than this tag holds" (EXIF 2.3, 4.6.5): another tag tells
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
_SENSITIVITY_TAGS = (
    ExifTags.Base.ISOSpeedRatings,
    ExifTags.Base.ISOSpeed,
    ExifTags.Base.RecommendedExposureIndex,
    ExifTags.Base.StandardOutputSensitivity,
)


class CaptureTime(NamedTuple):
    """A moment in seconds, by the clock of one camera; `camera` is its make, model and serial number, each maybe ""."""

    camera: tuple[str, str, str]
    seconds: float


def tell_capture_time(facts: CaptureFacts) -> CaptureTime | None:
    """The moment that the facts name, None where they name none; of the camera they have make and model only."""
    return None if facts.taken_us is None else CaptureTime((facts.make, facts.model, ""), facts.taken_us / 1e6)


def iterate_following(captures: Sequence[CaptureTime | None]) -> Iterator[tuple[int, int]]:
    """Pairs of rows, in order of time: photos of one camera that follow each other within LONGEST_GAP."""
    dated_rows = sorted((capture, row) for row, capture in enumerate(captures) if capture is not None)
    crowding = Counter((capture.camera, int(capture.seconds)) for capture, _ in dated_rows)
    usable = [item for item in dated_rows if crowding[item[0].camera, int(item[0].seconds)] <= MOST_PER_SECOND]
    for (one, row), (other, next_row) in pairwise(usable):
        if one.camera == other.camera and other.seconds - one.seconds <= LONGEST_GAP:
            yield row, next_row


class DescribedPhoto(NamedTuple):
    """A decoded picture and what its file says of its taking."""

    picture: DecodedPhoto
    capture: CaptureFacts


def decode_described(data: bytes, short_side: int) -> DescribedPhoto:
    """What `decode_photo` gives, and the facts of the same content; raises PhotoError as that does."""
    return DescribedPhoto(decode_photo(data, short_side), read_capture_facts(data))


def read_capture_facts(data: bytes) -> CaptureFacts:
    """What a picture's file content says of its taking; no pixel is decoded for it."""
    exif = _read_exif(data)
    if exif is None:
        return NO_FACTS
    details, place = _read_directory(exif, ExifTags.IFD.Exif), _read_directory(exif, ExifTags.IFD.GPSInfo)
    latitude, longitude = _parse_place(place)
    taken_us = _parse_moment(details)
    return CaptureFacts(
        taken_us,
        None if taken_us is None else _parse_offset(details),
        _read_text(exif.get(ExifTags.Base.Make)),
        _read_text(exif.get(ExifTags.Base.Model)),
        _read_text(details.get(ExifTags.Base.LensModel)),
        _read_number(details.get(ExifTags.Base.ExposureTime), LONGEST_EXPOSURE),
        _read_number(details.get(ExifTags.Base.FNumber), GREATEST_F_NUMBER),
        _parse_sensitivity(details),
        _read_number(details.get(ExifTags.Base.FocalLength), GREATEST_FOCAL_LENGTH),
        latitude,
        longitude,
    )


def read_capture_time(data: bytes) -> CaptureTime | None:
    """When the photo was taken and by what, of a picture's file content.

    None where the file does not say, where it names no camera, and where the clock stands at midnight to the second:
    that is a date and no time.
    """
    exif = _read_exif(data)
    if exif is None:
        return None
    details = _read_directory(exif, ExifTags.IFD.Exif)
    serial_number = _read_text(details.get(ExifTags.Base.BodySerialNumber))
    camera = _read_text(exif.get(ExifTags.Base.Make)), _read_text(exif.get(ExifTags.Base.Model)), serial_number
    taken_us = _parse_moment(details)
    if taken_us is None or not (camera[0] or camera[1]) or taken_us // 1_000_000 % 86_400 == 0:
        return None
    return CaptureTime(camera, taken_us / 1e6)


def _read_exif(data: bytes) -> Image.Exif | None:
    """The file's EXIF, None where it has none that can be read."""
    silence_pillow()
    try:
        return _load_exif(data)
    except Exception:  # foreign bytes: parsers of EXIF raise almost anything
        return None


def _load_exif(data: bytes) -> Image.Exif | None:
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


def _read_directory(exif: Image.Exif, tag: int) -> Mapping[int, object]:
    """The tags of a directory within the EXIF, none where it cannot be read."""
    try:
        return dict(exif.get_ifd(tag))
    except Exception:  # as above
        return {}


def _read_text(value: object) -> str:
    """A text up to its first NUL as one line that can be shown and stored; "" for another kind of value."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        return ""
    return "".join(filter(str.isprintable, text.partition("\0")[0]))[:LONGEST_TEXT].strip()


def _read_number(value: object, greatest: float) -> float | None:
    """A number above 0 and at most `greatest`, None for anything else."""
    try:
        number = float(value)  # type: ignore[arg-type]  # a rational, an integer, or whatever was written
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if 0 < number <= greatest else None


def _parse_moment(details: Mapping[int, object]) -> int | None:
    """DateTimeOriginal with its fraction in microseconds since 1970, None where it is no moment of a photograph."""
    try:
        moment = datetime.strptime(_read_text(details.get(ExifTags.Base.DateTimeOriginal)), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    if moment.year < FIRST_YEAR:
        return None
    digits = _read_text(details.get(ExifTags.Base.SubsecTimeOriginal))
    fraction = int(digits[:6].ljust(6, "0")) if digits.isascii() and digits.isdigit() else 0
    return convert_to_microseconds(moment) + fraction


def _parse_offset(details: Mapping[int, object]) -> int | None:
    """The minutes by which the camera's clock is ahead of UTC."""
    for tag in (ExifTags.Base.OffsetTimeOriginal, ExifTags.Base.OffsetTime):
        if found := _OFFSET.fullmatch(_read_text(details.get(tag))):
            minutes = int(found[2]) * 60 + int(found[3])
            if minutes <= 14 * 60 and int(found[3]) < 60:  # as far as zones go
                return -minutes if found[1] == "-" else minutes
    return None


def _parse_sensitivity(details: Mapping[int, object]) -> int | None:
    """The ISO sensitivity, from the first tag that tells it."""
    for tag in _SENSITIVITY_TAGS:
        value = details.get(tag)
        number = _read_number(value[0] if isinstance(value, tuple) and value else value, GREATEST_ISO)
        if number is not None and number >= 1 and number != ISO_BEYOND:
            return round(number)
    return None


def _parse_place(place: Mapping[int, object]) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees, both or none; where both are 0 the receiver knew no place."""
    latitude = _parse_angle(place.get(ExifTags.GPS.GPSLatitude), place.get(ExifTags.GPS.GPSLatitudeRef), "NS", 90)
    longitude = _parse_angle(place.get(ExifTags.GPS.GPSLongitude), place.get(ExifTags.GPS.GPSLongitudeRef), "EW", 180)
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None, None
    return latitude, longitude


def _parse_angle(value: object, reference: object, letters: str, greatest: int) -> float | None:
    """Degrees, minutes and seconds as degrees, negative behind the second of two letters; None where out of range."""
    letter = _read_text(reference).upper()
    if not isinstance(value, tuple) or len(value) != 3 or len(letter) != 1 or letter not in letters:
        return None
    try:
        degrees, minutes, seconds = map(float, value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not (0 <= degrees <= greatest and 0 <= minutes <= 60 and 0 <= seconds <= 60):  # nor what is not a number
        return None
    angle = degrees + minutes / 60 + seconds / 3600
    if angle > greatest:
        return None
    return round(math.copysign(angle, -1 if letter == letters[1] else 1), 7) + 0.0
