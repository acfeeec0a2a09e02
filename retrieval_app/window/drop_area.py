"""What hangs over the window: a frame says what will happen to it, and every drop is a copy.

The program that a drag comes from may offer to move. It is answered, at the entry, at each move and at the drop, that
the file will be copied: told anything else it might delete what was dragged.
"""

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QMainWindow, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.widgets.controls import make_label
from retrieval_app.window.drop_and_paste import can_accept_drag, list_local_paths, read_mime_data
from retrieval_app.window.opening import InputOpener
from retrieval_app.wording import format_count

HARMLESS_ACTIONS = (Qt.DropAction.CopyAction, Qt.DropAction.LinkAction)
FRAME_MARGIN = 12  # px
MOST_PATHS_LOOKED_AT = 100  # of a drag, to tell folders from pictures


class DropFrame(QFrame):
    """A frame over the window with a sentence, through which the pointer passes."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "drop-frame")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.sentence_label = make_label("", "drop-sentence")
        self.sentence_label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.addStretch(1)
        column.addWidget(self.sentence_label, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self.hide()

    def show_sentence(self, sentence: str, area: QRect) -> None:
        """Show the frame around an area of the parent."""
        self.sentence_label.setText(sentence)
        self.setGeometry(area.adjusted(FRAME_MARGIN, FRAME_MARGIN, -FRAME_MARGIN, -FRAME_MARGIN))
        self.show()
        self.raise_()


class DropArea(QObject):
    """Takes what is dropped on the window, wherever no widget takes it, as no text field of a page does."""

    def __init__(self, window: QMainWindow, opener: InputOpener) -> None:
        super().__init__(window)
        self._window = window
        self._opener = opener
        self.frame = DropFrame(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Answer drags over the window."""
        if event.type() == QEvent.Type.DragLeave:
            self.frame.hide()
        elif event.type() == QEvent.Type.Drop and isinstance(event, QDropEvent):
            self._take_drop(event)
            return True
        elif event.type() in (QEvent.Type.DragEnter, QEvent.Type.DragMove) and isinstance(event, QDragMoveEvent):
            self._answer_drag(event)
            return True
        return False

    def _answer_drag(self, event: QDragMoveEvent) -> None:
        if not can_accept_drag(event.mimeData()) or not _answer_harmlessly(event):
            event.ignore()
        elif event.type() == QEvent.Type.DragEnter:
            area = self._window.centralWidget() or self._window
            self.frame.show_sentence(describe_drop(list_local_paths(event.mimeData())), area.geometry())

    def _take_drop(self, event: QDropEvent) -> None:
        """Search with the dropped pictures as one query, and index the dropped folders."""
        self.frame.hide()
        if _answer_harmlessly(event):
            self._opener.open_items(read_mime_data(event.mimeData()))
        else:
            event.ignore()


def _answer_harmlessly(event: QDropEvent) -> bool:
    """Accept a drag as a copy, or else as a link; false for one that may only move, and one out of this window."""
    harmless = [action for action in HARMLESS_ACTIONS if event.possibleActions() & action]
    if not harmless or event.source() is not None:
        return False
    event.setDropAction(harmless[0])
    event.accept()
    return True


def describe_drop(paths: list[Path]) -> str:
    """What a drop of these files and folders will do, in a sentence or two; no paths are a picture in memory."""
    folders = sum(path.is_dir() for path in paths[:MOST_PATHS_LOOKED_AT])
    pictures = len(paths) - folders
    sentences = []
    if folders:
        sentences.append(
            tr("Index this folder")
            if folders == 1
            else tr("Index these {folders}", folders=format_count(folders, "folder"))
        )
    if pictures or not folders:
        sentences.append(
            tr("Find what looks like these {pictures:,} pictures", pictures=pictures)
            if pictures > 1
            else tr("Find what looks like this picture")
        )
    return "\n".join(sentences)
