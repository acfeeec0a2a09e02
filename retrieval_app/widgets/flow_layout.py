"""A layout that sets widgets side by side and starts a new line where there is no more room."""

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class FlowLayout(QLayout):
    """Lines of widgets, each as wide as it wishes to be."""

    def __init__(self, parent: QWidget | None = None, spacing: int = 8) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        """Add an item at the end."""
        self._items.append(item)

    def count(self) -> int:
        """The number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """The item at an index; None beyond the ends."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Remove and return the item at an index; None beyond the ends."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        """True: a smaller width makes more lines."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height in px of all lines within a width in px."""
        return self._lay_out(QRect(0, 0, width, 0), set_places=False)

    def setGeometry(self, rect: QRect) -> None:
        """Set the geometry of every widget within a rectangle."""
        super().setGeometry(rect)
        self._lay_out(rect, set_places=True)

    def sizeHint(self) -> QSize:
        """The same as the smallest size."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """A size that fits each widget by itself, within the margins."""
        size = QSize()
        for item in self._items:
            if not item.isEmpty():
                size = size.expandedTo(item.minimumSize())
        return size.grownBy(self.contentsMargins())

    def _lay_out(self, rect: QRect, *, set_places: bool) -> int:
        """The height in px of all lines within a rectangle; with `set_places` the widgets are put there."""
        inner = rect.marginsRemoved(self.contentsMargins())
        x, y, height = inner.x(), inner.y(), 0
        for item in self._items:
            if item.isEmpty():
                continue
            size = item.sizeHint()
            if x > inner.x() and x + size.width() > inner.right() + 1:
                x, y, height = inner.x(), y + height + self.spacing(), 0
            if set_places:
                item.setGeometry(QRect(QPoint(x, y), size))
            x, height = x + size.width() + self.spacing(), max(height, size.height())
        return y + height - rect.y() + self.contentsMargins().bottom()
