"""Several checkpoints as one: an ensemble that is installed, indexed with and searched like any other model."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer import atomic
from indexer.architectures.joined_network import MOST_MEMBERS, JoinedMember, JoinedNetwork, name_joined
from indexer.errors import LookalikeError
from indexer.models.backbones import Backbone, count_pooled
from indexer.models.card import CARD_FILE, ModelCard, read_json, read_seen_hashes, serialise_card
from indexer.models.network import EmbeddingNetwork, load_network, write_checkpoint
from indexer.paths import show_path
from training.judging.checkpoint import check_output_folder


class JoinedCheckpoint(NamedTuple):
    """The card of the ensemble, and how many networks it is of."""

    card: ModelCard
    members: int


def join_networks(networks: Sequence[EmbeddingNetwork]) -> EmbeddingNetwork:
    """The networks as one, whose embedding is all of theirs side by side, of equal weight.

    LookalikeError where they do not see a picture in the same way, or their maps cannot stand side by side.
    """
    first = networks[0]
    if any(network.preprocessing != first.preprocessing for network in networks):
        raise LookalikeError("The models see pictures in different sizes or ways, so they cannot be joined.")
    members = [
        JoinedMember(
            network.name,
            0 if network.head_card is None else network.head_card.dim,
            network.head_card is not None and network.head_card.kind == "unit-linear",
        )
        for network in networks
    ]
    bodies = [network.body for network in networks]
    joined = JoinedNetwork(members, bodies, [count_pooled(body) for body in bodies])
    for head, network in zip(joined.heads, networks, strict=True):
        if network.head is not None:
            head.load_state_dict(network.head.state_dict())
    return EmbeddingNetwork(Backbone(name_joined(members), joined, first.preprocessing)).eval()


def join_checkpoints(folders: Sequence[Path], out: Path) -> JoinedCheckpoint:
    """Write the ensemble of model or checkpoint folders to `out`, whole or not at all, and return its card.

    It has seen what any of them has seen. LookalikeError where they cannot be joined or `out` takes no checkpoint.
    """
    if not 2 <= len(folders) <= MOST_MEMBERS:
        raise LookalikeError(
            "An ensemble has 2 to {limit} models; {count} are named.",
            limit=MOST_MEMBERS,
            count=len(folders),
        )
    out = out.resolve()
    check_output_folder(out)
    network = join_networks([load_network(folder) for folder in folders])
    seen = np.unique(np.concatenate([read_seen_hashes(folder) for folder in folders]), axis=0)
    labels = {label for folder in folders for label in read_json(folder / CARD_FILE).get("trained_labels") or ()}
    source = f"{len(folders)} models side by side: " + ", ".join(show_path(folder.absolute()) for folder in folders)
    temporary = atomic.create_sole_temporary_folder(out)
    try:
        name = show_path(os.fsencode(out.name))[:100]
        card = write_checkpoint(network, temporary, name=name, source=source[:500], seen_hashes=seen)
        (temporary / CARD_FILE).write_bytes(serialise_card(card, None, sorted(map(str, labels)) or None))
        atomic.publish_folder(temporary, out)
    except OSError as fault:
        raise LookalikeError(
            "The model cannot be written to {out}: {reason}.", out=show_path(out), reason=fault.strerror or fault
        ) from fault
    finally:
        atomic.remove_path(temporary)
    return JoinedCheckpoint(card, len(folders))
