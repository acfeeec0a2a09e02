"""What the session reads of the library at one moment, in a thread of its own."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.database.store import FailedFile
from indexer.library import Library, LibraryInfo

WATCHED_SETTING = "watched"  # the library's setting


class LibrarySnapshot(NamedTuple):
    """What was read of the library at one moment."""

    photo_ids: NDArray[np.int64]
    info: LibraryInfo | None  # None before the first photo
    failures: list[FailedFile]
    previous_model: str  # the model before the active one, "" where there is none
    is_watched: bool  # whether the user wants its folders to be watched


def take_snapshot(library: Library) -> LibrarySnapshot:
    """Everything at once."""
    info = library.collect_info() if library.model_fingerprint else None
    previous_model = library.store.find_model(str(library.store.read_setting("previous_model") or ""))
    is_watched = bool(library.store.read_setting(WATCHED_SETTING))
    return LibrarySnapshot(
        library.find_photo_ids(),
        info,
        library.list_failed_files(),
        previous_model.name if previous_model else "",
        is_watched,
    )


def save_watched_setting(library: Library, *, watched: bool) -> None:
    """Remember whether the user wants the folders to be watched."""
    library.store.set_setting(WATCHED_SETTING, watched)
