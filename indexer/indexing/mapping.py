"""Embeddings under a model that only adds a map to another one: computed from the stored ones, no picture is read.

A taught model of kind "unit-linear" is a backbone with a linear map behind its unit-length output. Where the library
holds embeddings under the same backbone without a head, those are all it takes: seconds instead of a new index run.
"""

from pathlib import Path

import numpy as np
import safetensors

from indexer.database.embedding_table import StoredEmbeddings
from indexer.errors import ModelError
from indexer.library import Library
from indexer.models.card import SEEN_HASHES_TENSOR, WEIGHTS_FILE, ModelCard, read_card, read_head_tensors
from indexer.models.model import normalise_embeddings
from indexer.progress import Progress, Steps
from indexer.wording import tr

BLOCK_ROWS = 4096  # embeddings mapped in one transaction
HEAD_TENSORS = ("head.weight", "head.bias")


def map_base_embeddings(library: Library, card: ModelCard) -> Steps[int]:
    """Store embeddings under an installed unit-linear model, mapped from those under its base; returns how many.

    0 where the model is of another kind or the library holds no base of it.
    """
    base = find_base_card(library, card)
    if base is None:
        return 0
    table, store = library.store.embeddings, library.store
    base_id = store.models.find_model_id(base.fingerprint)
    model_id = store.models.add_model(card.fingerprint, card.name, card.dim)
    weight, bias = read_head_tensors(library.models_folder / card.fingerprint)
    total, done, last_seq = table.count_embeddings(base_id), 0, 0
    while len((block := table.read_embeddings(base_id, last_seq, limit=BLOCK_ROWS)).seqs):
        mapped = normalise_embeddings(block.values.astype(np.float32) @ weight.T + bias)
        with store.database.transaction():
            table.record_mapped(StoredEmbeddings(block.seqs, block.ids, mapped.astype(np.float16)), base_id, model_id)
        done, last_seq = done + len(block.seqs), int(block.seqs[-1])
        yield Progress("embed", done, total, tr("from the embeddings there are"))
    return done


def find_base_card(library: Library, card: ModelCard) -> ModelCard | None:
    """The card of a model that the library has embeddings of, equal to this one but for the head; None without one."""
    if card.head is None or card.head.kind != "unit-linear":
        return None
    for folder in sorted(library.models_folder.glob("[0-9a-f]*")):
        try:
            other = read_card(folder)
            is_base = (other.backbone, other.preprocessing, other.head, other.decode_version) == (
                card.backbone,
                card.preprocessing,
                None,
                card.decode_version,
            )
            if is_base and library.store.models.find_model_id(other.fingerprint) and _share_backbone(folder, card):
                return other
        except ModelError:
            continue
    return None


def _share_backbone(base_folder: Path, card: ModelCard) -> bool:
    """Whether the weights of the base are those of the taught model, number by number."""
    ours, base = _read_tensors(base_folder.parent / card.fingerprint), _read_tensors(base_folder)
    names = set(ours) - {*HEAD_TENSORS, SEEN_HASHES_TENSOR}
    return names == set(base) - {SEEN_HASHES_TENSOR} and all(np.array_equal(ours[name], base[name]) for name in names)


def _read_tensors(folder: Path) -> dict[str, np.ndarray]:
    """The tensors of an installed model by name; ModelError where its weights file cannot be read."""
    try:
        with safetensors.safe_open(folder / WEIGHTS_FILE, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ModelError("The weights of the model in {name} cannot be read.", name=folder.name[:12]) from error
