"""How folders and pictures come into the window: chosen in the system's dialogs, pasted or dropped."""

import os
from functools import partial
from itertools import islice
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from indexer.database.sqlite.opening import has_library
from indexer.paths import show_path
from indexer.photos.reading import is_candidate
from indexer.search.query import Query, QueryExample
from indexer.wording import tr
from retrieval_app.session.searching.photo_listing import NO_FILTER
from retrieval_app.session.session import Session
from retrieval_app.session.settings import WindowSettings
from retrieval_app.window.drop_and_paste import ReceivedItems, read_mime_data, sort_paths
from retrieval_app.window.running_window import OpenRequest

MAX_FOLDERS_CHECKED = 50  # folders in and below a chosen one: enough to tell, and soon done


class InputOpener:
    """Asks for folders and pictures, starting in the folder that was last chosen, and indexes or searches with them."""

    def __init__(self, session: Session, settings: WindowSettings, window: QWidget) -> None:
        self._session = session
        self._settings = settings
        self._window = window

    def choose_folder(self) -> None:
        """Ask for a photo folder and index it."""
        if folder := self._ask_folder(tr("Choose a photo folder")):
            self._session.job.index_folders([folder])

    def choose_labelled_folder(self) -> None:
        """Ask for a folder whose sub-folders are named by class, and index it."""
        if folder := self._ask_folder(tr("Choose a folder whose sub-folders are named by class")):
            self._session.job.index_folders([folder], labelled=True)

    def choose_library(self) -> None:
        """Ask for a library folder and open it; a folder of pictures is offered to be indexed, any other is refused."""
        folder, session = self._ask_folder(tr("Choose a folder that ends in .library")), self._session
        if folder is None:
            return
        name = show_path(os.fsencode(folder))
        if has_library(folder):
            session.library.switch_to(folder)
        elif _holds_pictures(folder):
            index = partial(session.job.index_folders, [folder])
            session.report_trouble(
                tr("{name} is a folder of pictures, not a library.", name=name), tr("Index this folder"), index
            )
        else:
            session.report_trouble(
                tr("There is no library in {name}.", name=name), tr("Choose another folder"), self.choose_library
            )

    def choose_pictures(self) -> None:
        """Ask for pictures from anywhere and search with them as one query."""
        title = tr("Find what looks like these pictures")
        names, _ = QFileDialog.getOpenFileNames(self._window, title, self._last_folder())
        if names:
            self._settings.write_value("folder", str(Path(names[0]).parent))
            self._search_pictures([Path(name) for name in names])

    def paste_clipboard(self) -> None:
        """Search with the picture or the picture files of the clipboard."""
        items = read_mime_data(QGuiApplication.clipboard().mimeData() or QMimeData())
        if items.pictures or items.folders:
            self.open_items(items)
        else:
            self._session.notice_posted.emit(tr("There is no picture in the clipboard."))

    def open_items(self, items: ReceivedItems) -> None:
        """Index the folders, and search with the pictures as one query."""
        if items.folders:
            self._session.job.index_folders(items.folders)
        if items.pictures:
            self._search_pictures(items.pictures)

    def open_request(self, request: OpenRequest) -> None:
        """Open what another program hands over: libraries, and files and folders as if they were dropped.

        A filter of before is dropped: whoever hands over a picture does not see it, and would miss what it leaves out.
        """
        paths = request.paths
        libraries = [path for path in paths if has_library(path)]
        if libraries:
            self._session.library.switch_to(libraries[0])
        items = sort_paths([path for path in paths if path not in libraries])
        library = self._session.library
        if library.info is None and has_library(library.folder):  # it is being read
            library.opened.connect(partial(self.open_items, items), Qt.ConnectionType.SingleShotConnection)
        else:
            if items.pictures and self._session.search.conditions.photo_filter != NO_FILTER:
                self._session.search.conditions.set_filter(NO_FILTER)
            self.open_items(items)
        if request.asks_for_folder:
            self.choose_folder()

    def _search_pictures(self, pictures: tuple[QueryExample, ...] | list[Path]) -> None:
        session, first = self._session, pictures[0]
        if session.library.is_empty and isinstance(first, Path):
            name = show_path(os.fsencode(first.parent))
            sentence = tr(
                "Nothing is here to search yet. Index a photo folder first, such as that of this picture: {name}",
                name=name,
            )
            session.report_trouble(sentence, tr("Index its folder"), partial(session.job.index_folders, [first.parent]))
        else:
            session.search.run_query(Query(positives=tuple(pictures)))

    def _ask_folder(self, title: str) -> Path | None:
        name = QFileDialog.getExistingDirectory(self._window, title, self._last_folder())
        if name:
            self._settings.write_value("folder", name)
        return Path(name) if name else None

    def _last_folder(self) -> str:
        return self._settings.read_text("folder", str(Path.home()))


def _holds_pictures(folder: Path) -> bool:
    """Whether a folder or one below it holds a picture, judged by name, in the first MAX_FOLDERS_CHECKED folders."""
    names = (name for _, _, names in islice(os.walk(os.fsencode(folder)), MAX_FOLDERS_CHECKED) for name in names)
    return any(map(is_candidate, names))
