"""A sentence over a picture that fills the screen, where no other part of the window is seen."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel, QWidget

SECONDS = 5
MARGIN = 32  # px from the lower edge


class PassingNotice(QLabel):
    """The newest sentence at the lower edge of a widget, shown for SECONDS; the mouse passes through it."""

    def __init__(self, ground: QWidget) -> None:
        super().__init__(ground)
        self._ground = ground
        self._end = QTimer(self, singleShot=True, interval=1000 * SECONDS)
        self._end.timeout.connect(self.hide)
        self.setProperty("role", "overlay")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_notice(self, sentence: str) -> None:
        """Show a sentence in the place of the one before."""
        self.setText(sentence)
        width = min(self.fontMetrics().horizontalAdvance(sentence) + 48, self._ground.width() - 2 * MARGIN)
        height = self.heightForWidth(width)
        self.setGeometry((self._ground.width() - width) // 2, self._ground.height() - height - MARGIN, width, height)
        self.raise_()
        self.show()
        self._end.start()
