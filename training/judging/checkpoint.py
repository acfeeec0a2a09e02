"""A fine-tuned model on disk: the two files of every model, the record of its training (`training.json`), and beside
them what reports need and a card for people.
"""

import importlib.metadata
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from indexer import atomic
from indexer.errors import LookalikeError
from indexer.models.card import CARD_FILE, TRAINING_RECORD_FILE, ModelCard, hash_label, serialise_card
from indexer.paths import show_path
from indexer.wording import tr
from training.data.labelled_folders import PhotoSample, has_labels
from training.data.sources import UNFINISHED_FILE

MAX_CARD_LABELS = 20_000  # labels whose hashes fit into a card, which may have a megabyte
VERSIONED_PACKAGES = ("lookalike", "torch", "timm", "numpy", "pillow")


class CheckpointWriter(Protocol):
    """Writes the two files of a model into a folder and returns its card; `seen_hashes` (n, 32) uint8."""

    def __call__(self, folder: Path, *, name: str, source: str, seen_hashes: np.ndarray) -> ModelCard:
        """Write them."""


def check_output_folder(out: Path) -> None:
    """Raise LookalikeError where a checkpoint cannot be written to `out`, an absolute path, or would replace anything
    but a training that was cut off. The check leaves nothing behind.
    """
    try:
        obstacle = _describe_obstacle(out)
        if not obstacle:
            _probe_folder(out)
    except OSError as fault:
        obstacle = tr("cannot be written to: {strerror}", strerror=fault.strerror or fault)
    if obstacle:
        raise LookalikeError(
            "{out} {obstacle}. Name an empty or new folder for the checkpoint.", out=show_path(out), obstacle=obstacle
        )


def _describe_obstacle(out: Path) -> str:
    """Why a checkpoint cannot stand at a path, as the end of a sentence; "" where it can."""
    if out.exists() and not out.is_dir():
        return tr("is a file")
    if (out / CARD_FILE).exists():
        return tr("holds a model already")
    if out.is_dir() and any(
        entry.name != UNFINISHED_FILE and entry.suffix != atomic.PARTIAL_SUFFIX for entry in out.iterdir()
    ):
        return tr("holds other files")
    if out == Path.cwd():
        return tr("is the folder you are in, and would be replaced as a whole")
    return ""


def _probe_folder(out: Path) -> None:
    """Make and remove the files that a training will make, one in the folder and one beside it; OSError where the disk
    refuses.
    """
    with remove_empty_folders(out):
        for place in (out / UNFINISHED_FILE, out):
            atomic.create_temporary_folder(place).rmdir()


@contextmanager
def remove_empty_folders(out: Path) -> Iterator[None]:
    """After the block, remove `out` and the folders above it that were made in it and are empty."""
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        yield
    finally:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()


def save_checkpoint(
    write: CheckpointWriter,
    out: Path,
    *,
    used_samples: Sequence[PhotoSample],
    source: str,
    story: dict[str, Any],
    calibration: dict[str, Any] | None,
    extra_files: Mapping[str, str],
) -> ModelCard:
    """Write the checkpoint whole or not at all.

    `used_samples` are the photos it was trained on or chosen by, `source` says in a line where the weights are from,
    `story` are the fields of its record. `calibration` goes into its card: what a distance means, where that is known
    for any picture. `extra_files` are texts by file name. LookalikeError where the disk refuses.
    """
    hashes = b"".join(sample.sha256 + sample.pixel_sha256 for sample in used_samples)
    try:
        temporary = atomic.create_sole_temporary_folder(out)
        try:
            card = write(
                temporary,
                name=show_path(os.fsencode(out.absolute().name))[:100],
                source=source,
                seen_hashes=np.frombuffer(hashes, np.uint8).reshape(-1, 32).copy(),
            )
            extras = (calibration, _hash_labels(used_samples), story.get("instant"))
            (temporary / CARD_FILE).write_bytes(serialise_card(card, *extras))
            provenance = {"fingerprint": card.fingerprint, "versions": _read_versions()}
            (temporary / TRAINING_RECORD_FILE).write_text(json.dumps(story | provenance, indent=1) + "\n")
            for name, text in extra_files.items():
                (temporary / name).write_text(text, encoding="utf-8")
            atomic.publish_folder(temporary, out)
        finally:
            atomic.remove_path(temporary)
    except OSError as fault:
        raise LookalikeError(
            "The checkpoint cannot be written to {out}: {reason}.",
            out=show_path(out),
            reason=fault.strerror or fault,
        ) from fault
    return card


def _hash_labels(samples: Sequence[PhotoSample]) -> list[str] | None:
    """Sorted hashes of the labels that the model knows, so that figures on them count as known; None for too many."""
    labels = {sample.label for sample in samples} if has_labels(samples) else set()
    return sorted(map(hash_label, labels)) if len(labels) <= MAX_CARD_LABELS else None


def _read_versions() -> dict[str, str]:
    versions = {}
    for name in VERSIONED_PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):  # the light edition has no torch
            versions[name] = importlib.metadata.version(name)
    return versions
