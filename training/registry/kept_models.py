"""The models of a library and of this computer as rows: name, date, what they were trained on, and their verdict."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from indexer.errors import LookalikeError, ModelError
from indexer.library import Library
from indexer.models.card import CARD_FILE, WEIGHTS_FILE, ModelCard, read_card
from indexer.models.catalogue import load_catalogue
from indexer.models.installation import ModelChoice, find_installed_card
from indexer.models.prepared import list_prepared_folders
from indexer.models.runtime import read_form
from training.data.sources import list_checkpoints_folders
from training.judging.record import TrainingRecord, read_record
from training.judging.verdict_wording import describe_meaning, describe_nearest

ACTIVE, PREVIOUS, KEPT, TRAINED, READY = "active", "previous", "kept", "trained", "ready"
"""What a model is to a library: in use, in use before, embedded too, taught and not used yet, ready here."""


class KeptModel(NamedTuple):
    """One model.

    `state` is one of the five above, `folder` holds its files. `checkpoint` is the folder of its training, None where
    that is gone or there was none; `verdict` are two sentences, "" without a record, and `is_better` what they come to.
    `photos` are those embedded under it in the library, `added_at` is in seconds since 1970, `is_prepared` says whether
    it runs here at once.
    """

    fingerprint: str
    name: str
    state: str
    folder: Path
    checkpoint: Path | None
    trained_on: str
    verdict: str
    is_better: bool
    photos: int
    byte_count: int
    added_at: float
    dim: int
    is_prepared: bool

    def fields(self) -> dict[str, Any]:
        """The model as plain values for JSON."""
        places = {"folder": str(self.folder), "checkpoint": str(self.checkpoint) if self.checkpoint else None}
        return self._asdict() | places


def list_kept_models(library: Library | None) -> list[KeptModel]:
    """The models of a library (None where there is none yet), the active one first, then what it could use."""
    checkpoints = {folder: card for place in list_checkpoints_folders() for folder, card in _iterate_cards(place)}
    rows = _list_library_models(library, checkpoints) if library is not None else []
    known = {row.fingerprint for row in rows}
    for folder, card in checkpoints.items():
        if card.fingerprint not in known:
            rows.append(_describe_model(card, TRAINED, folder, folder))
            known.add(card.fingerprint)
    for place in list_prepared_folders():
        for folder, card in _iterate_cards(place):
            if card.fingerprint not in known:
                rows.append(_describe_model(card, READY, folder, None))
                known.add(card.fingerprint)
    names = _find_short_names()
    rows = [row._replace(name=names.get(row.fingerprint, row.name)) if row.state == READY else row for row in rows]
    order = (ACTIVE, PREVIOUS, KEPT, TRAINED, READY)
    return sorted(rows, key=lambda row: (order.index(row.state), -row.added_at))


def _list_library_models(library: Library, checkpoints: dict[Path, ModelCard]) -> list[KeptModel]:
    models, active = library.store.models, library.model_fingerprint
    previous = str(models.read_setting("previous_model") or "")
    trainings = {card.weights_sha256: folder for folder, card in checkpoints.items()}
    rows = []
    for folder, card in _iterate_cards(library.models_folder):
        known = models.find_model(folder.name)
        if known is None:
            continue
        state = ACTIVE if folder.name == active else PREVIOUS if folder.name == previous else KEPT
        row = _describe_model(card, state, folder, trainings.get(card.weights_sha256))
        embedded = library.store.embeddings.count_embeddings(known.id)
        rows.append(row._replace(fingerprint=folder.name, name=known.name, photos=embedded))
    return rows


def _iterate_cards(place: Path) -> Iterator[tuple[Path, ModelCard]]:
    """The folders in a place that hold a model, with their cards; damaged ones are passed over."""
    for path in sorted(place.glob(f"*/{CARD_FILE}")) if place.is_dir() else ():
        with contextlib.suppress(ModelError):
            if not path.parent.name.startswith("."):  # one that is still being written
                yield path.parent, read_card(path.parent)


def _describe_model(card: ModelCard, state: str, folder: Path, checkpoint: Path | None) -> KeptModel:
    record = _find_record(folder, checkpoint)
    return KeptModel(
        fingerprint=card.fingerprint,
        name=record.name if record and state == TRAINED else card.name,
        state=state,
        folder=folder,
        checkpoint=record.checkpoint if record else checkpoint,
        trained_on=_describe_source(card, record),
        verdict=f"{describe_nearest(record)} {describe_meaning(record)}" if record else "",
        is_better=record is not None and record.install,
        photos=0,
        byte_count=_count_bytes(folder),
        added_at=_read_time(folder / WEIGHTS_FILE),
        dim=card.dim,
        is_prepared=_is_prepared(card, folder),
    )


def _find_record(folder: Path, checkpoint: Path | None) -> TrainingRecord | None:
    """The record of a model's training, beside its checkpoint or its copy in the library; None where neither has it."""
    for place in filter(None, (checkpoint, folder)):
        with contextlib.suppress(LookalikeError):
            record = read_record(place)
            if record.provenance.get("fingerprint") == read_card(place).fingerprint:
                return record
    return None


def _describe_source(card: ModelCard, record: TrainingRecord | None) -> str:
    """What a model was trained on, in a line."""
    return record.learned_from if record and record.learned_from else card.source


def _is_prepared(card: ModelCard, folder: Path) -> bool:
    """Whether a form that was made on this computer, or came with the program, lies in the folder."""
    try:
        return read_form(folder, card).runtime != ""
    except ModelError:
        return False


def _find_short_names() -> dict[str, str]:
    """The names of the table of models, by the fingerprints of those that are prepared here."""
    names = {}
    for row in load_catalogue():
        for place in list_prepared_folders():
            with contextlib.suppress(ModelError):
                card = find_installed_card(ModelChoice(row.backbone, size=row.pixels), place)
                if card is not None:
                    names[card.fingerprint] = row.name
    return names


def _count_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _read_time(path: Path) -> float:
    """When a file was written, in seconds since 1970; 0 where it is gone. A rename of the model leaves its weights."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
