"""The switches for other ways to rank the results than by distance; one of them at a time."""

from functools import partial
from typing import NamedTuple

from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from indexer.ranking.rankings import RANK_COPIES, RANK_REFINED
from retrieval_app.session.session import Session
from retrieval_app.widgets.menus import MenuEntry


class RankingSwitch(NamedTuple):
    """What a way is called where it can be switched on, its key, and what it does."""

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
    """One check box for each way; what a query cannot be ranked by is greyed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.check_boxes = {way: QCheckBox(switch.text) for way, switch in RANKING_SWITCHES.items()}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(8)
        for way, box in self.check_boxes.items():
            box.setToolTip(f"{RANKING_SWITCHES[way].description} ({RANKING_SWITCHES[way].key})")
            box.clicked.connect(partial(self._rank_results, way))
            column.addWidget(box)
        session.query_changed.connect(self._update_boxes)
        self._update_boxes()

    def _rank_results(self, ranking: str) -> None:
        self._session.toggle_ranking(ranking)

    def _update_boxes(self) -> None:
        self.setVisible(self._session.query is not None)
        for way, box in self.check_boxes.items():
            box.setChecked(self._session.ranking == way)
            box.setEnabled(self._session.can_rank_by(way))


def list_ranking_entries(session: Session) -> list[MenuEntry]:
    """The lines of the menu that switch the ways."""

    def is_checked(ranking: str) -> bool:
        return session.ranking == ranking

    return [
        MenuEntry(
            switch.text,
            partial(session.toggle_ranking, way),
            (switch.key,),
            possible=partial(session.can_rank_by, way),
            checked=partial(is_checked, way),
        )
        for way, switch in RANKING_SWITCHES.items()
    ]
