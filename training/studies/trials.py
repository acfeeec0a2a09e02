"""Run a study: every variant under every seed on the same pictures with the same number of steps.

Unlike a training for use, a trial never stops early and never falls back to the pretrained network, and what is
measured is always the embedding that was trained: the head's. Validation chooses among its epochs; the test part is
asked once.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from indexer.errors import LookalikeError
from indexer.models import backbones
from indexer.models.card import Head, Preprocessing
from indexer.models.network import Network, tune_allocator, with_head
from indexer.progress import Progress, Steps
from indexer.statistics.metrics import Retrieval, retrieval
from training.data import pictures
from training.data.augmentation import GENTLE, STRONG, Strength, views
from training.data.labelled_folders import number, survey
from training.data.pictures import Part
from training.data.sampler import dealt
from training.data.split import PAIR, Split
from training.data.split import split as divide
from training.fitting.fit import asked
from training.fitting.learner import (
    HEAD_ROWS,
    Learner,
    both_embeddings,
    device,
    interpolated,
    pooled_features,
    pretrained,
    restore,
    snapshot,
    start_head,
)
from training.fitting.recipes import RECIPES, Checked, Material, Photos, whole
from training.judging import report_data as insight
from training.judging.report_data import Side
from training.settings.config import TrainConfig
from training.studies.baselines import BASELINES, Classifier
from training.studies.ensemble import DIVISIONS, joined
from training.studies.variants import MEMBERS, Variant

NUMBERS = 32  # of a baseline where the embedding is the backbone's own: as many as in the notes
STRENGTHS: dict[str, Strength | None] = {"none": None, "gentle": GENTLE, "strong": STRONG}
Codes = NDArray[np.int64]
Step = Callable[[Codes, Codes], float]
Make = Callable[[Network, TrainConfig, Material, int], Step]


class Entry(NamedTuple):
    """One row of a study: figures by seed (only one where chance has no part), seconds a seed, and what is drawn of
    the first seed.
    """

    name: str
    p_at_1: tuple[float, ...]
    r_precision: tuple[float, ...]
    map_at_r: tuple[float, ...]
    seconds: float
    side: Side | None


@dataclass(frozen=True, slots=True)
class Study:
    """What came of a study; `codes` are the classes of the pictures drawn, `names` what they stand for, `unreadable`
    counts the files that were left out.
    """

    name: str
    folder: Path
    base: TrainConfig
    seeds: int
    steps: int
    parts: dict[str, int]
    classes: int
    unreadable: int
    baselines: tuple[Entry, ...]
    entries: tuple[Entry, ...]
    codes: tuple[int, ...]
    names: tuple[str, ...]


class _Ground(NamedTuple):
    """The pictures in their three parts, the test classes (n,) as numbers, and a folder for what overflows memory."""

    learn: Part
    choose: Part
    test: Part
    labels: Codes
    place: Path
    unreadable: int

    @property
    def split(self) -> Split:
        return Split(self.learn.samples, self.choose.samples, self.test.samples)


class _Measured(NamedTuple):
    name: str
    figures: tuple[float, float, float]
    seconds: float
    vectors: NDArray[np.floating] | None


def run_study(name: str, folder: Path, base: TrainConfig, variants: Sequence[Variant], seeds: int) -> Steps[Study]:
    """Compare variants on a labelled folder; LookalikeError where it lacks what that takes."""
    found = yield from survey(folder)
    parts = divide(found.samples, base.purpose)
    tune_allocator()
    _check_divisions(variants, parts)
    preprocessing = pretrained(base).preprocessing
    _check_backbones(variants, preprocessing.size)
    with tempfile.TemporaryDirectory() as place:
        ground = yield from _read(parts, preprocessing, Path(place) / "study")
        _check_divisions(variants, ground.split)  # of the pictures that can be read
        baselines = yield from _baselines(ground, base, seeds)
        entries: list[Entry] = []
        for variant in variants:
            entries += yield from _seeded(variant, ground, seeds)
    rows = insight.drawn(len(ground.labels))
    return Study(
        name=name,
        folder=folder,
        base=base,
        seeds=seeds,
        steps=base.epochs * len(dealt(number(ground.learn.samples).labels, base, 1)),
        parts={part: len(samples) for part, samples in ground.split._asdict().items()},
        classes=len(np.unique(ground.labels)),
        unreadable=len(found.unreadable) + ground.unreadable,
        baselines=tuple(baselines),
        entries=tuple(entries),
        codes=tuple(ground.labels[rows].tolist()),
        names=number(ground.test.samples).names,
    )


def _check_divisions(variants: Sequence[Variant], parts: Split) -> None:
    """LookalikeError, before anything is trained, where an ensemble cannot be made of these parts."""
    for variant in variants:
        if variant.division:
            DIVISIONS[variant.division](parts, MEMBERS)


def _check_backbones(variants: Sequence[Variant], size: int) -> None:
    """ModelError, before anything is trained, where one of the networks cannot be had for pictures of that size."""
    for variant in variants:
        if variant.backbone:
            _network(variant, size)


def _read(parts: Split, preprocessing: Preprocessing, place: Path) -> Steps[_Ground]:
    learn = yield from pictures.read(parts.train, preprocessing)
    choose = yield from pictures.read(parts.validation, preprocessing)
    test = yield from pictures.read(parts.test, preprocessing)
    _check_readable(parts, Split(learn.part.samples, choose.part.samples, test.part.samples))
    unreadable = len(learn.unreadable) + len(choose.unreadable) + len(test.unreadable)
    return _Ground(learn.part, choose.part, test.part, number(test.part.samples).labels, place, unreadable)


def _check_readable(parts: Split, readable: Split) -> None:
    """LookalikeError where what can be read of a part holds no match to find, or no mismatch to tell it from."""
    tasks = ("learn from", "choose by", "measure with")
    for task, wanted, usable in zip(tasks, parts, readable, strict=True):
        counts = Counter(sample.label for sample in usable)
        if len(counts) < 2 or max(counts.values()) < PAIR:
            raise LookalikeError(
                f"{len(wanted) - len(usable):,} of the {len(wanted):,} pictures to {task} cannot be read, and the rest "
                "leave nothing to compare: mend or remove them, or add pictures."
            )


def _baselines(ground: _Ground, base: TrainConfig, seeds: int) -> Steps[list[Entry]]:
    entries: list[Entry] = []
    for name, baseline in BASELINES.items():
        yield Progress("baselines", len(entries), len(BASELINES) + 1, name)
        begun = time.perf_counter()
        vectors = baseline(ground.learn, ground.test, base.dim or NUMBERS)
        entries.append(_fixed(name, vectors, ground, time.perf_counter() - begun))
    begun = time.perf_counter()
    network = pretrained(base)
    vectors = both_embeddings(network, _pooled(network, ground.test)).backbone
    entries.append(_fixed("pretrained backbone", vectors, ground, time.perf_counter() - begun))
    classifier = Variant("classifier by cross-entropy", base)
    return entries + (yield from _seeded(classifier, ground, seeds, _classifier))


def _fixed(name: str, vectors: NDArray[np.floating], ground: _Ground, seconds: float) -> Entry:
    """What no seed changes."""
    return _entry([_Measured(name, _figures(retrieval(vectors, ground.labels)), seconds, vectors)], ground)


def _figures(measured: Retrieval) -> tuple[float, float, float]:
    return (measured.p_at_1, measured.r_precision, measured.map_at_r)


def _loss(network: Network, config: TrainConfig, material: Material, steps: int) -> Step:
    classes = len(np.unique(material.labels))
    learner = Learner(network, config, material.show, classes=classes, steps=steps)
    return lambda rows, labels: float(learner.step(rows, labels).loss.detach())


def _classifier(network: Network, config: TrainConfig, material: Material, steps: int) -> Step:
    classes = len(np.unique(material.labels))
    return Classifier(network, config, material.show, classes=classes, steps=steps).step


def _seeded(variant: Variant, ground: _Ground, seeds: int, make: Make = _loss) -> Steps[list[Entry]]:
    """A variant under every seed: one entry, of an ensemble two."""
    by_name: dict[str, list[_Measured]] = {}
    for seed in range(seeds):
        seeded = variant._replace(config=replace(variant.config, seed=seed))
        found = (yield from _members(seeded, ground)) if variant.division else [(yield from _one(seeded, ground, make))]
        for measured in found:
            by_name.setdefault(measured.name, []).append(measured)
    return [_entry(measured, ground) for measured in by_name.values()]


def _entry(measured: Sequence[_Measured], ground: _Ground) -> Entry:
    first = measured[0]
    columns = [tuple(column) for column in zip(*(one.figures for one in measured), strict=True)]
    rows = insight.drawn(len(ground.labels))
    side = None if first.vectors is None else insight.side(first.name, first.vectors, ground.labels, rows)
    seconds = float(np.mean([one.seconds for one in measured]))
    return Entry(first.name, columns[0], columns[1], columns[2], seconds, side)


def _one(variant: Variant, ground: _Ground, make: Make) -> Steps[_Measured]:
    begun = time.perf_counter()
    vectors = yield from _trained(variant, ground, make)
    figures = _figures(retrieval(vectors, ground.labels))
    return _Measured(variant.name, figures, time.perf_counter() - begun, vectors)


def _members(variant: Variant, ground: _Ground) -> Steps[list[_Measured]]:
    """Members of an ensemble, alone on average ("separated" in the notes) and side by side ("concatenated")."""
    begun = time.perf_counter()
    vectors, figures = list[NDArray[np.floating]](), list[tuple[float, float, float]]()
    for member, parts in enumerate(DIVISIONS[variant.division](ground.split, MEMBERS)):
        learn = yield from pictures.read(parts.train, ground.test.preprocessing)
        choose = yield from pictures.read(parts.validation, ground.test.preprocessing)
        config = replace(variant.config, seed=variant.config.seed * MEMBERS + member)
        own = ground._replace(learn=learn.part, choose=choose.part)
        vectors.append((yield from _trained(variant._replace(config=config), own, _loss)))
        figures.append(_figures(retrieval(vectors[-1], ground.labels)))
    seconds = time.perf_counter() - begun
    together = joined(vectors)
    alone = np.mean(figures, axis=0)
    return [
        _Measured(f"{variant.name}: separated", (float(alone[0]), float(alone[1]), float(alone[2])), seconds, None),
        _Measured(f"{variant.name}: concatenated", _figures(retrieval(together, ground.labels)), seconds, together),
    ]


def _trained(variant: Variant, ground: _Ground, make: Make) -> Steps[NDArray[np.floating]]:
    """Test embeddings (n, dim) of the epoch that validation found best."""
    config = variant.config
    network = _network(variant, ground.test.preprocessing.size)
    material = yield from _material(variant, network, ground)
    rows = np.sort(np.random.default_rng(config.seed).permutation(len(material.labels))[:HEAD_ROWS])
    start_head(network, material.plain(rows))
    hands = [dealt(material.labels, config, epoch) for epoch in range(1, config.epochs + 1)]
    total, done, best, state = sum(map(len, hands)), 0, -1.0, snapshot(network)
    start = state
    step = make(network, config, material, total)
    choose_by = asked(ground.learn.samples, ground.choose.samples)
    for epoch in hands:
        for batch in epoch:
            loss, done = step(batch, material.labels[batch]), done + 1
            yield Progress("study", done, total, f"{variant.name}, seed {config.seed}", {"loss": loss})
        with interpolated(network, start, config.interpolation):
            score = _score(network, material.check(), choose_by)
            if score > best:
                best, state = score, snapshot(network)
    restore(network, state)
    return _embedding(network, _pooled(network, ground.test))


def _network(variant: Variant, size: int) -> Network:
    """The usual network, or the one that the variant names for pictures of `size` pixels, those of the usual one."""
    config = variant.config
    if not variant.backbone:
        return pretrained(config)
    backbone = backbones.create(variant.backbone, size=size)
    torch.manual_seed(config.seed)
    network = Network(backbone._replace(preprocessing=replace(backbone.preprocessing, crop=1.0)))
    head = Head(min(config.dim, network.backbone_dim)) if config.dim else None
    return with_head(network, head).eval().to(device())


def _material(variant: Variant, network: Network, ground: _Ground) -> Steps[Material]:
    """The recipe's; where the whole network is trained, in other views than the recipe's if the variant wants them."""
    photos = Photos(ground.learn, ground.choose, ground.place)
    material = yield from RECIPES[variant.config.recipe](variant.config, network, photos)
    strength = STRENGTHS[variant.views]
    if variant.config.recipe != "full" or strength is GENTLE:
        return material

    def show(rows: Codes, random: torch.Generator) -> Tensor:
        batch = torch.from_numpy(ground.learn.batch(rows)).to(device())
        return whole(network, batch if strength is None else views(batch, random, strength))

    return replace(material, show=show)


def _score(network: Network, checked: Checked, choose_by: NDArray[np.bool_]) -> float:
    """Validation MAP@R of the embedding that is trained; below 0 where it is no number any more."""
    vectors = _embedding(network, checked.pooled)
    if not np.isfinite(vectors).all():
        return -1.0
    figures = retrieval(vectors, checked.labels)
    return float(figures.per_query_map_at_r[choose_by[figures.rows]].mean())


def _embedding(network: Network, pooled: np.ndarray) -> NDArray[np.floating]:
    both = both_embeddings(network, pooled)
    return both.backbone if both.head is None else both.head


def _pooled(network: Network, part: Part) -> np.ndarray:
    return pooled_features(network, part.batch, np.arange(len(part.samples)))
