"""What is known of a photo whatever it is compared with, in words: when and with what it was taken, how large it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from indexer.wording import format_number, format_offset, tr, tr_count
from retrieval_app.widgets.tables import NamedFact
from retrieval_app.wording import format_size

if TYPE_CHECKING:
    from datetime import datetime

    from indexer.photos.reading import CaptureFacts
    from indexer.search.results import LabelOrigin, Photo

NAMES_NO_DATE = tr("the file's date, as it names no other")
WHOLE_SECONDS = 0.3  # from which an exposure is told as a decimal and not as a fraction, as cameras do


def list_capture_facts(photo: Photo) -> Iterator[NamedFact]:
    """The date, camera, lens, exposure, size and place of a photo; what its file does not say is left out."""
    capture = photo.capture
    if capture.taken_us is not None:
        yield NamedFact(tr("Taken"), format_moment(photo))
    elif photo.taken_us:
        yield NamedFact(tr("Date"), f"{format_moment(photo)}, {NAMES_NO_DATE}")
    facts = {tr("Camera"): name_camera(capture), tr("Lens"): capture.lens, tr("Exposure"): describe_exposure(capture)}
    yield from (NamedFact(name, text) for name, text in facts.items() if text)
    size = tr("{width:,} x {height:,} px", width=photo.width, height=photo.height)
    yield NamedFact(tr("Size"), f"{size}, {format_size(photo.file_size)}" if photo.file_size else size)
    if place := describe_place(capture):
        yield NamedFact(tr("Place"), place)


def format_moment(photo: Photo) -> str:
    """'2024-12-24 18:03:12, UTC+09:00': by the camera's clock with its zone, else the file's time by this one."""
    offset = photo.capture.offset_minutes
    date, time = photo.moment.isoformat(" ", "seconds").split()  # strftime leaves the zeros of early years out
    year, month, day = date.split("-")
    moment = tr("{year}-{month}-{day} {time}", year=year, month=month, day=day, time=time)
    return moment if offset is None else tr("{moment}, UTC{offset}", moment=moment, offset=format_offset(offset))


def describe_origin(origin: LabelOrigin, now: datetime) -> str:
    """'by anna, 3 minutes ago': who gave a photo its label and how long ago; after a week the day, by this clock."""
    who, minutes = origin.who, int((now - origin.moment).total_seconds() // 60)
    if minutes < 1:  # or the clocks differ
        return tr("by {who}, just now", who=who)
    if minutes < 60:
        return tr_count(minutes, "by {who}, {number} minute ago", "by {who}, {number} minutes ago", who=who)
    if minutes < 24 * 60:
        return tr_count(minutes // 60, "by {who}, {number} hour ago", "by {who}, {number} hours ago", who=who)
    if minutes < 7 * 24 * 60:
        days = minutes // (24 * 60)
        return tr_count(days, "by {who}, {number} day ago", "by {who}, {number} days ago", who=who)
    return tr("by {who}, {day}", who=who, day=origin.moment.astimezone().date().isoformat())


def name_camera(capture: CaptureFacts) -> str:
    """Make and model, the make once: many models begin with it."""
    make, model = capture.make, capture.model
    return model if make and model.casefold().startswith(make.casefold().split()[0]) else f"{make} {model}".strip()


def describe_exposure(capture: CaptureFacts) -> str:
    """'1/250 s, f/2.8, ISO 400, 35 mm', of which what is not known is left out."""
    parts = (
        "" if capture.exposure_seconds is None else f"{_format_exposure(capture.exposure_seconds)} s",
        "" if capture.f_number is None else f"f/{format_number(capture.f_number, '.3g')}",
        "" if capture.iso is None else tr("ISO {iso:,}", iso=capture.iso),
        ""
        if capture.focal_length_mm is None
        else tr("{focal_length_mm:.3g} mm", focal_length_mm=capture.focal_length_mm),
    )
    return ", ".join(filter(None, parts))


def describe_place(capture: CaptureFacts) -> str:
    """'33.8687° S, 151.2100° E', "" where the place is not known: to four decimals, which are 11 m."""
    if capture.latitude is None or capture.longitude is None:
        return ""
    north = f"{format_number(abs(capture.latitude), '.4f')}° {'S' if capture.latitude < 0 else 'N'}"
    east = f"{format_number(abs(capture.longitude), '.4f')}° {'W' if capture.longitude < 0 else 'E'}"
    return f"{north}, {east}"


def _format_exposure(seconds: float) -> str:
    return format_number(seconds, ",.3g") if seconds >= WHOLE_SECONDS else f"1/{format_number(1 / seconds, ',.0f')}"
