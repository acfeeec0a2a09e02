"""Which photos are shown and searched: fields to choose conditions in, and a chip to remove each chosen condition."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QDate, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QDateEdit, QFileDialog, QFrame, QLineEdit

from indexer.database.filters import ORIENTATIONS, Filter
from indexer.wording import tr
from retrieval_app.session.searching.photo_listing import NO_FILTER
from retrieval_app.widgets.controls import claim_escape, make_button, refuse_drops
from retrieval_app.widgets.flow_layout import FlowLayout

ORIENTATION_NAMES = {"landscape": tr("Landscape"), "portrait": tr("Portrait"), "square": tr("Square")}
MIN_SIDES = (640, 1000, 2000, 4000)  # px of the short side
PAST_DAYS = {tr("Last 7 days"): 7, tr("Last 30 days"): 30, tr("Last 12 months"): 365}
DATE_RANGE = tr("From … to …")
OTHER_FOLDER = tr("Another folder…")
FIELD_WIDTH = 140  # px of a field
NAME_WIDTH = 196
TYPING_PAUSE = 150  # ms after the last letter


class FilterField(QComboBox):
    """The choices for one condition; the first entry stands for no condition."""

    def __init__(self, name: str, any_text: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(tr("Show and search only photos by {lower}", lower=name.lower()))
        self.setFixedWidth(FIELD_WIDTH)
        self._any_text = any_text
        self.offer_choices([])

    def offer_choices(self, choices: Iterable[tuple[str, Any]]) -> None:
        """Offer these texts with their values; the chosen value stays chosen if it is among them."""
        chosen_value = self.currentData()
        self.blockSignals(True)
        self.clear()
        self.addItem(self._any_text, None)
        for text, value in choices:
            self.addItem(text, value)
        self.choose_value(chosen_value)
        self.blockSignals(False)

    def choose_value(self, value: object) -> None:
        """Show a value as chosen, without a signal; one that is not offered shows as no condition."""
        self.blockSignals(True)
        place = next((place for place in range(self.count()) if self.itemData(place) == value), 0)
        self.setCurrentIndex(place)
        self.blockSignals(False)


class NameField(QLineEdit):
    """Words that a photo's file name, folder or label must have; `words_chosen` carries them when typing pauses."""

    words_chosen = Signal(object)  # str, or None where the field is empty

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Name"))
        self.setPlaceholderText(tr("Name, folder or label"))
        self.setToolTip(tr("Show and search only photos with these words in their file name, folder or label"))
        self.setClearButtonEnabled(True)
        self.setFixedWidth(NAME_WIDTH)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(TYPING_PAUSE)
        self._pause.timeout.connect(self._choose_words)
        self.textEdited.connect(self._wait_for_pause)
        self.returnPressed.connect(self._choose_words)

    def show_words(self, words: str | None) -> None:
        """Show the words of a filter, without a signal; what is being typed stays."""
        if not self._pause.isActive() and " ".join(self.text().split()) != (words or ""):
            self.setText(words or "")

    def _wait_for_pause(self, _text: str) -> None:
        self._pause.start()

    def _choose_words(self) -> None:
        self._pause.stop()
        self.words_chosen.emit(" ".join(self.text().split()) or None)


class FilterBar(QFrame):
    """A field for each condition, in as many lines as needed; `filter_wanted` carries the filter that they make."""

    filter_wanted = Signal(object)  # Filter
    words_wanted = Signal(str)  # known words that the photos are to show
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._chosen_filter = NO_FILTER
        self._offered_words, self._takes_any_words = "", False
        self.name_field = NameField()
        self.words_button = make_button("")
        self.label_field = FilterField(tr("Label"), tr("Any label"))
        self.folder_field = FilterField(tr("Folder"), tr("Any folder"))
        self.date_field = FilterField(tr("Date taken"), tr("Any date"))
        self.min_side_field = FilterField(tr("Size"), tr("Any size"))
        self.orientation_field = FilterField(tr("Orientation"), tr("Any orientation"))
        self.first_day, self.last_day = _make_date_edit(tr("First day")), _make_date_edit(tr("Last day"))
        self.clear_button = make_button(tr("Clear"))
        self._arrange_fields()
        self._connect_signals()
        refuse_drops(self)

    def _arrange_fields(self) -> None:
        line = FlowLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        fields = (
            self.name_field,
            self.words_button,
            self.label_field,
            self.folder_field,
            self.date_field,
            self.first_day,
            self.last_day,
            self.min_side_field,
            self.orientation_field,
            self.clear_button,
        )
        for field in fields:
            line.addWidget(field)
        self.date_field.offer_choices([*PAST_DAYS.items(), (DATE_RANGE, DATE_RANGE)])
        self.min_side_field.offer_choices((tr("At least {side:,} px", side=side), side) for side in MIN_SIDES)
        self.orientation_field.offer_choices((ORIENTATION_NAMES[name], name) for name in ORIENTATIONS)
        self.date_field.setToolTip(
            tr("Show and search only photos taken then; of one that names no date, the file's own counts")
        )
        self.clear_button.setToolTip(tr("Show and search all photos"))
        self.words_button.setToolTip(tr("Show photos by what the model sees in them, whatever they are called"))
        for widget in (self.first_day, self.last_day, self.words_button):
            widget.hide()

    def _connect_signals(self) -> None:
        for field, name in (
            (self.label_field, "label"),
            (self.min_side_field, "min_side"),
            (self.orientation_field, "orientation"),
        ):
            field.currentIndexChanged.connect(partial(self._apply_field, field, name))
        self.name_field.words_chosen.connect(
            lambda words: self.filter_wanted.emit(replace(self._chosen_filter, named=words))
        )
        self.name_field.textChanged.connect(self._offer_words)
        self.words_button.clicked.connect(self._choose_words)
        self.folder_field.activated.connect(self._apply_folder)
        self.date_field.currentIndexChanged.connect(self._apply_date)
        for day in (self.first_day, self.last_day):
            day.dateChanged.connect(self._apply_days)
        self.clear_button.clicked.connect(lambda: self.filter_wanted.emit(NO_FILTER))

    def offer_choices(self, labels: Iterable[str], folders: Iterable[Path]) -> None:
        """Offer the labels and folders of the library; a chosen folder that is none of them stays in the list."""
        self.label_field.offer_choices((name, name) for name in labels)
        known = list(folders)
        other = [self._chosen_filter.under] if self._chosen_filter.under not in (None, *known) else []
        from indexer.ranking.filter_wording import format_folder_name

        choices = [(format_folder_name(folder), folder) for folder in (*known, *other) if folder is not None]
        self.folder_field.offer_choices([*choices, (OTHER_FOLDER, OTHER_FOLDER)])
        self.show_filter(self._chosen_filter)

    def offer_any_words(self, is_offered: bool) -> None:
        """Offer to show pictures of whatever is typed, not only of the words that the built-in model knows."""
        self._takes_any_words = is_offered
        self._offer_words(self.name_field.text())

    def show_filter(self, chosen_filter: Filter) -> None:
        """Show the conditions of a filter in the fields, without a signal."""
        self._chosen_filter = chosen_filter
        self.name_field.show_words(chosen_filter.named)
        self.label_field.choose_value(chosen_filter.label)
        if chosen_filter.under is not None and self.folder_field.findData(chosen_filter.under) < 0:
            from indexer.ranking.filter_wording import format_folder_name

            self.folder_field.insertItem(
                self.folder_field.count() - 1, format_folder_name(chosen_filter.under), chosen_filter.under
            )
        self.folder_field.choose_value(chosen_filter.under)
        self.min_side_field.choose_value(chosen_filter.min_side)
        self.orientation_field.choose_value(chosen_filter.orientation)
        if chosen_filter.after is None and chosen_filter.before is None:
            self.date_field.choose_value(None)
            self._show_days(False)
        self.clear_button.setEnabled(chosen_filter != NO_FILTER)

    def _offer_words(self, text: str) -> None:
        """Offer to show pictures of what is typed where the model knows the words, else of a near known word."""
        from indexer.ranking.known_words import offer_words

        typed = " ".join(text.split())
        self._offered_words = typed if self._takes_any_words else offer_words(text)
        is_typed = self._offered_words == typed
        question = "" if is_typed else "?"
        self.words_button.setText(
            tr("Pictures of {offered_words}{question}", offered_words=self._offered_words, question=question)
            if self._offered_words
            else ""
        )
        self.words_button.setVisible(bool(self._offered_words))
        self.updateGeometry()

    def _choose_words(self) -> None:
        words = self._offered_words
        self.name_field.clear()
        self.filter_wanted.emit(replace(self._chosen_filter, named=None))
        self.words_wanted.emit(words)

    def _apply_field(self, field: FilterField, name: str, _place: int) -> None:
        self.filter_wanted.emit(replace(self._chosen_filter, **{name: field.currentData()}))

    def _apply_folder(self) -> None:
        chosen = self.folder_field.currentData()
        if chosen == OTHER_FOLDER:
            name = QFileDialog.getExistingDirectory(self, tr("Show and search only photos in this folder"))
            chosen = Path(name) if name else self._chosen_filter.under
        self.filter_wanted.emit(replace(self._chosen_filter, under=chosen))

    def _apply_date(self) -> None:
        chosen = self.date_field.currentData()
        self._show_days(chosen == DATE_RANGE)
        if chosen == DATE_RANGE:
            self._apply_days()
        else:
            from indexer.ranking.filter_wording import shift_days

            after = _floor_to_midnight(shift_days(datetime.now(), -chosen)) if chosen else None
            self.filter_wanted.emit(replace(self._chosen_filter, after=after, before=None))

    def _apply_days(self) -> None:
        first, last = (edit.dateTime().toPython() for edit in (self.first_day, self.last_day))
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        from indexer.ranking.filter_wording import shift_days

        self.filter_wanted.emit(
            replace(
                self._chosen_filter, after=_floor_to_midnight(first), before=shift_days(_floor_to_midnight(last), 1)
            )
        )

    def _show_days(self, visible: bool) -> None:
        for day in (self.first_day, self.last_day):
            day.setVisible(visible)
        self.updateGeometry()

    def event(self, event: QEvent) -> bool:
        """Claim Escape while one of the fields has the keyboard focus."""
        return claim_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close the bar on Escape; the chosen conditions stay."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)


def _floor_to_midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _make_date_edit(name: str) -> QDateEdit:
    edit = QDateEdit(QDate.currentDate())
    edit.setAccessibleName(name)
    edit.setToolTip(name)
    edit.setDisplayFormat(tr("yyyy-MM-dd"))
    edit.setCalendarPopup(True)
    edit.setFixedWidth(112)
    return edit
