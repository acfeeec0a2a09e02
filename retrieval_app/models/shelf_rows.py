"""The rows of the page in words: a model, or a training that was stopped. No Qt but the table's columns."""

import os
from typing import NamedTuple

from PySide6.QtCore import QDateTime, QLocale

from indexer.paths import show_path
from indexer.wording import name_model, name_model_fully, tr
from retrieval_app.widgets.tables import TableColumn
from retrieval_app.wording import format_count, format_size
from training.registry.kept_models import ACTIVE, KEPT, PREVIOUS, READY, TRAINED, KeptModel
from training.registry.stopped_trainings import StoppedTraining

STATE_NAMES = {
    ACTIVE: tr("in use"),
    PREVIOUS: tr("in use before"),
    KEPT: tr("was used here"),
    TRAINED: tr("trained, not used yet"),
    READY: tr("ready on this computer"),
}
STATE_MEANINGS = {
    ACTIVE: tr("The library sees with this model."),
    PREVIOUS: tr("The library saw with it before this one; going back takes no time."),
    KEPT: tr("The library has seen with it; only what came since then has to be looked at again."),
    TRAINED: tr("Nothing changes until you use it: then all photos are looked at once more, and you can go back."),
    READY: tr("Any library on this computer can take it: all photos are looked at once more, and you can go back."),
}
STOPPED_STATE = tr("stopped, can go on")


class ShelfRow(NamedTuple):
    """A row of the table: a model, or a training that was stopped.

    `state` says what it is to the library in a few words, `meaning` in a sentence; `origin` is what it was trained on,
    `facts` are date, size and place in a line.
    """

    item: KeptModel | StoppedTraining
    name: str
    state: str
    origin: str
    date: str
    meaning: str
    facts: str

    @property
    def key(self) -> str:
        """What stays the same when the list is read again."""
        return self.item.fingerprint if isinstance(self.item, KeptModel) else str(self.item.folder)

    @property
    def model(self) -> KeptModel | None:
        """The model; None for a training."""
        return self.item if isinstance(self.item, KeptModel) else None

    @property
    def training(self) -> StoppedTraining | None:
        """The training; None for a model."""
        return self.item if isinstance(self.item, StoppedTraining) else None


def make_model_row(model: KeptModel) -> ShelfRow:
    """The row of a model, in words."""
    date = format_date(model.added_at)
    full_name = name_model_fully(model.name, model.fingerprint)
    facts = [
        full_name if full_name != model.name else "",
        tr("here since {date}", date=date) if date else "",
        tr("{photos} seen with it", photos=format_count(model.photos, "photo")) if model.photos else "",
        format_size(model.byte_count),
        tr("{dim:,} numbers a picture", dim=model.dim),
        tr("prepared for this computer")
        if model.is_prepared
        else tr("prepared for this computer when it is first used"),
    ]
    return ShelfRow(
        model,
        name_model(model.name, model.fingerprint),
        STATE_NAMES[model.state],
        model.trained_on,
        date,
        STATE_MEANINGS[model.state],
        "  ·  ".join(filter(None, facts)),
    )


def make_training_row(training: StoppedTraining) -> ShelfRow:
    """The row of a stopped training, in words."""
    date = format_date(training.saved_at)
    how = tr("It goes on from there as if nothing had happened.")
    if not training.source_arguments:
        how = tr(
            "An earlier version saved it, without what it learns from: in a terminal, train --resume goes on with it."
        )
    return ShelfRow(
        training,
        show_path(os.fsencode(training.folder.name)),
        STOPPED_STATE,
        describe_arguments(training.source_arguments),
        date,
        tr("Stopped after epoch {epoch} of {epochs}. {how}", epoch=training.epoch, epochs=training.epochs, how=how),
        tr("saved {date}  ·  {folder}", date=date, folder=show_path(training.folder)),
    )


def format_date(moment: float) -> str:
    """The day of a moment in seconds since 1970, '8 Nov 2026'; "" for 0."""
    day = QDateTime.fromSecsSinceEpoch(int(moment)).date()
    return QLocale().toString(day, tr("d MMM yyyy")) if moment else ""


def describe_arguments(arguments: list[str]) -> str:
    """What the arguments of a training name, for people."""
    if not arguments:
        return ""
    first, *conditions = arguments
    named = first.removeprefix("--library=")
    where = show_path(os.fsencode(named))
    where = where if named == first else tr("the labels of the library {where}", where=where)
    more = [word.removeprefix("--").replace("=", " ") for word in conditions]
    return f"{where} ({', '.join(more)})" if more else where


COLUMNS: list[TableColumn[ShelfRow]] = [
    TableColumn(tr("Model"), lambda row: row.name),
    TableColumn(tr("Here"), lambda row: row.state, stretches=False),
    TableColumn(tr("Trained on"), lambda row: row.origin),
    TableColumn(tr("Date"), lambda row: row.date, stretches=False),
]
