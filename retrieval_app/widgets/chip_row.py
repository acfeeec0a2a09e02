"""Small buttons in lines, each a short text: conditions to be taken away, or labels to choose from."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from PySide6.QtWidgets import QWidget

from indexer.wording import tr
from retrieval_app.widgets.controls import make_button
from retrieval_app.widgets.flow_layout import FlowLayout


class Chip(NamedTuple):
    """A chip: its text, what a click does, its tool tip, and its name for screen readers where that is another."""

    text: str
    run: Callable[[], object]
    tool_tip: str
    spoken_name: str = ""


def make_removal_chip(text: str, remove: Callable[[], object]) -> Chip:
    """A chip with a cross for a chosen condition; a click takes it away."""
    cross = "\N{MULTIPLICATION SIGN}"
    return Chip(f"{text}  {cross}", remove, tr("Take this condition away"), tr("Take away: {text}", text=text))


class ChipRow(QWidget):
    """Chips side by side; hidden while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._flow = FlowLayout(self, spacing=4)

    def show_chips(self, chips: Iterable[Chip]) -> None:
        """Show these chips in the place of the ones before."""
        while item := self._flow.takeAt(0):
            if (button := item.widget()) is not None:
                button.hide()
                button.deleteLater()
        for chip in chips:
            button = make_button(chip.text.replace("&", "&&"), "chip")
            button.setAutoDefault(False)  # in a dialog, Enter is for the field
            button.setToolTip(chip.tool_tip)
            button.setAccessibleName(chip.spoken_name or chip.text)
            button.clicked.connect(chip.run)
            self._flow.addWidget(button)
            button.show()  # a layout would show it only later
        self.setVisible(self._flow.count() > 0)
        self.updateGeometry()
