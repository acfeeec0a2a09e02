"""No text is cut on any page or in any dialog, in the usual window and in a small one."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication, QDialog, QHBoxLayout, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from retrieval_app.window.main_window import MainWindow
from tests.support.cut_texts import list_cut_texts
from tests.support.window_waits import wait_for

SIZES = (QSize(1280, 800), QSize(900, 600))
PAGES = ("Search", "Duplicates", "Map", "Evaluate", "Models", "Library", "Label")
DIALOGS = ("Settings…", "New library…", "Libraries…", "Photos that could not be read…")


def show_at(window: MainWindow, size: QSize) -> None:
    window.resize(size)
    for _ in range(3):  # what folds in a small window, and what is laid out anew behind it
        QApplication.processEvents()


def test_no_text_is_cut_on_any_page(window: MainWindow, qtbot: QtBot) -> None:
    search = window.session.search
    for page in PAGES:
        window.page_stack.show_page(page)
        for size in SIZES:
            show_at(window, size)
            assert (page, size, list_cut_texts(window)) == (page, size, [])
    window.page_stack.show_page("Search")
    search.toggle_query_photo(int(search.listing.ids[3]))
    wait_for(qtbot, lambda: not search.is_running and window.tiles.is_idle())
    for size in SIZES:
        show_at(window, size)
        assert list_cut_texts(window) == []


def test_no_text_is_cut_in_a_dialog_and_it_fits_a_small_screen(window: MainWindow) -> None:
    for name in DIALOGS:
        window.menus.find_action(name).trigger()
        (dialog,) = [widget for widget in window.findChildren(QDialog) if widget.isVisible()]
        QApplication.processEvents()
        assert (name, list_cut_texts(dialog)) == (name, [])
        assert dialog.height() <= 700 and dialog.width() <= 900
        dialog.close()


def test_a_cut_text_is_found(qtbot: QtBot) -> None:
    button = QPushButton("Find similar")
    qtbot.addWidget(place := QDialog())
    button.setParent(place)
    place.show()
    button.resize(button.sizeHint())
    place.resize(300, 100)
    assert list_cut_texts(place) == []
    button.resize(button.width() - 10, button.height())
    assert len(list_cut_texts(place)) == 1
    button.resize(button.sizeHint())
    button.move(280, 0)
    assert len(list_cut_texts(place)) == 1


def test_a_text_that_has_just_been_set_is_judged_in_the_room_that_it_gets(qtbot: QtBot) -> None:
    """A job that starts by itself renames its button between two turns of the event loop."""
    qtbot.addWidget(place := QWidget())
    row, button = QHBoxLayout(place), QPushButton("Measure")
    row.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
    place.show()
    QApplication.processEvents()
    button.setText("Cancel measuring")
    assert button.width() < button.sizeHint().width()
    assert list_cut_texts(place) == []
