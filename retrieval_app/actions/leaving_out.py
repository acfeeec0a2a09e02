"""Leaving the folder of a photo out of the library, after a question."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from indexer.paths import get_parent_folder, is_below, show_path
from indexer.wording import tr
from retrieval_app.dialogs.questions import ask_question, make_message_box
from retrieval_app.session.library_commands import leave_folder_out
from retrieval_app.session.session import Session

if TYPE_CHECKING:
    from indexer.search.results import Photo

NO_FOLDER = tr("The photo lies in a photo folder itself: that can be forgotten on the Library page.")


def leave_out_folder_of(session: Session, parent: QWidget, photos: list[Photo]) -> None:
    """Ask whether the folder of the first photo is to be left out; Enter gives the answer that changes nothing."""
    info = session.library.info
    folder = get_parent_folder(photos[0].path) if photos else b""
    roots = [root.path for root in info.roots if is_below(folder, root.path)] if info else []
    if session.job.state is not None or not roots or folder in roots:
        session.notice_posted.emit(session.job.describe_obstacle() or NO_FOLDER)
        return
    box = make_message_box(
        parent,
        tr("Leave {folder} out of the library?", folder=show_path(folder)),
        tr(
            "Its photos are not shown any more; what you have said of them is kept. On the Library "
            "page it can be taken back in. The pictures themselves are not touched."
        ),
    )
    leave_out = partial(leave_folder_out, session, max(roots, key=len), folder)
    ask_question(box, tr("Leave it out"), leave_out, keep_text=tr("Keep"))
