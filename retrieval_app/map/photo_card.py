"""The card beside a dot of the map: the picture of its photo, the name and the label."""

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPixmap

from indexer.paths import show_file_name
from indexer.search.results import Photo
from retrieval_app.widgets.theme import ColourTokens
from retrieval_app.widgets.tile_painter import CORNER_RADIUS, fit_pixmap

CARD_SIDE = 144  # px of the picture
CARD_DISTANCE, LINE_HEIGHT = 16, 16  # px from the dot, and of a line of text


def place_card(dot: QPoint, room: QRect) -> QRect:
    """The place of a card to the lower right of a dot, or on another side where there is no room."""
    card = QRect(dot.x() + CARD_DISTANCE, dot.y() + CARD_DISTANCE, CARD_SIDE + 16, CARD_SIDE + 52)
    if card.right() > room.right() + 1:
        card.moveRight(dot.x() - CARD_DISTANCE)
    if card.bottom() > room.bottom() + 1:
        card.moveBottom(min(dot.y() - CARD_DISTANCE, room.height()))
    card.moveTop(max(0, card.top()))
    return card


def paint_card(
    painter: QPainter, card: QRect, tokens: ColourTokens, photo: Photo | None, pixmap: QPixmap | None
) -> None:
    """Paint a card in the painter's font; empty while its photo is being read."""
    painter.setPen(QPen(QColor(tokens.line), 1))
    painter.setBrush(QColor(tokens.surface))
    painter.drawRoundedRect(card, CORNER_RADIUS, CORNER_RADIUS)
    if photo is None:
        return
    square = QRect(card.left() + 8, card.top() + 8, CARD_SIDE, CARD_SIDE)
    if pixmap is not None and not pixmap.isNull():
        painter.drawPixmap(fit_pixmap(pixmap, square), pixmap)
    lines = (show_file_name(photo.path), photo.label or "")
    for line, (text, colour) in enumerate(zip(lines, (tokens.text, tokens.muted), strict=True)):
        place = QRect(square.left(), square.bottom() + 6 + LINE_HEIGHT * line, CARD_SIDE, LINE_HEIGHT)
        painter.setPen(QColor(colour))
        short_text = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideMiddle, CARD_SIDE)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, short_text)
