"""Models that stand for taught ones without a training: the default network with another list of photos it has seen."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import safetensors.numpy

from indexer.library import Library
from indexer.models.card import (
    CARD_FILE,
    TRAINING_RECORD_FILE,
    WEIGHTS_FILE,
    ModelCard,
    hash_weights,
    read_card,
    serialise_card,
)
from indexer.models.runtime import read_form, write_form
from tests.support.training_child import said
from training.data.sources import UNFINISHED_FILE
from training.settings.config import TrainConfig


def write_taught_model(installed_model: Path, folder: Path, name: str, *, install: bool = True) -> ModelCard:
    """A checkpoint of the default network with a record of a training, other than all with another name."""
    folder.mkdir(parents=True)
    tensors = safetensors.numpy.load_file(installed_model / WEIGHTS_FILE)
    seen = np.frombuffer(name.encode().ljust(32)[:32], np.uint8).reshape(1, 32).copy()
    (folder / WEIGHTS_FILE).write_bytes(safetensors.numpy.save(tensors | {"seen": seen}))
    card = read_card(installed_model)
    source = "the network, fine-tuned on 40 pictures of 2 classes in /photos"
    card = replace(card, name=name, weights_sha256=hash_weights(folder / WEIGHTS_FILE), source=source)
    (folder / CARD_FILE).write_bytes(serialise_card(card))
    pictures = [Path(f"/photos/{number}.png") for number in range(7)]
    record = said(folder, pictures, install=install) | {"fingerprint": card.fingerprint, "name": name}
    record |= {"learned_from": "40 pictures of 2 classes in /photos"}
    (folder / TRAINING_RECORD_FILE).write_text(json.dumps(record))
    return card


def prepare_taught_model(installed_model: Path, place: Path, name: str) -> ModelCard:
    """The same, ready to run, in a folder of that place that is named by its fingerprint."""
    card = write_taught_model(installed_model, place / "made", name)
    form = read_form(installed_model, read_card(installed_model))
    for file_name in form.files:
        shutil.copyfile(installed_model / file_name, place / "made" / file_name)
    write_form(replace(form, fingerprint=card.fingerprint), place / "made")
    (place / "made").rename(place / card.fingerprint)
    return card


def add_taught_model(library_folder: Path, installed_model: Path, name: str) -> ModelCard:
    """The same in a library, prepared, with the embeddings of the active model as its own; the active one stays."""
    card = prepare_taught_model(installed_model, library_folder / "models", name)
    with Library.open(library_folder) as library:
        active = library.model_id
        model = library.store.models.add_model(card.fingerprint, name, card.dim)
        stored = library.store.embeddings.read_embeddings(active, 0)
        with library.store.database.transaction():
            library.store.embeddings.record_mapped(stored, active, model)
    return card


def write_stopped_training(folder: Path, source_arguments: list[str] | None, epoch: int = 2) -> None:
    """The head of a training that was cut off; without `source_arguments` as earlier versions saved it."""
    folder.mkdir(parents=True)
    settings = TrainConfig(recipe="quick", epochs=6).to_dict()
    facts = {"settled": settings, "config": settings, "epochs": [{"epoch": number} for number in range(epoch + 1)]}
    facts |= {} if source_arguments is None else {"source_arguments": source_arguments}
    content = safetensors.numpy.save({"rows": np.zeros(2, np.int64)}, {"facts": json.dumps(facts)})
    (folder / UNFINISHED_FILE).write_bytes(content)
