"""The models of the open library as one object without widgets: read in a thread, changed by child processes."""

from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from indexer.library import Library
from indexer.progress import Progress
from retrieval_app.models.shelf_rows import ShelfRow, make_model_row, make_training_row
from retrieval_app.session.session import Session
from retrieval_app.workers.generator_thread import GeneratorThread
from training.registry.kept_models import ACTIVE, list_kept_models
from training.registry.model_changes import DeletionPlan, discard_training, find_kept_model, plan_deletion
from training.registry.stopped_trainings import StoppedTraining, list_stopped_trainings


class ModelShelf(QObject):
    """The rows of the page; they are read again whenever the library has changed while the page is visible."""

    changed = Signal()
    deletion_planned = Signal(object, object)  # ShelfRow, DeletionPlan: what would go, to be asked about
    refused = Signal(str)  # a sentence

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._is_visible = False
        self.rows: list[ShelfRow] = []
        self.was_read = False
        self._reader, self._planner = GeneratorThread(self), GeneratorThread(self)
        self._reader.ended.connect(self._take_rows)
        self._planner.ended.connect(lambda planned: self.deletion_planned.emit(*planned))
        for thread in (self._reader, self._planner):
            thread.refused.connect(self.refused)
            session.closing.connect(thread.close)
        session.library.opened.connect(self._forget_rows)
        session.library.changed.connect(self.refresh_rows)

    def set_visible(self, visible: bool) -> None:
        """Tell whether the page is visible; a visible one reads the list."""
        self._is_visible = visible
        self.refresh_rows()

    def refresh_rows(self) -> None:
        """Read the list again, while the page is visible."""
        if self._is_visible:
            self._reader.run_steps(_read_rows(self._session.library.folder))

    @property
    def active_row(self) -> ShelfRow | None:
        """The row of the model in use; None before the first photo."""
        return next((row for row in self.rows if row.model and row.model.state == ACTIVE), None)

    @property
    def has_choice(self) -> bool:
        """Whether there is anything beside the model in use, or that one was taught."""
        active = self.active_row
        return len(self.rows) > 1 or (active is not None and bool(active.model and active.model.verdict))

    def _forget_rows(self) -> None:
        self.rows, self.was_read = [], False
        self.changed.emit()
        self.refresh_rows()

    def _take_rows(self, rows: list[ShelfRow]) -> None:
        self.rows, self.was_read = rows, True
        self.changed.emit()

    # Changes

    def rename_model(self, row: ShelfRow, name: str) -> None:
        """Call a model by another name."""
        self._run_change(["rename", row.key, name])

    def plan_deletion(self, row: ShelfRow) -> None:
        """Find out what would go with a model."""
        self._planner.run_steps(_plan_deletion(self._session.library.folder, row))

    def delete_model(self, row: ShelfRow) -> None:
        """Delete a model that the library does not see with."""
        self._run_change(["delete", row.key, "--yes"])

    def export_model(self, row: ShelfRow, folder: Path) -> None:
        """Write a model as a checkpoint into a new folder."""
        self._run_change(["export", row.key, str(folder)])

    def give_up_training(self, training: StoppedTraining) -> None:
        """Delete what was saved of a training that was stopped."""
        discard_training(training)
        self.refresh_rows()

    def _run_change(self, arguments: Sequence[str]) -> None:
        self._session.job.run_command(["model", *arguments], partial(self._run_change, arguments))


def _read_rows(folder: Path) -> Generator[object, None, list[ShelfRow]]:
    yield Progress("list", 0, 0)
    if (folder / "library.sqlite").is_file():
        with Library.open(folder) as library:
            models = list_kept_models(library)
    else:
        models = list_kept_models(None)
    return [make_model_row(model) for model in models] + [make_training_row(one) for one in list_stopped_trainings()]


def _plan_deletion(folder: Path, row: ShelfRow) -> Generator[object, None, tuple[ShelfRow, DeletionPlan]]:
    yield Progress("plan", 0, 0)
    if not (folder / "library.sqlite").is_file():
        return row, plan_deletion(find_kept_model(row.key, None), None)
    with Library.open(folder) as library:
        return row, plan_deletion(find_kept_model(row.key, library), library)
