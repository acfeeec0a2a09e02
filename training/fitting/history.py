"""What happened in a training, epoch by epoch, and whether it collapsed. Plain data, no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.models.card import Preprocessing

# A training has collapsed where its last epoch passes all three limits (`describe_collapse`).
COLLAPSED_ACTIVE_SHARE = 0.95  # least share of triplets or pairs with a loss
COLLAPSED_LOSS_SHARE = 0.8  # least loss, as a share of that of a network that maps everything to one point
SHRUNK_DISTANCE_SHARE = 0.5  # largest mean distance between classes, as a share of that in the first epoch
POINT_DISTANCE = 0.02  # a mean distance between classes, of unit vectors, that is as good as 0


class ValidationScore(NamedTuple):
    """Validation MAP@R, 0 to 1, of both embeddings; `head` is None where the network has no head."""

    head: float | None
    backbone: float

    @property
    def best_map_at_r(self) -> float:
        """The MAP@R of the better embedding."""
        return self.backbone if self.head is None else max(self.head, self.backbone)

    @property
    def embedding(self) -> str:
        """Which embedding is better: "head" or "backbone", the backbone where they are equal."""
        return "backbone" if self.head is None or self.backbone >= self.head else "head"

    def progress_values(self) -> dict[str, float]:
        """The scores as values of a Progress."""
        head = {} if self.head is None else {"map_at_r_head": self.head}
        return head | {"map_at_r_backbone": self.backbone}


class Epoch(NamedTuple):
    """One epoch of a training; epoch 0 is before the first step and has no loss.

    `loss` is the mean over the steps, `active` the share of all triplets or pairs with a loss, `positive_distance` and
    `negative_distance` are the mean distances within and between classes, `score` is the validation, `seconds` the time
    since the training began. `spread` is that of the validation embeddings: their root mean square distance from their
    mean, 0 where all are one point, 1 for unit vectors in all directions. `taught_start` says of epoch 0 that its head
    is one that was fitted on labels, and may be used.
    """

    epoch: int
    loss: float | None
    active: float | None
    positive_distance: float | None
    negative_distance: float | None
    score: ValidationScore
    seconds: float
    spread: float
    taught_start: bool = False

    @property
    def embedding(self) -> str:
        """The embedding that would be used: the better one; "backbone" before the first step, as the model was, unless
        the head's start has been fitted on labels.
        """
        return self.score.embedding if self.epoch or self.taught_start else "backbone"

    @property
    def changes_model(self) -> bool:
        """Whether the embedding that would be used is another than the pretrained model's."""
        return self.epoch > 0 or self.embedding == "head"

    @property
    def map_at_r(self) -> float:
        """Validation MAP@R, 0 to 1, of the embedding that would be used."""
        return self.score.best_map_at_r if self.epoch or self.taught_start else self.score.backbone

    def fields(self) -> dict[str, float | None]:
        """Plain values for JSON, by name."""
        fields = self._asdict()
        score = fields.pop("score")
        return fields | {"map_at_r_head": score.head, "map_at_r_backbone": score.backbone}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Epoch":
        """The epoch that `fields` gave; KeyError or TypeError where they lack a value or have one too many."""
        rest = dict(fields)
        score = ValidationScore(rest.pop("map_at_r_head"), rest.pop("map_at_r_backbone"))
        return cls(score=score, **rest)

    def progress_values(self) -> dict[str, float]:
        """The epoch as values of a Progress: its number, scores, spread and, after steps, their statistics."""
        steps = {name: getattr(self, name) for name in ("active", "positive_distance", "negative_distance")}
        known = {name: value for name, value in steps.items() if value is not None}
        return {"epoch": float(self.epoch), "spread": self.spread} | self.score.progress_values() | known


class DescribedNetwork(Protocol):
    """What a result says of a network, be it one of torch or one that was written without.

    `name` is the backbone as timm calls it, `dim` how many numbers an embedding has.
    """

    name: str
    dim: int
    preprocessing: Preprocessing


Network_co = TypeVar("Network_co", bound=DescribedNetwork, covariant=True)


@dataclass(frozen=True, slots=True)
class FitResult(Generic[Network_co]):
    """The network as it was at its best epoch, under the embedding ("head" or "backbone") that validation chose.

    Where neither an epoch nor an instant start was better, it is the pretrained network as everybody uses it. `stopped`
    says in a sentence why the training ended before its last epoch, `collapse` what went wrong and what was done,
    `refit` that the head was fitted anew at the end; else "".
    """

    network: Network_co
    embedding: str
    best: Epoch
    epochs: tuple[Epoch, ...]
    stopped: str
    collapse: str
    refit: str = ""


def find_best_epoch(epochs: Sequence[Epoch]) -> Epoch:
    """The epoch with the best validation, the earliest of equals."""
    return max(epochs, key=lambda epoch: (epoch.map_at_r, -epoch.epoch))


def measure_spread(embeddings: NDArray[np.floating]) -> float:
    """The root mean square distance of embeddings (n, dim) from their mean."""
    deviations = embeddings.astype(np.float64) - embeddings.mean(axis=0, dtype=np.float64)
    return float(np.sqrt((deviations**2).sum(axis=1).mean()))


def describe_collapse(epochs: Sequence[Epoch], collapsed_loss: float) -> str:
    """A sentence if the network maps everything to one point (Schroff et al. 2015, section 3.2), else "".

    It does if nearly every triplet or pair has a loss, the loss stays near `collapsed_loss`, its value where all
    embeddings are one point (0: unknown), and the mean distance between classes is less than half of that in the first
    epoch.
    """
    trained = [epoch for epoch in epochs if epoch.loss is not None]
    if not trained:
        return ""
    first, last = trained[0], trained[-1]
    assert first.negative_distance is not None
    assert last.loss is not None
    assert last.active is not None
    assert last.negative_distance is not None
    shrunk = last.negative_distance < max(SHRUNK_DISTANCE_SHARE * first.negative_distance, POINT_DISTANCE)
    if last.active < COLLAPSED_ACTIVE_SHARE or last.loss < COLLAPSED_LOSS_SHARE * collapsed_loss or not shrunk:
        return ""
    return (
        f"The training collapsed: all pictures end up in one place (mean distance between classes "
        f"{last.negative_distance:.3f}, {last.active:.0%} of all comparisons wrong)."
    )
