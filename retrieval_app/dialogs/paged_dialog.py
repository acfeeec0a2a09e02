"""A dialog of pages above a foot with a note and buttons, beside which the main window stays usable."""

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from retrieval_app.widgets.controls import make_label

WINDOW_MARGIN = 32  # px of the main window that stay in view


class PagedDialog(QDialog):
    """A dialog of pages above a foot; a subclass makes both and says which page is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pages = QStackedWidget()
        self.note = make_label("", "muted", wrap=True)

    def arrange_widgets(self, pages: Iterable[QWidget], buttons: Iterable[QPushButton]) -> None:
        """Put the pages above the foot, and into that the note and the buttons."""
        for page in pages:
            self.pages.addWidget(page)
        foot = QWidget()
        foot.setProperty("role", "status")
        foot.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(foot)
        row.setContentsMargins(24, 12, 24, 12)
        row.setSpacing(12)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.note, 1)
        for button in buttons:
            button.setAutoDefault(False)
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.pages, 1)
        column.addWidget(foot)

    def fit_in_window(self) -> None:
        """Become smaller than the main window, so that some of that is in view."""
        if (window := self.parentWidget()) is not None:
            self.resize(self.size().boundedTo(window.window().size() - QSize(WINDOW_MARGIN, WINDOW_MARGIN)))

    def show_in_front(self) -> None:
        """Show the dialog as it was left, above all other windows."""
        self.show()
        self.raise_()
        self.activateWindow()
