"""The two folders that can be chosen: that of libraries and trainings, and that of prepared models.

A choice holds for what is made from then on. What lies in former folders stays listed, and is moved if asked.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QMessageBox, QWidget

from indexer.errors import LookalikeError
from indexer.home.folders import (
    MODELS_FOLDER,
    find_chosen_folder,
    find_home_folder,
    find_models_folder,
    list_home_folders,
    list_models_folders,
)
from indexer.home.settings_file import HOME_KEY, MODELS_KEY, find_settings_folder, is_home_given
from indexer.paths import show_path
from indexer.places import (
    list_home_contents,
    list_model_contents,
    measure_folders,
    measure_home,
    require_home_place,
)
from indexer.progress import Steps
from indexer.wording import tr
from retrieval_app.dialogs.questions import ask_question, make_message_box, open_box
from retrieval_app.preferences.effects import UserPreferences
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import open_path
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.wording import format_size
from retrieval_app.workers.generator_thread import GeneratorThread


class ChoosableFolder(NamedTuple):
    """A folder that the settings may name by a key: how it is called, found and measured, and what lies in it."""

    key: str
    title: str
    find_folder: Callable[[], Path]
    find_usual_folder: Callable[[], Path]
    measure: Callable[[Path], Steps[int]]
    consequence: str
    list_contents: Callable[[Path], list[Path]]
    list_folders: Callable[[], list[Path]]

    def list_former(self) -> dict[Path, list[Path]]:
        """What lies in the folders before the one that is used now, by folder."""
        former = {folder: self.list_contents(folder) for folder in self.list_folders()[1:]}
        return {folder: contents for folder, contents in former.items() if contents}


CHOOSABLE_FOLDERS = (
    ChoosableFolder(
        HOME_KEY,
        tr("Libraries and trainings"),
        find_home_folder,
        find_settings_folder,
        measure_home,
        tr("New libraries and trainings will lie in the new folder. Those there are stay listed, moved or not."),
        list_home_contents,
        list_home_folders,
    ),
    ChoosableFolder(
        MODELS_KEY,
        tr("Prepared models"),
        find_models_folder,
        lambda: find_home_folder() / MODELS_FOLDER,
        lambda folder: measure_folders([folder]),
        tr("New models will be prepared in the new folder. Those there are stay in use, moved or not."),
        list_model_contents,
        list_models_folders,
    ),
)


class FolderChoice(QWidget):
    """Where one of the choosable folders lies and how large it is, with the ways to open it and to choose another."""

    def __init__(self, choosable: ChoosableFolder, session: Session, preferences: UserPreferences) -> None:
        super().__init__()
        self._choosable, self._session, self._preferences = choosable, session, preferences
        self.path_label, self.size_label = ElidedLabel("muted"), make_label("", "muted")
        self.change_button = make_button(tr("Change"), "link")
        self._open_button = make_button(tr("Open"), "link")
        menu = QMenu(self.change_button)
        menu.addAction(tr("Another folder…"), self._choose_folder)
        self.usual_action = menu.addAction(tr("The usual folder"), lambda: self.ask_for(None))
        self.move_action = menu.addAction(tr("Move here what lies in former folders"), self._move_former)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self._show_choices)
        self.change_button.setMenu(menu)
        for button in (self.change_button, self._open_button):
            button.setAccessibleName(tr("{button}: {text}", button=button.text(), text=choosable.title))
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.path_label, 1)
        for widget in (self.size_label, self.change_button, self._open_button):
            row.addWidget(widget)
        self._thread = GeneratorThread(self)
        self._thread.ended.connect(self._show_size)
        session.closing.connect(self._thread.close)
        self._open_button.clicked.connect(self._open_folder)
        preferences.folder_move.ended.connect(self._show_folder)
        self._show_folder()

    def ask_for(self, folder: Path | None) -> None:
        """Ask whether a folder, None for the usual one, is to be used from now on; one that cannot be is refused."""
        before = self._choosable.find_folder()
        target = folder or self._choosable.find_usual_folder()
        if target == before:
            return
        try:
            if folder is not None:
                require_home_place(folder)
        except LookalikeError as error:
            open_box(make_message_box(self, str(error)))
            return
        text = tr("Use {folder} from now on?", folder=show_path(target))
        size = tr("{folder} takes {size}.", folder=show_path(before), size=self.size_label.text() or "0 KB")
        box = make_message_box(self, text, f"{size} {self._choosable.consequence}")
        if self._choosable.list_contents(before):
            button = box.addButton(tr("Use it, and move what is there"), QMessageBox.ButtonRole.ActionRole)
            button.setEnabled(not (obstacle := self._preferences.folder_move.describe_obstacle()))
            button.setToolTip(obstacle)
            button.clicked.connect(partial(self._use_and_move, folder))
        ask_question(box, tr("Use it"), partial(self._use_folder, folder))

    def _choose_folder(self) -> None:
        title = tr("Choose the folder: {text}", text=self._choosable.title)
        if name := QFileDialog.getExistingDirectory(self, title, str(self._choosable.find_folder())):
            self.ask_for(Path(name))

    def _use_folder(self, folder: Path | None) -> None:
        self._preferences.set_folder(self._choosable.key, self._choosable.find_folder(), folder)
        self._show_folder()

    def _use_and_move(self, folder: Path | None) -> None:
        self._use_folder(folder)
        self._move_former()

    def _move_former(self) -> None:
        self._preferences.folder_move.start_move(self._choosable.list_former(), self._choosable.find_folder())

    def _show_choices(self) -> None:
        """Offer what can be done now."""
        obstacle = self._preferences.folder_move.describe_obstacle()
        self.move_action.setEnabled(not obstacle and bool(self._choosable.list_former()))
        self.move_action.setToolTip(obstacle)

    def _open_folder(self) -> None:
        open_path(self._session, os.fsencode(self._choosable.find_folder()))

    def _show_size(self, byte_count: int) -> None:
        self.size_label.setText(format_size(byte_count))
        self._row.activate()  # else the path has its room until the next event

    def _show_folder(self) -> None:
        folder, chosen = self._choosable.find_folder(), find_chosen_folder(self._choosable.key)
        text = show_path(folder)
        if chosen is not None and chosen != folder:
            text = tr("{folder}, as {chosen} is not there", folder=text, chosen=show_path(chosen))
        is_given = self._choosable.key == HOME_KEY and is_home_given()
        self.path_label.setText(text)
        self.path_label.setToolTip(text)
        self.change_button.setEnabled(not is_given)
        self.change_button.setToolTip(tr("LOOKALIKE_HOME names it") if is_given else "")
        self.usual_action.setEnabled(chosen is not None)
        self._open_button.setEnabled(folder.is_dir())
        self._thread.run_steps(self._choosable.measure(folder))
