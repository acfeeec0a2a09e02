"""What a study can compare, in words, and how many trainings it takes. Imports no torch."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from indexer.errors import LookalikeError
from indexer.wording import count_noun, tr
from training.settings.config import TrainConfig
from training.studies.variants import STUDIES, StudyVariant, choose_base_config

STUDY_WORDS = {
    "losses": tr("Losses: what a training is told to make small"),
    "sizes": tr("Sizes: how many numbers stand for a picture"),
    "backbones": tr("Network: how much of it is trained"),
    "augmentation": tr("Views: how far a picture is changed while it is learned"),
    "margin": tr("Margins: how far apart different kinds have to be"),
    "mining": tr("Mining: which pairs and triplets are learned from"),
    "ensembles": tr("Ensembles: several small models for one"),
    "table": tr("Table: the losses of a published comparison, each by four networks"),
    "course": tr("Course: the systems of the lecture notes, on their small network from nothing"),
}
PURPOSE_WORDS = {"images": tr("New pictures of these kinds"), "classes": tr("Kinds that are not here yet")}


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
    sentence = tr(
        "{name} does best: for {share} of 100 pictures the nearest is of the same kind.", name=name, share=share
    )
    baseline = max(fields["baselines"], key=compute_mean_figure, default=None)
    if baseline is not None and compute_mean_figure(baseline) >= compute_mean_figure(best):
        return tr(
            "{sentence} {capitalize}, for comparison, does as well without it.",
            sentence=sentence,
            capitalize=baseline["name"].capitalize(),
        )
    interval = best["interval"]
    if interval is None or not others:
        return tr("{sentence} One seed says nothing about chance: run more of them.", sentence=sentence)
    if interval["low"] <= compute_mean_figure(others[0]):
        return tr(
            "{sentence} The next, {name}, is so near that the order of the two can be chance.",
            sentence=sentence,
            name=others[0]["name"],
        )
    return sentence


def compute_mean_figure(entry: Mapping[str, Any]) -> float:
    """The mean MAP@R over the seeds of a row."""
    return _average(entry["map_at_r"])


def _average(values: list[float]) -> float:
    return sum(values) / len(values)


def describe_trainings(plan: StudyPlan) -> str:
    """How much a plan asks for: "12 trainings, one after the other: each choice with 3 seeds, and a plain ..."."""
    count = count_noun(plan.count_trainings(), "training")
    return tr(
        "{count}, one after the other: each choice with {seeds}, and a plain classifier.",
        count=count,
        seeds=count_noun(plan.seeds, "seed"),
    )
