"""What fine-tuning gains on Fashion-MNIST, clip art and playing cards, loss by loss, with intervals, seeds and times.

Purpose images: at 64 pixels, 5,000 pictures to learn from (500 of each class of the train part), 1,000 others of it to
choose by, judged by 2,000 of the test part; "images, best" is the same for ten epochs. Purpose classes, five against
five: at 224 pixels, every second class is learned from (500 pictures of each; 100 others of each choose), and judged by
200 test pictures of each of the other five; "classes, swapped" is the same the other way round. The settings for
classes were chosen by looking at seed 0 of both ways, with normalised softmax, and so were loss and miner after them.

Clip art: 36 folders of the Open Clip Art Library (Debian's openclipart-png) with 12 to 20 drawings each, divided as the
program divides any folder, with the settings that it takes by itself; new images at 128 pixels, new classes in one pass
only, as more steps forgot more. Cards: the 54 playing cards of that package, each in four decks, divided in the same
way; new classes are cards that were not learned. Raw pixels tell all cards apart; the pretrained network does not.

`--losses` names others than an exam's own, `--all` runs every miner of every loss, `--miners` those named. `--refits`
also asks under class metrics fitted on the trained network's embeddings of all that it has learned from, which no
recipe for new classes installs: what it would be worth.
"""

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from indexer.models.network import load_network
from indexer.photos.samples import FASHION_CLASSES, write_fashion_mnist
from indexer.progress import drain
from indexer.statistics.metrics import RetrievalFigures, measure_retrieval
from indexer.vectors.class_metric import MetricSetting, fit_class_metric
from tests.benchmarks import sets
from training import train
from training.data.labelled_folders import PhotoSample, number_labels, survey_folder
from training.data.split import DataSplit, split_samples
from training.judging.judged_models import MeasuredModel, embed_samples
from training.judging.result import TrainResult
from training.judging.verdict import wrap_network
from training.settings.choices import LOSSES, MINERS, choose_miner
from training.settings.config import TrainConfig

# MAP@R, and its gain over the better pretrained model, with the loss's own miner.
TARGETS = {("images", "triplet"): 0.77, ("images", "contrastive"): 0.76, ("images, best", "supcon"): 0.80}
GAINS = {("classes", "triplet"): 0.05, ("classes, swapped", "triplet"): 0.05}
LOOP_SECONDS = 180
REFITS = (MetricSetting(0.3, 1.0), MetricSetting(0.6, 1.0), MetricSetting(0.6, 1.5), MetricSetting(0.8, 2.0))
LEARN, CHOOSE, JUDGE = 500, 100, 200  # pictures of each class


class TrainingExam(NamedTuple):
    """A purpose with its settings, a function that makes its split in a work folder, and its usual losses."""

    purpose: str
    settings: dict[str, Any]
    divide: Callable[[Path], DataSplit]
    losses: tuple[str, ...] = ("triplet",)


class TableRow(NamedTuple):
    """A row of the table: a training to run with several seeds."""

    exam: str
    loss: str
    miner: str


def main(arguments: Sequence[str] = ()) -> None:
    options = _build_parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        print("writing the pictures", flush=True)
        parts = {name: EXAMS[name].divide(Path(work)) for name in options.purposes}
        print("| purpose | loss | miner | seed | MAP@R | P@1 | change, 95 % | embedding | best epoch | loop s |")
        print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
        for setting in list_rows(options):
            results = [
                train_row(setting, seed, parts[setting.exam], Path(work), options) for seed in range(options.seeds)
            ]
            _print_target(setting, results)
        print("loop s: from the first validation to the last, on this machine as loaded as it is", flush=True)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every miner, not only the loss's own")
    parser.add_argument("--miners", nargs="+", default=[], choices=list(MINERS))
    parser.add_argument("--refits", action="store_true", help="also under class metrics of the trained network")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--losses", nargs="+", default=[], choices=list(LOSSES))
    parser.add_argument("--purposes", nargs="+", default=list(FASHION), choices=list(EXAMS))
    return parser


def list_rows(options: argparse.Namespace) -> Iterator[TableRow]:
    """The rows of the table that the options name."""
    for exam in options.purposes:
        for loss in options.losses or EXAMS[exam].losses:
            takes = LOSSES[loss].miners
            named = [miner for miner in options.miners if miner in takes] or [_own_miner(exam, loss)]
            yield from (TableRow(exam, loss, miner) for miner in (takes if options.all else named))


def _own_miner(exam: str, loss: str) -> str:
    return choose_miner(EXAMS[exam].purpose, loss, "tuned")


def train_row(setting: TableRow, seed: int, parts: DataSplit, work: Path, options: argparse.Namespace) -> TrainResult:
    """Train once and print the row; with seed 0, also the rows of raw pixels and of the pretrained models."""
    exam = EXAMS[setting.exam]
    overrides: dict[str, Any] = exam.settings | ({"epochs": options.epochs} if options.epochs else {})
    fields = {"purpose": exam.purpose, "recipe": "full", "loss": setting.loss, "miner": setting.miner, "seed": seed}
    config = TrainConfig.from_dict(fields | overrides)
    with tempfile.TemporaryDirectory(dir=work) as place:
        result = drain(train(config, work, Path(place) / "checkpoint", parts))
        refits = list(measure_refits(result)) if options.refits else []
    if not seed:
        for row in (result.baseline.pixels, *result.baseline.pretrained):
            _print_model(setting.exam, row)
    after, change, fit = result.verdict.after.figures, result.verdict.map_at_r_change, result.fit
    seconds = fit.epochs[-1].seconds
    print(
        f"| {' | '.join(setting)} | {seed} | {after.map_at_r:.3f} | {after.p_at_1:.3f} | {change.mean:+.3f} "
        f"({change.low:+.3f} to {change.high:+.3f}) | {fit.embedding} | {fit.best.epoch} | {seconds:.0f} |",
        flush=True,
    )
    for refit, found in refits:
        gain = found.map_at_r - result.verdict.before.figures.map_at_r
        named = f"refit {refit.shrinkage:g}, {refit.stretch:g}"
        print(
            f"| {' | '.join(setting)} | {seed} | {found.map_at_r:.3f} | {found.p_at_1:.3f} | {gain:+.3f} | {named} |||"
        )
    return result


def measure_refits(result: TrainResult) -> Iterator[tuple[MetricSetting, RetrievalFigures]]:
    """How the test part does under class metrics fitted on the trained embeddings of what was learned from."""
    network = wrap_network(load_network(result.checkpoint), "fine-tuned")
    learned = drain(embed_samples("learned", result.parts.train, network))
    labels, asked = number_labels(learned.samples).labels, result.verdict.after.vectors
    for refit in REFITS:
        mapped = fit_class_metric(learned.vectors, labels, refit).transform(asked)
        yield refit, measure_retrieval(mapped, result.baseline.labels, groups=result.baseline.groups)


def _print_model(exam: str, row: MeasuredModel | None) -> None:
    if row is not None:
        print(f"| {exam} | {row.name} | | | {row.figures.map_at_r:.3f} | {row.figures.p_at_1:.3f} | | | | |")


def _print_target(setting: TableRow, results: list[TrainResult]) -> None:
    figures = [result.verdict.after.figures.map_at_r for result in results]
    gains = [result.verdict.map_at_r_change.mean for result in results]
    words = f"{' '.join(setting)}: mean {_format_mean(figures)}, change {_format_mean(gains, '+')}"
    key, is_own_miner = (setting.exam, setting.loss), setting.miner == _own_miner(setting.exam, setting.loss)
    for name, targets, reached in (("MAP@R", TARGETS, figures), ("gain", GAINS, gains)):
        if is_own_miner and key in targets:
            words += f"; {name} of {targets[key]} {_describe_target(targets[key], reached)}"
    if is_own_miner and key in TARGETS:
        seconds = max(result.fit.epochs[-1].seconds for result in results)
        words += f"; {LOOP_SECONDS} s {'kept' if seconds <= LOOP_SECONDS else f'exceeded ({seconds:.0f} s)'}"
    print(words, flush=True)


def _format_mean(values: list[float], sign: str = "") -> str:
    return f"{statistics.mean(values):{sign}.3f} (lowest {min(values):{sign}.3f})"


def _describe_target(target: float, values: list[float]) -> str:
    if min(values) >= target:
        return "reached by every seed"
    return "reached by the mean" if statistics.mean(values) >= target else "missed"


def split_new_pictures(work: Path) -> DataSplit:
    """The split for new images: all ten classes in every part."""
    learn, choose = _load_learned(work)
    return DataSplit(learn, choose, _load_judged(work))


def split_new_classes(work: Path, learned: int = 0) -> DataSplit:
    """The split for new classes: every second class from number `learned` on to train on, the others for the test."""
    learned_classes = FASHION_CLASSES[learned::2]
    learn, choose = _load_learned(work)
    return DataSplit(
        tuple(sample for sample in learn if sample.label in learned_classes),
        tuple(sample for sample in choose if sample.label in learned_classes),
        tuple(sample for sample in _load_judged(work) if sample.label not in learned_classes),
    )


def split_drawings(work: Path, pictures: Callable[[Path], list[tuple[Path, str]]], purpose: str) -> DataSplit:
    """The split of drawings of many classes by the program's own rule."""
    samples = [
        PhotoSample(os.fsencode(path), hashlib.sha256(path.read_bytes()).digest(), label)
        for path, label in pictures(work)
    ]
    return split_samples(samples, purpose)


def _load_learned(work: Path) -> tuple[tuple[PhotoSample, ...], tuple[PhotoSample, ...]]:
    classes = _load_by_class(work / "train", LEARN + CHOOSE, "train")
    return tuple(s for part in classes for s in part[:LEARN]), tuple(s for part in classes for s in part[LEARN:])


def _load_judged(work: Path) -> tuple[PhotoSample, ...]:
    return tuple(sample for part in _load_by_class(work / "test", JUDGE, "test") for sample in part)


def _load_by_class(folder: Path, per_class: int, part: str) -> list[list[PhotoSample]]:
    if not folder.exists():
        drain(write_fashion_mnist(folder, per_class=per_class, part=part))
    samples = drain(survey_folder(folder)).samples
    return [[sample for sample in samples if sample.label == name] for name in FASHION_CLASSES]


# New classes: pictures of the model's own size, one pass, the backbone's own output, the weights halfway. More epochs
# only helped the classes that are known.
_IMAGES = {"image_size": 64, "classes_per_batch": 10, "photos_per_class": 6}
_CLASSES = {"image_size": 224, "classes_per_batch": 5, "photos_per_class": 12}
EXAMS = {
    "images": TrainingExam("images", _IMAGES, split_new_pictures, ("triplet", "contrastive")),
    "images, best": TrainingExam("images", _IMAGES | {"epochs": 10}, split_new_pictures, ("supcon",)),
    "classes": TrainingExam("classes", _CLASSES, split_new_classes),
    "classes, swapped": TrainingExam("classes", _CLASSES, partial(split_new_classes, learned=1)),
    "clip art, images": TrainingExam(
        "images", {"image_size": 128}, partial(split_drawings, pictures=sets.list_clip_art, purpose="images")
    ),
    "clip art, classes": TrainingExam(
        "classes", {"least_steps": 0}, partial(split_drawings, pictures=sets.list_clip_art, purpose="classes")
    ),
    "cards, images": TrainingExam("images", {}, partial(split_drawings, pictures=sets.list_cards, purpose="images")),
    "cards, classes": TrainingExam("classes", {}, partial(split_drawings, pictures=sets.list_cards, purpose="classes")),
}
FASHION = ("images", "images, best", "classes", "classes, swapped")  # asked by default


if __name__ == "__main__":
    main(sys.argv[1:])
