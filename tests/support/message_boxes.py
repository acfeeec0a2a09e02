"""Questions that the window asks: find the one that is open, and answer it by the words on its button."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from tests.support.window_waits import wait_for


def find_question(qtbot: QtBot, parent: QWidget) -> QMessageBox:
    """The open question of a window or dialog, waited for."""
    wait_for(qtbot, lambda: any(box.isVisible() for box in parent.findChildren(QMessageBox)))
    return next(box for box in parent.findChildren(QMessageBox) if box.isVisible())


def press_answer(box: QMessageBox, words: str) -> None:
    """Click the button with these words."""
    QTest.mouseClick(next(button for button in box.buttons() if button.text() == words), Qt.MouseButton.LeftButton)
