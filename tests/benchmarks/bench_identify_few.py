"""Identification from few labelled pictures, and before and after an instant model that has learned from all of them.

Few: of the pictures of some classes five each are labelled; the others of these classes are asked as known ones, those
of all other classes as strangers. "right" is the share of known ones that get their label, "taken" that of strangers
that get any, means over draws of classes and pictures. Before and after: the same with ten pictures of each of twelve
kinds of drawings, after under the map that is fitted on all labelled ones, its threshold measured out of fold.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.matching.identification import find_ratio_threshold
from indexer.matching.label_model import LABEL_SETTING, LabelModel, examine_labels, find_nearest_labels, fit_label_map
from indexer.models.installation import install_model, parse_model_choice
from indexer.models.model import load_model
from indexer.progress import drain
from indexer.reports.evaluation import embed_labelled
from indexer.vectors.class_metric import MetricSetting
from tests.benchmarks.sets import SETS

LEAST_RIGHT, MOST_TAKEN = 0.6, 0.05
INSTANT_SETTING = MetricSetting(0.3, 3.0)


class Draw(NamedTuple):
    """Vectors and codes of labelled pictures, of known ones that are asked, and vectors of strangers."""

    vectors: np.ndarray
    codes: np.ndarray
    known: np.ndarray
    known_codes: np.ndarray
    strangers: np.ndarray


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=12)
    draws = parser.parse_args(arguments).draws
    print("| set | labelled | right | taken | targets |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as place:
        for name, classes in (("drawings", 12), ("clip art", 20)):
            vectors, codes = embed_set(name, Path(place))
            rates = [measure(draw_photos(vectors, codes, classes, 5, seed), None) for seed in range(draws)]
            print_row(name, f"{classes} x 5", rates, f"right {LEAST_RIGHT:.2f}, taken {MOST_TAKEN:.2f}")
            if name == "drawings":
                many = [draw_photos(vectors, codes, classes, 10, seed) for seed in range(draws)]
                before = [measure(draw, None) for draw in many]
                print_row("before instant", f"{classes} x 10", before, "")
                after = [measure(draw, INSTANT_SETTING) for draw in many]
                print_row("after instant", f"{classes} x 10", after, "as before or better")


def embed_set(name: str, work: Path) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (n, dim) of a set under the default model, and label codes (n,)."""
    folder = work / name
    for number, (path, label) in enumerate(SETS[name](work)):
        target = folder / label.replace("/", " ") / f"{number}{path.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path)
    card = drain(install_model(parse_model_choice(None, None), work / "models"))
    model = load_model(work / "models" / card.fingerprint, runtime="openvino")
    found = drain(embed_labelled(folder, model))
    return found.vectors.astype(np.float64), np.unique(found.labels, return_inverse=True)[1]


def draw_photos(vectors: np.ndarray, codes: np.ndarray, classes: int, each: int, seed: int) -> Draw:
    """Labelled and asked pictures of some classes, and the strangers."""
    random = np.random.default_rng(seed)
    order = random.permutation(codes.max() + 1)
    rows = [random.permutation(np.flatnonzero(codes == code)) for code in order[:classes]]
    labelled, known = (np.concatenate([part[cut] for part in rows]) for cut in (slice(each), slice(each, None)))
    number = np.argsort(order)
    strangers = vectors[~np.isin(codes, order[:classes])]
    return Draw(vectors[labelled], number[codes[labelled]], vectors[known], number[codes[known]], strangers)


def measure(draw: Draw, instant: MetricSetting | None) -> tuple[float, float]:
    """Shares rightly identified of the known and taken of the strangers, at the threshold measured on the labelled."""
    setting = instant or LABEL_SETTING
    sums = np.zeros((int(draw.codes.max()) + 1, draw.vectors.shape[1]))
    np.add.at(sums, draw.codes, draw.vectors)
    model = LabelModel(sums, np.bincount(draw.codes), None)
    threshold = find_ratio_threshold(examine_labels(model, draw.vectors, draw.codes, setting).stranger_ratios, None)
    model = model._replace(metric=fit_label_map(draw.vectors, draw.codes, setting))
    known = find_nearest_labels(model.compute_distances(draw.known))
    strangers = find_nearest_labels(model.compute_distances(draw.strangers)).ratios
    assert threshold is not None
    right = (known.codes == draw.known_codes) & (known.ratios < threshold)
    return float(right.mean()), float((strangers < threshold).mean())


def print_row(name: str, labelled: str, rates: list[tuple[float, float]], target: str) -> None:
    right, taken = np.mean(rates, axis=0)
    print(f"| {name} | {labelled} | {right:.3f} | {taken:.3f} | {target} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
