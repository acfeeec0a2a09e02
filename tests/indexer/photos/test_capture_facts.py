import struct
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from indexer.errors import PhotoError
from indexer.photos.capture_facts import CaptureTime, read_capture_facts, read_capture_time
from indexer.photos.reading import NO_FACTS, CaptureFacts, read_photo
from indexer.photos.sandbox import decode_described_in_child
from indexer.wording import convert_to_moment
from tests.support.camera_files import dng
from tests.support.pictures import CASES, Case, encoded, heic, scene

MOMENT = "2024:03:31 02:30:07"
CAMERA = ("Canon", "EOS R5", "0123")


def exif(moment: str | bytes = MOMENT, fraction: str | None = "25", camera: tuple[str, str, str] = CAMERA) -> bytes:
    """An EXIF block as a camera writes it; an empty name or number is left out."""
    block = Image.Exif()
    for tag, value in ((ExifTags.Base.Make, camera[0]), (ExifTags.Base.Model, camera[1])):
        if value:
            block[tag] = value
    details = block.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = moment
    if fraction is not None:
        details[ExifTags.Base.SubsecTimeOriginal] = fraction
    if camera[2]:
        details[ExifTags.Base.BodySerialNumber] = camera[2]
    return block.tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_camera_and_moment_are_read_from_every_format_that_carries_them(kind: str) -> None:
    found = read_capture_time(encoded(scene(), kind, exif=exif()))
    assert found is not None
    assert found.camera == CAMERA
    assert found.seconds % 60 == pytest.approx(7.25)


def test_a_phones_heic_tells_its_moment() -> None:
    found = read_capture_time(heic(scene(), exif=exif()))
    assert found is not None
    assert found.seconds % 60 == pytest.approx(7.25)


def test_differences_are_seconds_across_midnight_and_the_hour_that_summer_time_skips() -> None:
    moments = ["2024:03:30 23:59:58", "2024:03:31 00:00:01", "2024:03:31 02:30:00"]
    first, second, third = (read_capture_time(encoded(scene(), "JPEG", exif=exif(one, None))) for one in moments)
    assert first is not None and second is not None and third is not None
    assert second.seconds - first.seconds == 3
    assert third.seconds - first.seconds == 2.5 * 3600 + 2


def test_the_camera_may_have_a_name_and_no_number() -> None:
    found = read_capture_time(encoded(scene(), "JPEG", exif=exif(camera=("", "phone", ""))))
    assert found == CaptureTime(("", "phone", ""), found.seconds if found else 0)


@pytest.mark.parametrize(
    "block",
    [
        exif(camera=("", "", "7")),
        exif("2024:03:31 00:00:00"),
        exif("0000:00:00 00:00:00"),
        exif("    :  :     :  :  "),
        exif("2024-03-31"),
        exif(""),
        b"Exif\0\0garbage, no TIFF",
        b"",
    ],
)
def test_nothing_is_made_up_where_the_file_does_not_say(block: bytes) -> None:
    assert read_capture_time(encoded(scene(), "JPEG", exif=block)) is None


def test_a_fraction_that_is_no_number_is_none() -> None:
    found = read_capture_time(encoded(scene(), "JPEG", exif=exif(fraction="1e9")))
    assert found is not None
    assert found.seconds % 60 == 7


def test_a_raw_file_is_asked_like_the_tiff_that_it_is() -> None:
    assert read_capture_time(dng(scene())) is None  # it names no moment, and is read without an error


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_odd_and_hostile_files_tell_nothing_and_raise_nothing(case: Case, tmp_path: Path) -> None:
    path = tmp_path / case.name
    case.write(path)
    try:
        data = read_photo(path)
    except PhotoError:
        return
    assert read_capture_time(data) is None
    found = read_capture_facts(data)
    assert found._replace(make="", model="") == NO_FACTS
    assert found.make in ("", "Lookalike")  # as our own DNGs say


# all facts

TAG, PLACE = ExifTags.Base, ExifTags.GPS
DETAILS: dict[int, Any] = {
    TAG.DateTimeOriginal: MOMENT,
    TAG.SubsecTimeOriginal: "25",
    TAG.OffsetTimeOriginal: "-03:30",
    TAG.LensModel: "RF 24-70mm F2.8 L",
    TAG.ExposureTime: IFDRational(1, 250),
    TAG.FNumber: IFDRational(28, 10),
    TAG.ISOSpeedRatings: 400,
    TAG.FocalLength: IFDRational(35),
}
GPS: dict[int, Any] = {
    PLACE.GPSLatitude: (IFDRational(33), IFDRational(51), IFDRational(3125, 100)),
    PLACE.GPSLatitudeRef: "S",
    PLACE.GPSLongitude: (IFDRational(151), IFDRational(12), IFDRational(36)),
    PLACE.GPSLongitudeRef: "E",
}


def block(details: dict[int, Any] | None = None, gps: dict[int, Any] | None = None, **names: Any) -> bytes:
    """An EXIF block with DETAILS and GPS, in which these replace what is there; None takes a tag away."""
    exif = Image.Exif()
    for tag, value in {TAG.Make: names.get("make", "Canon"), TAG.Model: names.get("model", "EOS R5")}.items():
        exif[tag] = value
    for directory, tags in (
        (ExifTags.IFD.Exif, DETAILS | (details or {})),
        (ExifTags.IFD.GPSInfo, GPS | (gps or {})),
    ):
        exif.get_ifd(directory).update({tag: value for tag, value in tags.items() if value is not None})
    return exif.tobytes()


def facts_of(data: bytes) -> CaptureFacts:
    return read_capture_facts(encoded(scene(), "JPEG", exif=data))


def test_all_facts_are_read_from_what_pillow_writes() -> None:
    found = facts_of(block())
    assert found.taken_us is not None
    assert convert_to_moment(found.taken_us) == datetime(2024, 3, 31, 2, 30, 7, 250_000)
    assert found[1:5] == (-210, "Canon", "EOS R5", "RF 24-70mm F2.8 L")
    assert found[5:9] == pytest.approx((1 / 250, 2.8, 400, 35))
    assert found[9:] == pytest.approx((-(33 + 51 / 60 + 31.25 / 3600), 151.21))


def test_a_process_of_its_own_reads_the_same_facts_as_this_one() -> None:
    data = encoded(scene(), "JPEG", exif=block())
    assert decode_described_in_child(data, 8).capture == read_capture_facts(data) != NO_FACTS


EXIF_AT, GPS_AT = 0x8769, 0x8825


class Entry(NamedTuple):
    """A tag as it stands in a TIFF directory."""

    tag: int
    kind: int
    values: int
    content: bytes


def by_hand(order: str, *entries: Entry, pointer: int = EXIF_AT) -> bytes:
    """A JPEG whose EXIF, written byte by byte, has these tags in one directory (TIFF 6.0, section 2)."""
    start = 8 + 2 + 12 + 4
    values_at = start + 2 + 12 * len(entries) + 4
    table, values = struct.pack(order + "H", len(entries)), b""
    for tag, kind, count, content in entries:
        far = struct.pack(order + "I", values_at + len(values))
        table += struct.pack(order + "HHI", tag, kind, count) + (content.ljust(4, b"\0") if len(content) <= 4 else far)
        values += content if len(content) > 4 else b""
    tiff = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    tiff += struct.pack(order + "HHHII", 1, pointer, 4, 1, start) + bytes(4) + table + bytes(4) + values
    exif, plain = b"Exif\0\0" + tiff, encoded(scene(), "JPEG")
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]


@pytest.mark.parametrize("order", ["<", ">"])
def test_facts_are_read_from_bytes_written_by_hand(order: str) -> None:
    moment = Entry(0x9003, 2, 20, b"1999:12:31 23:59:59\0")
    exposure = Entry(0x829A, 5, 1, struct.pack(order + "II", 10, 2500))
    sensitivity = Entry(0x8827, 3, 1, struct.pack(order + "H", 12800))
    found = read_capture_facts(by_hand(order, exposure, sensitivity, moment))
    assert found.taken_us is not None
    assert convert_to_moment(found.taken_us) == datetime(1999, 12, 31, 23, 59, 59)
    assert (found.iso, found.exposure_seconds) == pytest.approx((12800, 0.004))


def rationals(kind: str, *numbers: int) -> bytes:
    return struct.pack("<" + (kind + "I") * 3, *(part for number in numbers for part in (number, 1)))


@pytest.mark.parametrize(
    ("latitude", "expected"),
    [
        (Entry(2, 5, 3, rationals("I", 33, 30, 0)), 33.5),
        (Entry(2, 10, 3, rationals("i", -33, 30, 0)), None),
        (Entry(2, 12, 3, struct.pack("<ddd", 33, 1e300, 0)), None),
        (Entry(2, 12, 3, struct.pack("<ddd", 33, float("nan"), 0)), None),
        (Entry(2, 2, 6, b"33 51\0"), None),
        (Entry(2, 4, 3, struct.pack("<III", 4_294_967_295, 0, 0)), None),
    ],
)
def test_a_latitude_below_zero_huge_or_of_a_wrong_kind_is_no_place(latitude: Entry, expected: float | None) -> None:
    rest = (Entry(3, 2, 2, b"E\0"), Entry(4, 5, 3, rationals("I", 7, 15, 0)))
    found = read_capture_facts(by_hand("<", Entry(1, 2, 2, b"N\0"), latitude, *rest, pointer=GPS_AT))
    assert (found.latitude, found.longitude) == (expected, None if expected is None else 7.25)


ABSURD: list[tuple[dict[int, Any], str]] = [
    ({TAG.DateTimeOriginal: "0000:00:00 00:00:00"}, "taken_us"),
    ({TAG.DateTimeOriginal: "0001:01:01 00:00:00"}, "taken_us"),
    ({TAG.DateTimeOriginal: 20240331}, "taken_us"),
    ({TAG.DateTimeOriginal: None}, "offset_minutes"),
    ({TAG.OffsetTimeOriginal: "+99:99"}, "offset_minutes"),
    ({TAG.OffsetTimeOriginal: "Z"}, "offset_minutes"),
    ({TAG.ExposureTime: IFDRational(1, 0)}, "exposure_seconds"),
    ({TAG.ExposureTime: IFDRational(0, 1)}, "exposure_seconds"),
    ({TAG.ExposureTime: IFDRational(4_294_967_295, 1)}, "exposure_seconds"),
    ({TAG.ExposureTime: "fast"}, "exposure_seconds"),
    ({TAG.FNumber: IFDRational(4_294_967_295, 1)}, "f_number"),
    ({TAG.FNumber: (IFDRational(1), IFDRational(2))}, "f_number"),
    ({TAG.ISOSpeedRatings: 0}, "iso"),
    ({TAG.ISOSpeedRatings: "high"}, "iso"),
    ({TAG.FocalLength: IFDRational(0, 0)}, "focal_length_mm"),
]
NOWHERE: list[dict[int, Any]] = [
    {PLACE.GPSLatitude: (IFDRational(91), IFDRational(0), IFDRational(0))},
    {PLACE.GPSLatitude: (IFDRational(90), IFDRational(1), IFDRational(0))},
    {PLACE.GPSLatitude: (IFDRational(1, 0), IFDRational(0), IFDRational(0))},
    {PLACE.GPSLatitude: (IFDRational(33),)},
    {PLACE.GPSLatitudeRef: "E"},
    {PLACE.GPSLongitudeRef: None},
    {tag: (IFDRational(0),) * 3 for tag in (PLACE.GPSLatitude, PLACE.GPSLongitude)},
]


@pytest.mark.parametrize(("details", "name"), ABSURD)
def test_an_absurd_fact_is_left_out_and_the_others_stay(details: dict[int, Any], name: str) -> None:
    found = facts_of(block(details))
    assert getattr(found, name) is None
    assert (found.model, found.lens, found.latitude is None) == ("EOS R5", "RF 24-70mm F2.8 L", False)


@pytest.mark.parametrize("gps", NOWHERE)
def test_a_place_that_is_none_is_left_out(gps: dict[int, Any]) -> None:
    found = facts_of(block(gps=gps))
    assert (found.latitude, found.longitude, found.iso) == (None, None, 400)


def test_texts_end_at_their_nul_and_keep_nothing_that_could_not_be_shown() -> None:
    lens = "50\u202emm\n<b>x</b>".encode()
    found = facts_of(block({TAG.LensModel: lens}, make=b"Ni\x00kon", model="D" * 5000))
    assert (found.make, found.lens) == ("Ni", "50mm<b>x</b>")  # markup is text like any other
    assert found.model == "D" * 64


def test_a_sensitivity_beyond_its_tag_is_told_by_another_one() -> None:
    assert facts_of(block({TAG.ISOSpeedRatings: 65_535, TAG.RecommendedExposureIndex: 204_800})).iso == 204_800


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(6, 400), st.integers(0, 255)), min_size=1, max_size=12))
def test_no_damage_to_exif_raises_or_gives_a_fact_that_cannot_be_stored(damage: list[tuple[int, int]]) -> None:
    data = bytearray(block())
    for place, value in damage:
        data[place % len(data)] = value
    found = facts_of(bytes(data))
    texts, numbers = found[2:5], [found[0], found[1], *found[5:]]
    assert all(text.isprintable() and len(text.encode()) <= 256 for text in texts)
    assert all(number is None or -(2**63) < number < 2**63 for number in numbers)
