"""The order of a library's photos that the user chose: sorted by one thing, maybe in groups by another.

The order comes sorted from the database; what is left here is to choose among it, to turn it round and to part it into
sections, which are arrays of integers: a hundred thousand photos take some milliseconds.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from indexer.database.interface import DatabaseState
from indexer.database.photo_orders import (
    SortedPhotos,
    sort_by_folder,
    sort_by_id,
    sort_by_label,
    sort_by_name,
    sort_by_size,
    sort_by_taken,
)
from indexer.paths import get_file_name, show_file_name, show_path

if TYPE_CHECKING:
    from indexer.library import Library

_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # of the years 1 and 9999, counted from 1970
PIXELS_PER_SECTION = 1_000_000
CLUSTER_ORDER = "cluster"  # whose groups `lookalike cluster` makes
MOST_KEYS = 2  # that are kept: an order and groups


class SectionTitle(NamedTuple):
    """What a section is called, and the shorter text that stands at the scroll bar, which several may share."""

    title: str
    mark: str


class PhotoSection(NamedTuple):
    """Photos that lie together in an order, from the place `start` to that of the next section."""

    start: int
    title: str
    mark: str


class PhotoArrangement(NamedTuple):
    """A key of PHOTO_ORDERS, whether that order is turned round, and a key of GROUP_ORDERS, "" for no groups."""

    order: str = "folder"
    is_reversed: bool = False
    grouping: str = ""


class ArrangedPhotos(NamedTuple):
    """Photo ids (n,) int64 in order, and the sections of the outermost order: of the groups where there are any."""

    ids: np.ndarray
    sections: list[PhotoSection]


class SortKey(NamedTuple):
    """Photo ids in ascending order with the codes of their sections, the titles of these, and the title for all other
    photos.
    """

    photos: SortedPhotos
    name_section: Callable[[int], SectionTitle]
    other: SectionTitle = SectionTitle("Others", "")


class PhotoOrder(NamedTuple):
    """An order: its name for people, whether it descends by default, and the function that reads it from a library."""

    text: str
    is_descending: bool
    read_key: Callable[[Library], SortKey]


class PhotoArranger:
    """Arranges the photos of a library; the orders that it has read last are kept until the library changes."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._state = self._read_state()
        self._keys: dict[str, SortKey] = {}

    def arrange_photos(self, ids: np.ndarray, arrangement: PhotoArrangement) -> ArrangedPhotos:
        """These photos, ids (n,) without repetitions, in the order and the groups that are wanted."""
        order, key = PHOTO_ORDERS[arrangement.order], self._read_key(arrangement.order)
        arranged = _select_photos(key.photos, ids, is_descending=order.is_descending != arrangement.is_reversed)
        if arrangement.grouping and arrangement.grouping != arrangement.order:
            order, key = PHOTO_ORDERS[arrangement.grouping], self._read_key(arrangement.grouping)
            arranged = _group_photos(key.photos, arranged.ids, is_descending=order.is_descending)
        return ArrangedPhotos(arranged.ids, _list_sections(key, arranged.codes))

    def _read_key(self, order: str) -> SortKey:
        """The key of an order as the library is now."""
        if self._state != (state := self._read_state()):
            self._state = state
            self._keys.clear()
        key = self._keys.pop(order, None) or PHOTO_ORDERS[order].read_key(self._library)
        self._keys = dict(list(self._keys.items())[1 - MOST_KEYS :]) | {order: key}
        return key

    def _read_state(self) -> tuple[DatabaseState, int]:
        from indexer.clustering.photo_clusters import find_version  # noqa: PLC0415 (the window starts with this module)

        library = self._library
        return library.store.database.read_state(library.model_fingerprint), find_version(library)


def parse_arrangement(setting: object) -> PhotoArrangement:
    """The arrangement that was stored as a JSON list; the usual one where it is none."""
    try:
        arrangement = PhotoArrangement(*setting)  # type: ignore[misc]  # whatever it is
        is_known = arrangement.order in PHOTO_ORDERS and arrangement.grouping in ("", *GROUP_ORDERS)
    except TypeError:
        return PhotoArrangement()
    return arrangement._replace(is_reversed=bool(arrangement.is_reversed)) if is_known else PhotoArrangement()


def _select_photos(found: SortedPhotos, ids: np.ndarray, *, is_descending: bool) -> SortedPhotos:
    """Those of the sorted photos that are wanted, each at its first place; wanted ones that are not there, last."""
    size = 1 + max(found.ids.max(initial=0), ids.max(initial=0))
    is_wanted = np.zeros(size, np.bool_)
    is_wanted[ids] = True
    places = np.arange(len(found.ids))
    first_places = np.zeros(size, np.int64)
    first_places[found.ids[::-1]] = places[::-1]
    is_first = is_wanted[found.ids] & (first_places[found.ids] == places)
    step = -1 if is_descending else 1
    kept_ids, kept_codes = found.ids[is_first][::step], found.codes[is_first][::step]
    is_wanted[kept_ids] = False
    missing = ids[is_wanted[ids]]
    return SortedPhotos(np.concatenate([kept_ids, missing]), np.append(kept_codes, np.full(len(missing), -1)))


def _group_photos(found: SortedPhotos, ids: np.ndarray, *, is_descending: bool) -> SortedPhotos:
    """Photos of ids (n,) grouped by their codes in another order, within groups as they were; those without, last."""
    codes_by_id = np.full(1 + max(found.ids.max(initial=0), ids.max(initial=0)), -1, np.int64)
    codes_by_id[found.ids[::-1]] = found.codes[::-1]
    codes = codes_by_id[ids]
    last = int(codes.max(initial=0)) + 1
    ranks = np.where(codes < 0, last, last - 1 - codes if is_descending else codes)
    if last <= np.iinfo(np.uint16).max:
        ranks = ranks.astype(np.uint16)  # which numpy sorts in a tenth of the time
    order = np.argsort(ranks, kind="stable")
    return SortedPhotos(ids[order], codes[order])


def _list_sections(key: SortKey, codes: np.ndarray) -> list[PhotoSection]:
    """The sections of photos with these codes (n,), of which equal ones lie together; codes below 0 have none."""
    starts = np.flatnonzero(np.diff(codes, prepend=codes[:1] - 1))
    named = (
        (start, key.name_section(code) if code >= 0 else key.other) for start, code in _pair(starts, codes[starts])
    )
    return [PhotoSection(start, *title) for start, title in named]


def _pair(starts: np.ndarray, codes: np.ndarray) -> zip[tuple[int, int]]:
    return zip(starts.tolist(), codes.tolist(), strict=True)


def _read_folder_key(library: Library) -> SortKey:
    photos, folders = sort_by_folder(library.store.database)
    has_one_root = len({root for root, _ in folders}) == 1

    def name_folder(code: int) -> SectionTitle:
        root, folder = folders[code]
        root_name = show_path(get_file_name(root) or root)
        below = show_path(folder)
        title = below if below and has_one_root else f"{root_name}/{below}" if below else root_name
        return SectionTitle(title, show_path(get_file_name(folder)) or root_name)

    return SortKey(photos, name_folder)


def _read_name_key(library: Library) -> SortKey:
    ids, codes = sort_by_name(library.store.database)
    is_digit = (codes >= ord("0")) & (codes <= ord("9"))

    def name_letter(code: int) -> SectionTitle:
        letter = "0-9" if code == ord("0") else show_path(chr(code).upper().encode("utf-8", "replace"))
        return SectionTitle(letter, letter)

    return SortKey(SortedPhotos(ids, np.where(is_digit, ord("0"), codes)), name_letter)


def _read_taken_key(library: Library) -> SortKey:
    ids, days = sort_by_taken(library.store.database)
    months = np.clip(days, _FIRST_DAY, _LAST_DAY).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    months += 1969 * 12  # counted from January of the year 1

    def name_month(code: int) -> SectionTitle:
        year, month = code // 12 + 1, code % 12 + 1
        return SectionTitle(f"{calendar.month_name[month]} {year}", str(year))

    return SortKey(SortedPhotos(ids, months), name_month)


def _read_added_key(library: Library) -> SortKey:
    return SortKey(sort_by_id(library.store.database), lambda _code: SectionTitle("", ""))


def _read_size_key(library: Library) -> SortKey:
    ids, pixels = sort_by_size(library.store.database)

    def name_size(code: int) -> SectionTitle:
        text = f"{code:,} MP" if code else "Below 1 MP"
        return SectionTitle(text, text if code else "0 MP")

    return SortKey(SortedPhotos(ids, pixels // PIXELS_PER_SECTION), name_size)


def _read_label_key(library: Library) -> SortKey:
    photos, labels = sort_by_label(library.store.database)

    def name_label(code: int) -> SectionTitle:
        shown = show_path(labels[code].encode("utf-8", "replace"))
        return SectionTitle(shown, shown)

    return SortKey(photos, name_label, SectionTitle("No label", "none"))


def _read_cluster_key(library: Library) -> SortKey:
    """Photos by the groups that are kept, largest first.

    One without a label of most is called after what the model sees in it, else after its middle.
    """
    from indexer.clustering.photo_clusters import load_clusters, name_clusters  # noqa: PLC0415 (as above)
    from indexer.ranking.word_captions import caption_clusters  # noqa: PLC0415 (as above)

    other = SectionTitle("In no group", "none")
    clusters = load_clusters(library)
    if clusters is None:
        return SortKey(SortedPhotos(np.empty(0, np.int64), np.empty(0, np.int64)), lambda _code: other, other)
    names = name_clusters(clusters, library.annotations.read_labels(library.model_id))
    captions = caption_clusters(library, clusters, names)
    middles = {photo.id: show_file_name(photo.path) for photo in library.load_photos(clusters.middles.tolist())}

    def name_cluster(code: int) -> SectionTitle:
        alike = captions[code] or middles.get(int(clusters.middles[code]))
        shown = show_path(names[code].encode("utf-8", "replace")) or (f"Like {alike}" if alike else "Alike")
        return SectionTitle(shown, shown)

    order = np.argsort(clusters.codes, kind="stable")[np.count_nonzero(clusters.codes < 0) :]
    return SortKey(SortedPhotos(clusters.ids[order], clusters.codes[order]), name_cluster, other)


PHOTO_ORDERS = {
    "folder": PhotoOrder("folder and name", False, _read_folder_key),
    "name": PhotoOrder("name", False, _read_name_key),
    "taken": PhotoOrder("date taken", True, _read_taken_key),
    "added": PhotoOrder("newest added", True, _read_added_key),
    "size": PhotoOrder("size", True, _read_size_key),
    "label": PhotoOrder("label", False, _read_label_key),
    CLUSTER_ORDER: PhotoOrder("what looks alike", False, _read_cluster_key),
}
GROUP_ORDERS = {"folder": "folder", "taken": "month", "label": "label", CLUSTER_ORDER: "what looks alike"}
"""The orders by whose sections photos can be grouped, and what a group is."""
