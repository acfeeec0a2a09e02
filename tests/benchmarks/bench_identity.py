"""Whether stated error rates hold: on classes that were not there, and for strangers among enrolled classes.

Intervals: over 20 class splits, one half of the classes calibrates and the FMR and FNMR of its cut-offs are measured on
the other half: Fashion-MNIST (five and five, 150 test pictures of each) and the bundled pictures (nine and nine). The
stated 95 % intervals are to hold 0.9 of the measured rates; a width of 1 says nothing.

Strangers: a library of Fashion-MNIST in which five classes are enrolled by 1, 5 or 75 pictures of each, and nothing is
labelled beside them. Asked are 40 other pictures of each of the ten classes, over several class splits; "right" and
"wrong" are shares of the known, "refused" of the strangers, "kept" counts the splits in which strangers taken for known
are not more than the interval says (random photos, all counted as wrong, err on the safe side).
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
from indexer.matching.identity import IdentificationRule, identify_with_rule, measure_rule
from indexer.models.installation import install_model, parse_model_choice
from indexer.models.model import Model, load_model
from indexer.photos.samples import FASHION_CLASSES, write_bundled_pictures, write_fashion_mnist
from indexer.progress import Steps, drain
from indexer.reports.evaluation import embed_labelled
from indexer.statistics.calibration import Calibration, calibrate_from_labels
from indexer.statistics.error_rates import ErrorRate
from indexer.statistics.metrics import PairDistances, measure_pair_distances

FMRS = (0.1, 0.03, 0.01)
HELD = 0.9
ENROLLED = (1, 5, 75)
STATED = (0.05, 0.1, 0.2)


class Labelled(NamedTuple):
    """A set of pictures: embeddings (n, dim) and label codes (n,)."""

    name: str
    vectors: np.ndarray
    codes: np.ndarray


class Answer(NamedTuple):
    """What was answered for a picture: its own label, the label voted for, and the distance to that."""

    label: str
    voted: str
    distance: float


def main(arguments: Sequence[str] = ()) -> None:
    wishes = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        model = _model(work / "models")
        print("| set | FMR stated | splits | FMR held | FNMR held | width FMR | width FNMR | measured FMR | FMR |")
        print("|---|---|---|---|---|---|---|---|---|", flush=True)
        for name, write in SETS.items():
            drain(write(work / name, per_class=wishes.per_class))
            found = drain(embed_labelled(work / name, model))
            say_intervals(Labelled(name, found.vectors, np.unique(found.labels, return_inverse=True)[1]), wishes.splits)
        say_strangers(work, model, wishes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5, help="class splits of the second table")
    parser.add_argument("--per-class", type=int, default=150)
    parser.add_argument("--asked", type=int, default=40, help="pictures of each class")
    return parser


SETS: dict[str, Callable[..., Steps[int]]] = {"fashion-mnist": write_fashion_mnist, "pictures": write_bundled_pictures}


def _model(folder: Path) -> Model:
    card = drain(install_model(parse_model_choice(None, None), folder))
    return load_model(folder / card.fingerprint, runtime="openvino")


# intervals


def say_intervals(found: Labelled, splits: int) -> None:
    """Print a row for each stated FMR."""
    halves = [split(found, seed) for seed in range(splits)]
    for fmr in FMRS:
        rows = [row for known, pairs in halves if (row := _held(known, pairs, fmr))]
        if not rows:
            continue
        false, missed = (statistics.mean(row[at] for row in rows) for at in (0, 1))
        widths = [statistics.median(row[at] for row in rows) for at in (2, 3)]
        print(
            f"| {found.name} | {fmr} | {len(rows)} | {false:.2f} | {missed:.2f} | {widths[0]:.3f} | {widths[1]:.3f} | "
            f"{min(row.measured for row in rows):.4f} to {max(row.measured for row in rows):.4f} | "
            f"{'reached' if false >= HELD else 'MISSED'} |",
            flush=True,
        )


def split(found: Labelled, seed: int) -> tuple[Calibration, PairDistances]:
    """A calibration by half of the classes, drawn at random, and the pairs of the other half."""
    classes = int(found.codes.max()) + 1
    ours = np.isin(found.codes, np.random.default_rng(seed).permutation(classes)[: classes // 2])
    return calibrate_from_labels(found.vectors[ours], found.codes[ours]), measure_pair_distances(
        found.vectors[~ours], found.codes[~ours]
    )


class _Row(NamedTuple):
    fmr_held: float
    fnmr_held: float
    fmr_width: float
    fnmr_width: float
    measured: float


def _held(known: Calibration, others: PairDistances, fmr: float) -> _Row | None:
    """Whether the intervals hold what is measured on others; None where the pairs cannot show the rate."""
    try:
        cutoff = known.choose_cutoff(fmr)
    except LookalikeError:
        return None
    assert cutoff.fnmr is not None
    false = float(np.mean(others.mismatched < cutoff.distance))
    missed = float(np.mean(others.matched >= cutoff.distance))
    stated, silent = cutoff.fmr, cutoff.fnmr
    return _Row(_inside(false, stated), _inside(missed, silent), _width(stated), _width(silent), false)


def _inside(value: float, rate: ErrorRate) -> bool:
    return rate.low <= value <= rate.high


def _width(rate: ErrorRate) -> float:
    return rate.high - rate.low


# strangers


def say_strangers(work: Path, model: Model, wishes: argparse.Namespace) -> None:
    """Print a row for each number of enrolled pictures and each stated FMR, means over the seeds."""
    print("\n| enrolled each | FMR asked | right label | wrong label | refused | FMR stated (95 %) | measured on |")
    print("|---|---|---|---|---|---|---|", flush=True)
    folder = work / "strangers.library"
    with Library.create(folder) as library:
        drain(install_model(parse_model_choice(None, None), library.models_folder))
        drain(index_library(library, [work / "fashion-mnist"], model))
        for each in ENROLLED:
            rows = [_one_split(library, each, seed, wishes.asked) for seed in range(wishes.seeds)]
            for at, fmr in enumerate(STATED):
                _say_row(each, fmr, [found for row in rows if (found := row[at])])


class _Rates(NamedTuple):
    right: float
    wrong: float
    refused: float
    stated: ErrorRate
    strangers: str


def _one_split(library: Library, each: int, seed: int, asked: int) -> list["_Rates | None"]:
    """Enrol half of the classes and ask; rates at each stated FMR, None where it cannot be shown."""
    random = np.random.default_rng(seed)
    known = set(random.permutation(FASHION_CLASSES)[:5].tolist())
    photos = library.load_photos(library.find_photo_ids().tolist())
    by_class = {name: [p.id for p in photos if Path(p.path.decode()).parent.name == name] for name in FASHION_CLASSES}
    library.annotations.set_label([photo.id for photo in photos], None)
    for name in FASHION_CLASSES:
        random.shuffle(by_class[name])
        if name in known:
            library.annotations.set_label(by_class[name][:each], name)
    rules = [_rule(library, fmr) for fmr in STATED]
    one = next(found for found in rules if found)
    answers = [_answer(one, name, photo) for name, ids in by_class.items() for photo in ids[-asked:]]
    return [_rates(found, answers, known) if found else None for found in rules]


def _rule(library: Library, fmr: float) -> IdentificationRule | None:
    try:
        return measure_rule(library, max_fmr=fmr)
    except LookalikeError:
        return None


def _answer(found: IdentificationRule, label: str, photo: int) -> Answer:
    best = identify_with_rule(found, photo).alternatives[0]
    return Answer(label, best.label, best.distance)


def _rates(found: IdentificationRule, answers: list[Answer], known: set[str]) -> _Rates:
    assert found.threshold is not None
    assert found.fmr is not None
    named = [(answer, answer.distance < found.threshold) for answer in answers]
    own = [(answer.voted == answer.label, near) for answer, near in named if answer.label in known]
    strange = [near for answer, near in named if answer.label not in known]
    return _Rates(
        statistics.mean(right and near for right, near in own),
        statistics.mean(near and not right for right, near in own),
        1 - statistics.mean(strange),
        found.fmr,
        "random photos" if "random" in found.measured else "labels left out",
    )


def _say_row(each: int, fmr: float, rows: list[_Rates]) -> None:
    if not rows:
        print(f"| {each} | {fmr} | too few pictures to show it | | | | |", flush=True)
        return
    right, wrong = statistics.mean(row.right for row in rows), statistics.mean(row.wrong for row in rows)
    refused = statistics.mean(row.refused for row in rows)
    stated = [statistics.mean(row.stated[at] for row in rows) for at in range(3)]
    kept = sum(1 - row.refused <= row.stated.high for row in rows)
    print(
        f"| {each} | {fmr} | {right:.3f} | {wrong:.3f} | {refused:.3f} | {stated[0]:.3f} ({stated[1]:.3f} to "
        f"{stated[2]:.3f}), kept {kept} of {len(rows)} | {rows[0].strangers} |",
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
