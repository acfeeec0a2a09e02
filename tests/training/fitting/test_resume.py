"""A training cut off after an epoch and taken up again ends as if nothing had happened, to the last bit."""

import json
import os
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from indexer.errors import LookalikeError
from indexer.models.network import load_network
from indexer.progress import Steps, drain
from tests.support.commands import Tell, command, environment
from tests.support.labelled_shapes import write_classes
from tests.support.quick_training import QUICK
from training import train
from training.data.sources import UNFINISHED_FILE
from training.judging.result import TrainResult
from training.settings.config import TrainConfig

pytestmark = pytest.mark.untraced  # tracing would add half the time; cheaper tests measure the same lines

SHORT = replace(QUICK, epochs=3, patience=0, learning_rate=1e-3, head_refit="auto")
SETTINGS = {
    "full": replace(SHORT, recipe="full"),
    "tail": replace(SHORT, recipe="tail", loss="proxy-anchor", epochs=2),
    "quick": replace(SHORT, recipe="quick", loss="triplet", miner="random"),
    "unlabelled": replace(SHORT, recipe="unlabelled", epochs=2),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classes(tmp_path_factory.mktemp("resumed") / "shapes", 4, 8)


def until_epoch(steps: Steps[TrainResult], epoch: int) -> None:
    """Run to the first step of an epoch: the one before is written down then."""
    next(said for said in steps if said.stage == "train" and said.values["epoch"] == epoch)


def cut_off(config: TrainConfig, folder: Path, out: Path) -> Steps[TrainResult]:
    """A training that has written down its first epoch to `out`/cut as if it had been killed, and can still go on."""
    steps = train(config, folder, out / "whole")
    until_epoch(steps, 2)
    (out / "cut").mkdir()
    shutil.copy(out / "whole" / UNFINISHED_FILE, out / "cut")
    return steps


@pytest.mark.parametrize(
    "recipe", ["full", *(pytest.param(name, marks=pytest.mark.long) for name in ("quick", "tail", "unlabelled"))]
)
def test_a_resumed_training_ends_with_the_same_weights_to_the_bit(recipe: str, folder: Path, tmp_path: Path) -> None:
    whole = drain(cut_off(SETTINGS[recipe], folder, tmp_path))
    resumed = drain(train(TrainConfig(), folder, tmp_path / "cut", resume=True))
    left, right = (load_network(tmp_path / name).state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(tensor, right[name]) for name, tensor in left.items())
    assert left.keys() == right.keys()
    figures = [[epoch._replace(seconds=0) for epoch in result.fit.epochs] for result in (whole, resumed)]
    assert figures[0] == figures[1]
    assert resumed.fit.epochs[-1].seconds >= resumed.fit.epochs[1].seconds
    assert resumed.config == whole.config
    files = {"model.json", "model.safetensors", "training.json", "insight.json", "MODEL.md"}
    assert {path.name for path in (tmp_path / "cut").iterdir()} == files


@pytest.mark.long
def test_killed_as_the_model_takes_its_place_the_training_is_found_again(folder: Path, tmp_path: Path) -> None:
    """Between the two renames of a replacement the unfinished training has another name."""
    cut_off(SETTINGS["quick"], folder, tmp_path)
    (tmp_path / "cut").rename(tmp_path / ".cut.aside")
    steps = train(TrainConfig(), folder, tmp_path / "cut", resume=True)
    assert next(said.values["epoch"] for said in steps if said.stage == "train") == 2
    assert not (tmp_path / ".cut.aside").exists()


@pytest.mark.long
def test_one_seed_makes_one_training(folder: Path, tmp_path: Path) -> None:
    config = replace(SETTINGS["full"], epochs=1)
    for name in "ab":
        drain(train(config, folder, tmp_path / name))
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (tmp_path / "b" / "model.safetensors").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
@pytest.mark.long
def test_a_killed_command_is_resumed_by_name(folder: Path, tmp_path: Path, tell: Tell) -> None:
    home = tmp_path / "home"
    options = (
        "--image-size",
        "32",
        "--epochs",
        "3",
        "--least-steps",
        "0",
        "--patience",
        "0",
        "--recipe",
        "full",
        "--json",
    )
    words = command("train", folder, *options)
    one_thread = environment(home) | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(words, env=one_thread, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        next(line for line in child.stdout if json.loads(line).get("values", {}).get("epoch") == 2.0)
        child.send_signal(signal.SIGKILL)
    (kept,) = (home / "checkpoints").iterdir()
    assert UNFINISHED_FILE in {path.name for path in kept.iterdir()}
    said = tell(home, "train", folder, "--resume", "--json")
    assert said.code in (0, 1), said.err
    assert Path(said.result()["checkpoint"]) == kept
    assert [line["values"]["epoch"] for line in said.objects() if line.get("stage") == "validate"] == [2.0, 3.0]
    assert len(said.result()["epochs"]) == 4
    again = tell(home, "train", folder, "--resume")
    assert again.code == 2
    assert "was cut off" in again.err


@pytest.mark.long
def test_what_cannot_be_resumed_is_refused_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    steps = cut_off(SETTINGS["full"], folder, tmp_path)
    steps.close()
    assert not (tmp_path / "whole").exists()  # given up by the user: nothing is left
    cut = tmp_path / "cut"
    with pytest.raises(LookalikeError, match="begun with other settings"):
        drain(train(TrainConfig(loss="contrastive"), folder, cut, resume=True))
    with pytest.raises(LookalikeError, match="no unfinished training"):
        drain(train(TrainConfig(), folder, tmp_path / "nothing", resume=True))
    other = write_classes(tmp_path / "others", 4, 9)
    with pytest.raises(LookalikeError, match="no longer those"):
        drain(train(TrainConfig(), other, cut, resume=True))
    whole = (cut / UNFINISHED_FILE).read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"\0" * 64, whole[:8] + b"[" * 64):
        (cut / UNFINISHED_FILE).write_bytes(damaged)
        with pytest.raises(LookalikeError, match="is damaged"):
            drain(train(TrainConfig(), folder, cut, resume=True))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_a_fifo_in_the_place_of_an_unfinished_training_is_not_waited_on(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / UNFINISHED_FILE)
    with pytest.raises(LookalikeError, match="no unfinished training"):
        drain(train(TrainConfig(), folder, tmp_path, resume=True))
