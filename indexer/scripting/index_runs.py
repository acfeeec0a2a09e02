"""A whole run of indexing: the model, what is left out, the walk, and what was said of files that have changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from indexer.database.postgresql.server_files import store_model_files
from indexer.database.replacements import count_replaced_photos
from indexer.errors import LibraryError
from indexer.indexing.repair import mend_active_model
from indexer.indexing.roots import accept_drives, add_roots, leave_out
from indexer.indexing.run import IndexReport, index_library
from indexer.indexing.worker import queue_files
from indexer.library import Library
from indexer.matching.carried_annotations import carry_all_annotations
from indexer.models.embedder import DeferredEmbedder, defer_model
from indexer.models.installation import ModelChoice, install_model
from indexer.progress import Steps
from indexer.text_models.text_model import prepare_words


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """What a run is to do besides bringing the library up to date: add folders, read every file, leave some out.

    `here` says that what is at the folders now is what the library knows there, `queued` that workers read the files.
    """

    folders: tuple[Path, ...] = ()
    labelled: bool = False
    verify: bool = False
    excluded: tuple[str, ...] = ()
    taken_back: tuple[str, ...] = ()
    here: bool = False
    queued: bool = False


def generate_runs(
    library: Library, request: IndexRequest, choice: ModelChoice | None, runtime: str
) -> Iterator[Steps[IndexReport]]:
    """A run as requested with this model, then runs that bring the library up to date, with one loaded model.

    The caller holds the library's job lock while it takes the steps of a run.
    """
    loaded_models: dict[str, DeferredEmbedder] = {}
    yield _install_and_index(library, request, choice, runtime, loaded_models)
    while True:
        yield _install_and_index(library, IndexRequest(), None, runtime, loaded_models)


def _install_and_index(
    library: Library,
    request: IndexRequest,
    choice: ModelChoice | None,
    runtime: str,
    loaded_models: dict[str, DeferredEmbedder],
) -> Steps[IndexReport]:
    """Index with the model in `loaded_models`, which is installed and put there first where it is another one."""
    if choice or library.model_fingerprint not in loaded_models:
        card = yield from install_model(choice, library.models_folder) if choice else mend_active_model(library)
        yield from prepare_words(library.models_folder / card.fingerprint)
        loaded_models.clear()
        loaded_models[card.fingerprint] = defer_model(card, library.models_folder, runtime)
    (embedder,) = loaded_models.values()
    if request.excluded or request.taken_back:
        add_roots(library, request.folders, labelled=request.labelled)
        leave_out(library, request.folders, request.excluded, request.taken_back)
    if request.here:
        accept_drives(library, request.folders)
    if request.queued and not library.store.database.is_shared:
        raise LibraryError("Workers are for shared libraries: --library postgresql://USER@HOST/DATABASE?library=NAME")
    report = yield from index_library(
        library,
        request.folders,
        embedder,
        labelled=request.labelled,
        verify=request.verify,
        leave_files=queue_files if request.queued else None,
    )
    if library.store.database.is_shared:
        store_model_files(library.store.database, library.models_folder)
    carried = yield from carry_all_annotations(library)
    return report._replace(carried=carried, replaced=count_replaced_photos(library.store.database))
