"""Whether stated error rates hold: on classes that took no part in calibration, and for strangers to enrolled classes.

Intervals: over 20 class splits, one half of the classes calibrates and the FMR and FNMR of its cut-offs are measured on
the other half: Fashion-MNIST (five and five, 150 test pictures of each) and the bundled pictures (nine and nine). The
stated 95 % intervals are to hold 0.9 of the measured rates; a width of 1 says nothing.

Strangers: a library of Fashion-MNIST in which five classes are enrolled by 1, 5 or 75 pictures of each, and nothing is
labelled beside them. 40 other pictures of each of the ten classes are identified, over several class splits. "right"
and "wrong" are shares of the enrolled classes, "refused" of the strangers; "kept" counts the splits in which no more
strangers are taken for known than the interval states (random photos, all counted as wrong, err on the safe side).
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.matching.identification import identify_with_rule
from indexer.matching.identification_rule import IdentificationRule, measure_rule
from indexer.models.installation import install_model, parse_model_choice
from indexer.models.model import Model, load_model
from indexer.photos.samples import FASHION_CLASSES, write_bundled_pictures, write_fashion_mnist
from indexer.progress import Steps, drain
from indexer.reports.evaluation import embed_labelled
from indexer.statistics.calibration import Calibration
from indexer.statistics.calibration_measurement import calibrate_from_labels
from indexer.statistics.error_rates import ErrorRate
from indexer.statistics.metrics import PairDistances, measure_pair_distances

FMRS = (0.1, 0.03, 0.01)
HELD = 0.9
ENROLLED = (1, 5, 75)
STATED = (0.05, 0.1, 0.2)


class LabelledSet(NamedTuple):
    """A set of pictures: embeddings (n, dim) and label codes (n,)."""

    name: str
    vectors: np.ndarray
    codes: np.ndarray


class IdentityAnswer(NamedTuple):
    """The answer for a picture: its true label, the best label, and whether it is named or unknown."""

    label: str
    voted: str
    is_named: bool


def main(arguments: Sequence[str] = ()) -> None:
    options = _build_parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        model = _load_default_model(work / "models")
        print("| set | FMR stated | splits | FMR held | FNMR held | width FMR | width FNMR | measured FMR | FMR |")
        print("|---|---|---|---|---|---|---|---|---|", flush=True)
        for name, write in SETS.items():
            drain(write(work / name, per_class=options.per_class))
            found = drain(embed_labelled(work / name, model))
            print_intervals(
                LabelledSet(name, found.vectors, np.unique(found.labels, return_inverse=True)[1]), options.splits
            )
        print_strangers(work, model, options)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5, help="class splits of the second table")
    parser.add_argument("--per-class", type=int, default=150)
    parser.add_argument("--asked", type=int, default=40, help="pictures of each class")
    return parser


SETS: dict[str, Callable[..., Steps[int]]] = {"fashion-mnist": write_fashion_mnist, "pictures": write_bundled_pictures}


def _load_default_model(folder: Path) -> Model:
    card = drain(install_model(parse_model_choice(None, None), folder))
    return load_model(folder / card.fingerprint, runtime="openvino")


# intervals


def print_intervals(pictures: LabelledSet, splits: int) -> None:
    """Print a row for each stated FMR, over splits of the classes."""
    halves = [split_classes(pictures, seed) for seed in range(splits)]
    for fmr in FMRS:
        rows = [row for known, pairs in halves if (row := _compare_halves(known, pairs, fmr))]
        if not rows:
            continue
        false, missed = (statistics.mean(row[at] for row in rows) for at in (0, 1))
        widths = [statistics.median(row[at] for row in rows) for at in (2, 3)]
        print(
            f"| {pictures.name} | {fmr} | {len(rows)} | {false:.2f} | {missed:.2f} "
            f"| {widths[0]:.3f} | {widths[1]:.3f} | "
            f"{min(row.measured for row in rows):.4f} to {max(row.measured for row in rows):.4f} | "
            f"{'reached' if false >= HELD else 'MISSED'} |",
            flush=True,
        )


def split_classes(pictures: LabelledSet, seed: int) -> tuple[Calibration, PairDistances]:
    """A calibration by half of the classes, drawn at random, and the pairs of the other half."""
    classes = int(pictures.codes.max()) + 1
    ours = np.isin(pictures.codes, np.random.default_rng(seed).permutation(classes)[: classes // 2])
    return calibrate_from_labels(pictures.vectors[ours], pictures.codes[ours]), measure_pair_distances(
        pictures.vectors[~ours], pictures.codes[~ours]
    )


class _IntervalRow(NamedTuple):
    fmr_held: float
    fnmr_held: float
    fmr_width: float
    fnmr_width: float
    measured: float


def _compare_halves(calibration: Calibration, other_pairs: PairDistances, fmr: float) -> _IntervalRow | None:
    """Whether the intervals contain the rates measured on other classes; None where the pairs cannot show the rate."""
    try:
        cutoff = calibration.choose_cutoff(fmr)
    except LookalikeError:
        return None
    assert cutoff.fnmr is not None
    false_rate = float(np.mean(other_pairs.mismatched < cutoff.distance))
    missed_rate = float(np.mean(other_pairs.matched >= cutoff.distance))
    fmr_stated, fnmr_stated = cutoff.fmr, cutoff.fnmr
    return _IntervalRow(
        _contains_rate(false_rate, fmr_stated),
        _contains_rate(missed_rate, fnmr_stated),
        _measure_width(fmr_stated),
        _measure_width(fnmr_stated),
        false_rate,
    )


def _contains_rate(value: float, rate: ErrorRate) -> bool:
    return rate.low <= value <= rate.high


def _measure_width(rate: ErrorRate) -> float:
    return rate.high - rate.low


# strangers


def print_strangers(work: Path, model: Model, options: argparse.Namespace) -> None:
    """Print a row for each number of enrolled pictures and each stated FMR, means over the seeds."""
    print("\n| enrolled each | FMR asked | right label | wrong label | refused | FMR stated (95 %) | measured on |")
    print("|---|---|---|---|---|---|---|", flush=True)
    folder = work / "strangers.library"
    with Library.create(folder) as library:
        drain(install_model(parse_model_choice(None, None), library.models_folder))
        drain(index_library(library, [work / "fashion-mnist"], model))
        for enrolled_count in ENROLLED:
            rows = [_measure_split(library, enrolled_count, seed, options.asked) for seed in range(options.seeds)]
            for at, fmr in enumerate(STATED):
                _print_row(enrolled_count, fmr, [found for row in rows if (found := row[at])])


class _StrangerRates(NamedTuple):
    right: float
    wrong: float
    refused: float
    stated: ErrorRate
    strangers: str


def _measure_split(library: Library, enrolled_count: int, seed: int, query_count: int) -> list["_StrangerRates | None"]:
    """The rates at each stated FMR with half of the classes enrolled; None where a rate cannot be shown."""
    random = np.random.default_rng(seed)
    known = set(random.permutation(FASHION_CLASSES)[:5].tolist())
    photos = library.load_photos(library.find_photo_ids().tolist())
    by_class = {name: [p.id for p in photos if Path(p.path.decode()).parent.name == name] for name in FASHION_CLASSES}
    library.annotations.set_label([photo.id for photo in photos], None)
    for name in FASHION_CLASSES:
        random.shuffle(by_class[name])
        if name in known:
            library.annotations.set_label(by_class[name][:enrolled_count], name)
    rules = [_measure_rule_or_none(library, fmr) for fmr in STATED]
    asked = [(name, photo) for name, ids in by_class.items() for photo in ids[-query_count:]]
    return [
        _compute_rates(found, [_identify_photo(found, *one) for one in asked], known) if found else None
        for found in rules
    ]


def _measure_rule_or_none(library: Library, fmr: float) -> IdentificationRule | None:
    try:
        return measure_rule(library, max_fmr=fmr)
    except LookalikeError:
        return None


def _identify_photo(rule: IdentificationRule, label: str, photo: int) -> IdentityAnswer:
    found = identify_with_rule(rule, photo)
    return IdentityAnswer(label, found.best or "", found.label is not None)


def _compute_rates(rule: IdentificationRule, answers: list[IdentityAnswer], known: set[str]) -> _StrangerRates:
    threshold = rule.select_threshold(photo=1)
    assert threshold.fmr is not None
    known_answers = [(answer.voted == answer.label, answer.is_named) for answer in answers if answer.label in known]
    stranger_accepted = [answer.is_named for answer in answers if answer.label not in known]
    return _StrangerRates(
        statistics.mean(right and near for right, near in known_answers),
        statistics.mean(near and not right for right, near in known_answers),
        1 - statistics.mean(stranger_accepted),
        threshold.fmr,
        "random photos" if "random" in threshold.measured else "labels left out",
    )


def _print_row(enrolled_count: int, fmr: float, rows: list[_StrangerRates]) -> None:
    if not rows:
        print(f"| {enrolled_count} | {fmr} | too few pictures to show it | | | | |", flush=True)
        return
    right, wrong = statistics.mean(row.right for row in rows), statistics.mean(row.wrong for row in rows)
    refused = statistics.mean(row.refused for row in rows)
    stated = [statistics.mean(row.stated[at] for row in rows) for at in range(3)]
    kept = sum(1 - row.refused <= row.stated.high for row in rows)
    print(
        f"| {enrolled_count} | {fmr} | {right:.3f} | {wrong:.3f} | {refused:.3f} | {stated[0]:.3f} ({stated[1]:.3f} to "
        f"{stated[2]:.3f}), kept {kept} of {len(rows)} | {rows[0].strangers} |",
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
