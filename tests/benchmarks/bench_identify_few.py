"""Identification from few labelled pictures, and before and after an instant model that has learned from all of them.

Few: of the pictures of some classes five each are labelled. Of the others, half are without a label in the library: the
cohort. The other half is asked, of these classes as known ones, of all other classes as strangers. "right" is the share
of known ones that get their label, "taken" that of strangers that get any, means over draws of classes and pictures,
at the threshold measured on the labelled ones: by the ratio alone, as pictures from outside are asked, and by what
stands out of the cohort, as photos of the library are, where the labelled ones say that this is better.

Before and after: the same with ten pictures of each of twelve kinds of drawings, after under the map that is fitted on
all labelled ones, its threshold measured out of fold.

Last, other ways to judge, each at the threshold that takes 5 % of the strangers asked. Nobody knows that threshold
beforehand, so these are upper bounds; "best guess" is the share whose nearest label is right, strangers aside.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.matching.identification_rule import CLEAR_GAIN, MOST_COHORT, find_doubt_threshold
from indexer.matching.label_model import (
    LABEL_SETTING,
    CohortMembers,
    LabelExam,
    LabelModel,
    examine_labels,
    find_nearest_labels,
    find_outstanding_labels,
    fit_label_map,
)
from indexer.models.class_layer import BUILT_IN_PAIR
from indexer.models.installation import install_model, parse_model_choice
from indexer.models.model import load_model
from indexer.progress import drain
from indexer.reports.evaluation import embed_labelled
from indexer.vectors.class_metric import MetricSetting, fit_class_metric, measure_class_scatter
from tests.benchmarks.sets import CLIPART, SETS, list_drawings_and_photographs

LEAST_RIGHT, MOST_TAKEN = 0.6, 0.05
LISTS = SETS | {"both": list_drawings_and_photographs}
CLASSES = {"drawings": 12, "both": 20, "clip art": 20, "Fashion-MNIST": 5}  # labelled ones; "both" with photographs
INSTANT_SETTING = MetricSetting(0.3, 3.0)


class Draw(NamedTuple):
    """Vectors and codes of labelled pictures, of known ones that are asked, of strangers, and of the cohort."""

    vectors: np.ndarray
    codes: np.ndarray
    known: np.ndarray
    known_codes: np.ndarray
    strangers: np.ndarray
    cohort: np.ndarray


class ScoredAnswers(NamedTuple):
    """Of pictures (q,): the best label's code, and a score that is the higher the surer."""

    codes: np.ndarray
    scores: np.ndarray


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=12)
    parser.add_argument("--pair", action="store_true", help="with the built-in pair of networks instead of the one")
    options = parser.parse_args(arguments)
    draws, network = options.draws, BUILT_IN_PAIR if options.pair else None
    print("| set | labelled | right | taken | targets |\n|---|---|---|---|---|", flush=True)
    drawn: dict[str, list[Draw]] = {}
    with tempfile.TemporaryDirectory() as place:
        for name, classes in CLASSES.items():
            if name == "clip art" and not CLIPART.is_dir():
                continue
            vectors, codes = embed_set(name, Path(place), network)
            row = f"{name}, {classes} kinds"
            drawn[row] = [draw_photos(vectors, codes, classes, 5, seed) for seed in range(draws)]
            targets = f"right {LEAST_RIGHT:.2f}, taken {MOST_TAKEN:.2f}"
            print_row(row, f"{classes} x 5", [measure(draw, None) for draw in drawn[row]], targets)
            print_row(
                f"{row}, in the library", f"{classes} x 5", [measure_in_library(one) for one in drawn[row]], targets
            )
            if row == "drawings, 12 kinds":
                many = [draw_photos(vectors, codes, classes, 10, seed) for seed in range(draws)]
                before = [measure(draw, None) for draw in many]
                print_row("before instant", f"{classes} x 10", before, "")
                after = [measure(draw, INSTANT_SETTING) for draw in many]
                print_row("after instant", f"{classes} x 10", after, "as before or better")
    print_judges(drawn)


def embed_set(name: str, work: Path, network: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (n, dim) of a set under a network, None for the default model, and label codes (n,)."""
    folder = work / name
    for number, (path, label) in enumerate(LISTS[name](work)):
        target = folder / label.replace("/", " ") / f"{number}{path.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path)
    card = drain(install_model(parse_model_choice(network), work / "models"))
    model = load_model(work / "models" / card.fingerprint, runtime="openvino")
    found = drain(embed_labelled(folder, model))
    return found.vectors.astype(np.float64), np.unique(found.labels, return_inverse=True)[1]


def draw_photos(vectors: np.ndarray, codes: np.ndarray, classes: int, each: int, seed: int) -> Draw:
    """Labelled and asked pictures of some classes, and the strangers."""
    random = np.random.default_rng(seed)
    order = random.permutation(codes.max() + 1)
    rows = [random.permutation(np.flatnonzero(codes == code)) for code in order[:classes]]
    cuts = slice(each), slice(each, None, 2), slice(each + 1, None, 2)
    labelled, known, others = (np.concatenate([part[cut] for part in rows]) for cut in cuts)
    number = np.argsort(order)
    strangers = random.permutation(np.flatnonzero(~np.isin(codes, order[:classes])))
    cohort = random.permutation(np.concatenate([others, strangers[1::2]]))[:MOST_COHORT]
    return Draw(
        vectors[labelled],
        number[codes[labelled]],
        vectors[known],
        number[codes[known]],
        vectors[strangers[::2]],
        vectors[cohort],
    )


def measure(draw: Draw, instant: MetricSetting | None) -> tuple[float, float]:
    """Shares rightly identified of the known and taken of the strangers, at the threshold measured on the labelled."""
    setting = instant or LABEL_SETTING
    sums = np.zeros((int(draw.codes.max()) + 1, draw.vectors.shape[1]))
    np.add.at(sums, draw.codes, draw.vectors)
    model = LabelModel(sums, np.bincount(draw.codes), None)
    threshold = find_doubt_threshold(examine_labels(model, draw.vectors, draw.codes, setting).stranger_doubts, None)
    model = model._replace(metric=fit_label_map(draw.vectors, draw.codes, setting))
    known = find_nearest_labels(model.compute_distances(draw.known))
    strangers = find_nearest_labels(model.compute_distances(draw.strangers)).doubts
    assert threshold is not None
    right = (known.codes == draw.known_codes) & (known.doubts < threshold)
    return float(right.mean()), float((strangers < threshold).mean())


def measure_in_library(draw: Draw) -> tuple[float, float]:
    """As `measure`, for photos that are in the library beside the cohort, judged as the exam of the labelled says."""
    sums = np.zeros((int(draw.codes.max()) + 1, draw.vectors.shape[1]))
    np.add.at(sums, draw.codes, draw.vectors)
    model = LabelModel(sums, np.bincount(draw.codes), None)
    compared = CohortMembers.join_labelled(draw.cohort, draw.vectors, draw.codes)
    by_ratio, by_cohort = (
        examine_labels(model, draw.vectors, draw.codes, LABEL_SETTING, cohort) for cohort in (None, compared)
    )
    if _count_named(by_cohort) < _count_named(by_ratio) - CLEAR_GAIN * len(draw.codes):
        return measure(draw, None)
    model = model._replace(metric=fit_label_map(draw.vectors, draw.codes, LABEL_SETTING))
    threshold = find_doubt_threshold(by_cohort.stranger_doubts, None)
    known, strangers = (
        find_outstanding_labels(model.compute_standings(asked, compared.vectors))
        for asked in (draw.known, draw.strangers)
    )
    assert threshold is not None
    right = (known.codes == draw.known_codes) & (known.doubts < threshold)
    return float(right.mean()), float((strangers.doubts < threshold).mean())


def _count_named(exam: LabelExam) -> int:
    threshold = find_doubt_threshold(exam.stranger_doubts, None)
    assert threshold is not None
    return int(((exam.known.codes == exam.codes) & (exam.known.doubts < threshold)).sum())


def print_row(name: str, labelled: str, rates: list[tuple[float, float]], target: str) -> None:
    right, taken = np.mean(rates, axis=0)
    print(f"| {name} | {labelled} | {right:.3f} | {taken:.3f} | {target} |", flush=True)


def print_judges(drawn: dict[str, list[Draw]]) -> None:
    """Print the share rightly named at 5 % of strangers, and of best guesses, by judge and set."""
    print(f"\n| right at 5 % taken (best guess) | {' | '.join(drawn)} |\n|---|{'---|' * len(drawn)}", flush=True)
    for name, judge in JUDGES.items():
        cells = []
        for draws in drawn.values():
            right, guessed = np.mean([measure_judge(judge, draw) for draw in draws], axis=0)
            cells.append(f"{right:.3f} ({guessed:.3f})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def measure_judge(judge: "LabelJudge", draw: Draw) -> tuple[float, float]:
    """Shares of the known that are rightly named at 5 % of strangers taken, and whose best guess is right."""
    known, strangers = judge(draw, draw.known), judge(draw, draw.strangers)
    is_right = known.codes == draw.known_codes
    return float((is_right & (known.scores > np.quantile(strangers.scores, 1 - MOST_TAKEN))).mean()), is_right.mean()


def judge_by_ratio(setting: MetricSetting, draw: Draw, asked: np.ndarray) -> ScoredAnswers:
    """As the program does, with the map of a setting."""
    nearest = find_nearest_labels(_map_distances(setting, draw, asked))
    return ScoredAnswers(nearest.codes, -nearest.doubts)


def judge_by_cohort(setting: MetricSetting, draw: Draw, asked: np.ndarray) -> ScoredAnswers:
    """As the program does with photos of the library, which stand out of those without a label."""
    sums = np.zeros((int(draw.codes.max()) + 1, draw.vectors.shape[1]))
    np.add.at(sums, draw.codes, draw.vectors)
    model = LabelModel(sums, np.bincount(draw.codes), fit_class_metric(draw.vectors, draw.codes, setting))
    compared = np.concatenate([draw.cohort, draw.vectors])
    found = find_outstanding_labels(model.compute_standings(asked, compared))
    return ScoredAnswers(found.codes, -found.doubts)


def judge_by_distance(setting: MetricSetting, draw: Draw, asked: np.ndarray) -> ScoredAnswers:
    distances = _map_distances(setting, draw, asked)
    return ScoredAnswers(distances.argmin(axis=1), -distances.min(axis=1))


def judge_by_posterior(setting: MetricSetting, draw: Draw, asked: np.ndarray) -> ScoredAnswers:
    """The posterior of the best label among the labels, Gaussian with one variance of 0.05 under the map."""
    logarithms = -(_map_distances(setting, draw, asked) ** 2) / 0.1
    shares = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return ScoredAnswers(logarithms.argmax(axis=1), 1 / shares.sum(axis=1))


def judge_by_normalised_scores(setting: MetricSetting, draw: Draw, asked: np.ndarray) -> ScoredAnswers:
    """Cosines to each label, in spreads above the mean of the photos of other labels (z-norm: Auckenthaler, Carey,
    Lloyd-Thomas 2000, "Score normalization for text-independent speaker verification systems").
    """
    cohort, cosines = (1 - _map_distances(setting, draw, some) ** 2 / 2 for some in (draw.vectors, asked))
    cohort[np.arange(len(draw.codes)), draw.codes] = np.nan
    normalised = (cosines - np.nanmean(cohort, axis=0)) / np.nanstd(cohort, axis=0)
    return ScoredAnswers(normalised.argmax(axis=1), normalised.max(axis=1))


def judge_by_relative_mahalanobis(shrinkage: float, draw: Draw, asked: np.ndarray) -> ScoredAnswers:
    """The Mahalanobis distance to each label under one covariance, less that to all photos (Ren et al. 2021, "A simple
    fix to Mahalanobis distance for improving near-OOD detection").
    """
    scatter = measure_class_scatter(draw.vectors, draw.codes)
    variances = (1 - shrinkage) * scatter.variances + shrinkage * scatter.variances.mean()
    places, learned = ((some - scatter.mean) @ scatter.directions for some in (asked, draw.vectors))
    differences = places[:, None] - scatter.class_means
    to_labels = (differences**2 / variances).sum(axis=2)
    whole = learned.T @ learned / len(learned)
    whole = (1 - shrinkage) * whole + shrinkage * np.trace(whole) / len(whole) * np.eye(len(whole))
    to_all = (places * np.linalg.solve(whole, places.T).T).sum(axis=1)
    scores = to_all[:, None] - to_labels
    return ScoredAnswers(scores.argmax(axis=1), scores.max(axis=1))


def judge_by_regression(ridge: float, draw: Draw, asked: np.ndarray) -> ScoredAnswers:
    """Least squares of each label against all others."""
    centred, mean = draw.vectors - draw.vectors.mean(axis=0), draw.vectors.mean(axis=0)
    targets = np.eye(draw.codes.max() + 1)[draw.codes]
    weights = np.linalg.solve(centred @ centred.T + ridge * np.eye(len(centred)), targets - targets.mean(axis=0))
    scores = (asked - mean) @ centred.T @ weights
    return ScoredAnswers(scores.argmax(axis=1), scores.max(axis=1))


def _map_distances(setting: MetricSetting, draw: Draw, asked: np.ndarray) -> np.ndarray:
    """Distances (q, labels) of pictures (q, dim) to the labels' means under the map of a setting."""
    sums = np.zeros((int(draw.codes.max()) + 1, draw.vectors.shape[1]))
    np.add.at(sums, draw.codes, draw.vectors)
    metric = fit_class_metric(draw.vectors, draw.codes, setting)
    return LabelModel(sums, np.bincount(draw.codes), metric).compute_distances(asked)


LabelJudge = Callable[[Draw, np.ndarray], ScoredAnswers]
JUDGES: dict[str, LabelJudge] = {
    "ratio to the next label (the program, pictures from outside)": partial(judge_by_ratio, LABEL_SETTING),
    "standing out of a cohort (the program, photos of the library)": partial(judge_by_cohort, LABEL_SETTING),
    "the same under the instant map": partial(judge_by_ratio, INSTANT_SETTING),
    "distance": partial(judge_by_distance, LABEL_SETTING),
    "posterior": partial(judge_by_posterior, LABEL_SETTING),
    "normalised scores": partial(judge_by_normalised_scores, LABEL_SETTING),
    "relative Mahalanobis, shrinkage 0.3": partial(judge_by_relative_mahalanobis, 0.3),
    "least squares, ridge 0.1": partial(judge_by_regression, 0.1),
}


if __name__ == "__main__":
    main(sys.argv[1:])
