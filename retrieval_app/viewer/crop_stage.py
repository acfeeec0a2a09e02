"""A part of the picture that is seen large, chosen with a box, to find what is similar to it."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.widgets.controls import make_button, make_label
from retrieval_app.widgets.crop_view import CropView
from retrieval_app.widgets.picture import LoadPixmap
from retrieval_app.widgets.theme import Theme


class CropStage(QWidget):
    """The whole picture with the box on it, and what to do with it: Enter searches, Escape leaves it."""

    accepted = Signal(object)  # CropBox, or None for the whole picture
    left = Signal()

    def __init__(self, theme: Theme, load_pixmap: LoadPixmap) -> None:
        super().__init__()
        self.crop_view = CropView(theme, load_pixmap)
        self.crop_view.setAccessibleName(tr("Part of the photo"))
        self.search_button, self.cancel_button = make_button(tr("Find similar to this part")), make_button(tr("Cancel"))
        self.search_button.setToolTip(tr("Find what looks like this part (Enter)"))
        self.cancel_button.setToolTip(tr("Back to the picture (Esc)"))
        row = QHBoxLayout()
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(8)
        row.addWidget(make_label(tr("Draw a box, or move this one."), "muted"), 1)
        row.addWidget(self.cancel_button)
        row.addWidget(self.search_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.crop_view, 1)
        column.addLayout(row)
        self.search_button.clicked.connect(self._accept_box)
        self.cancel_button.clicked.connect(self.left)
        self.crop_view.box_changed.connect(self._leave_without_box)

    def start_cropping(self, seen_area: QRectF) -> None:
        """Begin with the part that is seen of an enlarged picture, else with the middle of it."""
        is_part = min(seen_area.width(), seen_area.height()) < 1 and not seen_area.isEmpty()
        box = (seen_area.x(), seen_area.y(), seen_area.width(), seen_area.height())
        self.crop_view.show_box(box if is_part else None)
        self.crop_view.start_cropping()

    def _accept_box(self) -> None:
        self.accepted.emit(self.crop_view.box)

    def _leave_without_box(self, box: object) -> None:
        """Leave where Escape has taken the box away."""
        if box is None and self.isVisible():
            self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Search by Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._accept_box()
        else:
            super().keyPressEvent(event)
