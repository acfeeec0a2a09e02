"""The label of a photo, to be read and changed: Enter saves it, Escape takes the change back."""

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QStringListModel, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit

from indexer.wording import tr


class LabelEdit(QLineEdit):
    """A line that completes the labels in use, so that one label is not written in two ways."""

    label_changed = Signal(str)  # another label; "" for none of the user's own
    focus_entered = Signal()  # the labels in use may be wanted

    def __init__(self) -> None:
        super().__init__()
        self._saved_label = ""
        self._known_labels = QStringListModel(self)
        completer = QCompleter(self._known_labels, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setCompleter(completer)
        self.setAcceptDrops(False)  # a file that is dropped is no label, and its source might delete it
        self.setPlaceholderText(tr("no label"))
        self.setAccessibleName(tr("Label"))
        self.setToolTip(tr("Your label of this photo (Enter keeps it); without one its folder's label counts"))
        self.editingFinished.connect(self.finish_editing)

    def offer_labels(self, labels: Iterable[str]) -> None:
        """Complete what is typed from these labels."""
        self._known_labels.setStringList(list(labels))

    def show_label(self, label: str | None) -> None:
        """Show a photo's label; unfinished text stays where that label is shown already.

        Call `finish_editing` before another photo's label is shown.
        """
        if (label or "") != self._saved_label or not self.hasFocus():
            self._saved_label = label or ""
            self.setText(self._saved_label)

    def finish_editing(self) -> None:
        """Emit what was written as the label; leaving the field does so too, only Escape takes the text back."""
        text = self.text().strip()
        if text != self._saved_label:
            self._saved_label = text
            self.label_changed.emit(text)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Emit `focus_entered`, so that the labels in use are read."""
        super().focusInEvent(event)
        self.focus_entered.emit()

    def event(self, event: QEvent) -> bool:
        """Claim Escape while there is a change to take back."""
        is_override = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if is_override and event.key() == Qt.Key.Key_Escape and self.text() != self._saved_label:  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape takes the change back."""
        if event.key() == Qt.Key.Key_Escape and self.text() != self._saved_label:
            self.setText(self._saved_label)
        else:
            super().keyPressEvent(event)
