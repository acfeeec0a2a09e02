"""What stands in the place of the photos where none passes the filter: that, and the way out."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.session.searching.photo_listing import NO_FILTER
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import make_button, make_label


class NoMatchNotice(QWidget):
    """A sentence and a button that clears the filter; hidden where there are photos, or another reason for none."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.sentence = make_label(tr("No photo matches"), "title", wrap=True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.clear_button = make_button(tr("Clear the filter"))
        self.clear_button.clicked.connect(lambda: session.search.conditions.set_filter(NO_FILTER))
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addStretch(2)
        column.addWidget(self.sentence)
        column.addWidget(self.clear_button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        self.hide()

    def is_needed(self) -> bool:
        """Whether nothing is listed because of the filter."""
        search = self._session.search
        is_settled = not (search.is_running or search.has_failed or self._session.library.is_empty)
        return is_settled and not search.listing.photo_count and search.conditions.photo_filter != NO_FILTER
