"""What the user does to the folders of the open library, each as a job of its own. No picture is ever touched."""

import os
from functools import partial
from pathlib import Path

from retrieval_app.session.session import Session


def move(session: Session, old: bytes, new: Path) -> None:
    """Point a folder of the library at its new place; nothing is embedded again."""
    session.run(["roots", "--move", os.fsdecode(old), str(new)], partial(move, session, old, new))


def forget(session: Session, folder: bytes) -> None:
    """Take a folder out of the library."""
    session.run(["forget", os.fsdecode(folder), "--yes"], partial(forget, session, folder))


def forget_missing(session: Session) -> None:
    """Take the files that are gone out of the library."""
    session.run(["forget", "--missing", "--yes"], partial(forget_missing, session))
