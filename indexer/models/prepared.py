"""Models that are ready on this computer: prepared once, then copied into every library that wants them.

They lie in the folder of models, where each preparation leaves a copy, and in what the program came with, where the
default model is put when the program is set up (`python -m indexer.models`). All is hashed before it is believed.
A model that is one of them with a linear map behind it needs no conversion, and so no torch.
"""

import contextlib
import shutil
from pathlib import Path

import numpy as np

from indexer import atomic
from indexer.errors import ModelError
from indexer.home.folders import find_models_folder, list_models_folders
from indexer.models.agreement import RuntimeDisagreement, check_agreement
from indexer.models.card import (
    CARD_FILE,
    TEXT_FOLDER,
    WEIGHTS_FILE,
    HeadTensors,
    ModelCard,
    is_base,
    read_card,
    read_head_tensors,
)
from indexer.models.runtime import (
    RUNTIME_FILE,
    SIGNATURE_FILE,
    ModelRunner,
    RuntimeForm,
    append_head,
    find_carried_folder,
    open_form,
    read_form,
)


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


def derive_form(card: ModelCard, folder: Path) -> RuntimeForm | None:
    """The form of the weights in `folder`, made of that of a ready model by a linear head; None where none is its base.

    It agrees with the base's form and the head, worked out apart, in embeddings and feature maps.
    """
    if card.head is None or card.head.kind != "unit-linear":
        return None
    places = (folder.parent, *list_prepared_folders())
    bases = (path for place in places for path in sorted(place.glob("[0-9a-f]*")))
    for base in bases:
        with contextlib.suppress(ModelError, RuntimeDisagreement):
            if base != folder and is_base(base, folder, card):
                return _derive_from(base, card, folder)
    return None


def _derive_from(base: Path, card: ModelCard, folder: Path) -> RuntimeForm:
    base_form, head = read_form(base, read_card(base)), read_head_tensors(folder)
    files = append_head(base, base_form, head, folder)
    form = RuntimeForm(card.fingerprint, "openvino", "Made of the model below it, it agrees with that.", files=files)
    base_runner = open_form(base, base_form, precision="fp32")
    return check_agreement(form, folder, _put_behind(base_runner, head), card.preprocessing)


def _put_behind(runner: ModelRunner, head: HeadTensors) -> ModelRunner:
    """The runner with the head worked out by numpy."""

    def embed_batch(batch: np.ndarray) -> np.ndarray:
        projected = runner.embed(batch) @ head.weight.T + head.bias
        unit: np.ndarray = projected / np.linalg.norm(projected, axis=1, keepdims=True)
        return unit

    return ModelRunner(embed_batch, runner.features, runner.precision)


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
