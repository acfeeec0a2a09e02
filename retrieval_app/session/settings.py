"""What the window remembers between two starts: its place, its panes, its theme. One INI file beside the libraries."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow, QSplitter


class Settings:
    """The window's settings; whatever cannot be read is as if it had never been set."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._values = QSettings(str(home / "window.ini"), QSettings.Format.IniFormat)

    def text(self, key: str, otherwise: str = "") -> str:
        """A remembered word."""
        return str(self._values.value(key, otherwise))

    def number(self, key: str, otherwise: int) -> int:
        """A remembered whole number."""
        text = self.text(key)
        return int(text) if text.isdecimal() and len(text) < 10 else otherwise

    def put(self, key: str, value: str | int) -> None:
        """Remember a word or a number."""
        self._values.setValue(key, value)

    def restore(self, window: QMainWindow, splitter: QSplitter) -> None:
        """Put window and panes back where they were."""
        place, panes = self._values.value("window"), self._values.value("panes")
        if isinstance(place, QByteArray):
            window.restoreGeometry(place)
        if isinstance(panes, QByteArray):
            splitter.restoreState(panes)

    def save(self, window: QMainWindow, splitter: QSplitter) -> None:
        """Remember where window and panes are."""
        self._values.setValue("window", window.saveGeometry())
        self._values.setValue("panes", splitter.saveState())
        self._values.sync()
