"""The course's comparisons: what is tried in each, as settings. Running them is `trials.py`. Imports no torch.

All variants of a study take the same steps on the same pictures; only what the study asks about differs.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from indexer.errors import LookalikeError
from training.settings.choices import LOSSES
from training.settings.config import TrainConfig

SIZES = (2, 4, 8, 32, 128)  # those of the lecture notes
MARGINS = (0.05, 0.1, 0.2, 0.5, 1.0)
VIEWS = ("none", "gentle", "strong")
MEMBERS = 3  # of an ensemble
OWN = {"losses": "loss", "sizes": "dim"}  # the option that a study sets itself


class Variant(NamedTuple):
    """One of the things compared: its settings, how far views of a picture differ (`VIEWS`), the backbone's name ("":
    the usual one), and for an ensemble how its members divide the photos (a key of `ensemble.DIVISIONS`, else "").
    """

    name: str
    config: TrainConfig
    views: str = "gentle"
    backbone: str = ""
    division: str = ""


def losses(base: TrainConfig) -> list[Variant]:
    """Every loss, and where the lecture notes have a form of their own that one too."""
    found = []
    for name, choice in LOSSES.items():
        config = replace(base, loss=name)
        if choice.presets["lecture"] != choice.presets["tuned"]:
            found.append(Variant(f"{name}, as in the notes", replace(config, preset="lecture")))
        found.append(Variant(name, config))
    mined = replace(base, loss="multi-similarity", miner="multi-similarity")
    return [*found, Variant("multi-similarity, mined", mined)]


def sizes(base: TrainConfig) -> list[Variant]:
    """Embedding sizes."""
    return [Variant(f"{dim} numbers", replace(base, dim=dim)) for dim in SIZES]


def backbones(base: TrainConfig) -> list[Variant]:
    """How much of the pretrained backbone is trained; other networks are named by the user."""
    recipes = {"quick": "head only", "tail": "last stage and head", "full": "whole network"}
    return [Variant(words, replace(base, recipe=recipe)) for recipe, words in recipes.items()]


def augmentation(base: TrainConfig) -> list[Variant]:
    """How far the views differ that a picture is shown in."""
    return [Variant(f"{views} views" if views != "none" else "no views", base, views) for views in VIEWS]


def margins(base: TrainConfig) -> list[Variant]:
    """Margins of the loss."""
    if base.preset_of_loss.margin is None:
        raise LookalikeError(f"The loss {base.loss} has no margin; choose another by --loss.")
    return [Variant(f"margin {margin:g}", replace(base, margin=margin)) for margin in MARGINS]


def mining(base: TrainConfig) -> list[Variant]:
    """The ways to choose pairs or triplets that the loss takes."""
    return [Variant(miner, replace(base, miner=miner)) for miner in LOSSES[base.loss].miners]


def ensembles(base: TrainConfig) -> list[Variant]:
    """One network against several side by side: each member takes as many steps as the one."""
    members = {"folds": "learning from other classes each", "copies": "learning from the same pictures"}
    several = [Variant(f"{MEMBERS} {words}", base, division=division) for division, words in members.items()]
    return [Variant("one network", base), *several]


STUDIES: dict[str, Callable[[TrainConfig], list[Variant]]] = {
    "losses": losses,
    "sizes": sizes,
    "backbones": backbones,
    "augmentation": augmentation,
    "margin": margins,
    "mining": mining,
    "ensembles": ensembles,
}


def require_free(study: str, settings: Iterable[str]) -> None:
    """LookalikeError where the user sets what the study is to compare."""
    for setting in settings:
        if setting == OWN.get(study):
            raise LookalikeError(f"The study {study} compares {study}; leave --{setting} out.")


def chosen(variants: Sequence[Variant], only: Sequence[str]) -> list[Variant]:
    """Those named, all where none is; LookalikeError for a name that is not among them."""
    known = {variant.name: variant for variant in variants}
    for name in only:
        if name not in known:
            raise LookalikeError(f"This study has no {name!r}; it compares: {'; '.join(known)}.")
    return [known[name] for name in only] or list(variants)
