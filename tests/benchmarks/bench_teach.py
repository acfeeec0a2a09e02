"""What each way of teaching gains on pictures that were in no folder given to the program: the table of all recipes.

Of each set, six tenths of each class are given (new pictures are asked), or half of the classes (new classes are
asked). A recipe gets nothing but the given folder; what it makes of it is measured on the pictures kept away, near
copies and frames of a burst of one another not counted. Intervals of 95 % are over the classes asked, of the change
against the pretrained model. Seconds are those of the whole training; where other work slows the machine, those of the
processor say more.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.models.network import EmbeddingNetwork, create_network, load_network
from indexer.progress import drain
from indexer.statistics.metrics import RetrievalFigures, bootstrap_difference, measure_retrieval
from tests.benchmarks.sets import CLIPART, SETS
from training import train
from training.data.groups import group_photos
from training.data.labelled_folders import PhotoSample, number_labels, survey_folder
from training.judging.judged_models import embed_samples
from training.judging.verdict import wrap_network
from training.settings.config import TrainConfig

RECIPES = ("instant", "quick", "tail", "full")
QUESTIONS = {"images": "new pictures", "classes": "new classes"}
GIVEN_SHARE = 0.6  # of each class, for new pictures


class AskedPictures(NamedTuple):
    """Pictures kept away with their class numbers (n,) and group numbers (n,)."""

    samples: tuple[PhotoSample, ...]
    labels: np.ndarray
    groups: np.ndarray


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=[name for name in SETS if name != "clip art" or CLIPART.is_dir()])
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--purposes", nargs="+", default=list(QUESTIONS))
    parser.add_argument("--seeds", type=int, default=3, help="of recipes that take steps")
    parser.add_argument("--size", type=int, help="side of the pictures in pixels; else the model's own, 224")
    options = parser.parse_args(arguments)
    print("| set | asked | recipe | seed | MAP@R | change, 95 % | P@1 | verdict | seconds | of the processor |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in options.sets:
        for purpose in options.purposes:
            with tempfile.TemporaryDirectory() as work:
                asked = deal_pictures(SETS[name](Path(work)), purpose, Path(work) / "given", Path(work) / "asked")
                print_recipes(f"{name} | {QUESTIONS[purpose]}", purpose, asked, Path(work), options)


def deal_pictures(pictures: list[tuple[Path, str]], purpose: str, given: Path, asked: Path) -> AskedPictures:
    """Copy the given and the asked pictures into folders by class; those asked, read again."""
    random = np.random.default_rng(0)
    labels = sorted({label for _, label in pictures})
    given_labels = set(random.permutation(labels)[: len(labels) // 2].tolist())
    for label in labels:
        files = [path for path, other in pictures if other == label]
        order = random.permutation(len(files))
        count = int(GIVEN_SHARE * len(files)) if purpose == "images" else len(files) * (label in given_labels)
        for place, number in enumerate(order.tolist()):
            home = (given if place < count else asked) / label.replace("/", " ")
            home.mkdir(parents=True, exist_ok=True)
            shutil.copy(files[number], home / f"{number:04d}x{files[number].suffix}")
    samples = drain(survey_folder(asked)).samples
    return AskedPictures(samples, number_labels(samples).labels, drain(group_photos(samples)).numbers)


def print_recipes(row: str, purpose: str, asked: AskedPictures, work: Path, options: argparse.Namespace) -> None:
    """Print a row for the pretrained model, then one for each recipe and seed."""
    before = ask(create_network(), asked)
    print(f"| {row} | pretrained | | {before.map_at_r:.3f} | | {before.p_at_1:.3f} | | | |", flush=True)
    for config in list_configs(purpose, options):
        out = work / f"{config.recipe}-{config.seed}"
        start, processor_start = time.perf_counter(), time.process_time()
        result = drain(train(config, work / "given", out))
        seconds, processor_seconds = time.perf_counter() - start, time.process_time() - processor_start
        after = ask(load_network(out), asked)
        change = bootstrap_difference(
            before.per_query_map_at_r, after.per_query_map_at_r, groups=asked.labels[before.rows]
        )
        print(
            f"| {row} | {config.recipe} | {config.seed} | {after.map_at_r:.3f} | {change.mean:+.3f} ({change.low:+.3f} "
            f"to {change.high:+.3f}) | {after.p_at_1:.3f} | {'install' if result.verdict.install else 'refuse'} | "
            f"{seconds:.0f} | {processor_seconds:.0f} |",
            flush=True,
        )


def list_configs(purpose: str, options: argparse.Namespace) -> Iterator[TrainConfig]:
    """The settings of each recipe and seed; the instant one knows no chance."""
    for recipe in options.recipes:
        for seed in range(1 if recipe == "instant" else options.seeds):
            yield TrainConfig(recipe=recipe, purpose=purpose, seed=seed, image_size=options.size)


def ask(network: EmbeddingNetwork, asked: AskedPictures) -> RetrievalFigures:
    """How well the pictures kept away find those of their class."""
    embedded = drain(embed_samples("asked", asked.samples, wrap_network(network, "asked")))
    return measure_retrieval(embedded.vectors, asked.labels, groups=asked.groups)


if __name__ == "__main__":
    main(sys.argv[1:])
