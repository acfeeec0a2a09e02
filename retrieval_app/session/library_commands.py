"""What the user does to the folders of the open library, each as a job of its own. No picture is ever touched."""

import os
from functools import partial
from pathlib import Path

from retrieval_app.session.session import Session


def move_folder(session: Session, old_folder: bytes, new_folder: Path) -> None:
    """Point a folder of the library at its new place; nothing is embedded again."""
    session.run_command(
        ["roots", "--move", os.fsdecode(old_folder), str(new_folder)],
        partial(move_folder, session, old_folder, new_folder),
    )


def forget_folder(session: Session, folder: bytes) -> None:
    """Take a folder out of the library."""
    session.run_command(["forget", os.fsdecode(folder), "--yes"], partial(forget_folder, session, folder))


def forget_missing_files(session: Session) -> None:
    """Take the files that are gone out of the library."""
    session.run_command(["forget", "--missing", "--yes"], partial(forget_missing_files, session))
