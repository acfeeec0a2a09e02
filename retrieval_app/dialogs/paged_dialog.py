"""A dialog of pages above a foot with a note and buttons, beside which the main window stays usable."""

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from retrieval_app.widgets.controls import arrange_parts, make_label

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
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        of_page = list(buttons)
        for button in of_page:
            button.setAutoDefault(False)
        row = QHBoxLayout(foot)
        arrange_parts(row, [self.note, *of_page], spacing=12, margins=(24, 12, 24, 12), stretched=[self.note])
        arrange_parts(QVBoxLayout(self), [self.pages, foot], spacing=0, stretched=[self.pages])

    def fit_in_window(self) -> None:
        """Become smaller than the main window, so that some of that is in view."""
        if (window := self.parentWidget()) is not None:
            self.resize(self.size().boundedTo(window.window().size() - QSize(WINDOW_MARGIN, WINDOW_MARGIN)))

    def show_in_front(self) -> None:
        """Show the dialog as it was left, above all other windows."""
        self.show()
        self.raise_()
        self.activateWindow()
