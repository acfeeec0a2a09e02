"""The switches for other ways to rank the results than by distance; one of them at a time."""

from functools import partial
from typing import NamedTuple

from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from indexer.ranking.rankings import COPIES, REFINED
from retrieval_app.session.session import Session
from retrieval_app.widgets.menus import Entry


class Switch(NamedTuple):
    """What a way is called where it can be switched on, its key, and what it does."""

    text: str
    key: str
    does: str


SWITCHES = {
    REFINED: Switch("Refine", "Ctrl+R", "A second look: what the nearest have in common counts more; mostly better"),
    COPIES: Switch(
        "Find changed copies", "Ctrl+D", "First what this one picture was made from or into: cut, turned, framed, faded"
    ),
}


class WaySwitches(QWidget):
    """One check box for each way; what a query cannot be ranked by is greyed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.boxes = {way: QCheckBox(switch.text) for way, switch in SWITCHES.items()}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(8)
        for way, box in self.boxes.items():
            box.setToolTip(f"{SWITCHES[way].does} ({SWITCHES[way].key})")
            box.clicked.connect(partial(self._rank, way))
            column.addWidget(box)
        session.query_changed.connect(self._show)
        self._show()

    def _rank(self, way: str) -> None:
        self._session.rank(way)

    def _show(self) -> None:
        self.setVisible(self._session.query is not None)
        for way, box in self.boxes.items():
            box.setChecked(self._session.way == way)
            box.setEnabled(self._session.takes(way))


def entries(session: Session) -> list[Entry]:
    """The lines of the menu that switch the ways."""

    def checked(way: str) -> bool:
        return session.way == way

    return [
        Entry(
            switch.text,
            partial(session.rank, way),
            (switch.key,),
            possible=partial(session.takes, way),
            checked=partial(checked, way),
        )
        for way, switch in SWITCHES.items()
    ]
