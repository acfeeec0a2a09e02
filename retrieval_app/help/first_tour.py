"""The tour: what the program is for in three steps, at the first start and from the menu Help.

It stands at the lower edge of the window, below what its steps speak of.
"""

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.widgets.controls import make_button, make_label

STEPS = (
    (
        tr("Show it your photos"),
        tr(
            "Choose a photo folder (File > Index folder…), or drop one on the window. Photos appear "
            "while they are read. They are only read: nothing is changed, and nothing leaves this "
            "computer. No photos at hand? Try the sample: 175 photographs that come with the program."
        ),
    ),
    (
        tr("Click a photo"),
        tr(
            "What looks most like it comes first, and each photo says how alike it is. Drop, paste "
            "or open a picture from outside to search with that. Plus and minus on a photo ask for "
            "more or less of it; Space shows it large; Esc leads back to the whole library."
        ),
    ),
    (
        tr("Teach it what alike means to you"),
        tr(
            "Give photos labels (Ctrl+L) or use folders that are named by class. Rank by my labels "
            "(Ctrl+B) uses them at once; Model > Fine-tune on labelled folders… teaches the model, "
            "and shows on photos it has not seen whether it got better before anything changes."
        ),
    ),
)
WIDTH = 720  # px: wide and low
TEXT_LINES = 3
FOOT = 44  # px of the window below it: the status line, and a margin


class FirstTour(QDialog):
    """Three steps, one after the other; it may be left at any."""

    guide_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Lookalike in three steps"))
        self.step = 0
        self.count_label = make_label("", "caption")
        self.title = make_label("", "title", wrap=True)
        self.text = make_label("", wrap=True)
        self.guide_button = make_button(tr("User guide"), "link")
        self.back_button = make_button(tr("Back"))
        self.next_button = make_button(tr("Next"), "primary")
        self.guide_button.clicked.connect(self.guide_wanted)
        self.back_button.clicked.connect(lambda: self._show_step(self.step - 1))
        self.next_button.clicked.connect(self._go_on)
        self._arrange_widgets()
        self._show_step(0)

    def _arrange_widgets(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.guide_button)
        buttons.addStretch(1)
        buttons.addWidget(self.back_button)
        buttons.addWidget(self.next_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        for widget in (self.count_label, self.title, self.text):
            column.addWidget(widget)
        column.addStretch(1)
        column.addLayout(buttons)
        self.text.setMinimumHeight(TEXT_LINES * self.text.fontMetrics().lineSpacing())
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setFixedWidth(WIDTH)
        self.next_button.setDefault(True)

    def showEvent(self, event: QShowEvent) -> None:
        """Stand in the middle of the window's lower edge, as far as windows may be placed here."""
        super().showEvent(event)
        self.adjustSize()
        window, height = self._window, self.frameSize().height()
        self.move(window.mapToGlobal(QPoint((window.width() - self.width()) // 2, window.height() - height - FOOT)))

    def _go_on(self) -> None:
        if self.step + 1 == len(STEPS):
            self.accept()
        else:
            self._show_step(self.step + 1)

    def _show_step(self, step: int) -> None:
        self.step = step
        title, text = STEPS[step]
        self.count_label.setText(tr("{step} of {steps}", step=step + 1, steps=len(STEPS)))
        self.title.setText(title)
        self.text.setText(text)
        self.back_button.setEnabled(step > 0)
        self.next_button.setText(tr("Start") if step + 1 == len(STEPS) else tr("Next"))
