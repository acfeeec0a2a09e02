"""A dialog of pages leaves some of the main window in view, and no button of its foot is pressed by Enter."""

from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from retrieval_app.dialogs.paged_dialog import WINDOW_MARGIN, PagedDialog
from retrieval_app.widgets.controls import make_button


def test_the_dialog_becomes_smaller_than_its_window(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(400, 300)
    dialog, button = PagedDialog(window), make_button("Close")
    dialog.arrange_widgets([QLabel("one"), QLabel("two")], [button])
    dialog.resize(900, 200)
    dialog.fit_in_window()
    assert (dialog.width(), dialog.height()) == (400 - WINDOW_MARGIN, 200)
    assert dialog.pages.count() == 2
    assert not button.autoDefault()
