"""The page Models: a table of what the library sees or could see with, and below it the chosen one."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from indexer.places import name_library
from indexer.wording import tr
from retrieval_app.dialogs.questions import ask_question, make_message_box
from retrieval_app.models.details_pane import ModelDetails
from retrieval_app.models.model_shelf import ModelShelf
from retrieval_app.models.shelf_rows import COLUMNS, ShelfRow
from retrieval_app.session.library_commands import count_offline_folders, start_model_switch, start_switch_back
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import ElidedLabel, arrange_parts, make_button
from retrieval_app.widgets.invitation import InvitationView
from retrieval_app.widgets.tables import RowTableModel, make_table_view
from retrieval_app.wording import format_count
from training.registry.kept_models import PREVIOUS
from training.registry.model_changes import DeletionPlan


class ModelsPage(QStackedWidget):
    """An invitation while there is nothing to choose among, else the table and the chosen row."""

    folder_wanted = Signal()
    choice_wanted = Signal()  # another model, from the table of all
    teaching_wanted = Signal()  # a training
    report_wanted = Signal(object)  # the folder of a checkpoint
    continue_wanted = Signal(object)  # StoppedTraining

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._chosen_key = ""
        self.shelf = ModelShelf(session, self)
        self.folder_invitation = InvitationView(
            tr("This library has no photos yet"),
            tr("The models that it sees with, and what each is worth on your photos, will stand here."),
            tr("Choose a photo folder"),
        )
        self.model_invitation = InvitationView(
            tr("This library sees with the built-in model"),
            tr(
                "It knows what things look like in general. You can teach it what counts as alike "
                "for you, from your labels or from named folders, or choose another model. Each will "
                "stand here with what it was worth."
            ),
            tr("Choose another model…"),
        )
        self.teach_link = make_button(tr("Teach it…"), "link")
        self.model_invitation.add_control(self.teach_link)
        self.title_label = ElidedLabel("title")
        self.choose_button, self.teach_button = make_button(tr("Choose another model…")), make_button(tr("Teach one…"))
        self.table = RowTableModel(COLUMNS)
        self.view = make_table_view(self.table, COLUMNS, tr("Models"))
        self.table.setParent(self.view)
        self.details = ModelDetails(session)
        for widget in (self.folder_invitation, self.model_invitation, self._make_body()):
            self.addWidget(widget)
        self._connect_signals()
        self._show_rows()

    def _make_body(self) -> QWidget:
        above = [self.title_label, self.teach_button, self.choose_button]
        head = arrange_parts(QHBoxLayout(), above, spacing=8, stretched=[self.title_label])
        line = QFrame()
        line.setProperty("role", "line")
        line.setFixedHeight(1)
        self.view.setTextElideMode(Qt.TextElideMode.ElideRight)
        body = QWidget()
        parts = (self.view, line, self.details)
        column = QVBoxLayout(body)
        arrange_parts(column, [head, *parts], spacing=12, margins=(16, 12, 16, 16), stretched=[self.view])
        return body

    def _connect_signals(self) -> None:
        self.folder_invitation.accepted.connect(self.folder_wanted)
        self.model_invitation.accepted.connect(self.choice_wanted)
        for button in (self.teach_link, self.teach_button):
            button.clicked.connect(self.teaching_wanted)
        self.choose_button.clicked.connect(self.choice_wanted)
        self.shelf.changed.connect(self._show_rows)
        self.shelf.refused.connect(self._session.notice_posted)
        self.shelf.deletion_planned.connect(self._confirm_deletion)
        self.view.selectionModel().currentRowChanged.connect(self._choose_row)
        details = self.details
        details.use_wanted.connect(self._confirm_use)
        details.continue_wanted.connect(lambda row: self.continue_wanted.emit(row.training))
        details.report_wanted.connect(lambda row: self.report_wanted.emit(row.model.checkpoint))
        details.rename_wanted.connect(self._ask_name)
        details.export_wanted.connect(self._ask_place)
        details.deletion_wanted.connect(self._plan_deletion)

    def take_focus(self) -> None:
        """Give the keyboard focus to the table, or to the button of the invitation in its place."""
        page = self.currentWidget()
        (page.offer if isinstance(page, InvitationView) else self.view).setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Read the list."""
        super().showEvent(event)
        self.shelf.set_visible(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Read nothing any more."""
        super().hideEvent(event)
        self.shelf.set_visible(False)

    # The list

    def _show_rows(self) -> None:
        shelf, library = self.shelf, self._session.library
        active, before = shelf.active_row, self.currentWidget()
        has_focus = self.isAncestorOf(self.focusWidget() or self)
        if shelf.has_choice or not shelf.was_read:
            self.setCurrentIndex(2)
        else:
            self.setCurrentIndex(int(active is not None or not library.is_known_empty))
        name = name_library(self._session.library.folder)
        self.title_label.setText(
            tr("{name} sees with {name2}", name=name, name2=active.name) if active else tr("Models")
        )
        key = self._chosen_key
        self.table.show_rows(shelf.rows)
        keys = [row.key for row in shelf.rows]
        if keys:
            self.view.selectRow(keys.index(key) if key in keys else 0)
        self._choose_row()
        if has_focus and self.currentWidget() is not before:
            self.take_focus()

    def find_row(self, name: str) -> ShelfRow:
        """The row of this name, which becomes the chosen one."""
        names = [row.name for row in self.table.rows]
        self.view.selectRow(names.index(name))
        return self.table.rows[names.index(name)]

    def _choose_row(self, *_: object) -> None:
        index = self.view.currentIndex()
        row = self.table.rows[index.row()] if index.isValid() and index.row() < len(self.table.rows) else None
        self._chosen_key = row.key if row else self._chosen_key
        self.details.show_row(row)

    # What the buttons do

    def _confirm_use(self, row: ShelfRow) -> None:
        """Use a model; where it was found no better, or photos cannot be read now, only after a question."""
        model = row.model
        if model is None:
            return
        if model.state == PREVIOUS:
            start_switch_back(self._session)
            return
        doubts = [model.verdict] if model.verdict and not model.is_better else []
        if offline := count_offline_folders(self._session):
            doubts.append(
                tr(
                    "{photo_folders_are} offline: their photos cannot be found under this model "
                    "until they are back and indexed.",
                    photo_folders_are=format_count(offline, "photo folder is", "photo folders are"),
                )
            )
        use_model = partial(start_model_switch, self._session, model.folder, anyway=bool(doubts) or not model.verdict)
        if doubts:
            box = make_message_box(self, tr("Use {name} all the same?", name=row.name), " ".join(doubts))
            ask_question(box, tr("Use it"), use_model)
        else:
            use_model()

    def _ask_name(self, row: ShelfRow) -> None:
        dialog = QInputDialog(self)
        dialog.setWindowTitle(tr("Rename model"))
        dialog.setLabelText(tr("Name"))
        dialog.setTextValue(row.name)
        dialog.setOkButtonText(tr("Rename"))
        dialog.textValueSelected.connect(partial(self.shelf.rename_model, row))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_place(self, row: ShelfRow) -> None:
        place, _ = QFileDialog.getSaveFileName(
            self, tr("Export the model into a new folder"), str(Path.home() / row.name)
        )
        if place:
            self.shelf.export_model(row, Path(place))

    def _plan_deletion(self, row: ShelfRow) -> None:
        if row.training is None:
            self.shelf.plan_deletion(row)
            return
        give_up = partial(self.shelf.give_up_training, row.training)
        lost = tr(
            "What it has learnt up to epoch {epoch} of {epochs} goes. No photo is touched.",
            epoch=row.training.epoch,
            epochs=row.training.epochs,
        )
        box = make_message_box(self, tr("Give up the training {name}?", name=row.name), lost)
        ask_question(box, tr("Give it up"), give_up)

    def _confirm_deletion(self, row: ShelfRow, plan: DeletionPlan) -> None:
        delete = partial(self.shelf.delete_model, row)
        box = make_message_box(self, tr("Delete the model {name}?", name=row.name), plan.describe_losses())
        ask_question(box, tr("Delete it"), delete)
