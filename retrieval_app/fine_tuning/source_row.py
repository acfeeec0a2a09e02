"""What a training learns from: a folder, the library's labels, or those of the photos that pass the filter."""

import os
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from indexer.library import Info
from indexer.paths import show_path
from indexer.places import SUFFIX
from indexer.ranking.filter_options import told
from retrieval_app.fine_tuning.training_job import FineTuning
from retrieval_app.session.reading import EVERYTHING
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import Elided, button, label
from training.data.sources import Labels, Source

FOLDER, LIBRARY, SHOWN = "folder", "library", "shown"
KINDS = {
    FOLDER: "A folder whose sub-folders are classes",
    LIBRARY: "The labels of this library",
    SHOWN: "The labels of the photos that pass the filter",
}


class SourceRow(QWidget):
    """One line: the kind of source, which one it is, and for folders the button that chooses another.

    What is chosen is the tuning's; this row shows it and follows the session's library and filter.
    """

    folder_wanted = Signal()

    def __init__(self, tuning: FineTuning, session: Session) -> None:
        super().__init__()
        self._tuning, self._session = tuning, session
        self.folder: Path | None = None  # the last one that was chosen
        self.kind = QComboBox()
        self.path = Elided()
        self.choose = button("Choose folder…")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(label("Learn from", "name"))
        row.addWidget(self.kind)
        row.addWidget(self.path, 1)
        row.addWidget(self.choose)
        self.kind.setAccessibleName("Learn from")
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.kind.activated.connect(lambda _place: self.take(self.kind.currentData()))
        self.choose.clicked.connect(self.folder_wanted)
        tuning.changed.connect(self._show)
        for signal in (session.library_changed, session.query_changed):
            signal.connect(self._follow)
        self._show()

    def take(self, kind: str) -> None:
        """Learn from one of KINDS; a training at work goes on with what it has."""
        if not self._tuning.running:
            self._tuning.choose(self._source(kind))

    def showEvent(self, event: QShowEvent) -> None:
        """Something is suggested from the start, and labels may have changed while nobody looked."""
        super().showEvent(event)
        self.suggest()

    def prefer(self, kind: str) -> None:
        """Learn from one of KINDS if that is not so yet."""
        if kind != _kind(self._tuning.source):
            self.take(kind)

    def suggest(self) -> None:
        """Read a library's labels anew, as they may have changed; take its labelled folder where nothing is chosen."""
        chosen = self._tuning.source
        if isinstance(chosen, Labels):
            idle = self._tuning.reading is None and self._session.job is None  # each commit of a job brings news
            if idle or chosen != self._source(_kind(chosen)):
                self.take(_kind(chosen))
        elif chosen is None and (folder := labelled_folder(self._session.info)):
            self._tuning.choose(folder)

    def _source(self, kind: str) -> Source | None:
        if kind == FOLDER:
            return self.folder or labelled_folder(self._session.info)
        within = self._session.within
        return Labels(self._session.folder, within if kind == SHOWN and within != EVERYTHING else None)

    def _follow(self) -> None:
        """Another library or filter, or other labels: they count at once where they are looked at."""
        if self.isVisible():
            self.suggest()
        self._show()

    def _show(self) -> None:
        source = self._tuning.source
        if isinstance(source, Path):
            self.folder = source
        kind = _kind(source)
        self._offer([name for name in KINDS if name != SHOWN or kind == SHOWN or self._session.within != EVERYTHING])
        self.kind.setCurrentIndex(self.kind.findData(kind))
        self.choose.setVisible(kind == FOLDER)
        self.path.setText(_which(source))
        self.path.setToolTip(self.path.text())

    def _offer(self, names: list[str]) -> None:
        """Offer these kinds; a list that is open stays so where they are the same."""
        if names != [self.kind.itemData(row) for row in range(self.kind.count())]:
            self.kind.clear()
            for name in names:
                self.kind.addItem(KINDS[name], name)


def _kind(source: Source | None) -> str:
    if not isinstance(source, Labels):
        return FOLDER
    return LIBRARY if source.within is None else SHOWN


def _which(source: Source | None) -> str:
    """Which one of its kind it is."""
    if source is None:
        return "none yet"
    if isinstance(source, Path):
        return show_path(os.fsencode(source))
    if source.within is None:
        return show_path(os.fsencode(source.library.name.removesuffix(SUFFIX)))
    return ", ".join(one.text for one in told(source.within))


def labelled_folder(info: Info | None) -> Path | None:
    """The library's first labelled folder that is there."""
    for root in info.roots if info else []:
        if root.labelled and root.state == "online":
            return Path(os.fsdecode(root.path))
    return None
