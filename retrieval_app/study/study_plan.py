"""What a study can compare, in words, and how many trainings it takes. Imports no torch."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from indexer.errors import LookalikeError
from indexer.wording import count_noun
from training.settings.config import TrainConfig
from training.studies.variants import STUDIES, StudyVariant, choose_base_config

STUDY_WORDS = {
    "losses": "Losses: what a training is told to make small",
    "sizes": "Sizes: how many numbers stand for a picture",
    "backbones": "Network: how much of it is trained",
    "augmentation": "Views: how far a picture is changed while it is learned",
    "margin": "Margins: how far apart different kinds have to be",
    "mining": "Mining: which pairs and triplets are learned from",
    "ensembles": "Ensembles: several small models for one",
    "table": "Table: the losses of a published comparison, each by four networks",
    "course": "Course: the systems of the lecture notes, on their small network from nothing",
}
PURPOSE_WORDS = {"images": "New pictures of these kinds", "classes": "Kinds that are not here yet"}


class StudyPlan(NamedTuple):
    """What to compare: a study of STUDIES, those of its variants (all where empty), seeds and epochs of each.

    `epochs` of 0 are those that the study takes by itself.
    """

    study: str = "augmentation"
    purpose: str = "images"
    only: tuple[str, ...] = ()
    seeds: int = 3
    epochs: int = 0

    def list_options(self) -> list[str]:
        """The options of `lookalike study` that say so."""
        options = [f"--purpose={self.purpose}", f"--seeds={self.seeds}", *(f"--only={name}" for name in self.only)]
        return [*options, f"--epochs={self.epochs}"] if self.epochs else options

    def count_trainings(self) -> int:
        """How many trainings that takes: each variant under each seed, and a classifier to compare with."""
        chosen = [one for one in list_variants(self.study, self.purpose) if not self.only or one.name in self.only]
        each = sum(one.members if one.division else 1 for one in chosen)
        return (each + 1) * self.seeds


def list_studies() -> dict[str, str]:
    """Every study of the command by name, in words."""
    return {name: STUDY_WORDS.get(name, name.capitalize()) for name in STUDIES}


def get_base_config(study: str, purpose: str) -> TrainConfig:
    """The settings that all variants of a study begin with."""
    return choose_base_config(study, purpose)


def list_variants(study: str, purpose: str) -> list[StudyVariant]:
    """What a study compares; nothing where the purpose's loss has none of it."""
    try:
        return STUDIES[study](choose_base_config(study, purpose))
    except LookalikeError:
        return []


def describe_winner(fields: Mapping[str, Any]) -> str:
    """What a study has found, in sentences: the variant with the highest mean, and whether that can be chance."""
    entries = sorted(fields["entries"], key=compute_mean_figure, reverse=True)
    best, others = entries[0], entries[1:]
    share = round(100 * _average(best["p_at_1"]))
    name = f"{best['name'][:1].upper()}{best['name'][1:]}"
    sentence = f"{name} does best: for {share} of 100 pictures the nearest is of the same kind."
    baseline = max(fields["baselines"], key=compute_mean_figure, default=None)
    if baseline is not None and compute_mean_figure(baseline) >= compute_mean_figure(best):
        return f"{sentence} {baseline['name'].capitalize()}, for comparison, does as well without it."
    interval = best["interval"]
    if interval is None or not others:
        return f"{sentence} One seed says nothing about chance: run more of them."
    if interval["low"] <= compute_mean_figure(others[0]):
        return f"{sentence} The next, {others[0]['name']}, is so near that the order of the two can be chance."
    return sentence


def compute_mean_figure(entry: Mapping[str, Any]) -> float:
    """The mean MAP@R over the seeds of a row."""
    return _average(entry["map_at_r"])


def _average(values: list[float]) -> float:
    return sum(values) / len(values)


def describe_trainings(plan: StudyPlan) -> str:
    """How much a plan asks for: "12 trainings, one after the other: each choice with 3 seeds, and a plain ..."."""
    count = count_noun(plan.count_trainings(), "training")
    return f"{count}, one after the other: each choice with {count_noun(plan.seeds, 'seed')}, and a plain classifier."
