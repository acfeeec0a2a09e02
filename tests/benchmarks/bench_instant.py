"""What recipe instant gains without training, on photos and classes that are kept away; whether its exam is true.

Sets: the bundled drawings, further clip art of Debian's openclipart-png, Fashion-MNIST. For new pictures a part of each
class is learned from and the rest asked; for new classes half of the classes is learned from and the other half asked.
Then the exam itself, on draws of 25 classes of clip art with ten pictures each: how often a true gain is accepted, how
often labels by lot are, and how often the stated 95 % interval holds the gain on the pictures kept away. `--exam-only`
asks that alone, `--draws` over more draws than twenty, which miss by chance: of twenty true intervals of 95 % seventeen
or fewer hold in one case of thirteen.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.grouping.photo_groups import GroupCandidate, find_photo_groups
from indexer.indexing.pipeline import embed_and_describe_files
from indexer.models.installation import ModelChoice, install_model
from indexer.models.model import load_model
from indexer.progress import drain
from indexer.statistics.metrics import DifferenceInterval, measure_retrieval
from indexer.vectors.class_metric import fit_class_metric
from tests.benchmarks.sets import CLIPART, SETS
from training.instant_run import LEAST_GAIN
from training.judging.out_of_fold import LabelledVectors, choose_setting, examine_metric, state_change

SPLITS = 4  # of each set
DRAWS, DRAWN_CLASSES, DRAWN_PHOTOS = 20, 25, 10
LOTS, LOT_SEEDS = 100, 2  # draws with labels by lot, so many times
NOISE = 0.8  # of unit vectors
LEARNED_SHARE = 0.6  # of each class, for new pictures


class Gain(NamedTuple):
    """MAP@R and P@1 before and after, and seconds to choose and to fit."""

    map_before: float
    map_after: float
    first_before: float
    first_after: float
    seconds: float


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exam-only", action="store_true", help="only how true the exam is")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of the exam, for acceptance and intervals")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        names = [name for name in SETS if name != "clip art" or CLIPART.is_dir()]
        wanted = [name for name in names if name == "clip art" or not options.exam_only]
        sets = {name: embed_set(name, Path(work)) for name in wanted}
    if not options.exam_only:
        print_gains(sets)
    if "clip art" in sets:
        examine_exam(sets["clip art"], options.draws)


def print_gains(sets: dict[str, LabelledVectors]) -> None:
    """Print what is gained on pictures and classes kept away, and how long many photos take."""
    print("| set | asked | MAP@R before | after | P@1 before | after | least gain of MAP@R | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for name, photos in sets.items():
        for purpose, question in (("images", "new pictures"), ("classes", "new classes")):
            gains = [measure_gain(photos, purpose, seed) for seed in range(SPLITS)]
            means = np.mean(gains, axis=0)
            least = min(gain.map_after - gain.map_before for gain in gains)
            cells = [f"{value:.3f}" for value in means[:4]]
            print(f"| {name} | {question} | {' | '.join(cells)} | {least:+.3f} | {means[4]:.1f} |", flush=True)
    seconds, processor_seconds = time_many()
    print(
        f"\n10,000 photos x 1,280 numbers: {seconds:.1f} s to choose, examine and fit (target: at most 10), "
        f"{processor_seconds:.1f} s of the processor"
    )


def embed_set(name: str, work: Path) -> LabelledVectors:
    """The pictures of a set under the default model, one of each group of near copies."""
    models = work / "models"
    model = load_model(models / drain(install_model(ModelChoice(), models)).fingerprint)
    items = SETS[name](work)
    paths = [str(path).encode() for path, _ in items]
    results = [one for batch in embed_and_describe_files(paths, model, _want) for one in batch]
    found = [
        (path, one, label)
        for path, one, (_, label) in zip(paths, results, items, strict=True)
        if one.vector is not None
    ]
    candidates = [GroupCandidate(path, one.sha256 or b"", one.traits) for path, one, _ in found]
    alone = np.unique(drain(find_photo_groups(candidates)).numbers, return_index=True)[1]
    vectors = np.stack([found[row][1].vector for row in alone])
    codes = np.unique([found[row][2] for row in alone], return_inverse=True)[1]
    return LabelledVectors(vectors, codes.astype(np.int64), np.arange(len(alone)))


def _want(sha256: bytes) -> bool:
    del sha256
    return True


def measure_gain(photos: LabelledVectors, purpose: str, seed: int) -> Gain:
    """Learn from some photos and ask the others, which nothing has been fitted on."""
    learned = _draw_classes(photos, seed) if purpose == "classes" else _draw_photos(photos, seed)
    start = time.perf_counter()
    rest, asked = photos.take(np.flatnonzero(learned)), photos.take(np.flatnonzero(~learned))
    metric = fit_class_metric(rest.vectors, rest.labels, choose_setting(rest, purpose))
    seconds = time.perf_counter() - start
    before = measure_retrieval(asked.vectors, asked.labels)
    after = measure_retrieval(metric.transform(asked.vectors), asked.labels)
    return Gain(before.map_at_r, after.map_at_r, before.p_at_1, after.p_at_1, seconds)


def _draw_photos(photos: LabelledVectors, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    learned = np.zeros(len(photos.labels), np.bool_)
    for label in np.unique(photos.labels):
        members = random.permutation(np.flatnonzero(photos.labels == label))
        learned[members[: max(2, int(LEARNED_SHARE * len(members)))]] = True
    return learned


def _draw_classes(photos: LabelledVectors, seed: int) -> np.ndarray:
    classes = np.random.default_rng(seed).permutation(np.unique(photos.labels))
    return np.isin(photos.labels, classes[: len(classes) // 2])


def time_many() -> tuple[float, float]:
    """Seconds for 10,000 made-up photos of 100 classes, and those of the processor."""
    random = np.random.default_rng(0)
    labels = np.arange(10_000) % 100
    vectors = random.standard_normal((100, 1280))[labels] + 2 * random.standard_normal((10_000, 1280))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    photos = LabelledVectors(vectors.astype(np.float32), labels, np.arange(10_000))
    start, processor_start = time.perf_counter(), time.process_time()
    list(examine_metric(photos, "images"))
    fit_class_metric(photos.vectors, photos.labels, choose_setting(photos, "images"))
    return time.perf_counter() - start, time.process_time() - processor_start


class ExamDraw(NamedTuple):
    """The change that the exam states, and the one on the pictures kept away."""

    stated: DifferenceInterval
    true: float


def examine_exam(clip_art: LabelledVectors, draw_count: int) -> None:
    """Print how true the exam is, over draws; with noise, as that brings the true gain down to about ten points."""
    for name, photos in (("as it is", clip_art), ("with noise", add_noise(clip_art))):
        draws = list(draw_exams(photos, range(draw_count), by_lot=False))
        accepted = sum(draw.stated.low > 0 and draw.stated.mean >= LEAST_GAIN for draw in draws)
        held = sum(draw.stated.low <= draw.true <= draw.stated.high for draw in draws)
        true = np.mean([draw.true for draw in draws])
        least = f"of {draw_count} (target: nine in ten)"
        print(f"\n{name}: true gain {true:+.3f} in the mean, accepted in {accepted} {least}")
        print(
            f"The 95 % interval holds the gain on pictures kept away in {held} {least}; were it true, so few or fewer "
            f"would be held in {compute_chance(held, draw_count):.0%} of all cases",
            flush=True,
        )
    for seed in range(LOT_SEEDS):
        lots = draw_exams(clip_art, range(seed * LOTS, (seed + 1) * LOTS), by_lot=True)
        fooled = sum(draw.stated.low > 0 and draw.stated.mean >= LEAST_GAIN for draw in lots)
        print(f"Labels by lot, seed {seed}: accepted in {fooled} of {LOTS} (target: at most 5)", flush=True)


def compute_chance(held: int, draws: int, level: float = 0.95) -> float:
    """The probability that at most `held` of so many intervals hold, where each does with probability `level`."""
    return sum(math.comb(draws, k) * level**k * (1 - level) ** (draws - k) for k in range(held + 1))


def add_noise(photos: LabelledVectors) -> LabelledVectors:
    """The photos with noise of length NOISE added to their vectors."""
    random, width = np.random.default_rng(5), photos.vectors.shape[1]
    noisy = photos.vectors + random.standard_normal(photos.vectors.shape) * NOISE / np.sqrt(width)
    unit = noisy / np.linalg.norm(noisy, axis=1, keepdims=True)
    return photos._replace(vectors=unit.astype(np.float32))


def draw_exams(clip_art: LabelledVectors, seeds: range, *, by_lot: bool) -> Iterator[ExamDraw]:
    """Exams on draws of 25 classes with ten pictures each; labels shuffled where they are drawn by lot."""
    sizes = np.bincount(clip_art.labels)
    large = np.flatnonzero(sizes >= DRAWN_PHOTOS + 4)
    for seed in seeds:
        random = np.random.default_rng(seed)
        given, kept_away = [], []
        for label in random.choice(large, min(DRAWN_CLASSES, len(large)), replace=False):
            members = random.permutation(np.flatnonzero(clip_art.labels == label))
            given += members[:DRAWN_PHOTOS].tolist()
            kept_away += members[DRAWN_PHOTOS:].tolist()
        photos, away = clip_art.take(np.array(given)), clip_art.take(np.array(kept_away))
        if by_lot:
            photos = photos._replace(labels=random.permutation(photos.labels))
        yield ExamDraw(state_draw(photos), 0.0 if by_lot else find_true_change(photos, away))


def state_draw(photos: LabelledVectors) -> DifferenceInterval:
    """The change of MAP@R that the exam states, with its interval over classes."""
    figures = list(examine_metric(photos, "images"))[-1]
    return state_change(photos, "images", figures, photos.labels[figures.rows])


def find_true_change(photos: LabelledVectors, away: LabelledVectors) -> float:
    """The change of MAP@R on pictures kept away, under the map fitted on all that were given."""
    metric = fit_class_metric(photos.vectors, photos.labels, choose_setting(photos, "images"))
    before = measure_retrieval(away.vectors, away.labels).map_at_r
    return measure_retrieval(metric.transform(away.vectors), away.labels).map_at_r - before


if __name__ == "__main__":
    main(sys.argv[1:])
