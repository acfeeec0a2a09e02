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
from indexer.wording import count_noun, name_model, tr
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
        embeddings = (
            tr("the embeddings of {photos} under it and ", photos=count_noun(self.photos, "photo"))
            if self.photos
            else ""
        )
        places = " and ".join(show_path(folder) for folder in self.folders)
        lines = [
            tr(
                "With {name} go {embeddings}{byte_count:,.0f} MB in {places}.",
                name=self.name,
                embeddings=embeddings,
                byte_count=self.byte_count / 1e6,
                places=places,
            ),
            self.remark,
        ]
        return " ".join(filter(None, [*lines, tr("Photos, labels and decisions stay. This cannot be undone.")]))


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
            raise LookalikeError(
                "Several models are called {name}. Name one by its fingerprint: {digits}.", name=name, digits=digits
            )
    raise LookalikeError("There is no model {name} here. See: lookalike model overview", name=name)


def rename_model(model: KeptModel, name: str, library: Library | None) -> None:
    """Call a model by another name: in the library, in its card, and in the record of its training."""
    name = check_name(name)
    if model.state == READY:
        raise LookalikeError(
            "{name} is the name it was published under. Only models of yours can be renamed.", name=model.name
        )
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
        raise LookalikeError(
            "{folder} cannot be written to: {reason}.",
            folder=show_path(model.folder),
            reason=fault.strerror or fault,
        ) from fault


def export_model(model: KeptModel, out: Path) -> None:
    """Write a checkpoint that any library can use into a folder that is new or empty; LookalikeError elsewhere."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LookalikeError("{out} holds something already. Name a new or empty folder.", out=show_path(out))
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
        raise LookalikeError(
            "No model can be written to {out}: {reason}.", out=show_path(out), reason=fault.strerror or fault
        ) from fault


def plan_deletion(model: KeptModel, library: Library | None) -> DeletionPlan:
    """What deleting a model would take; LookalikeError for the one in use, and for what came with the program."""
    if model.state == ACTIVE:
        raise LookalikeError(
            "The library sees with {name}. Use another model first, then delete this one.", name=model.name
        )
    if model.state == READY and model.folder.parent not in list_models_folders():
        raise LookalikeError("{name} came with the program and goes with it.", name=model.name)
    folders = list(dict.fromkeys(filter(None, (model.folder, model.checkpoint))))
    byte_count = sum(path.stat().st_size for folder in folders for path in _list_own_files(folder))
    base = library.find_base_model() if library is not None and library.model_id else None
    is_base = library is not None and base is not None and base.model_id == _find_id(model, library)
    remark = tr("What the model in use does on your labels can no longer be measured, as it was taught on this one.")
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
        raise LookalikeError(
            "{filename} could not be deleted: {reason}.", filename=fault.filename, reason=fault.strerror or fault
        ) from fault
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
