"""The labelling page: the next photo without a label, large, and beside it what it may be, a key for each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QHideEvent, QImage, QKeyEvent, QPainter, QPaintEvent, QPen, QPixmap, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from indexer.paths import get_parent_folder, show_file_name, show_path
from indexer.wording import tr
from retrieval_app.actions.labels import LABELS_KEY, list_labels
from retrieval_app.labelling.choice_panel import ChoicePanel
from retrieval_app.labelling.label_queue import MOST_CHOICES, LabelQueue
from retrieval_app.session.session import Session
from retrieval_app.session.tiles import TileCache, read_image
from retrieval_app.widgets.controls import ElidedLabel, make_label
from retrieval_app.widgets.invitation import InvitationView
from retrieval_app.widgets.picture import PictureView
from retrieval_app.widgets.theme import Theme
from retrieval_app.wording import format_count
from retrieval_app.workers.job_wording import describe_stage

if TYPE_CHECKING:
    from indexer.library import Library

KEYS_HELP = tr("1 to 9 or Enter give a label, N writes a new one, Space skips, Ctrl+Z takes the last one back.")
WAITS_FOR_INDEXING = tr("Photos to label come as soon as they are indexed.")
BY_DOUBT = tr("least sure first: these teach the most")
BY_FOLDER = tr("in the order of their folders, until a few have a label")
ALL_LABELLED = tr("Every photo here has a label.")
NUMBER_KEYS = {Qt.Key(Qt.Key.Key_1 + number): number for number in range(MOST_CHOICES)}
PLAIN_KEYS = frozenset({*NUMBER_KEYS, *(Qt.Key.Key_N, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)})


class _SharpRequest(NamedTuple):
    """The key of the question for a photo's pixels within a square of `side` device pixels."""

    photo_id: int
    side: int


class PhotoStage(PictureView):
    """A picture that takes all the room there is."""

    def hasHeightForWidth(self) -> bool:
        """False: its place may have any shape."""
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture, and a dashed line around it while it has the focus."""
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self)
            painter.setPen(QPen(self.palette().highlight().color(), 1, Qt.PenStyle.DashLine))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
            painter.end()


class LabellingBody(QWidget):
    """What the page shows beside its invitation; it takes the keys of the mode before the window's shortcuts do."""

    key_given = Signal(int)

    def event(self, event: QEvent) -> bool:
        """Claim the keys of the mode."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_mode_key(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Emit a key of the mode."""
        if _is_mode_key(event):
            self.key_given.emit(event.key())
        else:
            super().keyPressEvent(event)


class LabellingPage(QStackedWidget):
    """An invitation while the library has no photos or all have a label, else one photo after the other."""

    folder_wanted = Signal()

    def __init__(self, session: Session, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._session, self._tiles = session, tiles
        self.queue = LabelQueue(session, self)
        self.invitation = InvitationView(
            tr("Photos without a label will come here, one after the other"),
            tr("The model says what each may be, and you confirm or correct it with one key."),
            tr("Choose a photo folder"),
        )
        self.all_labelled = InvitationView(
            ALL_LABELLED,
            tr(
                "New photos come here once they are indexed. How well the labels are found stands on the page Evaluate."
            ),
            tr("Choose a photo folder"),
        )
        self.stage = PhotoStage(theme, self._get_pixmap)
        self.stage.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.stage.setAccessibleName(tr("The photo to label"))
        self.status_label = ElidedLabel("muted", Qt.TextElideMode.ElideRight)
        self.panel = ChoicePanel()
        self.body = LabellingBody()
        self._sharp: tuple[_SharpRequest, QPixmap] | None = None
        self._arrange_widgets()
        self._connect_signals()
        self._update_page()

    def _arrange_widgets(self) -> None:
        self.stage.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        head = QHBoxLayout()
        head.setContentsMargins(16, 10, 16, 10)
        head.addWidget(self.status_label, 1)
        middle = QHBoxLayout()
        middle.setContentsMargins(16, 0, 0, 0)
        middle.addWidget(self.stage, 1)
        middle.addWidget(self.panel)
        foot = make_label(KEYS_HELP, "caption")
        foot.setContentsMargins(16, 6, 16, 6)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addLayout(middle, 1)
        column.addWidget(foot)
        for page in (self.invitation, self.body, self.all_labelled):
            self.addWidget(page)

    def _connect_signals(self) -> None:
        for page in (self.invitation, self.all_labelled):
            page.accepted.connect(self.folder_wanted)
        self.body.key_given.connect(self._take_key)
        self.panel.chosen.connect(self._give_label)
        self.panel.skipped.connect(self.queue.skip_photo)
        self.panel.label_edit.left.connect(self.stage.setFocus)
        self.panel.label_edit.focus_entered.connect(lambda: self.queue.questions.ask_question(LABELS_KEY, list_labels))
        self.queue.questions.answered.connect(self._take_answer)
        self.queue.changed.connect(self._update_page)
        self._tiles.arrived.connect(self._update_photo)
        for signal in (self._session.library.changed, self._session.job.changed):
            signal.connect(self._update_page)

    def take_focus(self) -> None:
        """Give the keyboard focus to the photo, or to the invitation in its place."""
        page = self.currentWidget()
        (page.offer if isinstance(page, InvitationView) else self.stage).setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Let the queue follow the library from now on."""
        super().showEvent(event)
        self.queue.set_visible(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Let the queue read nothing while the page is hidden."""
        super().hideEvent(event)
        self.queue.set_visible(False)

    # What the user does

    def _take_key(self, key: int) -> None:
        choices = self.queue.list_choices()
        number = NUMBER_KEYS.get(Qt.Key(key), 0 if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) else None)
        if key == Qt.Key.Key_N:
            self.panel.write_new()
        elif key == Qt.Key.Key_Space:
            self.queue.skip_photo()
        elif number is not None and number < len(choices):
            self._give_label(choices[number].label)

    def _give_label(self, label: str) -> None:
        self.queue.give_label(label)
        self.stage.setFocus()

    # What is shown

    def _update_page(self) -> None:
        self.setCurrentWidget(self._choose_page())
        indexing = describe_stage(self._session.job.state_here)
        self.invitation.show_work(indexing, WAITS_FOR_INDEXING if indexing else "")
        self.status_label.setText(self._describe_queue())
        advice = self.queue.current_advice()
        self.panel.verdict.setText(advice.sentence if advice else "")
        self.panel.show_choices(self.queue.list_choices())
        self.panel.setEnabled(self.queue.current_id is not None)
        self._update_photo()

    def _choose_page(self) -> QWidget:
        """The invitation that suits, or the photo: also where the last label was given here, to be taken back."""
        queue = self.queue
        if self._session.library.is_known_empty:
            return self.invitation
        is_done = queue.order is not None and queue.current_id is None and not queue.given_count
        return self.all_labelled if is_done else self.body

    def _update_photo(self) -> None:
        photo_id = self.queue.current_id
        photo = None if photo_id is None else self._tiles.request_photo(photo_id)
        self.panel.name_label.setText(show_file_name(photo.path) if photo else "")
        self.panel.folder_label.setText(show_path(get_parent_folder(photo.path)) if photo else "")
        if self.isVisible():
            self._read_pictures()
        self.stage.update()

    def _read_pictures(self) -> None:
        """Have the current picture read as large as the stage is, and the next ones as previews."""
        side = round(max(self.stage.width(), self.stage.height()) * self.devicePixelRatioF())
        for photo_id in self.queue.list_upcoming():
            if (photo := self._tiles.request_photo(photo_id)) is None:
                continue
            self._tiles.request_preview(photo)
            request = _SharpRequest(photo_id, side)
            if photo_id == self.queue.current_id and (self._sharp is None or self._sharp[0] != request):
                self.queue.questions.ask_question(request, partial(_read_sharp, path=photo.path, side=side))

    def _describe_queue(self) -> str:
        """How many photos are left, in which order they come, and how many have been labelled here."""
        queue = self.queue
        if queue.order is None:
            return tr("Looking for photos without a label…")
        given = [tr("{photos} labelled", photos=format_count(queue.given_count, "photo"))] if queue.given_count else []
        if queue.current_id is None:
            return "  ·  ".join([ALL_LABELLED, *given])
        left = tr("{photos} without a label", photos=format_count(queue.left_count, "photo"))
        return "  ·  ".join([left, BY_DOUBT if queue.order.is_by_doubt else BY_FOLDER, *given])

    def _take_answer(self, key: object, answer: object) -> None:
        if key == LABELS_KEY and isinstance(answer, list):
            self.panel.label_edit.offer_labels(answer)
        elif isinstance(key, _SharpRequest) and isinstance(answer, QImage):
            self._sharp = (key, QPixmap.fromImage(answer))
            self.stage.update()

    def _get_pixmap(self) -> QPixmap | None:
        photo_id = self.queue.current_id
        if photo_id is None:
            return None
        if self._sharp is not None and self._sharp[0].photo_id == photo_id and not self._sharp[1].isNull():
            return self._sharp[1]
        photo = self._tiles.request_photo(photo_id)
        return self._tiles.request_preview(photo) if photo else None


def _is_mode_key(event: QKeyEvent) -> bool:
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return modifiers == Qt.KeyboardModifier.NoModifier and event.key() in PLAIN_KEYS


def _read_sharp(_library: Library, path: bytes, side: int) -> QImage:
    return read_image(path, side)
