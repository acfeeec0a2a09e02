"""The model below an instant one: its map was fitted on labelled photos' embeddings under the same network without it.

All those photos are seen by the instant model, so nothing can be measured on them as it stands. Where the library keeps
their embeddings under the base model, the map can be fitted again without some of them, and these asked.
"""

from pathlib import Path
from typing import NamedTuple

from indexer.database.annotations import Annotations
from indexer.database.store import Store
from indexer.errors import ModelError
from indexer.models.card import CARD_FILE, ModelCard, read_card, read_json
from indexer.vectors.class_metric import MetricSetting


class BaseModel(NamedTuple):
    """The base model's id in the database, and how the instant model's map was fitted on its embeddings."""

    model_id: int
    setting: MetricSetting
    purpose: str


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
        if model_id and _is_base(path, card) and len(annotations.read_labels(model_id)) >= labelled_count > 0:
            return BaseModel(model_id, setting, str(fit.get("purpose")))
    return None


def _is_base(folder: Path, card: ModelCard) -> bool:
    """Whether the model in a folder is the network of an instant one, without its head."""
    try:
        base = read_card(folder)
    except ModelError:
        return False
    return base.head is None and (base.backbone, base.preprocessing) == (card.backbone, card.preprocessing)


def _parse_setting(shrinkage: object, stretch: object) -> MetricSetting | None:
    """The setting of a map, None where the fields, from a stranger maybe, are none."""
    if not isinstance(shrinkage, int | float) or not isinstance(stretch, int | float):
        return None
    return MetricSetting(shrinkage, stretch) if 0 < shrinkage <= 1 and 1 <= stretch <= 1000 else None
