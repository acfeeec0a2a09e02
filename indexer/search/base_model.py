"""The model below an instant one: its map was fitted on labelled photos' embeddings under the same network without it.

All those photos are seen by the instant model, so nothing can be measured on them as it stands. Where the library keeps
their embeddings under the base model, the map can be fitted again without some of them, and these asked.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.database.annotations import Annotations
from indexer.database.store import Store
from indexer.errors import ModelError
from indexer.models.card import CARD_FILE, is_base, read_card, read_head_tensors, read_json
from indexer.statistics.cross_validation import assign_class_folds, assign_folds
from indexer.vectors.class_metric import ClassMetric, MetricSetting, fit_class_metric

REFITTED_FOLDS = 5


class BaseModel(NamedTuple):
    """The base model's id in the database, and how the instant model's map was fitted on its embeddings."""

    model_id: int
    setting: MetricSetting
    purpose: str


class HeldOutMap(NamedTuple):
    """Rows (m,) of photos, and a map that was fitted without them."""

    rows: NDArray[np.int64]
    metric: ClassMetric


class HeadInverse(NamedTuple):
    """From embeddings under an instant model back to those under its base: mean (dim,) and inverse map (dim, dim)."""

    mean: NDArray[np.float64]
    inverse: np.ndarray

    def recover_base(self, vectors: np.ndarray) -> NDArray[np.float64]:
        """Unit vectors x (n, dim) under the base of unit vectors e (n, dim), which are (x - mean) A at unit length.

        x = mean + t e A^-1, where t > 0 makes it a unit vector; the mean of unit vectors is shorter than 1.
        """
        directions = np.asarray(vectors, np.float64) @ self.inverse
        squares = (directions**2).sum(axis=1)
        along = directions @ self.mean
        room = max(1 - float(self.mean @ self.mean), 0)
        lengths = (np.sqrt(along**2 + squares * room) - along) / np.maximum(squares, np.finfo(np.float64).tiny)
        recovered: NDArray[np.float64] = self.mean + lengths[:, None] * directions
        return recovered


def read_head_inverse(folder: Path) -> HeadInverse | None:
    """The way back from an instant model in a folder; None where its head is not readable or turns dimensions off."""
    try:
        weight, bias = (np.asarray(tensor, np.float64) for tensor in read_head_tensors(folder))
        inverse = np.linalg.inv(weight.T)
    except (ModelError, np.linalg.LinAlgError):
        return None
    mean = -bias @ inverse
    return HeadInverse(mean, inverse) if np.isfinite(inverse).all() and mean @ mean < 1 else None


def find_base_model(models_folder: Path, store: Store, annotations: Annotations, fingerprint: str) -> BaseModel | None:
    """The base of an instant model, with embeddings of all labelled photos; None for others, and where some are not."""
    try:
        card = read_card(models_folder / fingerprint)
        fit = read_json(models_folder / fingerprint / CARD_FILE).get("instant")
    except ModelError:
        return None
    if card.head is None or card.head.kind != "unit-linear" or not isinstance(fit, dict):
        return None
    setting = _parse_setting(fit.get("shrinkage"), fit.get("stretch"))
    if setting is None:
        return None
    labelled_count = len(annotations.read_labels(store.models.find_model_id(fingerprint)))
    for path in sorted(models_folder.glob("[0-9a-f]*")):
        model_id = store.models.find_model_id(path.name)
        if (
            model_id
            and is_base(path, models_folder / fingerprint, card)
            and len(annotations.read_labels(model_id)) >= labelled_count > 0
        ):
            return BaseModel(model_id, setting, str(fit.get("purpose")))
    return None


def iterate_held_out_maps(
    vectors: np.ndarray, codes: np.ndarray, base: BaseModel, groups: np.ndarray | None = None
) -> Iterator[HeldOutMap]:
    """The map fitted again without each fifth of the photos, or of the labels where it is for new ones.

    The photos have unit vectors (n, dim) under the base model and label codes (n,). None of the `groups` (n,) is
    parted. Folds that leave too few labels to fit on are left out.
    """
    assign = assign_class_folds if base.purpose == "classes" else assign_folds
    places = assign(codes, np.arange(len(codes)) if groups is None else groups, REFITTED_FOLDS, 0)
    for number in range(REFITTED_FOLDS):
        rows, rest = np.flatnonzero(places == number), np.flatnonzero(places != number)
        with contextlib.suppress(ValueError):  # of too few labels: no map
            yield HeldOutMap(rows, fit_class_metric(vectors[rest], codes[rest], base.setting))


def _parse_setting(shrinkage: object, stretch: object) -> MetricSetting | None:
    """The setting of a map, None where the fields, from a stranger maybe, are none."""
    if not isinstance(shrinkage, int | float) or not isinstance(stretch, int | float):
        return None
    return MetricSetting(shrinkage, stretch) if 0 < shrinkage <= 1 and 1 <= stretch <= 1000 else None
