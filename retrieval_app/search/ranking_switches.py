"""The switches for other ways to rank the results than by distance; one of them at a time."""

from functools import partial
from typing import NamedTuple

from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from indexer.ranking.rankings import RANK_COPIES, RANK_REFINED
from retrieval_app.session.session import Session
from retrieval_app.widgets.menus import MenuEntry


class RankingSwitch(NamedTuple):
    """The name of a ranking on its switch, its key, and what it does."""

    text: str
    key: str
    description: str


RANKING_SWITCHES = {
    RANK_REFINED: RankingSwitch(
        "Refine", "Ctrl+R", "A second look: what the nearest have in common counts more; mostly better"
    ),
    RANK_COPIES: RankingSwitch(
        "Find changed copies", "Ctrl+D", "First what this one picture was made from or into: cut, turned, framed, faded"
    ),
}


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
        self._session.search.toggle_ranking(ranking)

    def _update_boxes(self) -> None:
        self.setVisible(self._session.search.query is not None)
        for ranking, box in self.check_boxes.items():
            box.setChecked(self._session.search.ranking == ranking)
            box.setEnabled(self._session.search.can_rank_by(ranking))


def list_ranking_entries(session: Session) -> list[MenuEntry]:
    """The menu entries that switch the rankings on and off."""

    def is_checked(ranking: str) -> bool:
        return session.search.ranking == ranking

    return [
        MenuEntry(
            switch.text,
            partial(session.search.toggle_ranking, ranking),
            (switch.key,),
            possible=partial(session.search.can_rank_by, ranking),
            checked=partial(is_checked, ranking),
        )
        for ranking, switch in RANKING_SWITCHES.items()
    ]
