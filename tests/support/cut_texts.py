"""Texts on the screen that have less room than they need, measured by what Qt itself wants for each widget."""

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QComboBox, QLabel, QLineEdit, QWidget

from retrieval_app.widgets.controls import ElidedLabel

ROUNDING = 1  # px
COMBO_FRAME, FIELD_FRAME = 30, 18  # px that the style sheet puts around a text


def list_cut_texts(root: QWidget) -> list[str]:
    """The texts below a widget, each with its room, of what is seen and is cut; what shortens itself is none.

    A text that has just been set is judged in the room that its layout gives it, not in the room of the text before.
    """
    QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    return [
        f"{text!r} in {widget.width()} x {widget.height()} px"
        for widget in root.findChildren(QWidget)
        if widget.isVisible() and (text := read_text(widget)) and (is_too_small(widget, text) or is_covered(widget))
    ]


def read_text(widget: QWidget) -> str:
    if isinstance(widget, ElidedLabel):
        return ""
    if isinstance(widget, QLabel | QAbstractButton):
        return widget.text()
    if isinstance(widget, QComboBox):
        return widget.currentText()
    return widget.text() or widget.placeholderText() if isinstance(widget, QLineEdit) else ""


def is_too_small(widget: QWidget, text: str) -> bool:
    width, height = widget.width() + ROUNDING, widget.height() + ROUNDING
    if isinstance(widget, QLabel) and widget.wordWrap():
        return widget.heightForWidth(widget.width()) > height
    if isinstance(widget, QLabel | QAbstractButton):
        return widget.sizeHint().width() > width or widget.sizeHint().height() > height
    frame = COMBO_FRAME if isinstance(widget, QComboBox) else FIELD_FRAME
    is_filled = isinstance(widget, QLineEdit) and bool(widget.text())  # it scrolls
    return not is_filled and widget.fontMetrics().horizontalAdvance(text) + frame > width


def is_covered(widget: QWidget) -> bool:
    """Whether a widget reaches beyond one that it lies in; what lies in a scroll area can be scrolled to."""
    area = QRect(widget.mapTo(widget.window(), QPoint()), widget.size())
    above = widget.parentWidget()
    while above is not None and not isinstance(above.parentWidget(), QAbstractScrollArea):
        if not QRect(above.mapTo(widget.window(), QPoint()), above.size()).contains(area):
            return True
        above = None if above.isWindow() else above.parentWidget()
    return False
