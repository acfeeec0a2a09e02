"""Open files and folders with the system's own programs.

Paths come out of a library that may be anybody's, and the system runs what it is given by its own rules: a picture is
handed over only where it is one.
"""

import os
import stat

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from indexer.paths import get_file_name, get_parent_folder, show_file_name
from indexer.photos.reading import is_candidate
from indexer.wording import tr
from retrieval_app.session.session import Session

NOT_UTF8 = tr("This name is not valid text (UTF-8), so other programs cannot be given it.")


def open_containing_folder(session: Session, path: bytes) -> None:
    """Open the folder of a file in the system's file manager; where that fails, post a notice that says why."""
    open_path(session, get_parent_folder(path))


def open_picture(session: Session, path: bytes) -> None:
    """Open a picture with the system's own program; where it is none or that fails, post a notice that says why."""
    refusal = explain_unfit_picture(path)
    if refusal:
        session.notice_posted.emit(f"{show_file_name(path)} {refusal}.")
    else:
        open_path(session, os.path.realpath(path))


def explain_unfit_picture(path: bytes) -> str:
    """Why the system is not given this path as a picture, empty where it is: a regular file with a picture's name.

    Links are followed first, as their names say nothing about what they lead to.
    """
    target = os.path.realpath(path)
    try:
        is_regular = stat.S_ISREG(os.stat(target).st_mode)  # noqa: PTH116 - bytes
    except (OSError, ValueError):
        return tr("cannot be opened, as it is not there")
    if not is_regular or not is_candidate(get_file_name(target)):
        return tr("is not opened, as it is no picture file")
    return ""


def open_path(session: Session, path: bytes) -> None:
    """Open a folder or a file of our own with the system's own program; where that fails, post a notice that says why.

    A path on another computer, which the system would go and ask, is refused too.
    """
    url = make_file_url(path)
    if url is not None and url.host():
        session.notice_posted.emit(tr("This lies on another computer, so it is not opened from here."))
    elif url is None:
        session.notice_posted.emit(NOT_UTF8)
    elif not QDesktopServices.openUrl(url):
        session.notice_posted.emit(tr("The system has no program to open this with."))


def make_file_url(path: bytes) -> QUrl | None:
    """The URL of a file for the system's programs; None where its name is not UTF-8, which Qt cannot express."""
    try:
        return QUrl.fromLocalFile(path.decode("utf-8"))
    except UnicodeDecodeError:
        return None
