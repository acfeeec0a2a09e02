"""The menu Model: another model, teaching one, and going back; and what the page Models asks of the window."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from retrieval_app.fine_tuning.lazy_dialog import LazyTrainDialog
from retrieval_app.fine_tuning.source_kinds import FOLDER_SOURCE, LIBRARY_SOURCE
from retrieval_app.session.library_commands import can_switch_back, start_switch_back
from retrieval_app.session.session import Session
from retrieval_app.widgets.menus import MenuEntry

if TYPE_CHECKING:
    from retrieval_app.model_choice.dialog import ModelDialog
    from retrieval_app.models.page import ModelsPage


def list_model_entries(
    window: QWidget, session: Session, training: LazyTrainDialog, has_photos: Callable[[], bool]
) -> list[MenuEntry | None]:
    """The entries of the menu Model."""
    return [
        MenuEntry("Choose a model…", partial(open_model_dialog, session, window)),
        None,
        MenuEntry("Fine-tune on labelled folders…", partial(training.open_dialog, FOLDER_SOURCE)),
        MenuEntry(
            "Fine-tune on the labels of this library…",
            partial(training.open_dialog, LIBRARY_SOURCE),
            possible=has_photos,
        ),
        None,
        MenuEntry(
            "Go back to the previous model",
            partial(start_switch_back, session),
            possible=partial(can_switch_back, session),
        ),
    ]


def open_model_dialog(session: Session, window: QWidget) -> "ModelDialog":
    """Show the dialog that chooses a model, with the list as it is now."""
    from retrieval_app.model_choice.dialog import ModelDialog  # only when it is wanted

    dialog = window.findChild(ModelDialog) or ModelDialog(session, window)
    dialog.refresh_list()
    dialog.open()
    return dialog


def build_models_page(window: QWidget, session: Session, training: LazyTrainDialog) -> "ModelsPage":
    """The page Models, connected to what it asks for: the dialogs, a report, a training that goes on."""
    from retrieval_app.fine_tuning.report_job import ReportJob
    from retrieval_app.models.page import ModelsPage  # only when it is wanted, as the dialog

    page, report_job = ModelsPage(session), ReportJob(session, window)
    page.choice_wanted.connect(lambda: _choose_for_page(page, session, window))
    page.teaching_wanted.connect(training.open_instant)
    page.continue_wanted.connect(training.continue_training)
    page.report_wanted.connect(report_job.open_report)
    report_job.changed.connect(lambda: session.notice_posted.emit(report_job.sentence))
    session.closing.connect(report_job.close)
    training.ended.connect(page.shelf.refresh_rows)
    return page


def _choose_for_page(page: "ModelsPage", session: Session, window: QWidget) -> None:
    """Show the dialog, whose models the page lists when it is closed."""
    dialog = open_model_dialog(session, window)
    dialog.finished.connect(page.shelf.refresh_rows)
