"""Give a library another model, or the one it had before: embed beside the old embeddings, then flip one setting."""

from pathlib import Path
from typing import NamedTuple

from indexer.database.file_table import FailedFile
from indexer.errors import LibraryError, LookalikeError, ModelError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.card import TRAINING_RECORD_FILE, read_card, read_json
from indexer.models.embedder import defer_model
from indexer.models.installation import ModelChoice, install_model
from indexer.paths import show_path
from indexer.progress import Steps


class SwitchReport(NamedTuple):
    """The library after the flip: photos that can be found, those embedded by this run, those without an embedding."""

    photos: int
    embedded: int
    waiting: int
    failed: list[FailedFile]


def switch_model(library: Library, checkpoint: Path) -> Steps[SwitchReport]:
    """Install the checkpoint, embed what has no embedding under it, and flip. ModelError where it is none of ours."""
    card = yield from install_model(ModelChoice(checkpoint=checkpoint), library.models_folder)
    report = yield from index_library(library, [], defer_model(card, library.models_folder, "auto"))
    return SwitchReport(report.photos, report.embedded, 0, report.failed)


def switch_back(library: Library) -> Steps[SwitchReport]:
    """Flip to the model before the active one, whose embeddings are still there."""
    wanted = str(library.store.models.read_setting("previous_model") or "")
    known = library.store.models.find_model(wanted)
    if known is None:
        raise LibraryError(f"The library {library.name} has had no other model to go back to.")
    yield from install_model(ModelChoice(checkpoint=library.models_folder / wanted), library.models_folder)
    before = library.find_photo_ids()
    library.activate_model(wanted)
    now = library.find_photo_ids()
    return SwitchReport(len(now), 0, len(set(before.tolist()) - set(now.tolist())), library.list_failed_files())


def require_verdict(checkpoint: Path) -> None:
    """LookalikeError unless a verdict beside the checkpoint says that it is better on pictures it never saw."""
    card = read_card(checkpoint)
    force = "To use it all the same, add --anyway."
    try:
        story = read_json(checkpoint / TRAINING_RECORD_FILE)
    except ModelError:
        raise LookalikeError(f"Nothing in {show_path(checkpoint)} says whether this model is better. {force}") from None
    if story.get("fingerprint") != card.fingerprint:
        raise LookalikeError(f"The verdict in {show_path(checkpoint)} is about another model. {force}")
    if story.get("verdict") != "install":
        raise LookalikeError(f"{_reason_line(story.get('why'))} {force}")


def _reason_line(why: object) -> str:
    return why if isinstance(why, str) and why.isprintable() else "This model is not better than the one before."
