"""Changes to the folders and the model of the open library, each as a job. No picture is ever touched."""

import os
from functools import partial
from pathlib import Path

from indexer.wording import tr
from retrieval_app.session.session import Session


def move_folder(session: Session, old_folder: bytes, new_folder: Path) -> None:
    """Tell the library where one of its folders lies now; embeddings, labels and decisions stay."""
    session.job.run_command(
        ["roots", "--move", os.fsdecode(old_folder), str(new_folder)],
        partial(move_folder, session, old_folder, new_folder),
    )


def accept_drive(session: Session, folder: bytes) -> None:
    """Index what is at a folder's path now as that folder, though it is on another drive."""
    session.job.run_command(
        ["index", os.fsdecode(folder), "--here", "--attached"], partial(accept_drive, session, folder)
    )


def forget_folder(session: Session, folder: bytes | None, *, with_labels: bool) -> None:
    """Remove a folder, or where it is None all missing files, from the library; labelled photos `with_labels` only."""
    arguments = ["--missing"] if folder is None else [os.fsdecode(folder)]
    repeat = partial(forget_folder, session, folder, with_labels=with_labels)
    session.job.run_command(["forget", *arguments, "--yes", *["--with-labels"] * with_labels], repeat)


def leave_folder_out(session: Session, root: bytes, folder: bytes) -> None:
    """Leave a folder below a root out of the library; its photos are not shown, what was said of them stays."""
    from indexer.indexing.exclusions import make_folder_pattern

    if pattern := make_folder_pattern(root, folder):
        repeat = partial(leave_folder_out, session, root, folder)
        session.job.run_command(["index", os.fsdecode(root), f"--exclude={pattern}", "--attached"], repeat)
    else:
        session.notice_posted.emit(tr("This is the photo folder itself: it can be forgotten on the Library page."))


def take_back_in(session: Session, root: bytes, pattern: str) -> None:
    """Take what a pattern leaves out of a root back into the library."""
    repeat = partial(take_back_in, session, root, pattern)
    session.job.run_command(["index", os.fsdecode(root), f"--include-again={pattern}", "--attached"], repeat)


def explain_switch_obstacle(session: Session) -> str:
    """Why the library cannot take another model now, in a sentence; "" where it can."""
    if session.library.is_empty:
        return tr("The library is empty: index a photo folder first.")
    return session.job.describe_obstacle()


def count_offline_folders(session: Session) -> int:
    """The number of the library's folders that are offline: another model could not embed their photos now."""
    return sum(root.state == "offline" for root in session.library.info.roots) if session.library.info else 0


def start_model_switch(session: Session, checkpoint: Path, *, anyway: bool = False) -> None:
    """Give the library the model of a checkpoint; until all is embedded, searches go on with the model it has.

    `anyway` also where the model is not clearly better, or a folder is offline.
    """
    repeat = partial(start_model_switch, session, checkpoint, anyway=anyway)
    if reason := explain_switch_obstacle(session):
        session.report_trouble(reason, tr("Try again"), repeat)
    else:
        session.job.run_command(["use", str(checkpoint), *["--anyway"] * anyway, "--attached"], repeat)


def can_switch_back(session: Session) -> bool:
    """Whether the library has a previous model and photos, and no job is at work on it."""
    return bool(session.library.previous_model) and not explain_switch_obstacle(session)


def start_switch_back(session: Session) -> None:
    """Activate the model that the library had before."""
    if can_switch_back(session):
        session.job.run_command(["use", "--previous", "--attached"], partial(start_switch_back, session))
