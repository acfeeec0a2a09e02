"""The list of keys: all of them, in groups, with no line cut off on a screen as small as the offscreen one."""

from PySide6.QtWidgets import QLabel, QScrollArea

from retrieval_app.help.keys_dialog import KeysDialog
from retrieval_app.window.main_window import MainWindow


def test_the_keys_fit_on_a_small_screen_in_groups(window: MainWindow) -> None:
    window.menus.find_action("Keys").trigger()
    (dialog,) = window.findChildren(KeysDialog)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert {"PHOTOS", "EDIT", "SEARCH"} <= set(texts)
    assert all(key.purpose in texts for group in window.menus.list_keys().values() for key in group)
    assert dialog.height() <= 700
    assert dialog.size().boundedTo(dialog.screen().availableSize()) == dialog.size()
    groups = dialog.findChild(QScrollArea)
    assert isinstance(groups, QScrollArea)
    place = groups.widget()
    assert place is not None
    assert place.sizeHint().width() <= groups.width()
    dialog.close()
