"""What the session reads of the library at one moment, in a thread of its own."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.database.store import Failure
from indexer.library import Info, Library

WATCHED = "watched"  # the library's setting


class Snapshot(NamedTuple):
    """What was read of the library at one moment."""

    ids: NDArray[np.int64]
    info: Info | None  # None before the first photo
    failures: list[Failure]
    previous: str  # the model before the active one, "" where there is none
    watched: bool  # whether the user wants its folders to be watched


def take_snapshot(library: Library) -> Snapshot:
    """Everything at once."""
    info = library.info() if library.fingerprint else None
    known = library.store.model(str(library.store.setting("previous_model") or ""))
    watched = bool(library.store.setting(WATCHED))
    return Snapshot(library.photo_ids(), info, library.failures(), known.name if known else "", watched)


def keep_watched(library: Library, *, watched: bool) -> None:
    """Remember whether the user wants the folders to be watched."""
    library.store.set_setting(WATCHED, watched)
