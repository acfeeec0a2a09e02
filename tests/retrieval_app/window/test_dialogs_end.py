"""A dialog that was closed is gone: a window that stays open for weeks does not grow with each one."""

from collections import Counter
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QDialog

from retrieval_app.window.main_window import MainWindow

OPENERS: dict[str, Callable[[MainWindow], None]] = {
    "failures": lambda window: window.show_failures(),
    "settings": lambda window: window.show_settings(),
    "keys": lambda window: window.help_menu.show_keys(),
    "about": lambda window: window.help_menu.show_about_box(),
    "a new library": lambda window: window.library_actions.ask_new(),
    "libraries": lambda window: window.library_actions.show_libraries(),
    "a saved search": lambda window: window.search_page.saved_searches.ask_name(),
}


def test_no_dialog_outlives_its_closing(window: MainWindow) -> None:
    counts = []
    for _ in range(3):
        for opener in OPENERS.values():
            opener(window)
            dialog = QApplication.activeModalWidget()
            assert isinstance(dialog, QDialog)
            dialog.reject()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        counts.append(Counter(type(dialog).__name__ for dialog in window.findChildren(QDialog)))
    assert counts[2] == counts[1] == counts[0]
