import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from indexer.errors import LookalikeError
from indexer.progress import Progress, drain
from tests.commands import lookalike
from tests.pages import parse
from training.choices import LOSSES
from training.config import TrainConfig
from training.study import STUDIES, chosen
from training.study_command import BASES
from training.study_page import MOST_SEEDS, gain, over_seeds, study_page
from training.study_page import fields as as_json
from training.trials import STRENGTHS, Entry, Study, run_study

BASE = BASES["images"]
TINY = replace(BASE, image_size=32, epochs=1, dim=8, classes_per_batch=6, photos_per_class=4)


@pytest.mark.parametrize("name", STUDIES)
def test_a_studys_variants_differ_in_what_it_asks_about_and_take_the_same_steps(name: str) -> None:
    variants = STUDIES[name](BASE)
    assert len({variant.name for variant in variants}) == len(variants) >= 3
    assert len({variant._replace(name="") for variant in variants}) == len(variants)
    free = {"losses": {"loss", "preset", "miner"}, "sizes": {"dim"}, "backbones": {"recipe"}}
    free |= {"margin": {"margin"}, "mining": {"miner"}, "augmentation": set(), "ensembles": set()}
    for variant in variants:
        changed = {f.name for f in fields(TrainConfig) if getattr(variant.config, f.name) != getattr(BASE, f.name)}
        assert changed <= free[name]
        assert variant.views in STRENGTHS


def test_every_loss_is_compared() -> None:
    assert {variant.config.loss for variant in STUDIES["losses"](BASE)} == set(LOSSES)


def test_only_what_is_there_can_be_chosen() -> None:
    variants = STUDIES["sizes"](BASE)
    assert [one.config.dim for one in chosen(variants, ["8 numbers", "2 numbers"])] == [8, 2]
    assert chosen(variants, []) == variants
    with pytest.raises(LookalikeError, match="has no '3 numbers'; it compares: 2 numbers; 4 numbers"):
        chosen(variants, ["3 numbers"])
    with pytest.raises(LookalikeError, match="supcon has no margin"):
        STUDIES["margin"](replace(BASE, loss="supcon"))


@pytest.mark.parametrize("count", [2, 3, MOST_SEEDS])
def test_the_interval_over_seeds_is_students(count: int) -> None:
    values = np.random.default_rng(count).normal(0.5, 0.1, count)
    low, high = scipy.stats.t.interval(0.95, count - 1, values.mean(), scipy.stats.sem(values))
    found = over_seeds(values.tolist())
    assert found is not None
    assert (found.low, found.high, found.mean) == pytest.approx((low, high, values.mean()), rel=1e-3)
    assert over_seeds([0.5]) is None


def test_the_gain_is_paired_by_seed() -> None:
    def entry(*values: float) -> Entry:
        return Entry("one", values, values, values, 1.0, None)

    change = gain(entry(0.5, 0.8, 0.2), entry(0.4, 0.7, 0.1))  # a tenth under every seed, however these differ
    assert change is not None
    assert (change.low, change.high) == pytest.approx((0.1, 0.1))
    assert gain(entry(0.5, 0.6), entry(0.4)) is None


@pytest.fixture(scope="module")
def study(shapes: Path) -> Study:
    variants = [one for one in STUDIES["augmentation"](TINY) if one.views != "gentle"]
    return drain(run_study("augmentation", shapes, TINY, variants, 2))


def test_a_study_measures_baselines_and_variants_on_the_same_test(study: Study) -> None:
    names = ["raw pixels", "PCA of the pixels", "LDA of the pixels", "pretrained backbone"]
    assert [entry.name for entry in study.baselines] == [*names, "classifier by cross-entropy"]
    assert [entry.name for entry in study.entries] == ["no views", "strong views"]
    assert [len(entry.map_at_r) for entry in study.baselines] == [1, 1, 1, 1, 2]
    for entry in (*study.baselines, *study.entries):
        assert all(0 < value <= 1 for value in (*entry.map_at_r, *entry.p_at_1, *entry.r_precision))
        assert entry.side is not None
        assert len(entry.side.drawn) == study.parts["test"] == len(study.codes)
    assert len(set(study.entries[0].map_at_r + study.entries[1].map_at_r)) > 1  # seeds and views do something


def test_a_studys_page_is_whole_and_stands_alone(study: Study) -> None:
    hostile = replace(study, names=tuple("<script>" for _ in study.names), folder=Path("/<b>"))
    text = drain(study_page(_few(hostile))).decode()
    page = parse(text)
    assert page.faults == []
    assert "<script" not in text
    assert "no views" in page.words
    assert page.elements.count("svg") == 1 + 2 * 7
    values = json.loads(json.dumps(as_json(study)))
    assert values["steps"] == study.steps
    assert values["entries"][1]["gain"]["mean"] == pytest.approx(
        np.mean(study.entries[1].map_at_r) - np.mean(study.entries[0].map_at_r)
    )


def _few(study: Study) -> Study:
    """With so few points that nothing is to be arranged."""

    def few(entry: Entry) -> Entry:
        return entry._replace(side=entry.side._replace(drawn=entry.side.drawn[:7]) if entry.side else None)

    return replace(study, baselines=tuple(map(few, study.baselines)), entries=tuple(map(few, study.entries)))


def test_the_same_seed_gives_the_same_study(study: Study, shapes: Path) -> None:
    again = drain(run_study("augmentation", shapes, TINY, STUDIES["augmentation"](TINY)[:1], 1))
    assert again.entries[0].map_at_r == study.entries[0].map_at_r[:1]
    assert again.baselines[2].map_at_r == study.baselines[2].map_at_r


def test_a_study_judges_the_weights_that_a_training_would_keep(study: Study, shapes: Path) -> None:
    # A tenth of the way from the pretrained weights is nearly what the pretrained network is, and not what was trained.
    near = replace(TINY, interpolation=0.1)
    found = drain(run_study("augmentation", shapes, near, STUDIES["augmentation"](near)[:1], 1)).entries[0]
    assert found.map_at_r[0] != study.entries[0].map_at_r[0]
    assert BASES["classes"].interpolation == TrainConfig(purpose="classes").interpolation < 1


@pytest.mark.long
@pytest.mark.parametrize("name", ["backbones", "ensembles", "sizes"])
def test_the_other_kinds_of_variants_run(name: str, shapes: Path) -> None:
    steps = run_study(name, shapes, TINY, STUDIES[name](TINY), 1)
    said: list[Progress] = []
    try:
        while True:
            said.append(next(steps))
    except StopIteration as stop:
        study: Study = stop.value
    assert {progress.stage for progress in said} >= {"scan", "decode", "baselines", "study"}
    if name == "ensembles":
        assert len(study.entries) == 5
        alone, whole = study.entries[-2:]
        assert alone.side is None
        assert whole.map_at_r[0] > alone.map_at_r[0] - 0.1


def test_a_variant_with_another_backbone_is_refused_where_nobody_asked_for_one(tmp_path: Path) -> None:
    said = lookalike(tmp_path, "study", "sizes", tmp_path, "--backbone", "resnet18")
    assert said.code == 2
    assert "--backbone belongs to the study backbones" in said.err
