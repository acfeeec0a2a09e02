"""What a search gives: photos as people see them, ranked hits, and how they were found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from indexer.paths import join_path
from indexer.photos.reading import NO_FACTS, CaptureFacts
from indexer.wording import convert_to_moment, format_offset

if TYPE_CHECKING:
    from indexer.database.embedding_table import ShownPhoto
    from indexer.search.label_metric import LabelCounts


class LabelOrigin(NamedTuple):
    """The user of a server who gave a photo its label, and the server's time."""

    who: str
    moment: datetime


class Photo(NamedTuple):
    """One content: the absolute path of one of its present files, the number of further copies, its size in pixels.

    `file_size` in bytes and `taken_us` are that file's; `taken_us` is the moment of the taking by the camera's clock
    where `capture` has it, else the file's time by this computer's, in microseconds since 1970. `labelled` is None
    where the label is a folder's, or the library is not shared.
    """

    id: int
    path: bytes
    copies: int
    label: str | None
    width: int
    height: int
    sha256: bytes
    offline: bool
    file_size: int = 0
    taken_us: int = 0
    capture: CaptureFacts = NO_FACTS
    labelled: LabelOrigin | None = None

    @property
    def moment(self) -> datetime:
        """When it was taken, by the camera's clock if `capture` names that moment, else the file's time by this one."""
        return convert_to_moment(self.taken_us)


class Hit(NamedTuple):
    """One ranked photo; probability and rarity of its distance are None where they were not measured.

    `points` are those it shares with the query, None where they were not counted.
    """

    rank: int
    photo: Photo
    distance: float
    probability: float | None
    rarity: float | None
    points: int | None = None


class FactFields(NamedTuple):
    """The facts of the taking by the names under which JSON and tables have them; None for what the file does not say.

    `taken` is a moment of ISO 8601, with its zone where that is known; `taken_from` is "camera", or "file" where it is
    the file's own time.
    """

    taken: str
    taken_from: str
    bytes: int
    make: str | None
    model: str | None
    lens: str | None
    exposure_seconds: float | None
    f_number: float | None
    iso: int | None
    focal_length_mm: float | None
    latitude: float | None
    longitude: float | None


def list_fact_fields(photo: Photo) -> FactFields:
    """The facts of a photo for JSON and tables."""
    capture = photo.capture
    offset = "" if capture.offset_minutes is None else format_offset(capture.offset_minutes)
    taken_from = "file" if capture.taken_us is None else "camera"
    make, model, lens = (text or None for text in (capture.make, capture.model, capture.lens))
    numbers = capture[5:]
    return FactFields(photo.moment.isoformat() + offset, taken_from, photo.file_size, make, model, lens, *numbers)


class SearchResult(NamedTuple):
    """Hits ordered by (distance, id); `notice` says in a sentence what was wrong with the search files, else empty.

    `taught_by` are the labels by which the photos were ranked, None where that was by the model alone.
    """

    hits: list[Hit]
    engine: str
    recall_at_10: float
    seconds: float
    notice: str
    taught_by: LabelCounts | None = None


def build_photo(shown: ShownPhoto) -> Photo:
    """The photo as people see it, from what the database knows of it."""
    return Photo(
        id=shown.id,
        path=join_path(shown.root, shown.path),
        copies=shown.copies,
        label=shown.label,
        width=shown.width,
        height=shown.height,
        sha256=shown.sha256,
        offline=not shown.online,
        file_size=shown.file_size,
        taken_us=shown.taken_us or 0,
        capture=NO_FACTS if shown.capture is None else CaptureFacts(*shown.capture),
        labelled=_parse_labeller(shown.labeller),
    )


def _parse_labeller(labeller: str | None) -> LabelOrigin | None:
    """Who labelled a photo and when, out of `SqlDialect.name_labeller`."""
    if labeller is None:
        return None
    seconds, _, who = labeller.partition(" ")
    return LabelOrigin(who, datetime.fromtimestamp(float(seconds), UTC))
