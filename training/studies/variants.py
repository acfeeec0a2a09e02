"""The course's comparisons: the variants of each study, as settings. `trials.py` runs them. Imports no torch.

All variants of a study take the same steps on the same pictures; only what the study compares differs.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from indexer.errors import LookalikeError
from training.settings.choices import COURSE, LOSSES
from training.settings.config import TrainConfig
from training.studies.published_table import PUBLISHED_LOSSES

EMBEDDING_SIZES = (2, 4, 8, 32, 128)  # those of the lecture notes
MARGINS = (0.05, 0.1, 0.2, 0.5, 1.0)
VIEW_NAMES = ("none", "gentle", "strong")
ENSEMBLE_SIZE = 3  # members of an ensemble
LEARNERS = 4  # parts of one embedding, each of which learns from a part of the pictures at first
TABLE_FOLDS, TABLE_DIM = 4, 128  # of the published table: folds, and numbers of each network
STUDY_OPTIONS = {
    "losses": "loss",
    "sizes": "dim",
    "course": "loss",
    "table": "loss",
}  # the option whose values a study compares


class StudyVariant(NamedTuple):
    """One variant of a study.

    `views` is a key of `trials.VIEW_STRENGTHS`, `backbone` the name of a network of timm ("": the usual one),
    `division` a key of `ensemble.DIVISIONS` ("": one network, no ensemble) with so many `members`.
    """

    name: str
    config: TrainConfig
    views: str = "gentle"
    backbone: str = ""
    division: str = ""
    members: int = ENSEMBLE_SIZE


def vary_losses(base: TrainConfig) -> list[StudyVariant]:
    """A variant for every loss, and one more where the lecture notes have a form of their own."""
    variants = []
    for name, choice in LOSSES.items():
        config = replace(base, loss=name)
        if choice.presets["lecture"] != choice.presets["tuned"]:
            variants.append(StudyVariant(f"{name}, as in the notes", replace(config, preset="lecture")))
        variants.append(StudyVariant(name, config))
    mined = replace(base, loss="multi-similarity", miner="multi-similarity")
    return [*variants, StudyVariant("multi-similarity, mined", mined)]


def vary_sizes(base: TrainConfig) -> list[StudyVariant]:
    """A variant for each size of the embedding."""
    return [StudyVariant(f"{dim} numbers", replace(base, dim=dim)) for dim in EMBEDDING_SIZES]


def vary_backbones(base: TrainConfig) -> list[StudyVariant]:
    """Variants by how much of the pretrained backbone is trained, and by how the whole one pools its last maps.

    The user may add other networks by name.
    """
    recipes = {"quick": "head only", "tail": "last stage and head", "full": "whole network"}
    poolings = {"gem": "whole network, pooled by a learned exponent", "max": "whole network, pooled by the maximum"}
    by_recipe = [StudyVariant(words, replace(base, recipe=recipe)) for recipe, words in recipes.items()]
    whole = replace(base, recipe="full")
    return by_recipe + [StudyVariant(words, replace(whole, pooling=pooling)) for pooling, words in poolings.items()]


def vary_augmentation(base: TrainConfig) -> list[StudyVariant]:
    """Variants by how far the views of a picture differ."""
    return [StudyVariant(f"{views} views" if views != "none" else "no views", base, views) for views in VIEW_NAMES]


def vary_margins(base: TrainConfig) -> list[StudyVariant]:
    """A variant for each margin of the loss; LookalikeError where it has none."""
    if base.loss_preset.margin is None:
        raise LookalikeError("The loss {loss} has no margin; choose another by --loss.", loss=base.loss)
    return [StudyVariant(f"margin {margin:g}", replace(base, margin=margin)) for margin in MARGINS]


def vary_mining(base: TrainConfig) -> list[StudyVariant]:
    """A variant for each miner that the loss takes."""
    return [StudyVariant(miner, replace(base, miner=miner)) for miner in LOSSES[base.loss].miners]


def vary_ensembles(base: TrainConfig) -> list[StudyVariant]:
    """One network and ensembles of several, each member of which takes as many steps as the one network."""
    members = {"folds": "learning from other classes each", "copies": "learning from the same pictures"}
    several = [StudyVariant(f"{ENSEMBLE_SIZE} {words}", base, division=division) for division, words in members.items()]
    learners = StudyVariant(f"{LEARNERS} learners, joined", replace(base, learners=LEARNERS))
    return [StudyVariant("one network", base), learners, *several]


def vary_table(base: TrainConfig) -> list[StudyVariant]:
    """The losses of the published table, each by four networks that learn from class-disjoint folds."""
    mined = "multi-similarity, mined"
    rows = {name: replace(base, loss=name) for name in PUBLISHED_LOSSES if name != mined}
    rows[mined] = replace(base, loss="multi-similarity", miner="multi-similarity")
    return [StudyVariant(name, rows[name], division="folds", members=TABLE_FOLDS) for name in PUBLISHED_LOSSES]


def vary_course(base: TrainConfig) -> list[StudyVariant]:
    """The systems of the lecture notes on their own network: losses over random pairs and triplets, then mined ones,
    then triplets with each size of the embedding.
    """
    rows = {
        "siamese, random pairs": replace(base, loss="siamese-concatenated", preset="lecture"),
        "contrastive, random pairs": replace(base, loss="contrastive", preset="lecture", miner="random"),
        "triplet, random triplets": replace(base, loss="triplet", preset="lecture", miner="random"),
        "siamese, all pairs": replace(base, loss="siamese-concatenated", preset="lecture", miner="all"),
        "contrastive, all pairs": replace(base, loss="contrastive", preset="lecture"),
        "triplet, all triplets": replace(base, loss="triplet", preset="lecture"),
        "triplet, mined (semi-hard)": replace(base, loss="triplet", miner="semi-hard"),
    }
    sizes = [dim for dim in EMBEDDING_SIZES if dim != base.dim]
    rows |= {f"triplet, random, {dim} numbers": replace(rows["triplet, random triplets"], dim=dim) for dim in sizes}
    return [StudyVariant(name, config) for name, config in rows.items()]


STUDIES: dict[str, Callable[[TrainConfig], list[StudyVariant]]] = {
    "losses": vary_losses,
    "sizes": vary_sizes,
    "backbones": vary_backbones,
    "augmentation": vary_augmentation,
    "margin": vary_margins,
    "mining": vary_mining,
    "ensembles": vary_ensembles,
    "course": vary_course,
    "table": vary_table,
}

# A budget for a first look: minutes on two cores. For new images few epochs and large steps, and the notes' embedding
# of 32 numbers; for new classes what a training takes by itself, as anything more forgets what is asked about.
BASE_CONFIGS = {
    "images": TrainConfig(epochs=3, least_steps=0, learning_rate=5e-4, image_size=64, dim=32, recipe="full"),
    "classes": TrainConfig(purpose="classes", recipe="full"),
}
# The notes' own network at its own 28 px, from nothing; about 128 pictures a batch, as theirs have.
COURSE_CONFIG = TrainConfig(epochs=5, least_steps=0, dim=32, photos_per_class=13, backbone=COURSE)


def choose_base_config(study: str, purpose: str) -> TrainConfig:
    """The settings that all variants of a study begin with."""
    if study == "course":
        return replace(COURSE_CONFIG, purpose=purpose)
    if study == "table":
        return replace(BASE_CONFIGS[purpose], dim=TABLE_DIM)
    return BASE_CONFIGS[purpose]


def require_free_settings(study: str, settings: Iterable[str]) -> None:
    """Raise LookalikeError where one of the settings is the option whose values the study compares."""
    for setting in settings:
        if setting == STUDY_OPTIONS.get(study):
            raise LookalikeError(
                "The study {study} compares {study}; leave --{setting} out.", study=study, setting=setting
            )


def select_variants(variants: Sequence[StudyVariant], only: Sequence[str]) -> list[StudyVariant]:
    """The variants named in `only`, or all where it is empty; LookalikeError for a name that none of them has."""
    by_name = {variant.name: variant for variant in variants}
    for name in only:
        if name not in by_name:
            raise LookalikeError(
                "This study has no {name!r}; it compares: {names}.", name=name, names="; ".join(by_name)
            )
    return [by_name[name] for name in only] or list(variants)
