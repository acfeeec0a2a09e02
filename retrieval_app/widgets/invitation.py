"""What a page shows while it is empty: a sentence, a promise, and one large button."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from retrieval_app.widgets.controls import make_button, make_label


class InvitationView(QWidget):
    """A sentence about what the page will show, and a button for the action that fills it."""

    accepted = Signal()

    def __init__(self, sentence: str, promise: str, offer: str) -> None:
        super().__init__()
        self._texts = (sentence, promise)
        self._controls: list[QWidget] = []
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.sentence = make_label(sentence, "title", wrap=True)
        self.promise = make_label(promise, "muted", wrap=True)
        self.offer = make_button(offer, "primary")
        self.offer.clicked.connect(self.accepted)
        block = QWidget()
        block.setFixedWidth(560)
        self._column = QVBoxLayout(block)
        self._column.setSpacing(12)
        for text in (self.sentence, self.promise):
            text.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self._column.addWidget(text)
        self._column.addSpacing(12)
        self.add_control(self.offer)
        middle = QHBoxLayout()  # not an alignment, which would not give wrapped lines their height
        middle.addStretch(1)
        middle.addWidget(block)
        middle.addStretch(1)
        around = QVBoxLayout(self)
        around.addStretch(2)
        around.addLayout(middle)
        around.addStretch(3)

    def add_control(self, control: QWidget) -> None:
        """Add a control below the others."""
        self._column.addWidget(control, 0, Qt.AlignmentFlag.AlignHCenter)
        self._controls.append(control)

    def show_work(self, sentence: str, promise: str) -> None:
        """Say what is being done, in the place of the offer; with empty texts, offer again."""
        if sentence and self.offer.isVisible():
            self.setFocus()  # else it would pass to the button that cancels
        for control in self._controls:
            control.setVisible(not sentence)
        for label, text in zip(
            (self.sentence, self.promise), (sentence, promise) if sentence else self._texts, strict=True
        ):
            label.setText(text)
