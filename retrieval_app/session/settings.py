"""What the window remembers between two starts: its place, its panes, its theme. One INI file beside the libraries."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow, QSplitter


class WindowSettings:
    """The window's settings; whatever cannot be read is as if it had never been set."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._values = QSettings(str(home / "window.ini"), QSettings.Format.IniFormat)

    def read_text(self, key: str, default: str = "") -> str:
        """A remembered word."""
        return str(self._values.value(key, default))

    def read_number(self, key: str, default: int) -> int:
        """A remembered whole number."""
        text = self.read_text(key)
        return int(text) if text.isdecimal() and len(text) < 10 else default

    def write_value(self, key: str, value: str | int) -> None:
        """Remember a word or a number."""
        self._values.setValue(key, value)

    def restore_window(self, window: QMainWindow, splitter: QSplitter) -> None:
        """Put window and panes back where they were."""
        geometry, pane_state = self._values.value("window"), self._values.value("panes")
        if isinstance(geometry, QByteArray):
            window.restoreGeometry(geometry)
        if isinstance(pane_state, QByteArray):
            splitter.restoreState(pane_state)

    def save_window(self, window: QMainWindow, splitter: QSplitter) -> None:
        """Remember where window and panes are."""
        self._values.setValue("window", window.saveGeometry())
        self._values.setValue("panes", splitter.saveState())
        self._values.sync()
