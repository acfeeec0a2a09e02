"""One line over the results: how far a long question is, or that photos have been added since the search."""

from PySide6.QtWidgets import QFrame

from indexer.wording import tr
from retrieval_app.session.searching.photo_search import PhotoSearch
from retrieval_app.widgets.controls import make_button, make_label
from retrieval_app.widgets.flow_layout import FlowLayout
from retrieval_app.wording import format_count


class SearchStateLine(QFrame):
    """A sentence with the one thing that can be done about it; hidden where there is nothing to say."""

    def __init__(self, search: PhotoSearch) -> None:
        super().__init__()
        self._search = search
        self.sentence = make_label("")
        self.stop_button = make_button(tr("Stop searching"), "link")
        self.again_button = make_button(tr("Search again"), "link")
        self.setProperty("role", "mode")
        self.sentence.setMinimumHeight(self.stop_button.sizeHint().height())  # in line with the buttons
        flow = FlowLayout(self, spacing=4)
        flow.setContentsMargins(12, 2, 4, 2)
        for widget in (self.sentence, self.stop_button, self.again_button):
            flow.addWidget(widget)
        self.stop_button.setToolTip(tr("Go back to what was shown before (Alt+Left)"))
        self.stop_button.clicked.connect(search.leave_search)
        self.again_button.setToolTip(tr("Search among the photos that have been added too"))
        self.again_button.clicked.connect(search.search_again)
        for signal in (search.listing_changed, search.query_changed, search.preparation.progressed):
            signal.connect(self._show_state)
        self._show_state()

    def _show_state(self) -> None:
        progress, added_count = self._search.preparation.progress, self._search.added_count
        has_new = progress is None and added_count > 0 and not self._search.is_running
        self.setVisible(progress is not None or has_new)
        self.stop_button.setVisible(progress is not None)
        self.again_button.setVisible(has_new)
        if progress is not None:
            self.sentence.setText(
                tr(
                    "Looking at picture {done:,} of {total:,} of the question…",
                    done=progress.done + 1,
                    total=progress.total,
                )
            )
        elif has_new:
            self.sentence.setText(tr("{photos} came in since this search.", photos=format_count(added_count, "photo")))
        self.updateGeometry()
