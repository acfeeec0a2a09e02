"""The dialog of all settings: what holds everywhere, what belongs to the open library, and where things lie.

Each choice holds at once; there is nothing to confirm.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QVBoxLayout,
    QWidget,
)

from indexer.duplicates.trash import TRASH_SETTING, allow_trash, is_trash_allowed
from indexer.home.settings_file import SETTINGS_FILE, find_settings_folder
from indexer.library import Library
from indexer.own_process import count_cores
from indexer.paths import show_path
from indexer.places import name_library
from indexer.wording import tr
from retrieval_app.language import LANGUAGE_KEY
from retrieval_app.preferences.choices import (
    CLICK_CHOICES,
    THUMBNAIL_CHOICES,
    list_language_choices,
    read_click,
    read_cores,
    read_thumbnail_limit,
)
from retrieval_app.preferences.effects import UserPreferences
from retrieval_app.preferences.folder_choice import CHOOSABLE_FOLDERS, FolderChoice
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import open_path
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.widgets.theme import THEME_CHOICES, Theme
from retrieval_app.wording import format_count

Choice = TypeVar("Choice")
WIDTH = 720  # px


class SettingsDialog(QDialog):
    """The settings, each in effect as soon as it is chosen."""

    def __init__(self, session: Session, theme: Theme, preferences: UserPreferences, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._preferences = session, preferences
        settings = preferences.settings
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Settings"))
        cores = {0: tr("All ({cores})", cores=count_cores())} | {
            n: format_count(n, "core") for n in range(1, os.cpu_count() or 1)
        }
        self.click_box = _make_choice(CLICK_CHOICES, read_click(settings), preferences.set_click)
        self.theme_box = _make_choice(THEME_CHOICES, theme.choice, preferences.set_theme)
        self.cores_box = _make_choice(cores, read_cores(settings), preferences.set_cores)
        self.thumbnails_box = _make_choice(
            THUMBNAIL_CHOICES, read_thumbnail_limit(settings), preferences.set_thumbnail_limit
        )
        languages = list_language_choices()
        self.language_box = _make_choice(languages, settings.read_text(LANGUAGE_KEY), preferences.set_language)
        self.language_box.setToolTip(tr("Holds from the next start of the program on"))
        self.watch_box = QCheckBox(tr("Watch its folders: index what changes while the library is open"))
        self.trash_box = QCheckBox(tr("Duplicates may move copies to the system's trash"))
        self.folder_choices = [FolderChoice(choosable, session, preferences) for choosable in CHOOSABLE_FOLDERS]
        self._rows = QGridLayout()
        self._arrange_rows()
        self._connect_library()

    def _arrange_rows(self) -> None:
        folder = self._session.library.folder
        self._add_title(tr("Everywhere"))
        for text, box in (
            (tr("A click on a photo"), self.click_box),
            (tr("Colours of the window"), self.theme_box),
            (tr("Language, from the next start on"), self.language_box),
            (tr("Cores for indexing and training"), self.cores_box),
            (tr("Thumbnails of a library"), self.thumbnails_box),
        ):
            label = make_label(text)
            label.setBuddy(box)
            self._add_row(label, box)
        self._add_title(tr("The library {folder}", folder=name_library(folder)))
        for switch in (self.watch_box, self.trash_box):
            self._rows.addWidget(switch, self._rows.rowCount(), 0, 1, 3)
        self._add_title(tr("Where things lie"))
        for choice, choosable in zip(self.folder_choices, CHOOSABLE_FOLDERS, strict=True):
            self._add_row(make_label(choosable.title), choice)
        for text, path in (
            (tr("These settings"), find_settings_folder()),
            (tr("This library"), folder),
            (tr("Its models"), folder / "models"),
        ):
            self._add_place(text, path)
        note = tr(
            "All settings are in {settings_file} in the folder of these settings; the two of a library are kept in the "
            "library itself.",
            settings_file=SETTINGS_FILE,
        )
        self._rows.addWidget(make_label(note, "muted", wrap=True), self._rows.rowCount(), 0, 1, 3)
        self._rows.setHorizontalSpacing(16)
        self._rows.setVerticalSpacing(8)
        self._rows.setColumnStretch(1, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(16)
        column.addLayout(self._rows)
        column.addWidget(buttons)
        self.resize(WIDTH, self.sizeHint().height())

    def _add_title(self, text: str) -> None:
        row = self._rows.rowCount()
        if row > 1:
            self._rows.setRowMinimumHeight(row, 8)
        self._rows.addWidget(make_label(text.upper(), "section"), row + 1, 0, 1, 3)

    def _add_row(self, label: QWidget, control: QWidget, button: QWidget | None = None) -> None:
        row = self._rows.rowCount()
        self._rows.addWidget(label, row, 0)
        self._rows.addWidget(control, row, 1, 1, 1 if button else 2)
        if button:
            self._rows.addWidget(button, row, 2)

    def _add_place(self, text: str, path: Path) -> None:
        shown = ElidedLabel("muted")
        shown.setText(show_path(path))
        shown.setToolTip(show_path(path))
        button = make_button(tr("Open"), "link")
        button.setAccessibleName(tr("Open: {text}", text=text))
        button.setEnabled(path.is_dir())
        button.clicked.connect(partial(open_path, self._session, os.fsencode(path)))
        self._add_row(make_label(text), shown, button)

    def _connect_library(self) -> None:
        library, job = self._session.library, self._session.job
        for switch in (self.watch_box, self.trash_box):
            switch.setEnabled(library.is_open)
        self.watch_box.setChecked(job.watch.wanted)
        self.watch_box.clicked.connect(job.watch_folders)
        self.trash_box.setChecked(True)
        self.trash_box.clicked.connect(self._set_trash)
        library.writer.written.connect(self._take_trash)
        library.writer.write(TRASH_SETTING, is_trash_allowed)

    def _set_trash(self, allowed: bool) -> None:
        def write(library: Library) -> bool:
            allow_trash(library, allowed=allowed)
            return allowed

        self._session.library.writer.write(TRASH_SETTING, write)

    def _take_trash(self, key: object, answer: object) -> None:
        if key == TRASH_SETTING:
            self.trash_box.setChecked(answer is True)


def _make_choice(choices: Mapping[Choice, str], chosen: Choice, choose: Callable[[Choice], object]) -> QComboBox:
    """A box of texts that hands on the choice which the user makes."""
    box, values = QComboBox(), list(choices)
    box.addItems(list(choices.values()))
    box.setCurrentIndex(values.index(chosen) if chosen in values else 0)
    box.activated.connect(lambda index: choose(values[index]))
    return box
