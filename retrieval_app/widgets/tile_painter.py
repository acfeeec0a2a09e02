"""Paints one tile: the picture fitted and never cropped, its caption in one line below it or laid over its edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QLineF, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap

from indexer.paths import show_file_name
from indexer.wording import format_number, tr
from retrieval_app.widgets.distance_band import DistanceBand, compute_distance_band
from retrieval_app.widgets.theme import CAPTION_SIZE, ColourTokens, make_tabular_font, resize_font

if TYPE_CHECKING:
    from indexer.search.results import Hit, Photo

TILE_PADDING = 3  # px around the picture, within the cell
CAPTION_HEIGHT = 20  # px, one line
BAND_HEIGHT = 3  # px of the line that is as long as a result is near
OVERLAY_HEIGHT = 20  # px of the line over a picture without a caption
OVERLAY_ALPHA = 225  # of 255, so that its text is read over any picture
CAPTION_GAP, LEAST_LABEL_WIDTH = 6, 28  # px between the texts of a caption, and for a label to be shown at all
CORNER_RADIUS = 6  # px
MIDDLE = Qt.TextElideMode.ElideMiddle
SIGN_TEXTS = {1: "+", -1: "\N{MINUS SIGN}"}
SIGN_SIDE = 24  # px, the plus and the minus of a tile


class TileContent(NamedTuple):
    """What a tile shows."""

    photo: Photo | None  # None until it has been read
    hit: Hit | None  # None for a photo that is no result of a query
    pixmap: QPixmap | None  # None until it has been read, null where it cannot be
    queried: bool  # whether the photo is the query
    focused: bool
    hovered: bool
    mark: int = 0  # how often it is marked as a picture to look for; negative for one to be unlike
    selected: bool | None = None  # None while nothing is selected: then only the pointer shows the ring
    caption_height: int = CAPTION_HEIGHT  # px; with 0 the caption is laid over the picture below the pointer
    reason: str = ""  # why it was found, where words were looked for


def paint_tile(painter: QPainter, cell: QRect, tile: TileContent, tokens: ColourTokens) -> None:
    """Paint a tile into a cell of the grid: ground, picture, caption, badges, plus and minus."""
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    picture, is_pointed_at = locate_picture(cell, tile.caption_height), tile.hovered or tile.focused
    _paint_ground(painter, cell, tile, tokens)
    _paint_picture(painter, picture, tile.pixmap, tokens)
    if tile.photo is None:
        return
    if tile.caption_height:
        _paint_caption(painter, picture, tile, tokens)
    elif is_pointed_at:
        _paint_overlay(painter, picture, tile, tokens)
    _paint_badges(painter, picture, tile, tokens)
    for sign in SIGN_TEXTS:
        if is_pointed_at or tile.mark * sign > 0:
            place = locate_sign(picture, sign, tile.caption_height)
            _paint_sign(painter, place, sign, max(0, tile.mark * sign), tokens)
    if tile.hovered or tile.selected is not None:
        _paint_ring(painter, locate_ring(picture), bool(tile.selected), tokens)


def locate_picture(cell: QRect, caption_height: int) -> QRect:
    """The rectangle within a tile's cell that the picture is fitted into, above its caption."""
    return cell.adjusted(TILE_PADDING, TILE_PADDING, -TILE_PADDING, -TILE_PADDING - caption_height)


def locate_ring(square: QRect) -> QRect:
    """The square of SIGN_SIDE px in the corner of a picture's rectangle whose ring selects it."""
    return QRect(square.left() + 4, square.top() + 4, SIGN_SIDE, SIGN_SIDE)


def _paint_ring(painter: QPainter, place: QRect, is_selected: bool, tokens: ColourTokens) -> None:
    """Paint a ring to be clicked, filled and ticked where the photo is selected."""
    ring = QRectF(place).adjusted(3, 3, -3, -3)
    painter.setPen(QPen(QColor(tokens.on_accent if is_selected else tokens.muted), 1.5))
    painter.setBrush(QColor(tokens.accent if is_selected else tokens.surface))
    painter.drawEllipse(ring)
    if is_selected:
        middle = ring.center()
        tick = [middle + QPointF(*step) for step in ((-4, 0), (-1.2, 3), (4, -3))]
        painter.drawPolyline(tick)


def locate_sign(square: QRect, sign: int, caption_height: int) -> QRect:
    """The square of SIGN_SIDE px within a picture where its plus (1, left) or minus (-1, right) is clicked.

    Without a caption below the picture they stand above the one that is laid over it.
    """
    left = square.left() + 4 if sign > 0 else square.right() - SIGN_SIDE - 3
    lift = 0 if caption_height else OVERLAY_HEIGHT
    return QRect(left, square.bottom() - SIGN_SIDE - 3 - lift, SIGN_SIDE, SIGN_SIDE)


def _paint_sign(painter: QPainter, place: QRect, sign: int, times: int, tokens: ColourTokens) -> None:
    """Paint a round plus or minus, filled where the photo is so marked, with a number where it is marked repeatedly."""
    ground, pen = (tokens.surface, tokens.text) if not times else (tokens.accent, tokens.on_accent)
    if times and sign < 0:
        ground, pen = tokens.text, tokens.surface
    painter.setPen(QPen(QColor(tokens.line)))
    painter.setBrush(QColor(ground))
    painter.drawEllipse(QRectF(place).adjusted(0.5, 0.5, -0.5, -0.5))
    painter.setPen(QPen(QColor(pen), 1.6))
    middle, arm = QRectF(place).center(), 4.5
    if times > 1:
        painter.setFont(resize_font(painter.font(), CAPTION_SIZE, bold=True))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, f"{SIGN_TEXTS[sign]}{times}")
        return
    painter.drawLine(QLineF(middle.x() - arm, middle.y(), middle.x() + arm, middle.y()))
    if sign > 0:
        painter.drawLine(QLineF(middle.x(), middle.y() - arm, middle.x(), middle.y() + arm))


def _paint_ground(painter: QPainter, cell: QRect, tile: TileContent, tokens: ColourTokens) -> None:
    """Paint what lies behind a tile: a ground under the pointer, a ring, dashed for focus, solid for the query."""
    pen = QPen(Qt.PenStyle.NoPen)
    if tile.queried or tile.selected:
        pen = QPen(QColor(tokens.accent), 2)
    elif tile.focused:
        pen = QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine)
    painter.setPen(pen)
    ground = tokens.tint if tile.selected else tokens.hover if tile.hovered else None
    painter.setBrush(QColor(ground) if ground else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(cell).adjusted(1, 1, -1, -1), CORNER_RADIUS, CORNER_RADIUS)


def _paint_picture(painter: QPainter, square: QRect, pixmap: QPixmap | None, tokens: ColourTokens) -> None:
    if pixmap is None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.hover))
        painter.drawRoundedRect(square, CORNER_RADIUS, CORNER_RADIUS)
    elif pixmap.isNull():
        painter.setPen(QColor(tokens.muted))
        painter.setFont(resize_font(painter.font(), CAPTION_SIZE))
        painter.drawText(square, Qt.AlignmentFlag.AlignCenter, tr("cannot be shown"))
    else:
        painter.drawPixmap(fit_pixmap(pixmap, square), pixmap)


def fit_pixmap(pixmap: QPixmap, square: QRect) -> QRect:
    """The rectangle of a pixmap fitted into a square, in its middle, enlarged to at most twice its pixels."""
    return fit_size(pixmap.size(), square)


def fit_size(pixels: QSize, square: QRect) -> QRect:
    """As `fit_pixmap`, for a picture of this many pixels."""
    size = pixels.scaled(square.size(), Qt.AspectRatioMode.KeepAspectRatio)
    if size.width() > 2 * pixels.width():
        size = pixels * 2
    place = QRect(QPoint(0, 0), size)
    place.moveCenter(square.center())
    return place


class _TextLine(NamedTuple):
    """A line of plain text in its font and colour."""

    text: str
    font: QFont
    colour: str
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight


def _paint_caption(painter: QPainter, picture: QRect, tile: TileContent, tokens: ColourTokens) -> None:
    """Paint one line: name and label of a photo, or rank, distance, label and band of a hit; a reason for the label."""
    assert tile.photo is not None
    photo, hit = tile.photo, tile.hit
    place = QRect(picture.left(), picture.bottom() + 1 + BAND_HEIGHT, picture.width(), CAPTION_HEIGHT - BAND_HEIGHT)
    base = QFont(painter.font())
    if hit is None:
        text = tile.reason or show_file_name(photo.path)
        name = _TextLine(text, resize_font(base, CAPTION_SIZE), tokens.text, MIDDLE)
        half = place.adjusted(place.width() // 2, 0, 0, 0)
        place.setRight(place.right() - _paint_label(painter, half, None if tile.reason else photo.label, tokens))
        _paint_text_line(painter, place, name)
        return
    place.setLeft(place.left() + _paint_rank(painter, place, hit, tokens) + CAPTION_GAP)
    if (band := compute_distance_band(hit)) is not None:
        line = QRect(picture.left(), picture.bottom() + 2, picture.width(), BAND_HEIGHT)
        _paint_band(painter, line, band, tokens)
        word = _TextLine(band.word, resize_font(base, CAPTION_SIZE), getattr(tokens, band.colour))
        width = QFontMetrics(word.font).horizontalAdvance(word.text)
        if width <= place.width():
            _paint_text_line(painter, place, word, Qt.AlignmentFlag.AlignRight)
            place.setRight(place.right() - width - CAPTION_GAP)
    _paint_label(painter, place, tile.reason or hit.photo.label, tokens)


def _paint_label(painter: QPainter, place: QRect, label: str | None, tokens: ColourTokens) -> int:
    """Paint a label at the right of a place where there is room for some of it; the width in px that it takes."""
    if not label or place.width() < LEAST_LABEL_WIDTH:
        return 0
    font = resize_font(QFont(painter.font()), CAPTION_SIZE)
    _paint_text_line(painter, place, _TextLine(label, font, tokens.muted), Qt.AlignmentFlag.AlignRight)
    return min(QFontMetrics(font).horizontalAdvance(label), place.width()) + CAPTION_GAP


def _paint_overlay(painter: QPainter, picture: QRect, tile: TileContent, tokens: ColourTokens) -> None:
    """Paint name and label, or why it was found, over the lower edge of a picture."""
    assert tile.photo is not None
    place = QRect(picture.left(), picture.bottom() + 1 - OVERLAY_HEIGHT, picture.width(), OVERLAY_HEIGHT)
    ground = QColor(tokens.surface)
    ground.setAlpha(OVERLAY_ALPHA)
    painter.fillRect(place, ground)
    text = "  ·  ".join(filter(None, (show_file_name(tile.photo.path), tile.reason or tile.photo.label)))
    line = _TextLine(text, resize_font(QFont(painter.font()), CAPTION_SIZE), tokens.text, MIDDLE)
    _paint_text_line(painter, place.adjusted(4, 0, -4, 0), line)


def _paint_rank(painter: QPainter, place: QRect, hit: Hit, tokens: ColourTokens) -> int:
    """Paint rank and distance, on a narrow tile the distance alone; the width in px that they take."""
    font = make_tabular_font(resize_font(QFont(painter.font()), CAPTION_SIZE))
    rank = _TextLine(f"{hit.rank}", font, tokens.muted)
    shift = max(18, QFontMetrics(font).horizontalAdvance(rank.text) + 6)
    bold = QFont(font)
    bold.setWeight(QFont.Weight.DemiBold)
    metrics = QFontMetrics(bold)
    if shift + metrics.horizontalAdvance(format_number(hit.distance, ".3f")) > place.width():
        shift = 0
    else:
        _paint_text_line(painter, place, rank)
    distance = fit_distance(hit.distance, metrics, place.width())
    _paint_text_line(painter, place.adjusted(shift, 0, 0, 0), _TextLine(distance, bold, tokens.text))
    return shift + metrics.horizontalAdvance(distance)


def fit_distance(distance: float, metrics: QFontMetrics, width: int) -> str:
    """The distance with three decimals, or as many as fit into so many px; "" where not even one does."""
    texts = (format_number(distance, f".{digits}f") for digits in (3, 2, 1))
    return next((text for text in texts if metrics.horizontalAdvance(text) <= width), "")


def _paint_band(painter: QPainter, place: QRect, distance_band: DistanceBand, tokens: ColourTokens) -> None:
    """Paint a band as a length on a thin track."""
    painter.setPen(Qt.PenStyle.NoPen)
    for width, colour in (
        (place.width(), tokens.line),
        (round(place.width() * distance_band.share), distance_band.colour),
    ):
        painter.setBrush(QColor(getattr(tokens, colour, colour)))
        painter.drawRoundedRect(QRect(place.topLeft(), QSize(max(width, 4), place.height())), 2, 2)


def _paint_text_line(
    painter: QPainter, place: QRect, line: _TextLine, side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft
) -> None:
    """Paint a line of text, shortened to the width of its place."""
    painter.setFont(line.font)
    painter.setPen(QColor(line.colour))
    elided_text = QFontMetrics(line.font).elidedText(line.text, line.elide, place.width())
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | side, elided_text)


def _paint_badges(painter: QPainter, square: QRect, tile: TileContent, tokens: ColourTokens) -> None:
    """Paint small words on the picture: that it is the query, that its drive is offline, how many copies it has."""
    assert tile.photo is not None
    font = resize_font(painter.font(), CAPTION_SIZE)
    if tile.queried:
        has_ring = tile.hovered or tile.selected is not None
        corner = square.topLeft() + QPoint(SIGN_SIDE + 8 if has_ring else 0, 0)
        _paint_badge(painter, corner, tr("query"), font, (tokens.accent, tokens.on_accent))
    words = [tr("offline")] * tile.photo.offline
    if tile.photo.copies:
        words.append(f"+{tile.photo.copies}")
    if words:
        text = " ".join(words)
        width = QFontMetrics(font).horizontalAdvance(text) + 12
        corner = QPoint(square.right() - width + 1, square.top())
        _paint_badge(painter, corner, text, font, (tokens.surface, tokens.muted))


def _paint_badge(painter: QPainter, corner: QPoint, text: str, font: QFont, colours: tuple[str, str]) -> None:
    place = QRect(corner.x(), corner.y(), QFontMetrics(font).horizontalAdvance(text) + 12, 18)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours[0]))
    painter.drawRoundedRect(place, 4, 4)
    painter.setFont(font)
    painter.setPen(QColor(colours[1]))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
