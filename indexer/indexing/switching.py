"""Give a library another model, or the one it had before.

Everything is embedded under the new model beside the old embeddings; then one setting names the active model.
"""

from pathlib import Path
from typing import NamedTuple

from indexer.database.file_table import FailedFile
from indexer.errors import LibraryError, LookalikeError, ModelError
from indexer.indexing.mapping import map_base_embeddings
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.card import TRAINING_RECORD_FILE, read_card, read_json
from indexer.models.embedder import defer_model
from indexer.models.installation import ModelChoice, install_model
from indexer.paths import show_path
from indexer.progress import Steps
from indexer.wording import tr


class SwitchReport(NamedTuple):
    """A library under another model: photos found, photos embedded by this run, photos that wait for an embedding."""

    photos: int
    embedded: int
    waiting: int
    failed: list[FailedFile]


def switch_model(library: Library, checkpoint: Path) -> Steps[SwitchReport]:
    """Install a checkpoint, embed what has no embedding under it, and make it the active model.

    Raises ModelError where the folder holds no checkpoint of this program.
    """
    card = yield from install_model(ModelChoice(checkpoint=checkpoint), library.models_folder)
    yield from map_base_embeddings(library, card)
    report = yield from index_library(library, [], defer_model(card, library.models_folder, "auto"))
    return SwitchReport(report.photos, report.embedded, 0, report.failed)


def switch_back(library: Library) -> Steps[SwitchReport]:
    """Make the model before the active one active again; its embeddings are still there.

    Raises LibraryError where there was none.
    """
    fingerprint = str(library.store.models.read_setting("previous_model") or "")
    if library.store.models.find_model(fingerprint) is None:
        raise LibraryError("The library {name} has had no other model to go back to.", name=library.name)
    yield from install_model(ModelChoice(checkpoint=library.models_folder / fingerprint), library.models_folder)
    photos_before = set(library.find_photo_ids().tolist())
    library.store.models.activate_model(fingerprint)
    photos_now = set(library.find_photo_ids().tolist())
    return SwitchReport(len(photos_now), 0, len(photos_before - photos_now), library.list_failed_files())


def require_verdict(checkpoint: Path) -> None:
    """Raise LookalikeError unless a checkpoint's verdict says that it is better on pictures it never saw."""
    card = read_card(checkpoint)
    force = tr("To use it all the same, add --anyway.")
    try:
        record = read_json(checkpoint / TRAINING_RECORD_FILE)
    except ModelError:
        raise LookalikeError(
            "Nothing in {checkpoint} says whether this model is better. {force}",
            checkpoint=show_path(checkpoint),
            force=force,
        ) from None
    if record.get("fingerprint") != card.fingerprint:
        raise LookalikeError(
            "The verdict in {checkpoint} is about another model. {force}", checkpoint=show_path(checkpoint), force=force
        )
    if record.get("verdict") != "install":
        raise LookalikeError(f"{_reason_line(record.get('why'))} {force}")


def _reason_line(why: object) -> str:
    return why if isinstance(why, str) and why.isprintable() else tr("This model is not better than the one before.")
