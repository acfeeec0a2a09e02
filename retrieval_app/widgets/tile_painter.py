"""How one tile looks: the picture fitted and never cropped, below it rank and distance or the name, and the label."""

from typing import NamedTuple

from PySide6.QtCore import QLineF, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap

from indexer.library import Hit, Photo
from indexer.paths import show_path
from retrieval_app.widgets.distance_band import Band, band
from retrieval_app.widgets.theme import BODY, CAPTION, Tokens, numbers, sized

PADDING = 10  # around the picture, within the cell
CAPTION_HEIGHT = 40
BAR = 40  # px, the length of a band
RADIUS = 6
SIGNS = {1: "+", -1: "\N{MINUS SIGN}"}
CORNER = 24  # px, the plus and the minus of a tile


class Tile(NamedTuple):
    """What is known of a tile: no photo until it has been read; a null pixmap where it cannot be shown."""

    photo: Photo | None
    hit: Hit | None
    pixmap: QPixmap | None
    side: int  # of the picture's square, px
    queried: bool
    focused: bool
    hovered: bool
    mark: int = 0  # how often marked as more like the query; negative: less like


def paint_tile(painter: QPainter, cell: QRect, tile: Tile, tokens: Tokens) -> None:
    """One cell of the grid: ground, picture, caption, marks and ring."""
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    card = QRect(0, 0, tile.side + PADDING, cell.height() - PADDING // 2)
    card.moveCenter(cell.center())
    square = picture_place(cell, tile.side)
    _ground(painter, card, tile, tokens)
    _picture(painter, square, tile.pixmap, tokens)
    if tile.photo is not None:
        _caption(painter, square, tile.photo, tile.hit, tokens)
        _marks(painter, square, tile, tokens)
        for sign in SIGNS:
            if tile.hovered or tile.focused or tile.mark * sign > 0:
                _sign(painter, corner(square, sign), sign, max(0, tile.mark * sign), tokens)


def picture_place(cell: QRect, side: int) -> QRect:
    """The square within a cell that the picture is fitted into."""
    return QRect(cell.center().x() - side // 2, cell.top() + PADDING, side, side)


def corner(square: QRect, sign: int) -> QRect:
    """Where a picture's plus (1, left) or minus (-1, right) lies and can be clicked."""
    left = square.left() + 4 if sign > 0 else square.right() - CORNER - 3
    return QRect(left, square.bottom() - CORNER - 3, CORNER, CORNER)


def _sign(painter: QPainter, place: QRect, sign: int, times: int, tokens: Tokens) -> None:
    """A round plus or minus, filled where the photo is marked so, with a number where it is so more than once."""
    ground, pen = (tokens.surface, tokens.text) if not times else (tokens.accent, tokens.on_accent)
    if times and sign < 0:
        ground, pen = tokens.text, tokens.surface
    painter.setPen(QPen(QColor(tokens.line)))
    painter.setBrush(QColor(ground))
    painter.drawEllipse(QRectF(place).adjusted(0.5, 0.5, -0.5, -0.5))
    painter.setPen(QPen(QColor(pen), 1.6))
    middle, arm = QRectF(place).center(), 4.5
    if times > 1:
        painter.setFont(sized(painter.font(), CAPTION, bold=True))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, f"{SIGNS[sign]}{times}")
        return
    painter.drawLine(QLineF(middle.x() - arm, middle.y(), middle.x() + arm, middle.y()))
    if sign > 0:
        painter.drawLine(QLineF(middle.x(), middle.y() - arm, middle.x(), middle.y() + arm))


def _ground(painter: QPainter, card: QRect, tile: Tile, tokens: Tokens) -> None:
    """Hover, the dashed ring of the keyboard's tile, the solid ring of the query's own."""
    pen = QPen(Qt.PenStyle.NoPen)
    if tile.queried:
        pen = QPen(QColor(tokens.accent), 2)
    elif tile.focused:
        pen = QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine)
    painter.setPen(pen)
    painter.setBrush(QColor(tokens.hover) if tile.hovered else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(card).adjusted(1, 1, -1, -1), RADIUS, RADIUS)


def _picture(painter: QPainter, square: QRect, pixmap: QPixmap | None, tokens: Tokens) -> None:
    if pixmap is None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.hover))
        painter.drawRoundedRect(square, RADIUS, RADIUS)
    elif pixmap.isNull():
        painter.setPen(QColor(tokens.muted))
        painter.setFont(sized(painter.font(), CAPTION))
        painter.drawText(square, Qt.AlignmentFlag.AlignCenter, "cannot be shown")
    else:
        painter.drawPixmap(fitted(pixmap, square), pixmap)


def fitted(pixmap: QPixmap, square: QRect) -> QRect:
    """Where the pixmap lies when it is fitted into the square, never enlarged beyond twice its pixels."""
    size = pixmap.size().scaled(square.size(), Qt.AspectRatioMode.KeepAspectRatio)
    if size.width() > 2 * pixmap.width():
        size = pixmap.size() * 2
    place = QRect(QPoint(0, 0), size)
    place.moveCenter(square.center())
    return place


class _Line(NamedTuple):
    """A line of plain text in its font and colour."""

    text: str
    font: QFont
    colour: str
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight


def _caption(painter: QPainter, square: QRect, photo: Photo, hit: Hit | None, tokens: Tokens) -> None:
    base = QFont(painter.font())
    first = QRect(square.left(), square.bottom() + 5, square.width(), 17)
    second = first.translated(0, 16)
    small = _Line(photo.label or "", sized(base, CAPTION), tokens.muted)
    if hit is None:
        name = show_path(photo.path.rpartition(b"/")[2])
        _write(painter, first, _Line(name, sized(base, BODY), tokens.text, Qt.TextElideMode.ElideMiddle))
        _write(painter, second, small)
        return
    used = _rank(painter, first, hit, tokens)
    if (found := band(hit)) is None:
        _write(painter, second, small)
        return
    _bar(painter, QRect(second.left(), second.center().y() - 1, BAR, 4), found, tokens)
    said = _Line(found.word, sized(base, CAPTION), getattr(tokens, found.colour))
    _write(painter, second.adjusted(BAR + 8, 0, 0, 0), said)
    _write(painter, first.adjusted(used + 8, 0, 0, 0), small, Qt.AlignmentFlag.AlignRight)


def _rank(painter: QPainter, place: QRect, hit: Hit, tokens: Tokens) -> int:
    """Rank and distance; returns the width that they take."""
    font = numbers(sized(QFont(painter.font()), BODY))
    rank = _Line(f"{hit.rank}", font, tokens.muted)
    _write(painter, place, rank)
    shift = max(24, QFontMetrics(font).horizontalAdvance(rank.text) + 8)
    bold = QFont(font)
    bold.setWeight(QFont.Weight.DemiBold)
    distance = f"{hit.distance:.3f}"
    _write(painter, place.adjusted(shift, 0, 0, 0), _Line(distance, bold, tokens.text))
    return shift + QFontMetrics(bold).horizontalAdvance(distance)


def _bar(painter: QPainter, place: QRect, found: Band, tokens: Tokens) -> None:
    """How alike, as a length on a thin track."""
    painter.setPen(Qt.PenStyle.NoPen)
    for width, colour in ((place.width(), tokens.line), (round(place.width() * found.share), found.colour)):
        painter.setBrush(QColor(getattr(tokens, colour, colour)))
        painter.drawRoundedRect(QRect(place.topLeft(), QSize(max(width, 4), place.height())), 2, 2)


def _write(painter: QPainter, place: QRect, line: _Line, side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft) -> None:
    """The line, shortened to its place."""
    painter.setFont(line.font)
    painter.setPen(QColor(line.colour))
    shown = QFontMetrics(line.font).elidedText(line.text, line.elide, place.width())
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | side, shown)


def _marks(painter: QPainter, square: QRect, tile: Tile, tokens: Tokens) -> None:
    """Small words on the picture: the query's own tile, further copies, a drive that is not connected."""
    assert tile.photo is not None
    font = sized(painter.font(), CAPTION)
    if tile.queried:
        _mark(painter, square.topLeft(), "query", font, (tokens.accent, tokens.on_accent))
    words = ["offline"] * tile.photo.offline
    if tile.photo.copies:
        words.append(f"+{tile.photo.copies}")
    if words:
        text = " ".join(words)
        width = QFontMetrics(font).horizontalAdvance(text) + 12
        corner = QPoint(square.right() - width + 1, square.top())
        _mark(painter, corner, text, font, (tokens.surface, tokens.muted))


def _mark(painter: QPainter, corner: QPoint, text: str, font: QFont, colours: tuple[str, str]) -> None:
    place = QRect(corner.x(), corner.y(), QFontMetrics(font).horizontalAdvance(text) + 12, 18)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours[0]))
    painter.drawRoundedRect(place, 4, 4)
    painter.setFont(font)
    painter.setPen(QColor(colours[1]))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
