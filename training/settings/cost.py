"""How long a training takes on this computer, which recipe that leaves, and what fits into memory. Imports no torch.

The rates are estimates for the default network at 224 pixels on two cores, scaled by the pictures' area and by the
number of cores; they are not measured on this computer. They choose a recipe and fill a dialog; no figure depends on
them. `tests/benchmarks/bench_recipes.py` measures how long whole trainings really take.
"""

import os
from typing import NamedTuple

from indexer.own_process import count_cores
from training.settings.choices import COURSE
from training.settings.config import TrainConfig

REFERENCE_SIDE, REFERENCE_CORES = 224, 2  # what the rates are for
COURSE_SIDE = 28  # px, of the network of the lecture notes, which at this size costs about what the rates say
OPEN_RECIPES = ("auto", "thorough")  # which leave the choice among the others
AUTO_TIME_LIMIT = 300.0  # seconds; a training within that is worth waiting for on the spot
CUDA_SPEEDUP = 30.0  # times as fast as two cores, about
CACHED_PASSES = 2_000  # passes through the frozen part that are made once, in as many views as that allows
LEAST_VIEWS, MOST_VIEWS = 2, 8
# Activations that the default network keeps of a picture of 224 pixels for the gradients: 60 pictures peak at 6.3 GB.
ACTIVATION_BYTES = 105e6
ACTIVATION_SHARE = 1 / 3  # of the memory, for activations
FALLBACK_MEMORY = 8 << 30  # where the system does not say


class RecipeCost(NamedTuple):
    """Seconds for one picture: for each of its cached views once, and in each step that shows it."""

    per_view: float
    per_step: float


RECIPE_COSTS = {
    "instant": RecipeCost(0.0025, 0.0),  # one embedding of each picture, where the library has none of it: two views
    "quick": RecipeCost(0.010, 0.00005),
    "tail": RecipeCost(0.009, 0.006),
    "full": RecipeCost(0.0, 0.05),
    "unlabelled": RecipeCost(0.0, 0.1),  # two views in each step
}
EPOCH_ROUNDS = {"instant": 0, "quick": 8, "tail": 2, "full": 1, "unlabelled": 1}  # times an epoch shows each picture


class TrainingMachine(NamedTuple):
    """The computer that a training runs on."""

    cores: int
    cuda: bool = False
    memory: int = FALLBACK_MEMORY  # bytes

    @property
    def relative_speed(self) -> float:
        """The speed in multiples of REFERENCE_CORES cores."""
        return CUDA_SPEEDUP if self.cuda else self.cores / REFERENCE_CORES


def _read_total_memory() -> int:
    """All bytes of memory, used or not: a training must not depend on what happens to be free."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return FALLBACK_MEMORY


THIS_MACHINE = TrainingMachine(count_cores(), memory=_read_total_memory())  # only torch knows of a graphics card


class RecipeChoice(NamedTuple):
    """A recipe and the sentence that says why."""

    recipe: str
    why: str


def count_cached_views(pictures: int) -> int:
    """The number of views in which pictures are cached, by the number of pictures: one seed makes one training."""
    return min(MOST_VIEWS, max(LEAST_VIEWS, CACHED_PASSES // max(pictures, 1)))


def choose_chunk_size(pictures: int, side: int, machine: TrainingMachine) -> int:
    """The number of pictures of a batch (squares of `side` pixels) that go through the whole network together."""
    fit = int(ACTIVATION_SHARE * machine.memory / (ACTIVATION_BYTES * (side / REFERENCE_SIDE) ** 2))
    return pictures if machine.cuda or fit >= pictures else max(1, fit)


def estimate_training_seconds(config: TrainConfig, pictures: int, machine: TrainingMachine = THIS_MACHINE) -> float:
    """The seconds that a training on so many pictures takes, without validation and verdict."""
    recipe = choose_recipe(config, pictures, machine, labelled=True).recipe
    if config.recipe == "auto":  # what it is where there are classes
        recipe = "instant"
    spent = _estimate_recipe_seconds(recipe, config, pictures, machine)
    return min(spent, config.max_seconds) if config.max_seconds else spent


def choose_recipe(config: TrainConfig, pictures: int, machine: TrainingMachine, *, labelled: bool) -> RecipeChoice:
    """The recipe of the settings; for "auto" the most thorough one that ends in time, without labels "unlabelled"."""
    if config.recipe not in OPEN_RECIPES:
        return RecipeChoice(config.recipe, f"Recipe {config.recipe}, as you asked.")
    if not labelled:
        return RecipeChoice(
            "unlabelled", "Recipe unlabelled: the pictures have no classes, so views of each are its match."
        )
    limit = config.max_seconds or AUTO_TIME_LIMIT
    for recipe in ("full", "tail", "quick"):
        spent = _estimate_recipe_seconds(recipe, config, pictures, machine)
        if spent <= limit or recipe == "quick":
            break
    where = "a graphics card" if machine.cuda else f"{machine.cores} cores"
    return RecipeChoice(
        recipe, f"Recipe {recipe}, chosen for {pictures:,} pictures on {where}: about {_format_duration(spent)}."
    )


def _estimate_recipe_seconds(recipe: str, config: TrainConfig, pictures: int, machine: TrainingMachine) -> float:
    cost = RECIPE_COSTS[recipe]
    batch = min(pictures, config.classes_per_batch * config.photos_per_class)
    pictures_shown = max(pictures * config.epochs * EPOCH_ROUNDS[recipe], config.least_steps * batch)
    passes = pictures * count_cached_views(pictures) * cost.per_view
    return (
        (passes + pictures_shown * cost.per_step)
        * (_find_picture_side(config) / REFERENCE_SIDE) ** 2
        / machine.relative_speed
    )


def _find_picture_side(config: TrainConfig) -> int:
    """The side of the pictures in pixels; networks other than those named here are taken for the usual one."""
    return config.image_size or (COURSE_SIDE if config.backbone == COURSE else REFERENCE_SIDE)


def _format_duration(spent: float) -> str:
    return f"{spent:.0f} s" if spent < 120 else f"{spent / 60:.0f} min"
