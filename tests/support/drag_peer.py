"""Another program, as a process of its own, that files are dragged from or dropped onto; it says in JSON what happens.

python -m tests.support.drag_peer source|target FILE
"""

import json
import sys

from PySide6.QtCore import QMimeData, Qt, QTimer, QUrl
from PySide6.QtGui import QDrag, QDragEnterEvent, QDragMoveEvent, QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

PLACE = (1000, 820, 200, 150)  # px of the screen: beside and below the window that is tested
LINGER_MS = 3000  # until the program ends after a drag: the other one still reads


class DragPeer(QWidget):
    """A window that offers a file to be copied or moved, proposing to move it, or takes what is dropped."""

    def __init__(self, role: str, file: str) -> None:
        super().__init__()
        self._file = file if role == "source" else ""
        self.setAcceptDrops(role == "target")
        self.setGeometry(*PLACE)

    def mouseMoveEvent(self, _event: QMouseEvent) -> None:
        """Begin a drag, and say what the other program has answered."""
        if self._file:
            file, self._file = self._file, ""
            data = QMimeData()
            data.setUrls([QUrl.fromLocalFile(file)])
            drag = QDrag(self)
            drag.setMimeData(data)
            answer = drag.exec(Qt.DropAction.CopyAction | Qt.DropAction.MoveAction, Qt.DropAction.MoveAction)
            self._say(answer=answer.name)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take whatever is offered."""
        event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Take it here too."""
        event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Say what was dropped."""
        urls = [url.toLocalFile() for url in event.mimeData().urls()]
        self._say(possible=str(event.possibleActions()), action=event.dropAction().name, files=urls)
        event.acceptProposedAction()

    def _say(self, **facts: object) -> None:
        print(json.dumps(facts), flush=True)
        QTimer.singleShot(LINGER_MS, QApplication.quit)


def main() -> None:
    app = QApplication([])
    peer = DragPeer(*sys.argv[1:3])
    peer.show()
    print(json.dumps({"ready": True}), flush=True)
    app.exec()


if __name__ == "__main__":
    main()
