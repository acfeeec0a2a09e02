"""What of a tile the mouse can be at: the picture, the ring that selects, and the signs for more and less like this."""

from enum import Enum

from PySide6.QtCore import QPoint, QRect

from indexer.wording import tr
from retrieval_app.widgets.tile_painter import locate_picture, locate_ring, locate_sign


class TilePart(Enum):
    """What of a tile the mouse can be at, with its tool tip."""

    PICTURE = ""
    RING = tr("Select (Ctrl+click)")
    PLUS = tr("More like this (+)")
    MINUS = tr("Less like this (-)")


PART_SIGNS = {TilePart.PLUS: 1, TilePart.MINUS: -1}


def locate_tile_part(cell: QRect, part: TilePart, caption_height: int) -> QRect:
    """The rectangle of a part of the tile in a cell, whose caption is so many px high."""
    picture = locate_picture(cell, caption_height)
    if part in PART_SIGNS:
        return locate_sign(picture, PART_SIGNS[part], caption_height)
    return locate_ring(picture) if part == TilePart.RING else picture


def find_tile_part(cell: QRect, point: QPoint, caption_height: int) -> TilePart | None:
    """The part of the tile in a cell at a point; None on the ground beside the tile."""
    picture = locate_tile_part(cell, TilePart.PICTURE, caption_height)
    if not picture.adjusted(0, 0, 0, caption_height).contains(point):
        return None
    parts = (part for part in list(TilePart)[1:] if locate_tile_part(cell, part, caption_height).contains(point))
    return next(parts, TilePart.PICTURE)
