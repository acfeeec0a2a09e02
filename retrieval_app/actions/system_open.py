"""Open files and folders with the system's own programs."""

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from indexer.paths import get_parent_folder
from retrieval_app.session.session import Session

NOT_UTF8 = "This name is not valid text (UTF-8), so other programs cannot be given it."


def open_containing_folder(session: Session, path: bytes) -> None:
    """Open the folder of a file in the system's file manager; where that fails, post a notice that says why."""
    open_path(session, get_parent_folder(path))


def open_path(session: Session, path: bytes) -> None:
    """Open a file or a folder with the system's own program; where that fails, post a notice that says why."""
    url = make_file_url(path)
    if url is None:
        session.notice_posted.emit(NOT_UTF8)
    elif not QDesktopServices.openUrl(url):
        session.notice_posted.emit("The system has no program to open this with.")


def make_file_url(path: bytes) -> QUrl | None:
    """The URL of a file for the system's programs; None where its name is not UTF-8, which Qt cannot express."""
    try:
        return QUrl.fromLocalFile(path.decode("utf-8"))
    except UnicodeDecodeError:
        return None
