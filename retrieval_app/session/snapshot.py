"""What a reader thread reads of the library each time that it has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from indexer.database.photo_orders import read_aspects
from indexer.ranking.photo_arrangement import PhotoArrangement, parse_arrangement
from indexer.wording import tr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.database.file_table import FailedFile
    from indexer.library import Library, LibraryInfo

WATCHED_SETTING, ARRANGEMENT_SETTING = "watched", tr("photo order")  # the library's settings


class LibrarySnapshot(NamedTuple):
    """What the window shows of a library, as it was at one moment."""

    photo_ids: NDArray[np.int64]  # (n,), by folder and name
    new_aspects: NDArray[np.float32]  # width over height of the photos with the next ids; 0 where unknown
    info: LibraryInfo | None  # None before the first photo
    failures: list[FailedFile]
    previous_model: str  # the name of the model before the active one, "" where there is none
    is_watched: bool  # whether the user wants its folders to be watched
    arrangement: PhotoArrangement  # the order that the user has chosen


def take_snapshot(library: Library, last_known_id: int) -> LibrarySnapshot:
    """Read everything that the window shows of the library beside its pictures, shapes only of later photos."""
    with library.store.database.reading("snapshot"):
        info = library.collect_info() if library.model_fingerprint else None
        settings = library.store.models
        previous_model = settings.find_model(str(settings.read_setting("previous_model") or ""))
        is_watched = bool(settings.read_setting(WATCHED_SETTING))
        return LibrarySnapshot(
            library.find_photo_ids(),
            read_aspects(library.store.database, last_known_id),
            info,
            library.list_failed_files(),
            previous_model.name if previous_model else "",
            is_watched,
            parse_arrangement(settings.read_setting(ARRANGEMENT_SETTING)),
        )


def save_watched_setting(library: Library, *, watched: bool) -> None:
    """Remember in the library whether the user wants its folders to be watched."""
    library.store.models.set_setting(WATCHED_SETTING, watched)


def save_arrangement(library: Library, arrangement: PhotoArrangement) -> None:
    """Remember in the library the order that the user has chosen."""
    library.store.models.set_setting(ARRANGEMENT_SETTING, list(arrangement))
