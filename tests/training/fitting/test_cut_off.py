"""Wherever a training is cut off, in the middle of an epoch too, it goes on to the same weights."""

import json
import shutil
from collections.abc import Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from indexer.errors import LookalikeError
from indexer.models.network import EmbeddingNetwork
from indexer.progress import Steps, drain
from tests.support.labelled_shapes import write_classes
from tests.support.quick_training import TINY, read_training_photos
from tests.training.fitting.test_rescue import spoilt
from training import train
from training.data.sources import UNFINISHED_FILE
from training.fitting import resume
from training.fitting.fit import fit_network
from training.fitting.history import FitResult
from training.fitting.learner import copy_weights, create_start_network, restore_weights
from training.fitting.recipes import RECIPES, FeatureSource, TrainingPhotos
from training.fitting.resume import ResumeFile, open_resume_file
from training.settings.config import TrainConfig
from training.settings.cost import TrainingMachine

BASE = replace(TINY, epochs=3, patience=0, classes_per_batch=3, miner="random")
CONFIGS = {
    "hard classes": replace(BASE, sampling="hard-classes", learning_rate=1e-2),
    "interpolation": replace(BASE, interpolation=0.5),
    "a rescue": BASE,
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> TrainingPhotos:
    return read_training_photos(tmp_path_factory.mktemp("cut"), BASE, 8)


@pytest.fixture(autouse=True)
def _every_step_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.fitting.fit.SAVE_INTERVAL", 0.0)
    monkeypatch.setattr(resume, "PAUSE_FACTOR", 0)


class Run:
    """A training of a head whose steps are taken one by one; `spoil` are steps that give no numbers."""

    def __init__(self, resume_file: ResumeFile, photos: TrainingPhotos, spoil: Set[int] = frozenset()) -> None:
        self.network: EmbeddingNetwork = create_start_network(resume_file.config)
        self.feature_source: FeatureSource = spoilt(
            drain(RECIPES["quick"](resume_file.config, self.network, photos)), set(spoil)
        )
        query_mask = np.ones(len(photos.validation.samples), np.bool_)
        self.steps: Steps[FitResult[EmbeddingNetwork]] = fit_network(
            resume_file.config, self.network, query_mask, self.feature_source, resume_file
        )


def cut(config: TrainConfig, photos: TrainingPhotos, out: Path, spoil: set[int]) -> tuple[Run, int]:
    """A training that can still go on, and has left in `out`/cut what a kill in its second epoch leaves there."""
    run = Run(ResumeFile(out / "whole", config), photos, spoil)
    taken = 0
    for said in run.steps:
        taken += said.stage == "train" and said.values["epoch"] == 2
        if taken == 3:  # the second step is written down
            break
    (out / "cut").mkdir()
    shutil.copy(out / "whole" / UNFINISHED_FILE, out / "cut")
    return run, taken


@pytest.mark.long
@pytest.mark.parametrize("name", CONFIGS)
def test_cut_off_within_an_epoch_a_training_goes_on_to_the_same_weights(
    name: str, photos: TrainingPhotos, tmp_path: Path
) -> None:
    whole, _ = cut(CONFIGS[name], photos, tmp_path, {3} if name == "a rescue" else set())
    ended = drain(whole.steps)
    again = Run(open_resume_file(tmp_path / "cut", TrainConfig(), resume=True), photos)
    first = next(said for said in again.steps if said.stage == "train")
    assert first.values["epoch"] == 2
    steps = first.total // BASE.epochs
    assert first.done == steps + 3
    resumed = drain(again.steps)
    assert [one._replace(seconds=0) for one in ended.epochs] == [one._replace(seconds=0) for one in resumed.epochs]
    assert (ended.collapse, ended.stopped, ended.embedding) == (resumed.collapse, resumed.stopped, resumed.embedding)
    assert bool(ended.collapse) == (name == "a rescue")
    left, right = copy_weights(whole.network), copy_weights(again.network)
    assert all(torch.equal(weight, right[key]) for key, weight in left.items())
    assert left.keys() == right.keys()


def facts_of(path: Path) -> dict[str, Any]:
    with safetensors.safe_open(path, "pt") as file:
        facts: dict[str, Any] = json.loads(file.metadata()["facts"])
    return facts


def write(path: Path, facts: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    path.write_bytes(safetensors.torch.save(tensors, {"facts": json.dumps(facts)}))


@pytest.mark.long
def test_what_was_written_down_in_part_is_refused_in_a_sentence(photos: TrainingPhotos, tmp_path: Path) -> None:
    cut(BASE, photos, tmp_path, set())
    path = tmp_path / "cut" / UNFINISHED_FILE
    facts, tensors = facts_of(path), safetensors.torch.load(path.read_bytes())
    run = Run(open_resume_file(tmp_path / "cut", BASE, resume=True), photos)
    start = copy_weights(run.network)

    def take_up() -> None:
        resume_file = open_resume_file(tmp_path / "cut", BASE, resume=True)
        restore_weights(run.network, start)
        query_mask = np.ones(len(photos.validation.samples), np.bool_)
        next(
            said
            for said in fit_network(BASE, run.network, query_mask, run.feature_source, resume_file)
            if said.stage == "train"
        )

    take_up()
    for name in facts.keys() - {"source_arguments"}:  # which older states lack
        write(path, {key: value for key, value in facts.items() if key != name}, tensors)
        with pytest.raises(LookalikeError, match="is damaged or of another version"):
            take_up()
    for name in ("rows", "random.torch", next(key for key in tensors if key.startswith("network"))):
        write(path, facts, {key: value for key, value in tensors.items() if key != name})
        with pytest.raises(LookalikeError, match="is damaged or of another version"):
            take_up()


@pytest.mark.long
def test_a_training_goes_on_with_the_recipe_it_began_with_on_another_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_classes(tmp_path / "shapes", 3, 8)
    config = replace(BASE, recipe="thorough")
    steps = train(config, folder, tmp_path / "whole")
    began = next(said.note for said in steps if said.stage == "recipe")
    assert "Recipe full, chosen for" in began
    next(said for said in steps if said.stage == "train" and said.values["epoch"] == 2)
    (tmp_path / "cut").mkdir()
    shutil.copy(tmp_path / "whole" / UNFINISHED_FILE, tmp_path / "cut")
    steps.close()
    monkeypatch.setattr("training.settings.cost.THIS_MACHINE", TrainingMachine(1e-6))  # type: ignore[arg-type] # for which it would be quick
    for requested in (config, replace(config, recipe="full")):
        again = train(requested, folder, tmp_path / "cut", resume=True)
        assert next(said.note for said in again if said.stage == "recipe") == began
        kept = (tmp_path / "cut" / UNFINISHED_FILE).read_bytes()
        again.close()
        (tmp_path / "cut").mkdir(exist_ok=True)
        (tmp_path / "cut" / UNFINISHED_FILE).write_bytes(kept)
    with pytest.raises(LookalikeError, match="begun with other settings"):
        drain(train(replace(config, recipe="quick"), folder, tmp_path / "cut", resume=True))
