"""The list of all keys, and the box that says which program this is."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QMessageBox,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from indexer.own_process import find_bundled_file
from indexer.wording import tr
from retrieval_app import __version__
from retrieval_app.viewer.viewer_keys import VIEWER_KEYS
from retrieval_app.widgets.controls import make_label
from retrieval_app.widgets.menus import KeyDescription

MOST_HEIGHT = 640  # px of a dialog that scrolls
FRAME_ROOM = 48  # px that a dialog leaves of a small screen, for its frame and the panels of the desktop
SCROLL_ROOM = 64  # px for the scroll bar and the margins
KEY_WIDTH = 176  # px, so that the groups line up
KEYS_OUTSIDE_MENUS = [
    KeyDescription(tr("Arrows"), tr("Move from photo to photo")),
    KeyDescription(tr("Enter, click"), tr("Find what looks like this photo")),
    KeyDescription(tr("Click again"), tr("Back to the whole library")),
    KeyDescription(tr("Ctrl+click, Shift+click"), tr("Select, as the ring and a drawn box do")),
    KeyDescription(tr("Shift+arrows, Ctrl+Space"), tr("Select by keys; Esc ends it")),
    KeyDescription(tr("Right click"), tr("The menu of a photo, or of all selected")),
    KeyDescription(tr("Space"), tr("Look at the current photo large")),
    KeyDescription(tr("Double click"), tr("Open in the system's viewer")),
]


class KeysDialog(QDialog):
    """The keys of the photos and of the menus in groups that scroll: in two columns, or one where two are too wide."""

    def __init__(self, menu_keys: Mapping[str, Sequence[KeyDescription]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Keys"))
        groups = {tr("Photos"): KEYS_OUTSIDE_MENUS, tr("A photo large"): VIEWER_KEYS, **menu_keys}
        shown_groups = [(title, keys) for title, keys in groups.items() if keys]
        total, left_count = sum(len(keys) + 2 for _, keys in shown_groups), 0
        columns = (QVBoxLayout(), QVBoxLayout())
        for title, keys in shown_groups:
            columns[int(left_count >= total / 2)].addLayout(_list_keys(title, keys))
            left_count += len(keys) + 2
        place = QWidget()
        row = QBoxLayout(QBoxLayout.Direction.LeftToRight, place)
        row.setContentsMargins(0, 0, 16, 0)
        row.setSpacing(32)
        for column in columns:
            column.setSpacing(16)
            column.addStretch(1)
            row.addLayout(column)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(place)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(scroll)
        column.addWidget(buttons)
        room = self.screen().availableSize() - QSize(FRAME_ROOM, FRAME_ROOM)
        if place.sizeHint().width() + SCROLL_ROOM > room.width():
            row.setDirection(QBoxLayout.Direction.TopToBottom)
        self.resize(QSize(place.sizeHint().width() + SCROLL_ROOM, MOST_HEIGHT).boundedTo(room))


def _list_keys(title: str, keys: Sequence[KeyDescription]) -> QGridLayout:
    """The keys of one group below its title."""
    cells = QGridLayout()
    cells.setHorizontalSpacing(12)
    cells.setVerticalSpacing(6)
    cells.setColumnMinimumWidth(0, KEY_WIDTH)
    cells.setColumnStretch(1, 1)
    cells.addWidget(make_label(title.upper(), "section"), 0, 0, 1, 2)
    for row, key in enumerate(keys, 1):
        cells.addWidget(make_label(key.key, "name"), row, 0)
        cells.addWidget(make_label(key.purpose), row, 1)
    return cells


def make_about_box(parent: QWidget) -> QMessageBox:
    """A message box with the program's name, version, purpose and licence; in a bundle, with those of all in it."""
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle(tr("About Lookalike"))
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(tr("Lookalike {version}", version=__version__))
    box.setInformativeText(
        tr(
            "Finds the pictures that look alike in your own folders, and learns from your folders "
            "what alike means.\n\nEverything runs on this computer, and no photo is ever changed. MIT "
            "licence."
        )
    )
    licences = find_bundled_file("THIRD-PARTY-LICENCES")
    if licences is not None:
        parts = tr("What it brings along has licences of its own; sbom.cdx.json beside the program lists all of it.")
        box.setInformativeText(f"{box.informativeText()}\n\n{parts}")
        box.setDetailedText(licences.read_text(encoding="utf-8", errors="replace"))
    box.setStandardButtons(QMessageBox.StandardButton.Close)
    return box
