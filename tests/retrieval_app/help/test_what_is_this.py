"""Every figure of the window says what it is when it is asked."""

import re
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QWhatsThis, QWidget
from pytestqt.qtbot import QtBot

from retrieval_app.widgets.figure_help import FIGURE_TEXTS
from retrieval_app.window.main_window import MainWindow

APP = Path(__file__).parents[3] / "retrieval_app"
IN_DIALOGS = {"loss", "validation", "verdict", "pair", "plot"}  # of a training, and of a comparison


def test_every_text_belongs_to_a_figure_and_is_short() -> None:
    sources = [file.read_text(encoding="utf-8") for file in APP.rglob("*.py")]
    used = {name for source in sources for name in re.findall(r'explain_figure\([\w.]+, "(\w+)"\)', source)}
    assert used == set(FIGURE_TEXTS)
    assert max(map(len, FIGURE_TEXTS.values())) < 330


def test_the_figures_of_all_pages_answer(window: MainWindow, qtbot: QtBot) -> None:
    pages: list[QWidget] = [window.duplicates_page, window.map_page, window.library_page, window.evaluation_page]
    roots = [window, *pages, window.models_page, window.labelling_page]
    said = {widget.whatsThis() for root in roots for widget in root.findChildren(QWidget)}
    said |= {root.whatsThis() for root in roots}
    missing = {name for name, text in FIGURE_TEXTS.items() if f"<p>{text}</p>" not in said}
    assert missing <= IN_DIALOGS


def test_a_click_in_this_mode_explains_and_searches_nothing(window: MainWindow, qtbot: QtBot) -> None:
    window.menus.find_action("What is this?").trigger()
    assert QWhatsThis.inWhatsThisMode()
    grid = window.search_page.results.grid
    place = QPoint(5, 5)
    asked = QHelpEvent(QEvent.Type.WhatsThis, place, grid.viewport().mapToGlobal(place))
    QApplication.sendEvent(grid.viewport(), asked)
    shown = [
        widget for widget in QApplication.topLevelWidgets() if widget.inherits("QWhatsThat") and widget.isVisible()
    ]
    assert shown
    QWhatsThis.hideText()
    QWhatsThis.leaveWhatsThisMode()
    assert window.session.search.query is None
