"""What a tile says in its caption, also where it is narrow."""

from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from retrieval_app.widgets.theme import CAPTION_SIZE, make_tabular_font, resize_font
from retrieval_app.widgets.tile_painter import fit_distance


def test_a_distance_is_never_cut_but_has_fewer_decimals(qtbot: QtBot) -> None:
    metrics = QFontMetrics(make_tabular_font(resize_font(QApplication.font(), CAPTION_SIZE)))
    texts = {fit_distance(0.4567, metrics, width) for width in range(80)}
    assert texts == {"", "0.5", "0.46", "0.457"}
    for width in range(80):
        assert metrics.horizontalAdvance(fit_distance(0.4567, metrics, width)) <= width
