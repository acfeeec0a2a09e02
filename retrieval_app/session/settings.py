"""What the window remembers from start to start: place, panes, theme. One INI file in the program's data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSettings

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow, QSplitter

from indexer.home.settings_file import SETTINGS_FILE


class WindowSettings:
    """The window's settings; one that cannot be read has its default."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._values = QSettings(str(folder / SETTINGS_FILE), QSettings.Format.IniFormat)

    def read_text(self, key: str, default: str = "") -> str:
        """A remembered text."""
        return str(self._values.value(key, default))

    def read_number(self, key: str, default: int) -> int:
        """A remembered whole number from 0 to 999,999,999."""
        text = self.read_text(key)
        return int(text) if text.isdecimal() and len(text) < 10 else default

    def write_value(self, key: str, value: str | int) -> None:
        """Remember a text or a number."""
        self._values.setValue(key, value)

    def exchange_values(self) -> None:
        """Take in what other windows have written, and let them know what this one has."""
        self._values.sync()

    def has_window(self) -> bool:
        """Whether a window was closed here before."""
        return self._values.contains("window")

    def restore_window(self, window: QMainWindow, splitter: QSplitter) -> None:
        """Set the geometry of the window and its panes as they were remembered."""
        geometry, pane_state = self._values.value("window"), self._values.value("panes")
        if isinstance(geometry, QByteArray):
            window.restoreGeometry(geometry)
        if isinstance(pane_state, QByteArray):
            splitter.restoreState(pane_state)

    def save_window(self, window: QMainWindow, splitter: QSplitter) -> None:
        """Remember the geometry of the window and its panes, and write all settings to disk."""
        self._values.setValue("window", window.saveGeometry())
        self._values.setValue("panes", splitter.saveState())
        self._values.sync()
