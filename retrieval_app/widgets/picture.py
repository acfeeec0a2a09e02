"""A picture in a panel: fitted, on the neutral ground, asked for again at each painting until it has been read."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from indexer.wording import tr
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.tile_painter import CORNER_RADIUS, fit_pixmap

LoadPixmap = Callable[[], QPixmap | None]


class PictureView(QWidget):
    """Shows the pixmap that `load_pixmap` returns: None while it is being read, null where it cannot be read."""

    def __init__(self, theme: Theme, load_pixmap: LoadPixmap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.load_pixmap = load_pixmap
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def hasHeightForWidth(self) -> bool:
        """True: the place of the picture is a square."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The width, as the place of the picture is a square."""
        return width

    def sizeHint(self) -> QSize:
        """A square that fits the narrowest panel."""
        return QSize(160, 160)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the ground and the picture fitted into it, or that it cannot be shown."""
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.ground))
        painter.drawRoundedRect(self.rect(), CORNER_RADIUS, CORNER_RADIUS)
        pixmap = self.load_pixmap()
        if pixmap is not None and pixmap.isNull():
            painter.setPen(QColor(tokens.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, tr("cannot be shown"))
        elif pixmap is not None:
            painter.drawPixmap(fit_pixmap(pixmap, self.rect().adjusted(8, 8, -8, -8)), pixmap)
        painter.end()
