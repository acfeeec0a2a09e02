"""What can be done with the chosen photos, as entries for the Edit menu, the context menu and keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QMenu, QWidget

from indexer.database.annotations import NO_MATCH
from indexer.paths import get_parent_folder
from indexer.search.query import Query
from indexer.wording import tr
from retrieval_app.actions.labels import label_photos
from retrieval_app.actions.leaving_out import leave_out_folder_of
from retrieval_app.actions.photo_clipboard import decode_path, make_file_data
from retrieval_app.actions.photo_copying import LINK_WAY, PhotoCopier
from retrieval_app.actions.photo_drag import start_drag
from retrieval_app.session.change_history import LibraryChange
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import NOT_UTF8, open_containing_folder, open_picture
from retrieval_app.session.tiles import TileCache, read_image
from retrieval_app.widgets.menus import MenuEntry, WindowMenus
from retrieval_app.widgets.theme import Theme
from retrieval_app.wording import format_count
from retrieval_app.workers.readers import LibraryReaders

if TYPE_CHECKING:
    from indexer.library import Library
    from indexer.search.results import Photo
    from retrieval_app.actions.label_dialog import LabelDialog

MOST_QUERY_PHOTOS = 100  # of one query
MOST_OPENED, MOST_FOLDERS = 10, 5  # programs started at once
COPIED_SIDE = 16_384  # px, the longest side of a picture in the clipboard
DECISION_CHANGE = "decision"  # a kind of LibraryChange
MARK_ENTRIES = ("More like this", "Less like this")
CONTEXT_MENU = (
    ("Find similar", "More like this", "Less like this", "Compare"),
    ("Label…", "Take the label back"),
    ("Copy files", "Copy path", "Copy picture", "Copy to a folder…", "Link in a folder…", "Export…"),
    ("Open", "Show in folder"),
    ("Not a match", "Leave out", "Leave this folder out…"),
)


class _ChosenPhotosRequest(NamedTuple):
    """The key of the question for photos, with what is to be done with them."""

    act: Callable[[list[Photo]], None]


class _PictureRequest(NamedTuple):
    """The key of the question for a photo's pixels."""

    photo_id: int


class PhotoActions(QObject):
    """The actions on the photos that `list_ids` gives: those selected on a page, else its current one."""

    def __init__(
        self, session: Session, tiles: TileCache, theme: Theme, questions: LibraryReaders, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session, self._tiles, self._theme = session, tiles, theme
        self._questions, self._window = questions, window
        self.list_ids: Callable[[], list[int]] = list
        self.has_any: Callable[[], bool] = lambda: False
        self.go_on: Callable[[], None] = lambda: None  # make the next photo the chosen one
        self.copier = PhotoCopier(session, window)
        self.label_dialog: LabelDialog | None = None
        questions.answered.connect(self._take_answer)
        session.library.writer.refused.connect(self._report_refusal)

    # Entries

    def list_undo_entries(self) -> list[MenuEntry]:
        """The menu entries that undo and redo, each with the name of the change it is about."""
        changes = self._session.changes

        def name_undo() -> str:
            return tr("Undo {undotext}", undotext=changes.undoText()).rstrip()

        def name_redo() -> str:
            return tr("Redo {redotext}", redotext=changes.redoText()).rstrip()

        return [
            MenuEntry("Undo", changes.undo, ("Ctrl+Z",), possible=changes.canUndo, name_now=name_undo),
            MenuEntry("Redo", changes.redo, ("Ctrl+Shift+Z",), possible=changes.canRedo, name_now=name_redo),
        ]

    def list_entries(self) -> list[MenuEntry | None]:
        """The entries that act on the chosen photos."""

        def make_entry(text: str, run: Callable[[], object], *keys: str) -> MenuEntry:
            return MenuEntry(text, run, keys, possible=self.has_any)

        return [
            make_entry("Find similar", self.find_similar, "Ctrl+F3"),
            make_entry("Open", partial(self._with_photos, self._open_photos), "Ctrl+Return"),
            make_entry("Show in folder", partial(self._with_photos, self._show_folders), "Ctrl+Shift+F"),
            None,
            make_entry("Copy files", partial(self._with_photos, self._copy_files), "Ctrl+C"),
            make_entry("Copy path", partial(self._with_photos, self._copy_paths), "Ctrl+Shift+C"),
            make_entry("Copy picture", self._copy_picture, "Ctrl+Alt+C"),
            make_entry("Copy to a folder…", lambda: self.copier.ask_folder(self.list_ids()), "Ctrl+Shift+S"),
            make_entry("Link in a folder…", lambda: self.copier.ask_folder(self.list_ids(), LINK_WAY)),
            None,
            make_entry("Label…", self.open_label_dialog, "Ctrl+L"),
            make_entry("Take the label back", partial(self._label_chosen, None)),
            None,
            MenuEntry("Not a match", self.reject_chosen, ("N",), possible=self._can_reject),
            make_entry("Leave out", self.leave_out_chosen, "H"),
            make_entry(
                "Leave this folder out…",
                partial(self._with_photos, partial(leave_out_folder_of, self._session, self._window)),
            ),
        ]

    def make_context_menu(self, menus: WindowMenus) -> QMenu:
        """A menu of the window's actions on photos; the caller shows it."""
        menu = QMenu(self._window)
        for texts in CONTEXT_MENU:
            for text in texts:
                menu.addAction(menus.find_action(text))
            menu.addSeparator()
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def show_context_menu(self, menus: WindowMenus, point: QPoint, *, shows_mark_keys: bool = True) -> None:
        """Show the menu at a point of the screen; plus and minus stand in it where they mark and do not zoom."""
        for text in MARK_ENTRIES:
            menus.find_action(text).setShortcutVisibleInContextMenu(shows_mark_keys)
        menus.update_actions()
        self.make_context_menu(menus).popup(point)

    # Searching

    def find_similar(self) -> None:
        """Make the chosen photos the query, all together."""
        photo_ids = self.list_ids()
        if len(photo_ids) > MOST_QUERY_PHOTOS:
            notice = tr(
                "The first {most_query_photos} of {photo_ids:,} photos are the query.",
                most_query_photos=MOST_QUERY_PHOTOS,
                photo_ids=len(photo_ids),
            )
            self._session.notice_posted.emit(notice)
        if photo_ids:
            self._session.search.run_query(Query(positives=tuple(photo_ids[:MOST_QUERY_PHOTOS])))

    def mark_chosen(self, step: int) -> None:
        """Move the marks of the chosen photos on the query: results shall be more (1) or less (-1) like them."""
        if photo_ids := self.list_ids()[:MOST_QUERY_PHOTOS]:
            self._session.search.mark_examples(photo_ids, step)

    def leave_out_chosen(self) -> None:
        """List the chosen photos no more, until the chip that says so is taken away."""
        conditions, photo_ids = self._session.search.conditions, self.list_ids()
        if photo_ids:
            name = tr("leaving out {photos}", photos=format_count(len(photo_ids), "photo"))
            self._session.changes.make_change(
                name, partial(conditions.leave_out, photo_ids), partial(conditions.take_back_in, photo_ids)
            )

    def reject_chosen(self) -> None:
        """Remember that the chosen photos are no match of the query's photo, and leave them out."""
        search, photo_id = self._session.search, self._session.search.query_photo_id
        others = [other for other in self.list_ids() if other != photo_id]
        if photo_id is None or not others:
            return
        pairs, changes = [(photo_id, other) for other in others], self._session.changes
        name = tr("no match with {photos}", photos=format_count(len(others), "photo"))
        changes.beginMacro(name)
        changes.make_change(
            name, partial(search.conditions.leave_out, others), partial(search.conditions.take_back_in, others)
        )
        changes.change_library(
            name,
            DECISION_CHANGE,
            tuple(others),
            partial(_record_decision, pairs=pairs, decision=NO_MATCH),
            partial(_record_decision, pairs=pairs, decision=None),
        )
        changes.endMacro()

    def _can_reject(self) -> bool:
        return self.has_any() and self._session.search.query_photo_id is not None

    # Labels

    def open_label_dialog(self) -> None:
        """Ask for a label of the chosen photos."""
        photo_ids = self.list_ids()
        if not photo_ids:
            return
        if self.label_dialog is None:
            from retrieval_app.actions.label_dialog import LabelDialog

            self.label_dialog = LabelDialog(self._tiles, self._theme, self._questions, self._window)
            self.label_dialog.label_given.connect(partial(label_photos, self._session.changes))
            self.label_dialog.next_wanted.connect(self._label_next)
            self.label_dialog.finished.connect(lambda: self._window.window().activateWindow())  # the keys go back to it
        self.label_dialog.show_photos(photo_ids)
        self.label_dialog.open()

    def _label_next(self) -> None:
        """Go on to the next photo with the open dialog."""
        assert self.label_dialog is not None
        before = self.list_ids()
        self.go_on()
        if (photo_ids := self.list_ids()) == before:
            self.label_dialog.accept()
        else:
            self.label_dialog.show_photos(photo_ids)

    def _label_chosen(self, label: str | None) -> None:
        if photo_ids := self.list_ids():
            label_photos(self._session.changes, photo_ids, label)

    # Other programs

    def _with_photos(self, act: Callable[[list[Photo]], None]) -> None:
        """Do something with the chosen photos, once a thread has read what is known of them."""
        self.ask_photos(self.list_ids(), act)

    def ask_photos(self, photo_ids: list[int], act: Callable[[list[Photo]], None]) -> None:
        """Call `act` with the photos of these ids, once a thread has read them."""
        if photo_ids:
            self._questions.ask_question(_ChosenPhotosRequest(act), methodcaller("load_photos", photo_ids))

    def drag_out(self, photo_ids: list[int]) -> None:
        """Let photos be dragged to another program, which copies their files."""
        self.ask_photos(photo_ids, partial(start_drag, self._window, self._tiles))

    def _open_photos(self, photos: list[Photo]) -> None:
        for photo in photos[:MOST_OPENED]:
            open_picture(self._session, photo.path)
        self._say_limit(len(photos), MOST_OPENED, "photo")

    def _show_folders(self, photos: list[Photo]) -> None:
        folders = {get_parent_folder(photo.path): photo for photo in photos}
        for photo in list(folders.values())[:MOST_FOLDERS]:
            open_containing_folder(self._session, photo.path)
        self._say_limit(len(folders), MOST_FOLDERS, "folder")

    def _say_limit(self, count: int, limit: int, noun: str) -> None:
        if count > limit:
            self._session.notice_posted.emit(
                tr("The first {limit} of {count} are opened.", limit=limit, count=format_count(count, noun))
            )

    def _copy_files(self, photos: list[Photo]) -> None:
        QGuiApplication.clipboard().setMimeData(make_file_data(photos))
        self._session.notice_posted.emit(tr("{files} in the clipboard.", files=format_count(len(photos), "file")))

    def _copy_paths(self, photos: list[Photo]) -> None:
        paths = [path for photo in photos if (path := decode_path(photo)) is not None]
        if paths:
            QGuiApplication.clipboard().setText("\n".join(paths))
            said = tr("The path is") if len(paths) == 1 else tr("{paths} are", paths=format_count(len(paths), "path"))
            self._session.notice_posted.emit(tr("{said} in the clipboard.", said=said))
        if len(paths) < len(photos):
            self._session.notice_posted.emit(NOT_UTF8)

    def _copy_picture(self) -> None:
        if photo_ids := self.list_ids():
            self._questions.ask_question(_PictureRequest(photo_ids[0]), partial(_read_picture, photo_id=photo_ids[0]))

    # Answers

    def _take_answer(self, key: object, answer: object) -> None:
        if isinstance(key, _ChosenPhotosRequest) and isinstance(answer, list):
            key.act(answer)
        elif isinstance(key, _PictureRequest) and isinstance(answer, QImage):
            if answer.isNull():
                self._session.notice_posted.emit(tr("The picture cannot be read."))
            else:
                QGuiApplication.clipboard().setImage(answer)
                self._session.notice_posted.emit(tr("The picture is in the clipboard."))

    def _report_refusal(self, key: object, sentence: str) -> None:
        if isinstance(key, LibraryChange):
            self._session.notice_posted.emit(sentence)


def _record_decision(library: Library, pairs: list[tuple[int, int]], decision: str | None) -> None:
    library.annotations.record_decision(pairs, decision)


def _read_picture(library: Library, photo_id: int) -> QImage:
    """The pixels of a photo's file; a null image where it cannot be read."""
    photos = library.load_photos([photo_id])
    return read_image(photos[0].path, COPIED_SIDE) if photos else QImage()
