"""Labels, buttons and folds with the roles that the style sheet knows; their text is always plain, never HTML.

And the Escape key, where a widget wants it for itself.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QBoxLayout, QLabel, QLayout, QLineEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

Box = TypeVar("Box", bound=QBoxLayout)


def make_label(text: str, role: str = "", *, wrap: bool = False) -> QLabel:
    """A plain-text label; its role is title, name, section, muted, caption or "" for ordinary text."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    label.setWordWrap(wrap)
    return label


def make_button(text: str, role: str = "") -> QPushButton:
    """A push button; its role is primary, link, chip or "" for an ordinary one."""
    button = QPushButton(text)
    button.setProperty("role", role)
    button.setCursor(Qt.CursorShape.PointingHandCursor if role == "link" else Qt.CursorShape.ArrowCursor)
    return button


def refuse_drops(widget: QWidget) -> None:
    """Let the text fields in a widget take no drops, so that no file name is written into one."""
    for field in widget.findChildren(QLineEdit):
        field.setAcceptDrops(False)


def stack_widgets(*widgets: QWidget) -> QWidget:
    """The widgets below each other, as one."""
    stack = QWidget()
    column = QVBoxLayout(stack)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    for widget in widgets:
        column.addWidget(widget)
    return stack


def arrange_parts(
    box: Box,
    parts: Iterable[QWidget | QLayout | None],
    *,
    spacing: int,
    margins: tuple[int, int, int, int] = (0, 0, 0, 0),
    stretched: Sequence[QWidget] = (),
) -> Box:
    """Put widgets and layouts into a row or column, with spaces in px, and return it; None takes the room that is left.

    The `stretched` widgets share that room. `margins` are at the left, top, right and bottom.
    """
    box.setSpacing(spacing)
    box.setContentsMargins(*margins)
    for part in parts:
        if part is None:
            box.addStretch(1)
        elif isinstance(part, QLayout):
            box.addLayout(part)
        else:
            box.addWidget(part, int(part in stretched))
    return box


def claim_escape(event: QEvent, is_wanted: Callable[[], bool] = lambda: True) -> bool:
    """Accept the event by which Qt asks if Escape is the widget's or a shortcut of the window's; whether it was one.

    `is_wanted` is asked for that event only: others come before a widget is whole.
    """
    is_override = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
    if not (is_override and event.key() == Qt.Key.Key_Escape and is_wanted()):  # type: ignore[attr-defined]
        return False
    event.accept()
    return True


class FoldedSection(QWidget):
    """A title that unfolds what stands below it, and folds it again; folded at first."""

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__()
        self._title = title
        self.content = content
        self.button = make_button("", "link")
        self.button.setStyleSheet("padding-left: 0; padding-right: 0;")  # in line with what stands above
        self.button.clicked.connect(self._toggle_content)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(content)
        content.hide()
        self._show_title()

    def _toggle_content(self) -> None:
        self.content.setVisible(self.content.isHidden())
        self._show_title()

    def _show_title(self) -> None:
        self.button.setText(f"{self._title} {'▸' if self.content.isHidden() else '▾'}")


class ElidedLabel(QLabel):
    """One line of plain text, shortened where there is no room; by default in its middle, as its end tells most."""

    def __init__(self, role: str = "", elide: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle) -> None:
        super().__init__()
        self._elide = elide
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """The height of a line; no width, so that any width will do."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the text, shortened to the width of the label."""
        painter = QPainter(self)
        metrics = QFontMetrics(self.font())
        elided_text = metrics.elidedText(self.text(), self._elide, self.width())
        painter.setPen(self.palette().windowText().color())
        painter.drawText(self.rect(), self.alignment(), elided_text)
        painter.end()
