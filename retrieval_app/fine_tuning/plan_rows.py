"""What a training is for, how long it may take, and what it is called: the questions of the first page, as rows."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QLabel, QLineEdit, QRadioButton, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.widgets.controls import make_label
from training.judging.record import MAX_NAME_LENGTH
from training.settings.setting_rule import SettingValue

NAME_WIDTH = 80  # px of the names of the rows
PURPOSE_CHOICES = {
    "images": tr("New pictures of these kinds"),
    "classes": tr("Kinds that are not here yet"),
}
PURPOSE_HELP = {
    "images": tr("The exam asks about pictures that were left out, of every kind."),
    "classes": tr("The exam asks about whole kinds that were left out."),
}
DURATION_CHOICES = {"instant": tr("Seconds"), "quick": tr("Minutes"), "full": tr("Over night")}
"""Of each recipe that the first page offers, how long it may take."""
DURATION_HELP = {
    "instant": tr("What the model sees already is weighed anew. Often the best answer, and a good start."),
    "quick": tr("A layer is trained on top of that, and judged on pictures kept away."),
    "full": tr("The whole network is trained: worth it with thousands of pictures."),
}


class RadioEditor(QWidget):
    """One of a few values, each with its text and a line of help; none is chosen where the value is another one."""

    edited = Signal()

    def __init__(self, choices: Mapping[Any, str], help_texts: Mapping[Any, str]) -> None:
        super().__init__()
        self.buttons = {value: QRadioButton(text) for value, text in choices.items()}
        self.help_labels: dict[SettingValue, QLabel] = {}
        self._group = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for value, button in self.buttons.items():
            self._group.addButton(button)
            button.clicked.connect(self.edited)
            column.addWidget(button)
            if value in help_texts:
                self.help_labels[value] = make_label(help_texts[value], "caption", wrap=True)
                self.help_labels[value].setContentsMargins(24, 0, 0, 4)
                column.addWidget(self.help_labels[value])
        self.choose_value(next(iter(choices)))

    def chosen_value(self) -> SettingValue:
        """The chosen value; None where none of them is."""
        return next((value for value, button in self.buttons.items() if button.isChecked()), None)

    def choose_value(self, value: SettingValue) -> None:
        """Show a value as chosen, without a signal; none where it is not offered."""
        self._group.setExclusive(False)
        for offered, button in self.buttons.items():
            button.setChecked(offered == value)
        self._group.setExclusive(True)


def make_form_grid(parent: QWidget, *, row_spacing: int) -> QGridLayout:
    """The layout of a form: names of one width, editors beside them, rows `row_spacing` px apart."""
    cells = QGridLayout(parent)
    cells.setContentsMargins(0, 0, 0, 0)
    cells.setHorizontalSpacing(16)
    cells.setVerticalSpacing(row_spacing)
    cells.setColumnMinimumWidth(0, NAME_WIDTH)
    cells.setColumnStretch(1, 1)
    return cells


class PlanRows(QWidget):
    """Form rows: which folders are the classes (where that is a question), what for, how long, and the name."""

    def __init__(self) -> None:
        super().__init__()
        self.class_level = RadioEditor({1: tr("The folders at the top"), 2: tr("The folders inside them")}, {})
        self.purpose = RadioEditor(PURPOSE_CHOICES, PURPOSE_HELP)
        self.duration = RadioEditor(DURATION_CHOICES, DURATION_HELP)
        self.name_field = QLineEdit()
        self._level_label = make_label(tr("Kinds are"), "name")
        self._arrange_rows()
        self.show_levels("", 1)

    def _arrange_rows(self) -> None:
        self.name_field.setMaxLength(MAX_NAME_LENGTH)
        self.name_field.setAccessibleName(tr("Name of the new model"))
        self.name_field.setToolTip(tr("The new model is called so wherever it is shown"))
        cells = make_form_grid(self, row_spacing=12)
        rows: tuple[tuple[QLabel, QWidget], ...] = (
            (self._level_label, self.class_level),
            (make_label(tr("What for"), "name"), self.purpose),
            (make_label(tr("How long"), "name"), self.duration),
            (make_label(tr("Name"), "name"), self.name_field),
        )
        for row, (label, editor) in enumerate(rows):
            cells.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            cells.addWidget(editor, row, 1)

    def show_levels(self, deeper_label: str, level: int) -> None:
        """Ask which folders are the classes, with the second-level class `deeper_label` as an example; with "" do not
        ask.
        """
        for widget in (self._level_label, self.class_level):
            widget.setVisible(bool(deeper_label))
        self.class_level.buttons[2].setText(tr("The folders inside them, as {deeper_label}", deeper_label=deeper_label))
        self.class_level.choose_value(level)

    def show_estimates(self, estimates: Mapping[str, str]) -> None:
        """Show beside each duration how long it is estimated to take here; "" where that is not known."""
        for recipe, estimate in estimates.items():
            text = DURATION_CHOICES[recipe]
            self.duration.buttons[recipe].setText(
                tr("{text} (here about {estimate})", text=text, estimate=estimate) if estimate else text
            )

    def suggest_name(self, name: str) -> None:
        """Show a name, unless the user has written one."""
        if not self.name_field.isModified() or not self.name_field.text().strip():
            self.name_field.setText(name)

    def read_name(self) -> str:
        """The name as it stands there; "" where the user has taken it away."""
        return self.name_field.text().strip()
