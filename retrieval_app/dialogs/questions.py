"""Questions in a box of their own, in plain text; the default answer is the one that changes nothing."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from indexer.wording import tr

TITLE = "Lookalike"


def make_message_box(parent: QWidget, text: str, more: str = "", *, title: str = TITLE) -> QMessageBox:
    """A box with a text and, below it, more in plain text; without buttons yet."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, title, text, parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(more)
    return box


def open_box(box: QMessageBox) -> None:
    """Open the box and go on; it is deleted once it is closed."""
    box.finished.connect(box.deleteLater)
    box.open()


def ask_question(box: QMessageBox, accept_text: str, act: Callable[[], object], *, keep_text: str = "") -> None:
    """Open the box with two buttons and go on; `act` is called when the one with `accept_text` is pressed.

    The other one, the default, says `keep_text`: without one, "Keep as it is".
    """
    box.addButton(accept_text, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(keep_text or tr("Keep as it is"), QMessageBox.ButtonRole.RejectRole))
    box.accepted.connect(act)
    open_box(box)


def wait_for_answer(box: QMessageBox, accept_text: str, keep_text: str) -> bool:
    """Open the box and wait: whether the button with `accept_text` was pressed, not the default or the Escape key."""
    accept = box.addButton(accept_text, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(keep_text, QMessageBox.ButtonRole.RejectRole))
    box.exec()
    box.deleteLater()
    return box.clickedButton() is accept
