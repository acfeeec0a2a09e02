"""The label of a photo, to be read and changed: Enter keeps it, Escape takes the change back."""

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QStringListModel, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit


class LabelEdit(QLineEdit):
    """One line; knows the labels in use, so that one is not written in two ways."""

    given = Signal(str)  # another label; "" for none of the user's own
    entered = Signal()  # the labels in use may be wanted

    def __init__(self) -> None:
        super().__init__()
        self._kept = ""
        self._known = QStringListModel(self)
        completer = QCompleter(self._known, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setCompleter(completer)
        self.setPlaceholderText("no label")
        self.setAccessibleName("Label")
        self.setToolTip("Your label of this photo (Enter keeps it); without one its folder's label counts")
        self.editingFinished.connect(self.finish)

    def offer(self, labels: Iterable[str]) -> None:
        """The labels in use."""
        self._known.setStringList(list(labels))

    def show_label(self, label: str | None) -> None:
        """Show a label; what is being written stays where that is the label already shown.

        Before another photo's label is shown, `finish` is to be called.
        """
        if (label or "") != self._kept or not self.hasFocus():
            self._kept = label or ""
            self.setText(self._kept)

    def finish(self) -> None:
        """Take what was written as the label, as a click on another photo does: Escape alone takes it back."""
        text = self.text().strip()
        if text != self._kept:
            self._kept = text
            self.given.emit(text)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Somebody is about to write."""
        super().focusInEvent(event)
        self.entered.emit()

    def event(self, event: QEvent) -> bool:
        """Escape takes the change back before it means anything else."""
        asked = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if asked and event.key() == Qt.Key.Key_Escape and self.text() != self._kept:  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape takes the change back."""
        if event.key() == Qt.Key.Key_Escape and self.text() != self._kept:
            self.setText(self._kept)
        else:
            super().keyPressEvent(event)
