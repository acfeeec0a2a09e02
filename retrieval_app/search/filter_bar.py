"""Which photos are shown and searched: fields to choose by, and what is chosen as chips that can be taken away."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QDate, QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QDateEdit, QFileDialog, QFrame, QWidget

from indexer.database.filters import ORIENTATIONS, Filter
from indexer.ranking.filter_options import days_on, folder_name
from retrieval_app.session.reading import EVERYTHING
from retrieval_app.widgets.controls import button
from retrieval_app.widgets.flow_layout import Flow

SIZES = (640, 1000, 2000, 4000)  # px of the short side
DAYS = {"Last 7 days": 7, "Last 30 days": 30, "Last 12 months": 365}
BETWEEN = "From … to …"
OTHER = "Another folder…"
WIDTH = 132  # px of a field


class ChipRow(QWidget):
    """What is chosen, each with a cross; nothing at all where nothing is."""

    def __init__(self) -> None:
        super().__init__()
        self._line = Flow(self, spacing=4)

    def show_chips(self, chosen: Iterable[tuple[str, Callable[[], object]]]) -> None:
        """Show these words; a click on one does what takes it away."""
        while item := self._line.takeAt(0):
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for text, remove in chosen:
            chip = button(f"{text}  \N{MULTIPLICATION SIGN}".replace("&", "&&"), "chip")
            chip.setToolTip("Take this condition away")
            chip.setAccessibleName(f"Take away: {text}")
            chip.clicked.connect(remove)
            self._line.addWidget(chip)
            chip.show()  # a layout would show it only later
        self.setVisible(self._line.count() > 0)
        self.updateGeometry()


class Field(QComboBox):
    """One condition; the first entry is none."""

    def __init__(self, name: str, nothing: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(f"Show and search only photos by {name.lower()}")
        self.setFixedWidth(WIDTH)
        self._nothing = nothing
        self.offer([])

    def offer(self, choices: Iterable[tuple[str, Any]]) -> None:
        """Offer these; what was chosen stays chosen if it is among them."""
        held = self.currentData()
        self.blockSignals(True)
        self.clear()
        self.addItem(self._nothing, None)
        for text, value in choices:
            self.addItem(text, value)
        self.choose(held)
        self.blockSignals(False)

    def choose(self, value: object) -> None:
        """Show a value as chosen, without saying so."""
        self.blockSignals(True)
        place = next((place for place in range(self.count()) if self.itemData(place) == value), 0)
        self.setCurrentIndex(place)
        self.blockSignals(False)


class FilterBar(QFrame):
    """The fields in as many lines as they need. Says which filter is wanted."""

    wanted = Signal(object)  # Filter
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._within = EVERYTHING
        self.label = Field("Label", "Any label")
        self.folder = Field("Folder", "Any folder")
        self.date = Field("Date of change", "Any date")
        self.least = Field("Size", "Any size")
        self.orientation = Field("Orientation", "Any orientation")
        self.start, self.end = _date_edit("First day"), _date_edit("Last day")
        self.clear = button("Clear")
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        line = Flow(self)
        line.setContentsMargins(0, 0, 0, 0)
        fields = (self.label, self.folder, self.date, self.start, self.end, self.least, self.orientation, self.clear)
        for field in fields:
            line.addWidget(field)
        self.date.offer([*DAYS.items(), (BETWEEN, BETWEEN)])
        self.least.offer((f"At least {side:,} px", side) for side in SIZES)
        self.orientation.offer((name.capitalize(), name) for name in ORIENTATIONS)
        self.clear.setToolTip("Show and search all photos")
        for day in (self.start, self.end):
            day.hide()

    def _connect(self) -> None:
        for field, name in ((self.label, "label"), (self.least, "min_side"), (self.orientation, "orientation")):
            field.currentIndexChanged.connect(partial(self._take, field, name))
        self.folder.activated.connect(self._take_folder)
        self.date.currentIndexChanged.connect(self._take_date)
        for day in (self.start, self.end):
            day.dateChanged.connect(self._take_days)
        self.clear.clicked.connect(lambda: self.wanted.emit(EVERYTHING))

    def offer(self, labels: Iterable[str], folders: Iterable[Path]) -> None:
        """What the library holds to choose from."""
        self.label.offer((name, name) for name in labels)
        known = list(folders)
        other = [self._within.under] if self._within.under not in (None, *known) else []
        shown = [(folder_name(folder), folder) for folder in (*known, *other) if folder is not None]
        self.folder.offer([*shown, (OTHER, OTHER)])
        self.show_filter(self._within)

    def show_filter(self, within: Filter) -> None:
        """Show what is chosen."""
        self._within = within
        self.label.choose(within.label)
        if within.under is not None and self.folder.findData(within.under) < 0:
            self.folder.insertItem(self.folder.count() - 1, folder_name(within.under), within.under)
        self.folder.choose(within.under)
        self.least.choose(within.min_side)
        self.orientation.choose(within.orientation)
        if within.after is None and within.before is None:
            self.date.choose(None)
            self._show_days(False)
        self.clear.setEnabled(within != EVERYTHING)

    def _take(self, field: Field, name: str, _place: int) -> None:
        self.wanted.emit(replace(self._within, **{name: field.currentData()}))

    def _take_folder(self) -> None:
        chosen = self.folder.currentData()
        if chosen == OTHER:
            name = QFileDialog.getExistingDirectory(self, "Show and search only photos in this folder")
            chosen = Path(name) if name else self._within.under
        self.wanted.emit(replace(self._within, under=chosen))

    def _take_date(self) -> None:
        chosen = self.date.currentData()
        self._show_days(chosen == BETWEEN)
        if chosen == BETWEEN:
            self._take_days()
        else:
            after = _midnight(days_on(datetime.now(), -chosen)) if chosen else None
            self.wanted.emit(replace(self._within, after=after, before=None))

    def _take_days(self) -> None:
        first, last = (edit.dateTime().toPython() for edit in (self.start, self.end))
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        self.wanted.emit(replace(self._within, after=_midnight(first), before=days_on(_midnight(last), 1)))

    def _show_days(self, shown: bool) -> None:
        for day in (self.start, self.end):
            day.setVisible(shown)
        self.updateGeometry()

    def event(self, event: QEvent) -> bool:
        """Escape is the bar's while one of its fields has the keys."""
        asked = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if asked and event.key() == Qt.Key.Key_Escape:  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes the bar; what is chosen stays."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _date_edit(name: str) -> QDateEdit:
    edit = QDateEdit(QDate.currentDate())
    edit.setAccessibleName(name)
    edit.setToolTip(name)
    edit.setDisplayFormat("yyyy-MM-dd")
    edit.setCalendarPopup(True)
    edit.setFixedWidth(112)
    return edit
