"""The menu Model: another model, teaching one, and going back."""

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


def list_model_entries(
    window: QWidget, session: Session, training: LazyTrainDialog, has_photos: Callable[[], bool]
) -> list[MenuEntry | None]:
    """The entries of the menu."""
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
    """Show the dialog, with the list as it is now."""
    from retrieval_app.model_choice.dialog import ModelDialog  # only when it is wanted

    dialog = window.findChild(ModelDialog) or ModelDialog(session, window)
    dialog.refresh_list()
    dialog.open()
    return dialog
