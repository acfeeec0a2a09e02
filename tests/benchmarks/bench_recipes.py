"""What the quick recipes cost and gain: 1,000 pictures of Fashion-MNIST at 224 pixels, with intervals and seconds.

Trained on 1,000 pictures (100 of each class of the train part), with 200 others of it for validation and 500 of the
test part for the verdict. The pictures have a side of 28 px and are enlarged. Seconds are those of the whole training,
from the first picture read to the checkpoint written, with the measurement of the pretrained model and the verdict.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from indexer.photos.samples import FASHION_CLASSES, write_fashion_mnist
from indexer.progress import drain
from training import train
from training.data.labelled_folders import PhotoSample, survey_folder
from training.data.split import DataSplit
from training.judging.result import TrainResult
from training.settings.config import TrainConfig

TARGETS = {"quick": 60.0, "tail": 150.0}  # seconds
CHOOSE, JUDGE = 20, 50  # pictures of each class


def main(arguments: Sequence[str] = ()) -> None:
    options = _build_parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        parts = make_split(Path(work), options.photos // len(FASHION_CLASSES))
        print(f"{len(parts.train):,} pictures to learn from, at {options.size or 224} px")
        print("| recipe | loss | seed | seconds | MAP@R before | after | change, 95 % | verdict | epoch | embedding |")
        print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
        for recipe in options.recipes:
            for seed in range(options.seeds):
                config = TrainConfig(
                    recipe=recipe,
                    loss=options.loss,
                    seed=seed,
                    image_size=options.size,
                    epochs=options.epochs,
                    learning_rate=options.rate,
                    dim=options.dim,
                )
                _train_recipe(config, parts, Path(work))


def _build_parser() -> argparse.ArgumentParser:
    usual = TrainConfig()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", default=list(TARGETS))
    parser.add_argument("--photos", type=int, default=1_000)
    parser.add_argument("--size", type=int, help="side of the pictures in pixels; else the model's own, 224")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--loss", default=usual.loss)
    parser.add_argument("--epochs", type=int, default=usual.epochs)
    parser.add_argument("--rate", type=float, default=usual.learning_rate)
    parser.add_argument("--dim", type=int, default=usual.dim)
    return parser


def _train_recipe(config: TrainConfig, parts: DataSplit, work: Path) -> TrainResult:
    """Train once and print the row."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=work) as place:
        result = drain(train(config, work, Path(place) / "checkpoint", parts))
    seconds = time.perf_counter() - start
    judged, fit, target = result.verdict, result.fit, TARGETS.get(config.recipe)
    limit_note = "" if target is None else f" ({'within' if seconds <= target else 'over'} {target:.0f})"
    change = (
        f"{judged.map_at_r_change.mean:+.3f} ({judged.map_at_r_change.low:+.3f} to {judged.map_at_r_change.high:+.3f})"
    )
    print(
        f"| {config.recipe} | {config.loss} | {config.seed} | {seconds:.0f}{limit_note} "
        f"| {judged.before.figures.map_at_r:.3f} | {judged.after.figures.map_at_r:.3f} | {change} "
        f"| {'install' if judged.install else 'refuse'} | {fit.best.epoch} of {len(fit.epochs) - 1} "
        f"| {fit.embedding} |",
        flush=True,
    )
    return result


def make_split(work: Path, learn: int) -> DataSplit:
    """A split with `learn` pictures of each class to train on, CHOOSE for validation and JUDGE for the test."""
    train_part = _load_by_class(work / "train", learn + CHOOSE, "train")
    test_part = _load_by_class(work / "test", JUDGE, "test")
    return DataSplit(
        tuple(sample for class_samples in train_part for sample in class_samples[:learn]),
        tuple(sample for class_samples in train_part for sample in class_samples[learn:]),
        tuple(sample for class_samples in test_part for sample in class_samples),
    )


def _load_by_class(folder: Path, per_class: int, part: str) -> list[list[PhotoSample]]:
    drain(write_fashion_mnist(folder, per_class=per_class, part=part))
    samples = drain(survey_folder(folder)).samples
    return [[sample for sample in samples if sample.label == name] for name in FASHION_CLASSES]


if __name__ == "__main__":
    main(sys.argv[1:])
