"""How long a training takes on this computer, which recipe that leaves, and what fits into memory. Imports no torch.

The rates are reckoned, for the default network at 224 pixels on two cores, and scaled by the pictures' area and by the
number of cores: nobody has measured them on this computer. They choose a recipe and fill a dialog; no figure rests on
them. `tests/benchmarks/bench_recipes.py` measures how long whole trainings really take.
"""

import os
from typing import NamedTuple

from training.settings.config import TrainConfig

SIDE, CORES = 224, 2  # what the rates are for
PATIENT = 300.0  # seconds; a training within that is worth waiting for on the spot
CUDA = 30.0  # times as fast as two cores, about
FEW = 2_000  # passes through the frozen part that are made once, in as many views as that allows
LEAST_VIEWS, MOST_VIEWS = 2, 8
# What the layers of the default network keep of a picture of 224 pixels for the way back: 60 pictures peak at 6.3 GB.
KEPT_BYTES = 105e6
SHARE = 1 / 3  # of memory for that
USUAL_MEMORY = 8 << 30  # where the system does not say


class Rate(NamedTuple):
    """Seconds for one picture: once for each cached view, and in each step."""

    once: float
    step: float


RATES = {
    "quick": Rate(0.010, 0.00005),
    "tail": Rate(0.009, 0.006),
    "full": Rate(0.0, 0.05),
    "unlabelled": Rate(0.0, 0.1),  # two views in each step
}
ROUNDS = {"quick": 8, "tail": 2, "full": 1, "unlabelled": 1}  # how often an epoch goes over the pictures


class Machine(NamedTuple):
    """What a training runs on."""

    cores: int
    cuda: bool = False
    memory: int = USUAL_MEMORY  # bytes

    @property
    def speed(self) -> float:
        """In multiples of what the rates are for."""
        return CUDA if self.cuda else self.cores / CORES


def _memory() -> int:
    """Bytes of memory, used or not: what is free changes, and with it a training would."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return USUAL_MEMORY


HERE = Machine(os.cpu_count() or 1, memory=_memory())  # without torch nobody knows of a graphics card


class Choice(NamedTuple):
    """A recipe and the sentence that says why."""

    recipe: str
    why: str


def views_of(pictures: int) -> int:
    """In how many views so many pictures are cached: a fixed function, so that one seed makes one training."""
    return min(MOST_VIEWS, max(LEAST_VIEWS, FEW // max(pictures, 1)))


def at_once(pictures: int, side: int, machine: Machine) -> int:
    """How many of a batch of pictures (side pixels each way) go through the whole network together."""
    fit = int(SHARE * machine.memory / (KEPT_BYTES * (side / SIDE) ** 2))
    return pictures if machine.cuda or fit >= pictures else max(1, fit)


def seconds(config: TrainConfig, pictures: int, machine: Machine = HERE) -> float:
    """Seconds that the config's recipe takes for so many pictures to learn from, validation and verdict left out."""
    recipe = choose(config, pictures, machine, labelled=True).recipe
    spent = _seconds(recipe, config, pictures, machine)
    return min(spent, config.max_seconds) if config.max_seconds else spent


def choose(config: TrainConfig, pictures: int, machine: Machine, *, labelled: bool) -> Choice:
    """The recipe that was asked for, else the most thorough one that ends in time."""
    if config.recipe != "auto":
        return Choice(config.recipe, f"Recipe {config.recipe}, as you asked.")
    if not labelled:
        return Choice("unlabelled", "Recipe unlabelled: the pictures have no classes, so views of each are its match.")
    limit = config.max_seconds or PATIENT
    for recipe in ("full", "tail", "quick"):
        spent = _seconds(recipe, config, pictures, machine)
        if spent <= limit or recipe == "quick":
            break
    where = "a graphics card" if machine.cuda else f"{machine.cores} cores"
    return Choice(recipe, f"Recipe {recipe}, chosen for {pictures:,} pictures on {where}: about {_spoken(spent)}.")


def _seconds(recipe: str, config: TrainConfig, pictures: int, machine: Machine) -> float:
    rate = RATES[recipe]
    batch = min(pictures, config.classes_per_batch * config.photos_per_class)
    shown = max(pictures * config.epochs * ROUNDS[recipe], config.least_steps * batch)
    passes = pictures * views_of(pictures) * rate.once
    return (passes + shown * rate.step) * ((config.image_size or SIDE) / SIDE) ** 2 / machine.speed


def _spoken(spent: float) -> str:
    return f"{spent:.0f} s" if spent < 120 else f"{spent / 60:.0f} min"
