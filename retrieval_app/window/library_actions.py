"""What is done with libraries as things: make, open, rename, take off the list, delete, look at in another window.

A library that is renamed or deleted is let go of first: what the user has said of it is written, the watch on it has
ended, and where it is the open one, another takes its place.
"""

import os
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QInputDialog, QMenu, QMessageBox, QWidget

from indexer.errors import LookalikeError
from indexer.home.folders import find_home_folder
from indexer.own_process import build_command
from indexer.paths import show_path
from indexer.places import (
    LibraryContents,
    delete_library,
    find_library,
    list_library_contents,
    name_library,
    require_safe_output,
)
from indexer.progress import Progress
from indexer.wording import tr
from retrieval_app.dialogs.questions import make_message_box, open_box
from retrieval_app.session.session import Session
from retrieval_app.session.settings import WindowSettings
from retrieval_app.window.known_libraries import KnownLibraries, is_there
from retrieval_app.window.library_dialogs import LibrariesDialog, LibraryRow, NewLibraryDialog
from retrieval_app.wording import format_count, format_size
from retrieval_app.workers.generator_thread import GeneratorThread

WAIT_MS = 20  # between two looks whether everything that was said is written
MOST_NAMED = 3  # of the files that stay


class LibraryActions(QObject):
    """The actions on libraries of one window."""

    def __init__(self, session: Session, settings: WindowSettings, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self.known = KnownLibraries(settings)
        self.dialog: LibrariesDialog | None = None
        self._work, self._deletion = GeneratorThread(self), GeneratorThread(self)
        self._doomed: Path | None = None  # the library that is being deleted
        for thread in (self._work, self._deletion):
            thread.refused.connect(self._report_refusal)
            thread.ended.connect(lambda act: act())
            session.closing.connect(thread.close)
        for signal in (session.library.opened, session.library.photos_read):
            signal.connect(self._remember_opened)

    # Opening

    def fill_menu(self, menu: QMenu, further_actions: Sequence[QAction]) -> None:
        """List the known libraries, the open one checked, those that are not there disabled, then further actions."""
        menu.clear()
        for folder in self.known.list_folders():
            name = name_library(folder).replace("&", "&&")
            action = menu.addAction(name if is_there(folder) else tr("{name} (not there)", name=name))
            action.setEnabled(is_there(folder))
            action.setToolTip(show_path(folder))
            action.setCheckable(True)
            action.setChecked(folder == self._session.library.folder)
            action.triggered.connect(partial(self._session.library.switch_to, folder))
        menu.addSeparator()
        menu.addActions(further_actions)
        menu.setToolTipsVisible(True)

    def open_window(self) -> int:
        """Open another window, as a program of its own, on the library that is open here; the id of its process."""
        program, *arguments = build_command("--library", str(self._session.library.folder))
        _, process = QProcess.startDetached(program, arguments)
        return process

    def _remember_opened(self) -> None:
        """Remember the open library, once there is one."""
        folder = self._session.library.folder
        if folder != self.known.find_last() and is_there(folder):
            self.known.remember(folder)

    # Making

    def ask_new(self) -> None:
        """Ask for name and place of a new library, and open it."""
        dialog = NewLibraryDialog(find_home_folder(), self._window)
        dialog.wanted.connect(lambda folder: self._work.run_steps(self._make_library(folder)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _make_library(self, folder: Path) -> Generator[object, None, Callable[[], None]]:
        yield Progress("make", 0, 1)
        require_safe_output(folder)
        from indexer.library import Library

        Library.create(folder).close()
        return partial(self._session.library.switch_to, folder)

    # The list

    def show_libraries(self) -> None:
        """Open the list of all libraries."""
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = LibrariesDialog(self._list_rows, self._window)
        self.dialog.open_wanted.connect(self._session.library.switch_to)
        self.dialog.rename_wanted.connect(self._ask_name)
        self.dialog.removal_wanted.connect(self._take_off)
        self.dialog.deletion_wanted.connect(lambda folder: self._work.run_steps(self._look_into(folder)))
        self.dialog.new_wanted.connect(self.ask_new)
        self.dialog.open()

    def _list_rows(self) -> list[LibraryRow]:
        session = self._session
        waiting = (command.library for command in session.job.waiting)
        busy = (session.job.library, *waiting, self._doomed)
        folders = self.known.list_folders()
        if session.library.folder not in folders and is_there(session.library.folder):
            folders.append(session.library.folder)
        return [
            LibraryRow(
                folder,
                tr("being worked on") if folder in busy else "" if is_there(folder) else tr("not there"),
                folder == session.library.folder,
                is_there(folder),
                folder not in busy and self._doomed is None,
            )
            for folder in folders
        ]

    def _refresh_list(self) -> None:
        if self.dialog is not None and self.dialog.isVisible():
            self.dialog.refresh()

    def _take_off(self, folder: Path) -> None:
        self.known.take_off(folder)
        self._refresh_list()

    def _report_refusal(self, sentence: str) -> None:
        self._doomed = None
        self._end_pause()
        open_box(self._make_box(tr("This could not be done."), sentence))

    def _make_box(self, text: str, more: str) -> QMessageBox:
        """A message in plain text over the list of libraries, or over the window."""
        parent = self.dialog if self.dialog is not None and self.dialog.isVisible() else self._window
        return make_message_box(parent, text, more)

    def _let_go(self, folder: Path, act: Callable[[], None]) -> None:
        """Do something with a library once nothing is written into it by this window any more."""
        if folder != self._session.library.folder:
            act()
            return
        self._session.library.closing.emit()  # what is being typed is finished
        self._session.job.watch.pause_watching(partial(self._wait_for_writer, act))

    def _end_pause(self) -> None:
        """Let the watch go on, unless a job has it paused too."""
        if self._session.job.state is None:
            self._session.job.watch.resume_watching()
        self._refresh_list()

    def _wait_for_writer(self, act: Callable[[], None]) -> None:
        if self._session.library.writer.is_idle():
            act()
        else:
            QTimer.singleShot(WAIT_MS, self, partial(self._wait_for_writer, act))

    # Renaming

    def _ask_name(self, folder: Path) -> None:
        dialog = QInputDialog(self.dialog or self._window)
        dialog.setWindowTitle(tr("Rename library"))
        dialog.setLabelText(tr("Name"))
        dialog.setTextValue(name_library(folder))
        dialog.setOkButtonText(tr("Rename"))
        dialog.textValueSelected.connect(lambda name: self._let_go(folder, partial(self._rename, folder, name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _rename(self, folder: Path, name: str) -> None:
        try:
            target = self.known.rename(folder, name)
        except LookalikeError as error:
            self._report_refusal(str(error))
            return
        if folder == self._session.library.folder:
            self._session.library.switch_to(target)
        self._end_pause()

    # Deleting

    def _look_into(self, folder: Path) -> Generator[object, None, Callable[[], None]]:
        yield Progress("look", 0, 1)
        return partial(self._confirm_deletion, folder, list_library_contents(folder))

    def _confirm_deletion(self, folder: Path, contents: LibraryContents) -> None:
        """Say exactly what would go, and what stays; Enter gives the answer that changes nothing."""
        box = self._make_box(
            tr("Delete the library {folder}?", folder=name_library(folder)), describe_deletion(folder, contents)
        )
        box.setDefaultButton(box.addButton(tr("Keep"), QMessageBox.ButtonRole.RejectRole))
        box.addButton(tr("Delete the library"), QMessageBox.ButtonRole.DestructiveRole).clicked.connect(
            partial(self._let_go, folder, partial(self._delete, folder))
        )
        open_box(box)

    def _delete(self, folder: Path) -> None:
        session, self._doomed = self._session, folder
        if folder == session.library.folder:
            session.library.stop_polling()
            others = [other for other in self.known.list_folders() if other != folder and is_there(other)]
            if others:
                session.library.switch_to(others[0])
        session.notice_posted.emit(tr("Deleting the library {folder}…", folder=name_library(folder)))
        self._deletion.run_steps(self._run_deletion(folder))

    def _run_deletion(self, folder: Path) -> Generator[object, None, Callable[[], None]]:
        contents = yield from delete_library(folder)
        return partial(self._finish_deletion, folder, contents)

    def _finish_deletion(self, folder: Path, contents: LibraryContents) -> None:
        session = self._session
        self._doomed = None
        self.known.forget(folder)
        if folder == session.library.folder:
            session.library.switch_to(find_library())
        stays = f" {_list_foreign(folder, contents)}" if contents.foreign_files else ""
        notice = tr(
            "The library {folder} is deleted: {measure_files}.{stays} No photo was touched.",
            folder=name_library(folder),
            measure_files=_measure_files(contents),
            stays=stays,
        )
        session.notice_posted.emit(notice)
        self._end_pause()


def describe_deletion(folder: Path, contents: LibraryContents) -> str:
    """What deleting a library takes, and what stays."""
    words = contents.words
    said = (
        tr("What you said in it cannot be read.")
        if words is None
        else tr(
            "With it goes what you said in it: {labels}, {decisions} about pairs, {saved_searches}.",
            labels=format_count(words.labels, "label"),
            decisions=format_count(words.decisions, "decision"),
            saved_searches=format_count(words.searches, "saved search", "saved searches"),
        )
        if any(words)
        else tr("You have given no label in it, decided about no pair and saved no search.")
    )
    models = sum(path.name == "model.safetensors" for path in contents.own_files)
    files = tr(
        "{measure_files} in {folder} are deleted, {models} among them.",
        measure_files=_measure_files(contents),
        folder=show_path(folder),
        models=format_count(models, "model"),
    )
    stays = _list_foreign(folder, contents)
    return "\n\n".join(filter(None, (said, files, stays, tr("Your photos stay as they are: none of them is touched."))))


def _measure_files(contents: LibraryContents) -> str:
    return f"{format_count(len(contents.own_files), 'file')}, {format_size(contents.byte_count)}"


def _list_foreign(folder: Path, contents: LibraryContents) -> str:
    """A sentence about the files that are not the library's and stay; "" where there are none."""
    names = [show_path(os.fsencode(path.relative_to(folder))) for path in contents.foreign_files]
    if not names:
        return ""
    more = [tr("{names:,} more", names=len(names) - MOST_NAMED)] if len(names) > MOST_NAMED else []
    return tr("What is not the library's own stays: {value}.", value=", ".join([*names[:MOST_NAMED], *more]))
