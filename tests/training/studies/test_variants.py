import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from PIL import Image

from indexer.errors import LookalikeError
from indexer.models.backbones import DEFAULT_BACKBONE
from indexer.photos.reading import content_hash
from indexer.progress import Progress, drain
from tests.support.commands import Tell, lookalike
from tests.support.html_pages import parse
from tests.support.labelled_shapes import write_classes
from training.data import pictures
from training.data.labelled_folders import PhotoSample, survey_folder
from training.data.split import TEST_FROM, assign_position, split_samples
from training.fitting.learner import create_start_network
from training.settings import cost
from training.settings.choices import LOSSES
from training.settings.config import TrainConfig
from training.settings.cost import TrainingMachine, choose_chunk_size
from training.studies.baselines import embed_with_lda
from training.studies.published_table import PUBLISHED_HEADING, PUBLISHED_ROWS, format_published
from training.studies.study_report import (
    average_over_seeds,
    describe_budget,
    describe_rules,
    measure_gain,
    render_study,
)
from training.studies.study_report import study_to_dict as as_json
from training.studies.trial_training import (
    VIEW_STRENGTHS,
    StudyData,
    create_variant_network,
    prepare_variant_features,
)
from training.studies.trials import StudyEntry, StudyResult, run_study
from training.studies.variants import (
    BASE_CONFIGS,
    STUDIES,
    StudyVariant,
    choose_base_config,
    require_free_settings,
    select_variants,
)

BASE = BASE_CONFIGS["images"]
TINY = replace(BASE, image_size=32, epochs=1, dim=8, classes_per_batch=6, photos_per_class=4)


@pytest.mark.parametrize("name", STUDIES)
def test_a_studys_variants_differ_in_what_it_asks_about_and_take_the_same_steps(name: str) -> None:
    base = choose_base_config(name, "images")
    variants = STUDIES[name](base)
    assert len({variant.name for variant in variants}) == len(variants) >= 3
    assert len({variant._replace(name="") for variant in variants}) == len(variants)
    free = {"losses": {"loss", "preset", "miner"}, "sizes": {"dim"}, "backbones": {"recipe", "pooling"}}
    free |= {"margin": {"margin"}, "mining": {"miner"}, "augmentation": set(), "ensembles": {"learners"}}
    free |= {"course": {"loss", "preset", "miner", "dim"}, "table": {"loss", "miner"}}
    for variant in variants:
        changed = {f.name for f in fields(TrainConfig) if getattr(variant.config, f.name) != getattr(base, f.name)}
        assert changed <= free[name]
        assert variant.views in VIEW_STRENGTHS


def test_the_table_has_the_rows_and_the_protocol_of_the_published_one() -> None:
    variants = STUDIES["table"](choose_base_config("table", "classes"))
    assert [one.name for one in variants] == [row.loss for row in PUBLISHED_ROWS[1:]]
    assert {(one.division, one.members, one.config.dim) for one in variants} == {("folds", 4, 128)}
    for row in format_published():
        assert len(row) == len(PUBLISHED_HEADING)
    gains = [row.concatenated[2] - row.separated[2] for row in PUBLISHED_ROWS[1:]]
    assert float(np.mean(gains)) == pytest.approx(8.0, abs=0.5)  # four folds add more than any loss does


def test_every_loss_is_compared() -> None:
    assert {variant.config.loss for variant in STUDIES["losses"](BASE)} == set(LOSSES)


def test_only_what_is_there_can_be_chosen() -> None:
    variants = STUDIES["sizes"](BASE)
    assert [one.config.dim for one in select_variants(variants, ["8 numbers", "2 numbers"])] == [8, 2]
    assert select_variants(variants, []) == variants
    with pytest.raises(LookalikeError, match="has no '3 numbers'; it compares: 2 numbers; 4 numbers"):
        select_variants(variants, ["3 numbers"])
    with pytest.raises(LookalikeError, match="supcon has no margin"):
        STUDIES["margin"](replace(BASE, loss="supcon"))


@pytest.mark.parametrize(
    ("name", "setting", "sentence"),
    [
        ("losses", "loss", "The study losses compares losses; leave --loss out."),
        ("sizes", "dim", "The study sizes compares sizes; leave --dim out."),
    ],
)
def test_what_a_study_sets_itself_is_not_set_by_the_user(name: str, setting: str, sentence: str) -> None:
    with pytest.raises(LookalikeError) as refused:
        require_free_settings(name, {"epochs": 1, setting: 2})
    assert str(refused.value) == sentence
    require_free_settings("mining", {"loss", "dim"})
    require_free_settings(name, {"epochs", "image_size"})


def test_a_study_for_new_classes_says_which_weights_are_measured() -> None:
    assert "halfway from the pretrained to the trained" in describe_rules(BASE_CONFIGS["classes"])
    assert "70% of the way from" in describe_rules(replace(BASE_CONFIGS["classes"], interpolation=0.7))
    assert "pretrained to the" not in describe_rules(BASE_CONFIGS["images"])


@pytest.mark.parametrize("count", [2, 3, 12])
def test_the_interval_over_seeds_is_students(count: int) -> None:
    values = np.random.default_rng(count).normal(0.5, 0.1, count)
    low, high = scipy.stats.t.interval(0.95, count - 1, values.mean(), scipy.stats.sem(values))
    found = average_over_seeds(values.tolist())
    assert found is not None
    assert (found.low, found.high, found.mean) == pytest.approx((low, high, values.mean()), rel=1e-9)
    assert average_over_seeds([0.5]) is None


def test_the_gain_is_paired_by_seed() -> None:
    def entry(*values: float) -> StudyEntry:
        return StudyEntry("one", values, values, values, 1.0, None)

    change = measure_gain(entry(0.5, 0.8, 0.2), entry(0.4, 0.7, 0.1))  # a tenth under every seed, however these differ
    assert change is not None
    assert (change.low, change.high) == pytest.approx((0.1, 0.1))
    assert measure_gain(entry(0.5, 0.6), entry(0.4)) is None


@pytest.fixture(scope="module")
def study(shapes: Path) -> StudyResult:
    variants = [one for one in STUDIES["augmentation"](TINY) if one.views != "gentle"]
    return drain(run_study("augmentation", shapes, TINY, variants, 2))


def test_a_study_measures_baselines_and_variants_on_the_same_test(study: StudyResult) -> None:
    names = ["raw pixels", "PCA of the pixels", "LDA of the pixels", "pretrained backbone"]
    assert [entry.name for entry in study.baselines] == [*names, "classifier by cross-entropy"]
    assert [entry.name for entry in study.entries] == ["no views", "strong views"]
    assert [len(entry.map_at_r) for entry in study.baselines] == [1, 1, 1, 1, 2]
    for entry in (*study.baselines, *study.entries):
        assert all(0 < value <= 1 for value in (*entry.map_at_r, *entry.p_at_1, *entry.r_precision))
        assert entry.summary is not None
        assert len(entry.summary.drawn) == study.parts["test"] == len(study.codes)
    assert len(set(study.entries[0].map_at_r + study.entries[1].map_at_r)) > 1  # seeds and views do something


def test_a_studys_page_is_whole_and_stands_alone(study: StudyResult) -> None:
    hostile = replace(study, names=tuple("<script>" for _ in study.names), folder=Path("/<b>"))
    text = drain(render_study(_few(hostile))).decode()
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


def test_a_page_shows_embeddings_of_one_number(study: StudyResult) -> None:
    def narrow(entry: StudyEntry) -> StudyEntry:  # as Fisher's discriminants are where two classes are learned
        assert entry.summary is not None
        return entry._replace(summary=entry.summary._replace(drawn=[row[:1] for row in entry.summary.drawn[:7]]))

    entries = [narrow(study.baselines[2]), narrow(study.entries[0])]
    page = parse(drain(render_study(replace(study, baselines=(entries[0],), entries=(entries[1],)))).decode())
    assert page.faults == []
    assert page.elements.count("svg") == 1 + 2 * 2


def test_files_that_cannot_be_read_are_counted_and_left_out(study: StudyResult) -> None:
    assert study.unreadable == as_json(study)["unreadable"] == 1
    assert "1 of their files could not be read" in describe_budget(study)


def _few(study: StudyResult) -> StudyResult:
    """With so few points that nothing is to be arranged."""

    def few(entry: StudyEntry) -> StudyEntry:
        return entry._replace(summary=entry.summary._replace(drawn=entry.summary.drawn[:7]) if entry.summary else None)

    return replace(study, baselines=tuple(map(few, study.baselines)), entries=tuple(map(few, study.entries)))


@pytest.mark.long
def test_the_same_seed_gives_the_same_study(study: StudyResult, shapes: Path) -> None:
    again = drain(run_study("augmentation", shapes, TINY, STUDIES["augmentation"](TINY)[:1], 1))
    assert again.entries[0].map_at_r == study.entries[0].map_at_r[:1]
    assert again.baselines[2].map_at_r == study.baselines[2].map_at_r


@pytest.mark.long
def test_a_study_judges_the_weights_that_a_training_would_keep(study: StudyResult, shapes: Path) -> None:
    # A tenth of the way from the pretrained weights is nearly what the pretrained network is, and not what was trained.
    near = replace(TINY, interpolation=0.1)
    found = drain(run_study("augmentation", shapes, near, STUDIES["augmentation"](near)[:1], 1)).entries[0]
    assert found.map_at_r[0] != study.entries[0].map_at_r[0]
    assert BASE_CONFIGS["classes"].interpolation == TrainConfig(purpose="classes").interpolation < 1


def test_a_named_backbone_without_a_head_is_its_own_embedding_at_the_size_of_the_pictures() -> None:
    config = replace(TINY, dim=0, image_size=None)
    network = create_variant_network(StudyVariant("another", config, backbone=DEFAULT_BACKBONE), 64)
    assert network.head is None
    assert network.dim == network.backbone_dim > 0
    assert network.preprocessing.size == 64
    assert network.preprocessing.crop == 1
    headed = create_variant_network(StudyVariant("another", replace(config, dim=8), backbone=DEFAULT_BACKBONE), 64)
    assert headed.dim == 8


def test_where_memory_is_short_every_kind_of_views_goes_through_the_network_in_parts(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = create_start_network(TINY)
    part = drain(pictures.read_pictures(drain(survey_folder(shapes)).samples[-12:], network.preprocessing)).part
    data = StudyData(part, part, part, np.zeros(12, np.int64), np.arange(12), tmp_path / "study", 0)
    monkeypatch.setattr(cost, "THIS_MACHINE", TrainingMachine(2, memory=25_000_000))
    seen: list[int] = []
    network.body.get_submodule("conv_stem").register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    for variant in STUDIES["augmentation"](TINY):
        feature_source = drain(prepare_variant_features(variant, network, data))
        seen.clear()
        assert len(feature_source.compute_features(np.arange(12), torch.Generator().manual_seed(0))) == 12
        assert max(seen) == choose_chunk_size(12, 32, cost.THIS_MACHINE) < 12
        assert sum(seen) == 12


def _stages(folder: Path, name: str, base: TrainConfig, refusal: str) -> set[str]:
    """What a study did before it was refused."""
    steps, stages = run_study(name, folder, base, STUDIES[name](base), 1), set[str]()
    with pytest.raises(LookalikeError, match=refusal):
        stages.update(progress.stage for progress in steps)
    return stages


def test_too_few_classes_for_an_ensemble_are_refused_before_any_work(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "five", 5, 6)
    assert _stages(folder, "ensembles", TINY, "3 folds take 6 classes .*; there are 5") == {"scan", "group"}


def test_a_backbone_that_is_not_there_is_refused_before_any_work(shapes: Path) -> None:
    steps = run_study("backbones", shapes, TINY, [StudyVariant("another", TINY, backbone="efficientnet_lite99")], 1)
    with pytest.raises(LookalikeError, match="no backbone named 'efficientnet_lite99'"):
        assert {progress.stage for progress in steps} == {"scan"}


def test_a_class_whose_test_pictures_cannot_be_read_leaves_nothing_to_compare_with_one_other(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "two", 2, 14)
    for sample in split_samples(drain(survey_folder(folder)).samples, "images").test:
        if sample.label == "class-01":
            Path(sample.path.decode()).unlink()
    damaged = [content for content in (b"%d" % n for n in range(200)) if _judges(content)]
    for number, content in enumerate(damaged[:4]):
        (folder / "class-01" / f"damaged-{number}.png").write_bytes(content)
    assert _stages(folder, "mining", TINY, "4 of the .* pictures to measure with cannot be read") == {
        "scan",
        "group",
        "decode",
    }


@pytest.mark.parametrize("photos", [1, 2])
def test_discriminants_are_found_where_classes_have_one_look_only(photos: int, tmp_path: Path) -> None:
    preprocessing = create_variant_network(StudyVariant("usual", TINY), 32).preprocessing
    samples = []
    for label, shade in enumerate((20, 120, 240)):
        for number in range(1 if label == 0 else photos + 1):
            path = tmp_path / f"{label}-{number}.png"
            picture = Image.new("RGB", (32, 32), (shade, 128, 128))
            if photos == 1:
                picture.putpixel((3 + 9 * number, 3), (255, 255, 255))
            picture.save(path)
            samples.append(PhotoSample(bytes(path), content_hash(path.read_bytes()), f"{label}"))
    part = drain(pictures.read_pictures(samples, preprocessing)).part
    vectors = embed_with_lda(part, part, 8)
    labels = np.array([int(sample.label) for sample in samples])
    means = np.stack([vectors[labels == label].mean(axis=0) for label in range(3)])
    nearest = np.square(vectors[:, None] - means[None, :]).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, labels)


def _judges(content: bytes) -> bool:
    return assign_position(b"photo", hashlib.sha256(content).digest()) >= TEST_FROM


@pytest.mark.long
@pytest.mark.parametrize("name", ["backbones", "ensembles", "sizes"])
def test_the_other_kinds_of_variants_run(name: str, shapes: Path) -> None:
    steps = run_study(name, shapes, TINY, STUDIES[name](TINY), 1)
    said: list[Progress] = []
    try:
        while True:
            said.append(next(steps))
    except StopIteration as stop:
        study: StudyResult = stop.value
    assert {progress.stage for progress in said} >= {"scan", "decode", "baselines", "study"}
    if name == "ensembles":
        assert len(study.entries) == 6
        alone, whole = study.entries[-2:]
        assert alone.summary is None
        assert whole.map_at_r[0] > alone.map_at_r[0] - 0.1


@pytest.mark.long
@pytest.mark.parametrize(("purpose", "classes"), [("images", 2), ("classes", 5)])  # two are learned in either
def test_the_command_gives_the_figures_and_then_the_page(purpose: str, classes: int, tmp_path: Path) -> None:
    folder, place = write_classes(tmp_path / "photos", classes, 14), tmp_path / "study.html"
    words = ["--purpose", purpose, "--seeds", "1", "--epochs", "1", "--image-size", "32", "--only", "semi-hard"]
    said = lookalike(tmp_path, "study", "mining", folder, *words, "--out", place, "--json")
    assert said.code == 0, said.err
    results = [found for found in said.objects() if "result" in found]
    assert [found["result"] for found in results] == ["study", "page"]
    assert results[1]["study"] == {name: value for name, value in results[0].items() if name != "result"}
    assert [entry["name"] for entry in results[0]["entries"]] == ["semi-hard"]
    assert parse(place.read_text()).faults == []


def test_what_a_study_sets_itself_is_refused_on_the_command_line(tmp_path: Path, tell: Tell) -> None:
    said = tell(tmp_path, "study", "losses", tmp_path, "--loss", "triplet")
    assert (said.code, said.out) == (2, "")
    assert "The study losses compares losses; leave --loss out." in said.err


def test_a_study_is_on_a_folder_or_a_library(tmp_path: Path, tell: Tell) -> None:
    for words in ((), (tmp_path, "--library"), ("--library", tmp_path / "none.library")):
        said = tell(tmp_path, "study", "sizes", *words)
        assert said.code == 2
        assert said.err.strip()


def test_a_variant_with_another_backbone_is_refused_where_nobody_asked_for_one(tmp_path: Path, tell: Tell) -> None:
    said = tell(tmp_path, "study", "sizes", tmp_path, "--backbone", "resnet18")
    assert said.code == 2
    assert "--backbone belongs to the study backbones" in said.err
