"""The labels of a photo to choose from, each with its key; what the model takes it for; a field for a new one."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.actions.label_edit import LabelEdit
from retrieval_app.labelling.label_queue import LabelChoice
from retrieval_app.widgets.controls import ElidedLabel, claim_escape, make_button, make_label
from retrieval_app.widgets.figure_help import explain_figure

PANEL_WIDTH = 300  # px
NEW_HELP = tr("Write a label that is not here yet, Enter gives it (N)")


class NewLabelEdit(LabelEdit):
    """The field for a label that is not there yet; Enter gives it, Escape leaves the field."""

    left = Signal()

    def event(self, event: QEvent) -> bool:
        """Claim Escape."""
        return claim_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keep every key: Enter, which a line passes on, would label the next photo as well."""
        super().keyPressEvent(event)
        event.accept()
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.left.emit()


class ChoicePanel(QWidget):
    """Emits the label that was chosen or written, or that the photo is to be skipped."""

    chosen = Signal(str)
    skipped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(PANEL_WIDTH)
        self.name_label, self.folder_label = ElidedLabel("name"), ElidedLabel("caption")
        self.verdict = make_label("", wrap=True)
        self.choice_buttons: list[QPushButton] = []
        self.label_edit = NewLabelEdit()
        self.label_edit.setPlaceholderText(tr("New label (N)"))
        self.label_edit.setAccessibleName(tr("New label"))
        self.label_edit.setToolTip(NEW_HELP)
        self.label_edit.returnPressed.connect(self._give_written)
        self.skip_button = make_button(tr("Skip (Space)"))
        self.skip_button.setToolTip(tr("Go on without a label; this photo comes again at the end"))
        self.skip_button.clicked.connect(self.skipped)
        explain_figure(self, "suggestion")
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 4, 16, 4)
        column.setSpacing(8)
        for widget in (self.name_label, self.folder_label, self.verdict):
            column.addWidget(widget)
        column.addLayout(self._rows)
        column.addWidget(self.label_edit)
        column.addWidget(self.skip_button)
        column.addStretch(1)

    def show_choices(self, choices: Sequence[LabelChoice]) -> None:
        """Show these labels in the place of the ones before, the first with the key 1."""
        if [button.property("choice") for button in self.choice_buttons] == list(map(tuple, choices)):
            return
        for button in self.choice_buttons:
            button.hide()
            button.deleteLater()
        self.choice_buttons = [_make_choice_button(number, choice) for number, choice in enumerate(choices, 1)]
        for button, choice in zip(self.choice_buttons, choices, strict=True):
            button.clicked.connect(partial(self._choose_label, choice.label))
            self._rows.addWidget(button)

    def _choose_label(self, label: str) -> None:
        self.chosen.emit(label)

    def write_new(self) -> None:
        """Give the keyboard focus to the field for another label."""
        self.label_edit.setFocus()
        self.label_edit.selectAll()

    def _give_written(self) -> None:
        if label := self.label_edit.text().strip():
            self.label_edit.clear()
            self.chosen.emit(label)


def _make_choice_button(number: int, choice: LabelChoice) -> QPushButton:
    """A button such as '1  flowers, likely'."""
    likeness = f", {choice.likeness}" if choice.likeness else ""
    button = make_button(f"{number}   {choice.label}{likeness}".replace("&", "&&"))
    button.setStyleSheet("text-align: left; padding: 3px 10px;")
    button.setProperty("choice", tuple(choice))
    button.setAccessibleName(f"{choice.label}{likeness}")
    button.setToolTip(tr("Give this label ({number}{part})", number=number, part=tr(", Enter") if number == 1 else ""))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
