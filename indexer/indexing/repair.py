"""Find what of a library is damaged, and build anew what can be derived again."""

from indexer.database.postgresql.leases import list_work_problems
from indexer.database.postgresql.vector_index import list_index_problems
from indexer.errors import GenerationError, ModelError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.card import DEFAULT_BACKBONE, ModelCard
from indexer.models.class_layer import PACKAGED_SOURCE
from indexer.models.embedder import defer_model
from indexer.models.installation import (
    ModelChoice,
    find_default_choice,
    find_prepared_model,
    install_model,
    verify_model,
)
from indexer.progress import Progress, Steps
from indexer.search import generations
from indexer.wording import tr

WHOLE_MODEL = "whole model"  # setting: the identities of the active model's files when they were last hashed


def check_library(library: Library) -> Steps[list[str]]:
    """Verify the database, the model and the search files byte for byte; returns a sentence for each problem."""
    problems = []
    yield Progress("check", 0, 3, tr("database"))
    if not library.store.database.is_intact():
        problems.append("The database is damaged. Your photos are untouched: index them into a new library.")
        return problems
    if damaged := _find_damaged(library):
        are = "embedding is" if len(damaged) == 1 else "embeddings are"
        problems.append(f"{len(damaged):,} {are} damaged. With --repair those photos are embedded again.")
    yield Progress("check", 1, 3, tr("model"))
    try:
        verify_model(library.models_folder / library.read_model_card().fingerprint)
    except ModelError as error:
        problems.append(str(error))
    yield Progress("check", 2, 3, tr("search index"))
    if shared := library.store.database.is_shared:
        problems += list_work_problems(library.store.database, library.model_id)
        problems += list_index_problems(library.store.database, library.model_id)
    row = library.store.models.find_generation(library.model_id)
    try:
        if row is not None and (not shared or generations.has_generation(library.folder, row.number)):
            generations.open_verified_generation(library.folder, row, library.model_fingerprint, {})
    except GenerationError as error:
        problems.append(str(error))
    return problems


def repair_library(library: Library) -> Steps[None]:
    """Install the active model again where it is damaged, embed what is damaged, and publish new search files."""
    card = yield from _reinstall_model(library)
    if damaged := _find_damaged(library):
        library.store.embeddings.drop_embeddings(damaged)
        yield from index_library(library, [], defer_model(card, library.models_folder, "auto"))
    yield from generations.publish_generation(
        library.folder, library.store, library.model_id, library.model_fingerprint
    )


def _find_damaged(library: Library) -> list[int]:
    """The seqs of all embeddings that are damaged, under every model."""
    embeddings = library.store.embeddings
    return [seq for model in library.store.models.list_model_ids() for seq in embeddings.find_damaged(model)]


def mend_active_model(library: Library) -> Steps[ModelCard]:
    """Install the library's active model where it is missing or damaged, or the default model in a new library.

    A model found whole is hashed again only when its files have changed, as hashing takes a quarter of a rescan's time;
    loading the model hashes it in any case. Returns its card. Raises ModelError where it cannot be installed.
    """
    files = _file_identities(library, library.model_fingerprint)
    if files and library.store.models.read_setting(WHOLE_MODEL) == files:
        return library.read_model_card()
    card = yield from _reinstall_model(library)
    library.store.models.set_setting(WHOLE_MODEL, _file_identities(library, card.fingerprint))
    return card


def _file_identities(library: Library, fingerprint: str) -> generations.FileIdentities:
    """The identities of a model's files by their paths relative to the library; empty where one cannot be read."""
    paths = (library.models_folder / fingerprint).glob("*.*")
    try:
        return {str(path.relative_to(library.folder)): generations.read_file_identity(path) for path in paths}
    except (OSError, ValueError):
        return {}


def _reinstall_model(library: Library) -> Steps[ModelCard]:
    """Install the active model from its own folder; where that is damaged from what is ready on this computer, or the
    default model from its package."""
    try:
        return (yield from install_model(_active_choice(library), library.models_folder))
    except ModelError as damage:
        if library.model_fingerprint and (prepared := find_prepared_model(library.model_fingerprint)):
            return (yield from install_model(ModelChoice(checkpoint=prepared), library.models_folder))
        known = library.store.models.find_model(library.model_fingerprint)
        if known is None or known.name != DEFAULT_BACKBONE:
            raise
        choice = find_default_choice(library.model_fingerprint)
        if choice is None:  # it only had the name
            raise damage from None
        return (yield from install_model(choice, library.models_folder))


def _active_choice(library: Library) -> ModelChoice:
    """What to install for the active model; a library with an older default model keeps that model's framing."""
    if not library.model_fingerprint:
        return ModelChoice()
    card = library.read_model_card()
    if card.source == PACKAGED_SOURCE:
        return ModelChoice(framing=card.preprocessing.framing)
    return ModelChoice(checkpoint=library.models_folder / library.model_fingerprint)
