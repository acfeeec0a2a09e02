"""The keys of the viewer: what each does in words, and which of them the window's shortcuts may not take."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from indexer.wording import tr
from retrieval_app.widgets.menus import KeyDescription

STEP_KEYS = {
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_PageDown: 1,
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_PageUp: -1,
}
PLAIN_KEYS = frozenset(
    {
        *STEP_KEYS,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_Escape,
        Qt.Key.Key_Space,
        Qt.Key.Key_Return,
        Qt.Key.Key_Enter,
        *(Qt.Key.Key_T, Qt.Key.Key_W, Qt.Key.Key_P, Qt.Key.Key_I, Qt.Key.Key_C, Qt.Key.Key_S, Qt.Key.Key_F),
    }
)
VIEWER_KEYS = [
    KeyDescription(tr("Arrows, Home, End"), tr("The next photo, the one before, the first, the last")),
    KeyDescription(tr("Wheel, +, -"), tr("Zoom about the pointer")),
    KeyDescription("0, 1", tr("The whole picture, or pixel for pixel")),
    KeyDescription(tr("Drag, Shift+arrows"), tr("Move the enlarged picture")),
    KeyDescription("T", tr("The query beside it: same or not")),
    KeyDescription("W", tr("Where the two match")),
    KeyDescription("P", tr("Which point of one is which of the other")),
    KeyDescription("I", tr("Facts")),
    KeyDescription("C", tr("Choose a part, Enter finds what is similar")),
    KeyDescription("S", tr("Slide show, Space ends it")),
    KeyDescription("F", tr("Full screen")),
    KeyDescription(tr("Enter"), tr("Find what looks like this photo")),
    KeyDescription("Ctrl+Space", tr("Select the photo, or no longer")),
    KeyDescription(tr("Esc, Space"), tr("Back to the photos")),
]


def is_viewer_key(event: QKeyEvent) -> bool:
    """Whether a key is one of the viewer's: without Ctrl, Alt and Shift, but for Ctrl+Space."""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if event.key() == Qt.Key.Key_Space and modifiers == Qt.KeyboardModifier.ControlModifier:
        return True
    return modifiers == Qt.KeyboardModifier.NoModifier and event.key() in PLAIN_KEYS
