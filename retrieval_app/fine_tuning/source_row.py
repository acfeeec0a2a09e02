"""What a training learns from: a folder, the library's labels, or those of the photos that pass the filter."""

import os
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from indexer.library import LibraryInfo
from indexer.paths import show_path
from indexer.places import name_library
from indexer.ranking.filter_wording import describe_conditions
from indexer.wording import tr
from retrieval_app.fine_tuning.source_kinds import FILTER_SOURCE, FOLDER_SOURCE, LIBRARY_SOURCE, SOURCE_KINDS
from retrieval_app.fine_tuning.training_job import FineTuning
from retrieval_app.session.searching.photo_listing import NO_FILTER
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from training.data.sources import LibraryLabels, TrainingSource


class SourceRow(QWidget):
    """One line: the kind of source, its name, and for folders the button that chooses another.

    The chosen source is kept by FineTuning; this row shows it, and follows the library and the filter of the session.
    """

    folder_wanted = Signal()

    def __init__(self, tuning: FineTuning, session: Session) -> None:
        super().__init__()
        self._tuning, self._session = tuning, session
        self.folder: Path | None = None  # the last one that was chosen
        self.kind_box = QComboBox()
        self.path_label = ElidedLabel()
        self.choose_button = make_button(tr("Choose folder…"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(make_label(tr("Learn from"), "name"))
        row.addWidget(self.kind_box)
        row.addWidget(self.path_label, 1)
        row.addWidget(self.choose_button)
        self.kind_box.setAccessibleName(tr("Learn from"))
        self.kind_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.kind_box.activated.connect(lambda _place: self.choose_kind(self.kind_box.currentData()))
        self.choose_button.clicked.connect(self.folder_wanted)
        tuning.changed.connect(self._show_source)
        for signal in (session.library.changed, session.search.query_changed):
            signal.connect(self._follow_session)
        self._show_source()

    def choose_kind(self, kind: str) -> None:
        """Learn from a source of one of SOURCE_KINDS; without effect while a training runs."""
        if not self._tuning.running:
            self._tuning.choose_source(self._make_source(kind))

    def showEvent(self, event: QShowEvent) -> None:
        """Suggest a source, or read its labels again, as they may have changed while the row was hidden."""
        super().showEvent(event)
        self.suggest_source()

    def prefer_kind(self, kind: str) -> None:
        """Learn from a source of one of SOURCE_KINDS, unless the current one is of that kind."""
        if kind != _classify_source(self._tuning.source):
            self.choose_kind(kind)

    def suggest_source(self) -> None:
        """Read the labels of a chosen library again; choose the library's labelled folder where nothing is chosen."""
        chosen = self._tuning.source
        if isinstance(chosen, LibraryLabels):
            # While a job runs, each of its commits would start another reading.
            is_idle = self._tuning.reading_progress is None and self._session.job.state is None
            if is_idle or chosen != self._make_source(_classify_source(chosen)):
                self.choose_kind(_classify_source(chosen))
        elif chosen is None and (folder := find_labelled_folder(self._session.library.info)):
            self._tuning.choose_source(folder)

    def _make_source(self, kind: str) -> TrainingSource | None:
        if kind == FOLDER_SOURCE:
            return self.folder or find_labelled_folder(self._session.library.info)
        photo_filter = self._session.search.conditions.photo_filter
        is_filtered = kind == FILTER_SOURCE and photo_filter != NO_FILTER
        return LibraryLabels(self._session.library.folder, photo_filter if is_filtered else None)

    def _follow_session(self) -> None:
        """Take over another library, filter or labels at once where the row is visible."""
        if self.isVisible():
            self.suggest_source()
        self._show_source()

    def _show_source(self) -> None:
        source = self._tuning.source
        if isinstance(source, Path):
            self.folder = source
        kind = _classify_source(source)
        offers_filter = kind == FILTER_SOURCE or self._session.search.conditions.photo_filter != NO_FILTER
        self._offer_kinds([name for name in SOURCE_KINDS if name != FILTER_SOURCE or offers_filter])
        self.kind_box.setCurrentIndex(self.kind_box.findData(kind))
        self.choose_button.setVisible(kind == FOLDER_SOURCE)
        self.path_label.setText(_describe_source(source))
        self.path_label.setToolTip(self.path_label.text())

    def _offer_kinds(self, names: list[str]) -> None:
        """Offer these kinds; the same ones are not offered again, which would close an open list."""
        if names != [self.kind_box.itemData(row) for row in range(self.kind_box.count())]:
            self.kind_box.clear()
            for name in names:
                self.kind_box.addItem(SOURCE_KINDS[name], name)


def _classify_source(source: TrainingSource | None) -> str:
    if not isinstance(source, LibraryLabels):
        return FOLDER_SOURCE
    return LIBRARY_SOURCE if source.photo_filter is None else FILTER_SOURCE


def _describe_source(source: TrainingSource | None) -> str:
    """The folder, the name of the library, or the conditions of the filter."""
    if source is None:
        return tr("none yet")
    if isinstance(source, Path):
        return show_path(os.fsencode(source))
    if source.photo_filter is None:
        return name_library(source.library)
    return ", ".join(condition.text for condition in describe_conditions(source.photo_filter))


def find_labelled_folder(info: LibraryInfo | None) -> Path | None:
    """The first labelled folder of a library that is online; None where there is none."""
    for root in info.roots if info else []:
        if root.labelled and root.state == "online":
            return Path(os.fsdecode(root.path))
    return None
