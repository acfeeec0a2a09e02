"""The facts of a photo in words, each where it is known."""

from datetime import datetime

import pytest

from indexer.photos.reading import CaptureFacts
from indexer.search.results import Photo
from indexer.wording import convert_to_microseconds
from retrieval_app.widgets.photo_facts import describe_exposure, describe_place, list_capture_facts, name_camera

MOMENT = convert_to_microseconds(datetime(985, 12, 24, 18, 3, 12))
PLAIN = Photo(1, b"/a/b.jpg", 0, None, 6000, 4000, b"", offline=False, file_size=12_340_000, taken_us=MOMENT)
FULL = CaptureFacts(MOMENT, -210, "Canon", "Canon EOS R5", "<b>50 mm</b>", 1 / 250, 2.8, 400, 35.0, -33.8687, 151.21)


def test_all_that_is_known_is_told_in_order() -> None:
    told = [(fact.name, fact.value) for fact in list_capture_facts(PLAIN._replace(capture=FULL))]
    assert told == [
        ("Taken", "0985-12-24 18:03:12, UTC-03:30"),
        ("Camera", "Canon EOS R5"),
        ("Lens", "<b>50 mm</b>"),
        ("Exposure", "1/250 s, f/2.8, ISO 400, 35 mm"),
        ("Size", "6,000 x 4,000 px, 12.3 MB"),
        ("Place", "33.8687° S, 151.2100° E"),
    ]


def test_a_date_of_the_file_says_that_it_is_that() -> None:
    told = {fact.name: fact.value for fact in list_capture_facts(PLAIN)}
    assert told["Date"] == "0985-12-24 18:03:12, the file's date, as it names no other"
    assert set(told) == {"Date", "Size"}


@pytest.mark.parametrize(
    ("make", "model", "name"),
    [
        ("", "", ""),
        ("Apple", "iPhone 15", "Apple iPhone 15"),
        ("NIKON CORPORATION", "NIKON D750", "NIKON D750"),
        ("", "X100", "X100"),
        ("Leica", "", "Leica"),
    ],
)
def test_a_make_is_told_once(make: str, model: str, name: str) -> None:
    assert name_camera(CaptureFacts(make=make, model=model)) == name


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1 / 8000, "1/8,000 s"), (0.25, "1/4 s"), (0.5, "0.5 s"), (30, "30 s"), (1e-9, "1/1,000,000,000 s")],
)
def test_short_exposures_are_fractions(seconds: float, text: str) -> None:
    assert describe_exposure(CaptureFacts(exposure_seconds=seconds)) == text


def test_half_a_place_is_none() -> None:
    assert describe_place(CaptureFacts(latitude=3.0)) == ""
