"""The models of the open library and of this computer, and the comparison of two of them, without widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import QObject, Signal

from indexer.wording import tr
from retrieval_app.session.question_job import QuestionJob
from retrieval_app.session.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.library import Library


class RivalModel(NamedTuple):
    """A model that can be compared: what it is called in the list, its folder, whether the library uses it now."""

    name: str
    folder: Path
    is_active: bool


class ModelRivals(QObject):
    """The models to choose from, and what the last comparison has found."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.models: list[RivalModel] = []
        self.fields: dict[str, Any] | None = None  # of the last comparison
        self.job = QuestionJob(session, self)
        self._reader = session.make_reader(self, self._take_models)
        self.job.answered.connect(self._take_fields)
        self.job.state_changed.connect(self.changed)
        session.library.opened.connect(self._leave_library)

    def read_models(self) -> None:
        """Read which models there are now."""
        if not self._session.library.is_empty:
            self._reader.follow_library(self._session.library.folder)
            self._reader.ask_question("models", list_rival_models)

    def compare_models(self, before: RivalModel, after: RivalModel) -> None:
        """Have both look at photos of the library, in a child process."""
        self.fields = None
        self.job.start_question(["model", "compare", str(before.folder), str(after.folder)])

    def _leave_library(self) -> None:
        self.job.drop_question()
        self._reader.open_library(None)
        self.models, self.fields = [], None
        self.changed.emit()

    def _take_models(self, _key: object, models: list[RivalModel]) -> None:
        self.models = models
        self.changed.emit()

    def _take_fields(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.changed.emit()


def list_rival_models(library: Library) -> list[RivalModel]:
    """The models of the library, the active one first, then those ready on this computer."""
    from indexer.errors import ModelError
    from indexer.models.card import read_card
    from indexer.models.prepared import list_prepared_folders

    found: dict[str, RivalModel] = {}
    for place, note in (
        (library.models_folder, ""),
        *((place, tr("on this computer")) for place in list_prepared_folders()),
    ):
        for folder in sorted(place.glob("[0-9a-f]*")):
            try:
                name = read_card(folder).name
            except ModelError:
                continue
            is_active = folder.name == library.model_fingerprint
            remark = tr("in use") if is_active else note
            shown = f"{name} ({remark})" if remark else name
            found.setdefault(folder.name, RivalModel(shown, folder, is_active))
    return sorted(found.values(), key=lambda model: not model.is_active)
