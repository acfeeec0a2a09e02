"""Models that are ready on this computer: prepared once, then copied into every library that wants them.

They lie in the folder of models, where each preparation leaves a copy, and in what the program came with, where the
default model is put when the program is set up (`python -m indexer.models`). All is hashed before it is believed.
"""

import contextlib
import shutil
from pathlib import Path

from indexer import atomic
from indexer.home.folders import find_models_folder, list_models_folders
from indexer.models.card import CARD_FILE, TEXT_FOLDER, WEIGHTS_FILE, ModelCard
from indexer.models.runtime import RUNTIME_FILE, SIGNATURE_FILE, RuntimeForm, find_carried_folder


def find_shared_folder() -> Path:
    """The folder with the models that were prepared on this computer, which takes the next one too."""
    return find_models_folder()


def list_prepared_folders() -> tuple[Path, ...]:
    """The folders that hold models ready to be copied, each below its fingerprint; they need not exist.

    The first takes new ones, then come those that did so before, and last what came with the program.
    """
    return *list_models_folders(), find_carried_folder()


def copy_model(source: Path, form: RuntimeForm, folder: Path) -> None:
    """Copy card, weights and the converted files that the form names from one model folder into another that exists.

    What it knows of texts, if anything, goes along.
    """
    for name in (CARD_FILE, WEIGHTS_FILE, RUNTIME_FILE, SIGNATURE_FILE, *form.files):
        with contextlib.suppress(FileNotFoundError) if name == SIGNATURE_FILE else contextlib.nullcontext():
            shutil.copyfile(source / name, folder / name)
    if (source / TEXT_FOLDER).is_dir():
        shutil.copytree(source / TEXT_FOLDER, folder / TEXT_FOLDER, symlinks=True)


def share_model(card: ModelCard, form: RuntimeForm, source: Path) -> None:
    """Leave a copy of the prepared model for other libraries; where that is impossible, each prepares its own."""
    folder = find_shared_folder() / card.fingerprint
    if folder.exists() or source.parent.resolve() in [place.resolve() for place in list_prepared_folders()]:
        return
    with contextlib.suppress(OSError):
        temporary = atomic.create_temporary_folder(folder)
        try:
            copy_model(source, form, temporary)
            atomic.publish_folder(temporary, folder)
        finally:
            atomic.remove_path(temporary)
