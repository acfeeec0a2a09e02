"""Models that can be chosen by a short name: what each is good for, how large it is, and its licence.

The table is `assets/models/catalogue.json`. Any other name of timm, a weights file or a checkpoint can be chosen too.
"""

import functools
import json
from typing import NamedTuple

from indexer.paths import find_assets_folder


class CataloguedModel(NamedTuple):
    """One row: `pixels` is the side of its input, None for the network's own; `words` whether it can be asked by words.

    `megabytes` are those of the weights, `dim` the numbers of an embedding, `source` an address.
    """

    name: str
    aliases: list[str]
    backbone: str
    pixels: int | None
    dim: int
    megabytes: int
    licence: str
    non_commercial: bool
    words: bool
    source: str
    good_for: str


@functools.cache
def load_catalogue() -> tuple[CataloguedModel, ...]:
    """The rows of the table, the built-in model first."""
    text = (find_assets_folder() / "models" / "catalogue.json").read_text(encoding="utf-8")
    return tuple(CataloguedModel(**row) for row in json.loads(text))


def find_catalogued_model(name: str) -> CataloguedModel | None:
    """The row with this name or alias, in any case; None where there is none."""
    wanted = name.casefold()
    return next((row for row in load_catalogue() if wanted in (row.name, *row.aliases)), None)
