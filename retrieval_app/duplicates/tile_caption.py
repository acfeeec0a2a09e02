"""The lines below a photo of a group: name, folder, pixels, bytes, date; what differs in its group in bold."""

import os
from datetime import datetime
from typing import NamedTuple

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter

from indexer.paths import get_parent_folder, show_file_name, show_path
from indexer.wording import format_number, tr
from retrieval_app.duplicates.found_groups import GroupMember
from retrieval_app.widgets.theme import BODY_SIZE, CAPTION_SIZE, ColourTokens, make_tabular_font, resize_font
from retrieval_app.wording import format_size

NAME_HEIGHT, LINE_HEIGHT = 19, 16  # px
CAPTION_BLOCK_HEIGHT = NAME_HEIGHT + 4 * LINE_HEIGHT + 6


class CaptionLine(NamedTuple):
    """A line of a caption, and whether it differs from photo to photo of the group."""

    text: str
    differs: bool


def list_caption_lines(member: GroupMember, group: list[GroupMember]) -> list[CaptionLine]:
    """The name of a member of a group, then what is known of its file."""
    values = [_describe_member(one) for one in group]
    member_values = _describe_member(member)
    varied = [len({value[place] for value in values}) > 1 for place in range(len(member_values))]
    lines = [CaptionLine(text, differs) for text, differs in zip(member_values, varied, strict=True) if text]
    if member.link_of:
        lines.append(
            CaptionLine(tr("link to {link_of}", link_of=show_file_name(os.fsencode(member.link_of))), differs=True)
        )
    elif member.distance:
        lines.append(CaptionLine(tr("distance {distance:.3f}", distance=member.distance), differs=False))
    return lines


def _describe_member(member: GroupMember) -> tuple[str, str, str, str, str]:
    """Name, folder, pixels, bytes and date of the file, "" for what is not known."""
    path = os.fsencode(member.path)
    folder = show_path(get_parent_folder(path))
    pixels = f"{format_number(member.width, ',')} x {format_number(member.height, ',')}" if member.width else ""
    changed = f"{datetime.fromtimestamp(member.mtime_ns / 1e9):%Y-%m-%d %H:%M}" if member.mtime_ns else ""
    size = format_size(member.byte_count) if member.byte_count else ""
    return show_file_name(path), folder, pixels, size, changed


def paint_caption(painter: QPainter, square: QRect, lines: list[CaptionLine], tokens: ColourTokens) -> None:
    """Paint the lines below a picture, pixels and bytes side by side; shortened in the middle where they are long."""
    base = QFont(painter.font())
    place = QRect(square.left(), square.bottom() + 4, square.width(), NAME_HEIGHT)
    for number, line in enumerate(lines[:5]):
        font = resize_font(base, CAPTION_SIZE if number else BODY_SIZE, bold=line.differs and number > 0)
        painter.setFont(make_tabular_font(font) if number else font)
        painter.setPen(QColor(tokens.text if line.differs or not number else tokens.muted))
        elide = Qt.TextElideMode.ElideLeft if number == 1 else Qt.TextElideMode.ElideMiddle
        painter.drawText(place, 0, QFontMetrics(painter.font()).elidedText(line.text, elide, place.width()))
        place.translate(0, LINE_HEIGHT if number else NAME_HEIGHT)
