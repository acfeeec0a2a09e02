"""What is wrong, told to the user in a sentence with the one thing that can be done about it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from indexer.paths import show_path
from indexer.wording import tr


class TroubleMessage(NamedTuple):
    """A sentence for the user and the one thing that can be done about it."""

    sentence: str
    button_text: str
    remedy: Callable[[], None]


def explain_missing_folder(path: Path, repeat: Callable[[], None], take_parent: Callable[[], None]) -> TroubleMessage:
    """Why a path cannot be indexed, as it is a file or not there, with `take_parent` or `repeat` as the remedy."""
    name = show_path(os.fsencode(path))
    if path.exists():
        return TroubleMessage(
            tr("{name} is a file: folders are indexed.", name=name), tr("Index its folder"), take_parent
        )
    return TroubleMessage(
        tr("The folder {name} is not there. Connect its drive and try again.", name=name), tr("Try again"), repeat
    )
