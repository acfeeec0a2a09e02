import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.errors import LookalikeError
from indexer.models import model
from indexer.models.card import read_card, read_seen_hashes
from indexer.models.installation import ModelChoice, install_model
from indexer.models.network import create_network, load_network
from indexer.photos.decoding import decode_photo
from indexer.photos.photo_traits import hash_pixels
from indexer.photos.reading import read_photo
from indexer.progress import drain
from indexer.reports.evaluation import evaluate_model
from indexer.statistics.metrics import measure_retrieval
from tests.support.labelled_shapes import write_classes
from tests.support.pictures import png_chunk
from tests.support.quick_training import QUICK, Trained, run_to_end
from training import train
from training.data.labelled_folders import number_labels, survey_folder
from training.data.pictures import decode_sample
from training.data.split import DataSplit, split_samples
from training.fitting.learner import compute_embeddings, compute_pooled_features, create_start_network
from training.judging.record import read_record
from training.judging.verdict import wrap_network
from training.reports.report import render_report
from training.settings.config import TrainConfig

STAGES_BETWEEN = ("test", "decode", "validate")

pytestmark = pytest.mark.untraced  # tracing would add half the time; cheaper tests measure the same lines


def validation_score(result: Trained) -> float:
    """MAP@R of the written checkpoint on the validation part, measured anew from its files."""
    network = load_network(result.result.checkpoint)
    samples = result.result.parts.validation
    pixels = np.stack([decode_sample(sample, network.preprocessing) for sample in samples])
    return measure_retrieval(wrap_network(network, "saved").embed(pixels), number_labels(samples).labels).map_at_r


def test_validation_begins_before_the_first_step_and_follows_each_epoch(trained: Trained) -> None:
    stages = [(said.stage, said.done) for said in trained.said if said.stage in ("train", "validate")]
    assert stages[0] == ("validate", 0)
    assert [done for stage, done in stages if stage == "validate"] == [0, 1, 2]
    assert stages[-1] == ("validate", 2)


def test_the_curves_are_in_the_progress(trained: Trained) -> None:
    steps = [said for said in trained.said if said.stage == "train"]
    assert all({"epoch", "loss", "active"} == set(step.values) for step in steps)
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    scores = [said.values for said in trained.said if said.stage == "validate"]
    measured = {"epoch", "spread", "map_at_r_head", "map_at_r_backbone"}
    assert set(scores[0]) == measured
    assert all(set(values) == measured | {"active", "positive_distance", "negative_distance"} for values in scores[1:])
    epochs = trained.result.fit.epochs
    assert [values["map_at_r_head"] for values in scores] == [epoch.score.head for epoch in epochs]


def test_a_useful_training_is_installed(trained: Trained) -> None:
    judged = trained.result.verdict
    assert judged.install
    assert judged.map_at_r_change.low > 0
    assert judged.after.figures.map_at_r > judged.before.figures.map_at_r
    assert "the new model is better" in judged.why


def test_before_is_the_best_pretrained_form_and_pixels_stand_beside(trained: Trained) -> None:
    rows = trained.result.baseline.pretrained
    assert len(rows) == 2
    assert rows[0].figures.map_at_r >= rows[1].figures.map_at_r
    assert trained.result.verdict.before is rows[0]
    assert trained.result.baseline.pixels is not None


def test_the_checkpoint_is_the_epoch_and_embedding_that_validation_chose(trained: Trained) -> None:
    fit = trained.result.fit
    assert fit.best.map_at_r == max(epoch.map_at_r for epoch in fit.epochs)
    assert validation_score(trained) == pytest.approx(fit.best.map_at_r, abs=1e-9)
    card = read_card(trained.result.checkpoint)
    assert (card.head is None) == (fit.embedding == "backbone")


@pytest.mark.long
def test_a_training_that_only_does_harm_keeps_the_pretrained_model_at_its_own_size(
    shapes: Path, tmp_path: Path
) -> None:
    config = replace(QUICK, learning_rate=1.0, epochs=1)
    ruined = run_to_end(config, shapes, tmp_path / "out")
    fit, judged = ruined.result.fit, ruined.result.verdict
    assert fit.best.epoch == 0
    assert fit.epochs[-1].map_at_r < fit.best.map_at_r
    kept, own = load_network(tmp_path / "out"), create_network()
    assert kept.preprocessing == own.preprocessing
    assert all(torch.equal(kept.state_dict()[name], tensor) for name, tensor in own.state_dict().items())
    assert judged.map_at_r_change == (0, 0, 0)
    assert not judged.install
    assert "No epoch of the training was better" in judged.why
    assert judged.before.figures == judged.after.figures


@pytest.mark.long
def test_a_training_that_only_does_harm_keeps_the_instant_start_where_that_is_better(
    shapes: Path, tmp_path: Path
) -> None:
    ruined = run_to_end(replace(QUICK, learning_rate=1.0, epochs=1, head_start="instant"), shapes, tmp_path / "out")
    fit, judged = ruined.result.fit, ruined.result.verdict
    start = fit.epochs[0]
    assert start.score.head is not None
    assert start.score.head > start.score.backbone
    assert (fit.best, fit.embedding) == (start, "head")
    network = load_network(tmp_path / "out")
    own = create_start_network(QUICK)
    assert all(torch.equal(network.body.state_dict()[name], tensor) for name, tensor in own.body.state_dict().items())
    assert validation_score(ruined) == pytest.approx(start.score.head, abs=1e-9)
    assert judged.after.figures.map_at_r != judged.before.figures.map_at_r
    record = read_record(tmp_path / "out")
    assert record.epoch_note == "the instant start, no epoch"
    assert record.epochs[0].taught_start


def test_a_useless_training_is_refused(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "mixed", 4, 10, mixed=True)
    judged = run_to_end(replace(QUICK, epochs=1, dim=0), folder, tmp_path / "out").result.verdict
    assert not judged.install
    assert judged.map_at_r_change.low <= 0
    assert judged.why.endswith(".")
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_the_test_part_is_never_seen_and_everything_else_is(trained: Trained) -> None:
    parts = trained.result.parts
    seen = {bytes(row) for row in read_seen_hashes(trained.result.checkpoint)}
    learnt = parts.train + parts.validation
    assert seen == {sample.sha256 for sample in learnt} | {sample.pixel_sha256 for sample in learnt}
    assert seen.isdisjoint(sample.sha256 for sample in parts.test)
    side = read_card(trained.result.checkpoint).preprocessing.short_side
    for sample in parts.test:
        assert hash_pixels(decode_photo(read_photo(sample.path), side).image) not in seen


@pytest.fixture(scope="module")
def installed(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the trained model as a library has it, converted."""
    models = tmp_path_factory.mktemp("installed")
    return models / drain(install_model(ModelChoice(checkpoint=trained.result.checkpoint), models)).fingerprint


@pytest.mark.parametrize("retagged", [False, True], ids=["as they were", "with a keyword since"])
def test_an_evaluation_leaves_out_what_the_checkpoint_has_seen_and_counts_it(
    trained: Trained, installed: Path, shapes: Path, tmp_path: Path, retagged: bool
) -> None:
    seen = frozenset(map(bytes, read_seen_hashes(installed)))
    embedder = model.load_model(installed, runtime="torch")
    folder = _retag(shapes, tmp_path / "retagged") if retagged else shapes
    measured = drain(evaluate_model(folder, embedder, seen))
    assert measured.seen == len(trained.result.parts.train) + len(trained.result.parts.validation)
    assert measured.photos == len(trained.result.parts.test)
    assert measured.retrieval.map_at_r == pytest.approx(trained.result.verdict.after.figures.map_at_r, abs=1e-6)


def _retag(folder: Path, out: Path) -> Path:
    """A copy of a folder of PNGs into each of which another program has written a keyword."""
    for path in Path(shutil.copytree(folder, out)).rglob("*.png"):
        data = path.read_bytes()
        path.write_bytes(data[:-12] + png_chunk(b"tEXt", b"Keywords\0mine") + data[-12:])
    return out


def test_a_checkpoint_embeds_alike_in_training_in_torch_and_in_openvino(trained: Trained, installed: Path) -> None:
    card = read_card(installed)
    paths = [sample.path for sample in trained.result.parts.test]
    decoded = [decode_photo(read_photo(path), card.preprocessing.short_side).image for path in paths]
    batch = np.stack([card.preprocessing.prepare(image) for image in decoded])
    in_torch = model.load_model(installed, runtime="torch").embed(batch)
    np.testing.assert_allclose(in_torch, trained.result.verdict.after.vectors, atol=1e-6)
    converted = model.load_model(installed, runtime="openvino")
    atol = 1e-3 if converted.precision == "fp32" else 0.1
    np.testing.assert_allclose(converted.embed(batch), in_torch, atol=atol)


def test_the_story_stands_beside_the_checkpoint(trained: Trained) -> None:
    story = json.loads((trained.result.checkpoint / "training.json").read_text())
    assert story["verdict"] == "install"
    assert story["fingerprint"] == read_card(trained.result.checkpoint).fingerprint
    assert TrainConfig.from_dict(story["config"]) == replace(
        QUICK, recipe="full", miner="semi-hard-all", margin=0.2, interpolation=1.0
    )
    assert len(story["epochs"]) == 3


def test_a_file_that_is_no_picture_is_left_out_and_named(trained: Trained) -> None:
    assert [path.split(b"/")[-1] for path, _ in trained.result.unreadable] == [b"damaged.png"]
    assert sum(map(len, trained.result.parts)) == 6 * 14


@pytest.mark.long
@pytest.mark.parametrize(("part", "task"), [("train", "learn from"), ("validation", "choose by"), ("test", "judge by")])
@pytest.mark.parametrize("left", [0, 1])
def test_a_part_of_which_too_little_can_be_read_is_refused_in_a_sentence(
    tmp_path: Path, part: str, task: str, left: int
) -> None:
    folder = write_classes(tmp_path / "shapes", 2, 8)
    parts = split_samples(drain(survey_folder(folder)).samples, "images")
    spared: set[str] = set()
    for sample in getattr(parts, part):
        if left and sample.label not in spared:
            spared.add(sample.label)
        else:
            Path(os.fsdecode(sample.path)).write_bytes(b"no picture")
    with pytest.raises(LookalikeError, match=f"pictures to {task} cannot be read"):
        drain(train(QUICK, folder, tmp_path / "out", parts))
    assert not (tmp_path / "out").exists()


def test_for_new_classes_the_test_asks_about_classes_that_were_never_trained(shapes: Path, tmp_path: Path) -> None:
    config = replace(QUICK, purpose="classes", epochs=1, classes_per_batch=2)
    result = run_to_end(config, shapes, tmp_path / "out").result
    train, validation, test = ({sample.label for sample in part} for part in result.parts)
    assert test.isdisjoint(train | validation)
    assert validation.isdisjoint(train)
    assert result.verdict.classes == 2


@pytest.mark.long
def test_where_validation_has_known_and_new_classes_the_new_ones_alone_are_asked_about(tmp_path: Path) -> None:
    config = replace(QUICK, purpose="classes", epochs=1, max_seconds=0.01)
    result = run_to_end(config, write_classes(tmp_path / "five", 5, 8), tmp_path / "out").result
    network, samples = create_start_network(config), result.parts.validation
    pixels = np.stack([decode_sample(sample, network.preprocessing) for sample in samples])
    pooled = compute_pooled_features(network, lambda rows: pixels[rows], np.arange(len(samples)))
    figures = measure_retrieval(compute_embeddings(network, pooled).backbone, number_labels(samples).labels)
    new = {sample.label for sample in samples} - {sample.label for sample in result.parts.train}
    query_mask = [samples[row].label in new for row in figures.rows]
    assert len(new) == 1
    assert not all(query_mask)
    assert result.fit.epochs[0].score.backbone == pytest.approx(figures.per_query_map_at_r[query_mask].mean(), abs=1e-6)


@pytest.mark.long
def test_halfway_each_weight_is_the_mean_of_the_pretrained_and_the_trained_one(shapes: Path, tmp_path: Path) -> None:
    kept = {}
    for share in (0.5, 1.0):
        config = replace(QUICK, dim=0, epochs=1, interpolation=share)
        assert run_to_end(config, shapes, tmp_path / str(share)).result.fit.best.epoch == 1
        kept[share] = load_network(tmp_path / str(share)).state_dict()
    start = create_start_network(replace(QUICK, dim=0)).state_dict()
    assert any(not torch.equal(kept[1.0][name], tensor) for name, tensor in start.items())
    for name, tensor in start.items():
        wanted = (tensor.double() + kept[1.0][name].double()) / 2
        torch.testing.assert_close(kept[0.5][name].double(), wanted, atol=1e-6, rtol=1e-6)


@pytest.mark.long
def test_without_a_head_the_backbone_is_the_embedding(trained: Trained, tmp_path: Path, shapes: Path) -> None:
    parts = split_samples(drain(survey_folder(shapes)).samples, "images")
    small = DataSplit(parts.train[::3], parts.validation, parts.test)
    result = drain(train(replace(QUICK, dim=0, epochs=1), shapes, tmp_path / "out", small))
    assert result.fit.embedding == "backbone"
    assert all(epoch.score.head is None for epoch in result.fit.epochs)
    assert read_card(tmp_path / "out").dim == 1280
    assert len(result.parts.train) <= len(small.train)


@pytest.mark.parametrize(
    "stage", ["scan", "train", "save", *(pytest.param(name, marks=pytest.mark.long) for name in STAGES_BETWEEN)]
)
def test_closed_at_any_stage_nothing_is_left_behind(shapes: Path, tmp_path: Path, stage: str) -> None:
    steps = train(replace(QUICK, epochs=1), shapes, tmp_path / "out" / "checkpoint")
    assert next(said.stage for said in steps if said.stage == stage) == stage
    steps.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_time_that_is_spent_ends_the_training_with_its_best(shapes: Path, tmp_path: Path) -> None:
    result = run_to_end(replace(QUICK, max_seconds=0.01, epochs=50), shapes, tmp_path / "out").result
    assert len(result.fit.epochs) == 2
    assert "time given is spent" in result.fit.stopped


def test_two_classes_of_three_pictures_are_refused_with_what_it_takes(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "few", 2, 3)
    with pytest.raises(LookalikeError, match="two classes of at least six different pictures"):
        drain(train(QUICK, folder, tmp_path / "out"))


def test_a_folder_with_other_things_is_no_place_for_a_checkpoint(shapes: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear diary")
    with pytest.raises(LookalikeError, match="holds other files"):
        drain(train(QUICK, shapes, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def _write_parts(folder: Path) -> Path:
    """Shapes in six classes, as train, Val and test: of 12 pictures of a class 7, 2 and 3."""
    write_classes(folder / "train", 6, 12)
    for home in sorted((folder / "train").iterdir()):
        for index, path in enumerate(sorted(home.iterdir())[:5]):
            part = folder / ("test" if index < 3 else "Val") / home.name
            part.mkdir(parents=True, exist_ok=True)
            path.rename(part / path.name)
    return folder


def test_given_parts_are_what_a_network_learns_from_chooses_by_and_is_judged_by(tmp_path: Path) -> None:
    folder = _write_parts(tmp_path / "shapes")
    result = run_to_end(replace(QUICK, recipe="quick", epochs=1), folder, tmp_path / "out").result
    homes = [{Path(os.fsdecode(sample.path)).parent.parent.name for sample in part} for part in result.parts]
    assert homes == [{"train"}, {"Val"}, {"test"}]
    assert result.fields()["parts"] == {"train": 42, "validation": 12, "test": 18}
    sentence = "The folder gives train to learn from, Val to choose by and test to judge by."
    assert read_record(result.checkpoint).remarks[0] == sentence


@pytest.mark.long
def test_the_recipe_instant_takes_given_parts_together_and_says_so(tmp_path: Path) -> None:
    folder = _write_parts(tmp_path / "shapes")
    (folder / "loose.png").write_bytes((folder / "test" / "class-00" / "000.png").read_bytes())
    result = run_to_end(TrainConfig(recipe="instant"), folder, tmp_path / "out").result
    assert (len(result.parts.train), result.verdict.classes) == (72, 6)
    assert "each asked while it was left out" in result.verdict.why
    card = (result.checkpoint / "MODEL.md").read_text(encoding="utf-8")
    assert "72 pictures to learn from, each judged under a map that was fitted without it" in card
    page = drain(render_report(result.checkpoint)).decode()
    assert "fitted on all 72 pictures" in page
    assert "best epoch" not in card + page
    assert len(read_seen_hashes(result.checkpoint)) == 2 * 72  # of contents and of pixels
    assert result.source_remarks == (
        "The folder gives train, Val and test; all are taken together here, and each picture is judged out of fold.",
        "1 picture stands beside the class folders and cannot be used.",
        "72 photos, none of them a near copy or a frame of a burst of another.",
    )


@pytest.mark.long
def test_classes_of_the_second_level_are_learned_by_both_names(tmp_path: Path) -> None:
    plants = tmp_path / "plants"
    write_classes(plants / "rosa", 4, 8)
    (plants / "malus").mkdir()
    (plants / "rosa" / "class-03").rename(plants / "malus" / "class-03")
    result = run_to_end(TrainConfig(recipe="instant", class_level=2), plants, tmp_path / "out").result
    labels = {sample.label for sample in result.parts.train}
    assert labels == {"malus/class-03", "rosa/class-00", "rosa/class-01", "rosa/class-02"}
    assert result.source_remarks[0] == "The folders of the second level are the classes, such as rosa/class-00."
