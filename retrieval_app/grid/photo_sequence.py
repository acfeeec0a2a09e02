"""The photos of a grid one after the other, for what shows one of them large: its order, its place, its choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from retrieval_app.grid.photo_grid import PhotoGrid

if TYPE_CHECKING:
    from indexer.search.query import QueryExample
    from indexer.search.results import Hit, Photo


class Partner(NamedTuple):
    """The picture that a photo is compared with, and what it is called."""

    example: QueryExample
    name: str


@dataclass(frozen=True, slots=True)
class PhotoSequence:
    """Photos in the order of the page that shows them; the page's current photo is always the one seen large."""

    count_photos: Callable[[], int]
    find_place: Callable[[], int | None]  # of the current photo
    go_to_place: Callable[[int], None]
    find_id: Callable[[int], int]  # of the photo at a place
    find_photo: Callable[[int], Photo | None]  # None until it has been read
    find_partner: Callable[[], Partner | None] = lambda: None  # what a photo is compared with; None where nothing is
    find_hit: Callable[[int], Hit | None] = lambda _place: None
    is_selected: Callable[[int], bool] = lambda _place: False
    toggle_place: Callable[[int], None] = lambda _place: None  # select or mark the photo at a place, or no longer


def make_grid_sequence(grid: PhotoGrid, find_partner: Callable[[], Partner | None]) -> PhotoSequence:
    """All photos of a grid, those not yet read included."""
    model = grid.grid_model
    return PhotoSequence(
        count_photos=lambda: len(model.listing.ids),
        find_place=grid.current_place,
        go_to_place=grid.go_to,
        find_id=lambda place: int(model.listing.ids[place]),
        find_photo=model.photo_at,
        find_partner=find_partner,
        find_hit=model.hit_at,
        is_selected=lambda place: grid.selection.includes(int(model.listing.ids[place])),
        toggle_place=grid.selection.toggle_place,
    )


def make_list_sequence(photos: Sequence[Photo], partner: Partner) -> PhotoSequence:
    """Photos chosen by hand, each to be compared with the partner; the first is current."""
    place = 0

    def go_to_place(other: int) -> None:
        nonlocal place
        place = other

    return PhotoSequence(
        count_photos=lambda: len(photos),
        find_place=lambda: place,
        go_to_place=go_to_place,
        find_id=lambda place: photos[place].id,
        find_photo=lambda place: photos[place],
        find_partner=lambda: partner,
    )
