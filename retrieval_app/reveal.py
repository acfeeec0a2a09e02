"""Show a file's folder in the system's file manager."""

from PySide6.QtGui import QDesktopServices

from retrieval_app.details_panel import NOT_TEXT, file_url
from retrieval_app.session import Session


def reveal(session: Session, path: bytes) -> None:
    """Open the folder that holds the file; where that cannot be done, say why."""
    open_folder(session, path.rpartition(b"/")[0])


def open_folder(session: Session, folder: bytes) -> None:
    """Open a folder; where that cannot be done, say why."""
    url = file_url(folder)
    if url is None:
        session.noticed.emit(NOT_TEXT)
    elif not QDesktopServices.openUrl(url):
        session.noticed.emit("The system has no program to open this with.")
