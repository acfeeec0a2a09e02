"""A fine-tuned model on disk: the two files of every model, `training.json`, the story of how it came about, and beside
them what reports need and a card for people.
"""

import importlib.metadata
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from indexer import atomic, photos
from indexer.card import CARD_FILE, STORY_FILE, WEIGHTS_FILE, ModelCard, card_bytes, name_hash, show
from indexer.errors import LookalikeError
from indexer.network import Network, write_checkpoint
from training.data import Sample, has_labels
from training.insight import INSIGHT_FILE
from training.model_card import MODEL_CARD_FILE
from training.run import REPORT_FILE
from training.sources import UNFINISHED

OURS = {CARD_FILE, WEIGHTS_FILE, STORY_FILE, INSIGHT_FILE, MODEL_CARD_FILE, REPORT_FILE, UNFINISHED}
MOST_LABELS = 20_000  # that a card names: it may have a megabyte
VERSIONS = ("lookalike", "torch", "timm", "numpy", "pillow")


def check_place(out: Path) -> None:
    """LookalikeError where the folder holds something else than an older checkpoint, or cannot be one."""
    if out.exists() and not out.is_dir():
        raise LookalikeError(f"{show(out)} is a file. Name an empty or new folder for the checkpoint.")
    if out.is_dir() and any(entry.name not in OURS and entry.suffix != atomic.PARTIAL for entry in out.iterdir()):
        raise LookalikeError(f"{show(out)} holds other files. Name an empty or new folder for the checkpoint.")


def save(
    network: Network,
    out: Path,
    *,
    seen: Sequence[Sample],
    source: str,
    story: dict[str, Any],
    calibration: dict[str, Any] | None,
    beside: Mapping[str, str],
) -> ModelCard:
    """Write the checkpoint whole or not at all; `seen` is everything it was trained on or chosen by.

    `calibration` goes into its card: what a distance means, where that is known for any picture.
    `beside` are texts by file name, for people and for reports. LookalikeError where the disk refuses.
    """
    hashes = np.frombuffer(b"".join(sample.sha256 for sample in seen), np.uint8).reshape(-1, 32).copy()
    try:
        temporary = atomic.new_folder(out)
        try:
            card = write_checkpoint(
                network, temporary, name=photos.text(os.fsencode(out.absolute().name))[:100], source=source, seen=hashes
            )
            (temporary / CARD_FILE).write_bytes(card_bytes(card, calibration, _names(seen)))
            about = {"fingerprint": card.fingerprint, "versions": _versions()}
            (temporary / STORY_FILE).write_text(json.dumps(story | about, indent=1) + "\n")
            for name, text in beside.items():
                (temporary / name).write_text(text, encoding="utf-8")
            atomic.publish_folder(temporary, out)
        finally:
            atomic.discard(temporary)
    except OSError as fault:
        raise LookalikeError(f"The checkpoint cannot be written to {show(out)}: {fault.strerror or fault}.") from fault
    return card


def _names(seen: Sequence[Sample]) -> list[str] | None:
    """Hashes of the labels it was trained on, so that nothing measured on them passes for new ones; None: too many."""
    labels = {sample.label for sample in seen} if has_labels(seen) else set()
    return sorted(map(name_hash, labels)) if len(labels) <= MOST_LABELS else None


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in VERSIONS}
