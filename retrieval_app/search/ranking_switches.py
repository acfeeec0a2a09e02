"""The switches for other ways to rank the results than by distance, one at a time; what ranking by labels says."""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QVBoxLayout, QWidget

from indexer.ranking.search_request import RANK_COPIES, RANK_LABELS, RANK_POINTS, RANK_REFINED
from indexer.wording import tr
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import make_button, make_label
from retrieval_app.widgets.flow_layout import FlowLayout
from retrieval_app.widgets.menus import MenuEntry


class RankingSwitch(NamedTuple):
    """The name of a ranking on its switch, its key, and what it does."""

    text: str
    key: str
    description: str


RANKING_SWITCHES = {
    RANK_REFINED: RankingSwitch(
        tr("Refine"), "Ctrl+R", tr("A second look: what the nearest have in common counts more; mostly better")
    ),
    RANK_LABELS: RankingSwitch(
        tr("Rank by my labels"),
        "Ctrl+B",
        tr("What your labels teach counts at once, in every search; nothing is installed"),
    ),
    RANK_POINTS: RankingSwitch(
        tr("Find the same thing"),
        "Ctrl+Shift+R",
        tr("First what shows the very same thing: points that look alike and lie alike in both; slower"),
    ),
    RANK_COPIES: RankingSwitch(
        tr("Find changed copies"),
        "Ctrl+D",
        tr("First what this one picture was made from or into: cut, turned, framed, faded"),
    ),
}


LABELLED_HINT = tr(
    "Nothing is installed. Photos with a label lie where you have put them; what was learned shows in the others."
)


class RankingCheckBoxes(QWidget):
    """A check box for each ranking; disabled where the query cannot be ranked by it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.check_boxes = {ranking: QCheckBox(switch.text) for ranking, switch in RANKING_SWITCHES.items()}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(8)
        for ranking, box in self.check_boxes.items():
            box.setToolTip(f"{RANKING_SWITCHES[ranking].description} ({RANKING_SWITCHES[ranking].key})")
            box.clicked.connect(partial(self._rank_results, ranking))
            column.addWidget(box)
        session.search.query_changed.connect(self._update_boxes)
        self._update_boxes()

    def _rank_results(self, ranking: str) -> None:
        self._session.search.conditions.toggle_ranking(ranking)

    def _update_boxes(self) -> None:
        self.setVisible(self._session.search.query is not None)
        for ranking, box in self.check_boxes.items():
            box.setChecked(self._session.search.conditions.ranking == ranking)
            box.setEnabled(self._session.search.conditions.can_rank_by(ranking))


class LabelRankingLine(QFrame):
    """One line over the results while they are ranked by labels: what taught that, and the two ways on from there."""

    lasting_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.sentence = make_label("")
        self.use_button = make_button(tr("Use this from now on…"), "link")
        self.leave_button = make_button(tr("Leave"), "link")
        self.setProperty("role", "mode")
        self.sentence.setToolTip(LABELLED_HINT)
        self.sentence.setMinimumHeight(self.leave_button.sizeHint().height())  # in line with the buttons
        flow = FlowLayout(self, spacing=4)
        flow.setContentsMargins(12, 2, 4, 2)
        for widget in (self.sentence, self.use_button, self.leave_button):
            flow.addWidget(widget)
        self.use_button.setToolTip(tr("Teach the model what the labels say, with an exam before anything changes"))
        self.use_button.clicked.connect(self.lasting_wanted)
        self.leave_button.setToolTip(tr("Rank by the model alone again (Ctrl+B)"))
        self.leave_button.clicked.connect(partial(session.search.conditions.toggle_ranking, RANK_LABELS))
        for signal in (session.search.query_changed, session.search.listing_changed):
            signal.connect(self._show_state)
        self._show_state()

    def _show_state(self) -> None:
        search = self._session.search
        self.setVisible(search.conditions.ranking == RANK_LABELS)
        result = search.full_listing.result
        if search.query is None:
            self.sentence.setText(tr("Searches are ranked by your labels: click a photo."))
        elif result is not None and result.taught_by is not None:
            from indexer.ranking.label_ranking import describe_labels

            self.sentence.setText(tr("Ranked by {labels}", labels=describe_labels(result.taught_by)))
        else:
            self.sentence.setText(tr("Ranking by your labels…"))
        self.updateGeometry()


def list_ranking_entries(session: Session) -> list[MenuEntry]:
    """The menu entries that switch the rankings on and off."""

    def is_checked(ranking: str) -> bool:
        return session.search.conditions.ranking == ranking

    return [
        MenuEntry(
            switch.text,
            partial(session.search.conditions.toggle_ranking, ranking),
            (switch.key,),
            possible=partial(session.search.conditions.can_rank_by, ranking),
            checked=partial(is_checked, ranking),
        )
        for ranking, switch in RANKING_SWITCHES.items()
    ]
