"""A dialog that gives one label to all chosen photos: written, completed from those in use, or one of the model's."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from indexer.matching.identification_rule import IdentificationRuleCache
from indexer.wording import tr
from retrieval_app.actions.label_edit import LabelEdit
from retrieval_app.actions.labels import LABELS_KEY, SeenWords, list_labels, suggest_known_words, suggest_labels
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.chip_row import Chip, ChipRow
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.widgets.picture import PictureView
from retrieval_app.widgets.theme import Theme
from retrieval_app.wording import format_count
from retrieval_app.workers.readers import LibraryReaders

PICTURE_SIDE = 208  # px


class _SuggestionRequest(NamedTuple):
    """The key of the question for labels of these photos."""

    photo_ids: tuple[int, ...]


class _WordsRequest(NamedTuple):
    """The key of the question for words of what is seen in these photos."""

    photo_ids: tuple[int, ...]
    kind: str = "words"


class LabelDialog(QDialog):
    """Enter gives the written label, a button a suggested one; from one photo one can go on to the next."""

    label_given = Signal(list, str)  # photo ids, the label
    next_wanted = Signal()

    def __init__(self, tiles: TileCache, theme: Theme, questions: LibraryReaders, parent: QWidget) -> None:
        super().__init__(parent)
        self._tiles, self._questions = tiles, questions
        self._photo_ids: list[int] = []
        self._rules = IdentificationRuleCache()
        self.picture = PictureView(theme, self._get_pixmap)
        self.title_label = ElidedLabel("name", Qt.TextElideMode.ElideRight)
        self.label_edit = LabelEdit()
        self.suggestion_label = make_label("", "caption")
        self.suggestion_row = ChipRow()
        self.words_label, self.words_row = make_label("", "caption"), ChipRow()  # what the model sees
        self.label_button, self.next_button = make_button(tr("Label")), make_button(tr("Label and next"))
        self._arrange_widgets()
        self._connect_signals()

    def _arrange_widgets(self) -> None:
        self.setWindowTitle(tr("Label"))
        self.setMinimumWidth(400)
        self.picture.setFixedSize(PICTURE_SIDE, PICTURE_SIDE)
        self.label_edit.setPlaceholderText(tr("Label"))
        cancel = make_button(tr("Cancel"))
        cancel.clicked.connect(self.reject)
        cancel.setAutoDefault(False)
        self.next_button.setAutoDefault(False)
        self.next_button.setToolTip(tr("Give the label, and go on to the next photo (Ctrl+Enter)"))
        QShortcut("Ctrl+Return", self, self._label_and_go_on)  # not the button's, which would wait for its animation
        self.label_button.setDefault(True)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for button in (cancel, self.next_button, self.label_button):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignHCenter)
        for widget in (self.title_label, self.label_edit, self.suggestion_label, self.suggestion_row):
            column.addWidget(widget)
        column.addWidget(self.words_label)
        column.addWidget(self.words_row)
        column.addLayout(buttons)

    def _connect_signals(self) -> None:
        self.label_button.clicked.connect(lambda: self._give_label(self.label_edit.text()))
        self.next_button.clicked.connect(self._label_and_go_on)
        self.label_edit.textChanged.connect(self._update_buttons)
        self._tiles.arrived.connect(self.picture.update)
        self._questions.answered.connect(self._take_answer)

    def show_photos(self, photo_ids: Sequence[int]) -> None:
        """Ask for the label of these photos."""
        self._photo_ids = list(photo_ids)
        is_one = len(photo_ids) == 1
        self.picture.setVisible(is_one)
        self.next_button.setVisible(is_one)
        photo = self._tiles.request_photo(photo_ids[0]) if is_one else None
        self.title_label.setText(format_count(len(photo_ids), "photo"))
        self.label_edit.show_label(photo.label if photo else None)
        self.label_edit.selectAll()
        self.label_edit.setFocus()
        self._show_suggestions([])
        self._show_words([])
        self.suggestion_label.setText(tr("Looking at what is alike…"))
        self._questions.ask_question(LABELS_KEY, list_labels)
        request = _SuggestionRequest(tuple(photo_ids))
        self._questions.ask_question(request, partial(suggest_labels, photo_ids=request.photo_ids, rules=self._rules))
        words_request = _WordsRequest(tuple(photo_ids))
        self._questions.ask_question(words_request, partial(suggest_known_words, photo_ids=words_request.photo_ids))
        self._update_buttons()

    def _take_answer(self, key: object, answer: object) -> None:
        if key == LABELS_KEY and isinstance(answer, list):
            self.label_edit.offer_labels(answer)
        elif key == _WordsRequest(tuple(self._photo_ids)) and isinstance(answer, SeenWords):
            self._show_words(answer.words)
        elif key == _SuggestionRequest(tuple(self._photo_ids)) and isinstance(answer, list):
            self._show_suggestions(answer)
            if answer and not self.label_edit.text():
                self.label_edit.setText(answer[0])
                self.label_edit.selectAll()

    def _show_suggestions(self, labels: Sequence[str]) -> None:
        tip = tr("What the nearest labelled photos are called: click to give this label")
        self.suggestion_row.show_chips(Chip(label, partial(self._give_label, label), tip) for label in labels)
        self.suggestion_label.setText(tr("Like labelled photos:") if labels else "")

    def _show_words(self, words: Sequence[str]) -> None:
        tip = tr("What the model sees: click to give this label")
        self.words_row.show_chips(Chip(word, partial(self._give_label, word), tip) for word in words)
        self.words_label.setText(tr("Seen in it:") if words else "")
        self.words_label.setVisible(bool(words))

    def _update_buttons(self) -> None:
        for button in (self.label_button, self.next_button):
            button.setEnabled(bool(self.label_edit.text().strip()))

    def _give_label(self, label: str) -> None:
        if label.strip():
            self.label_given.emit(self._photo_ids, label.strip())
            self.accept()

    def _label_and_go_on(self) -> None:
        if label := self.label_edit.text().strip():
            self.label_given.emit(self._photo_ids, label)
            self.next_wanted.emit()

    def _get_pixmap(self) -> QPixmap | None:
        photo = self._tiles.request_photo(self._photo_ids[0]) if self._photo_ids else None
        return self._tiles.request_preview(photo) if photo else None
