"""What is done to a model that is kept: another name, a copy to take along, and deleting it, which is said before."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from indexer import atomic
from indexer.errors import LookalikeError
from indexer.home.folders import list_models_folders
from indexer.library import Library
from indexer.models.card import CARD_FILE, REPORT_DATA_FILE, TRAINING_RECORD_FILE, WEIGHTS_FILE, read_json
from indexer.models.installation import lock_installation
from indexer.models.runtime import BIN_FILE, RUNTIME_FILE, SIGNATURE_FILE, XML_FILE
from indexer.paths import show_path
from indexer.search.generations import remove_unused_generations
from indexer.wording import count_noun, name_model
from training.data.sources import UNFINISHED_FILE
from training.judging.model_card import MODEL_CARD_FILE
from training.judging.record import check_name, rename_checkpoint
from training.registry.kept_models import ACTIVE, READY, TRAINED, KeptModel, list_kept_models
from training.registry.stopped_trainings import StoppedTraining

LEAST_DIGITS = 6  # of a fingerprint that names a model
EXPORTED_FILES = (CARD_FILE, WEIGHTS_FILE, TRAINING_RECORD_FILE, REPORT_DATA_FILE, MODEL_CARD_FILE)
OWN_FILES = (RUNTIME_FILE, SIGNATURE_FILE, XML_FILE, BIN_FILE, "report.html", *reversed(EXPORTED_FILES))
"""All that lies in the folder of a model or checkpoint; the card comes last, so that what is half gone is still listed.
"""


class DeletionPlan(NamedTuple):
    """What goes with a model: embeddings of so many photos of the library, folders with files of ours, their bytes.

    `remark` says what else changes, "" where nothing does.
    """

    name: str
    photos: int
    folders: list[Path]
    byte_count: int
    remark: str

    def describe_losses(self) -> str:
        """What goes, exactly, and what stays."""
        embeddings = f"the embeddings of {count_noun(self.photos, 'photo')} under it and " if self.photos else ""
        places = " and ".join(show_path(folder) for folder in self.folders)
        lines = [f"With {self.name} go {embeddings}{self.byte_count / 1e6:,.0f} MB in {places}.", self.remark]
        return " ".join(filter(None, [*lines, "Photos, labels and decisions stay. This cannot be undone."]))


def find_kept_model(name: str, library: Library | None) -> KeptModel:
    """The model that a fingerprint, its first digits, a folder or a name stands for; LookalikeError for none, or for
    several.
    """
    rows = list_kept_models(library)
    for matching in (
        [row for row in rows if Path(name).absolute() in (row.folder, row.checkpoint)],
        [row for row in rows if len(name) >= LEAST_DIGITS and row.fingerprint.startswith(name)],
        [row for row in rows if name in (row.name, name_model(row.name, row.fingerprint))],
    ):
        if len(matching) == 1:
            return matching[0]
        if matching:
            digits = ", ".join(row.fingerprint[:12] for row in matching)
            raise LookalikeError(f"Several models are called {name}. Name one by its fingerprint: {digits}.")
    raise LookalikeError(f"There is no model {name} here. See: lookalike model overview")


def rename_model(model: KeptModel, name: str, library: Library | None) -> None:
    """Call a model by another name: in the library, in its card, and in the record of its training."""
    name = check_name(name)
    if model.state == READY:
        raise LookalikeError(f"{model.name} is the name it was published under. Only models of yours can be renamed.")
    if library is not None and model.state != TRAINED:
        library.store.models.rename_model(model.fingerprint, name)
    try:
        for folder in {model.folder, model.checkpoint or model.folder}:
            if (folder / TRAINING_RECORD_FILE).is_file():
                rename_checkpoint(folder, name)
            elif folder.is_dir():
                fields = read_json(folder / CARD_FILE) | {"name": name}
                atomic.write_file(folder / CARD_FILE, (json.dumps(fields, indent=2) + "\n").encode())
    except OSError as fault:
        raise LookalikeError(f"{show_path(model.folder)} cannot be written to: {fault.strerror or fault}.") from fault


def export_model(model: KeptModel, out: Path) -> None:
    """Write a checkpoint that any library can use into a folder that is new or empty; LookalikeError elsewhere."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LookalikeError(f"{show_path(out)} holds something already. Name a new or empty folder.")
    try:
        temporary = atomic.create_sole_temporary_folder(out)
        try:
            for name in EXPORTED_FILES:
                places = (place / name for place in (model.folder, model.checkpoint or model.folder))
                source = next((path for path in places if path.is_file()), None)
                if source is not None:
                    shutil.copyfile(source, temporary / name)
            atomic.publish_folder(temporary, out)
        finally:
            atomic.remove_path(temporary)
    except OSError as fault:
        raise LookalikeError(f"No model can be written to {show_path(out)}: {fault.strerror or fault}.") from fault


def plan_deletion(model: KeptModel, library: Library | None) -> DeletionPlan:
    """What deleting a model would take; LookalikeError for the one in use, and for what came with the program."""
    if model.state == ACTIVE:
        raise LookalikeError(f"The library sees with {model.name}. Use another model first, then delete this one.")
    if model.state == READY and model.folder.parent not in list_models_folders():
        raise LookalikeError(f"{model.name} came with the program and goes with it.")
    folders = list(dict.fromkeys(filter(None, (model.folder, model.checkpoint))))
    byte_count = sum(path.stat().st_size for folder in folders for path in _list_own_files(folder))
    base = library.find_base_model() if library is not None and library.model_id else None
    is_base = library is not None and base is not None and base.model_id == _find_id(model, library)
    remark = "What the model in use does on your labels can no longer be measured, as it was taught on this one."
    return DeletionPlan(model.name, model.photos, folders, byte_count, remark if is_base else "")


def delete_model(model: KeptModel, library: Library | None) -> DeletionPlan:
    """Delete a model as `plan_deletion` says; the caller holds the job lock of the library. Returns what went."""
    plan = plan_deletion(model, library)
    if library is not None and model.state not in (TRAINED, READY):
        library.store.models.forget_model(model.fingerprint)
        remove_unused_generations(library.folder, library.store)
        for layout in (library.folder / "layouts").glob(f"{model.fingerprint}-*.npz"):
            layout.unlink(missing_ok=True)
    try:
        for folder in plan.folders:
            if folder.parent in list_models_folders():
                with lock_installation(folder.parent):
                    _remove_own_files(folder)
            else:
                _remove_own_files(folder)
    except OSError as fault:
        raise LookalikeError(f"{fault.filename} could not be deleted: {fault.strerror or fault}.") from fault
    return plan


def discard_training(training: StoppedTraining) -> None:
    """Delete the state of a training that was cut off; its folder too where nothing else is in it."""
    (training.folder / UNFINISHED_FILE).unlink(missing_ok=True)
    _remove_empty(training.folder)


def _find_id(model: KeptModel, library: Library) -> int:
    return library.store.models.find_model_id(model.fingerprint)


def _list_own_files(folder: Path) -> list[Path]:
    """The files of a model's folder that this program wrote."""
    return [folder / name for name in OWN_FILES if (folder / name).is_file()]


def _remove_own_files(folder: Path) -> None:
    for path in _list_own_files(folder):
        path.unlink(missing_ok=True)
    _remove_empty(folder)


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
