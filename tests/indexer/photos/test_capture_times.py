from pathlib import Path

import pytest
from PIL import ExifTags, Image

from indexer.errors import PhotoError
from indexer.photos.capture_times import CaptureTime, read_capture_time
from indexer.photos.reading import read_photo
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
