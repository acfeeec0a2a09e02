import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from indexer import atomic
from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.card import read_card
from indexer.photos.samples import find_sample_folder
from indexer.progress import drain
from tests.support.commands import Tell, command, environment, lookalike, start_patiently
from tests.support.embedders import Tiny
from tests.support.labelled_shapes import write_classes
from tests.support.trees import snapshot
from training import train
from training.commands.train import train_command
from training.data.sources import UNFINISHED_FILE
from training.judging.record import read_record
from training.settings.choices import PURPOSES
from training.settings.config import TrainConfig, list_settings

QUICK = (
    "--image-size",
    "32",
    "--epochs",
    "1",
    "--classes-per-batch",
    "4",
    "--photos-per-class",
    "3",
    "--least-steps",
    "0",
    "--recipe",
    "thorough",
)


def test_every_setting_is_an_option_with_its_default() -> None:
    options = {option.name: option for option in train_command.params}
    for setting in list_settings(TrainConfig):
        assert setting.option_name in options[setting.name].opts
        assert options[setting.name].default == setting.default


def test_the_command_is_known_without_torch() -> None:
    names = "[name for name in ('torch', 'timm', 'openvino') if name in sys.modules]"
    code = f"import sys, retrieval_app.commands; print({names})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.long
def test_a_useless_training_ends_with_code_1_and_can_be_evaluated_all_the_same(tmp_path: Path, tell: Tell) -> None:
    folder = write_classes(tmp_path / "mixed", 4, 8, mixed=True)
    said = tell(tmp_path / "home", "train", folder, *QUICK, "--dim", "0", "--name", "By lot", "--json")
    assert said.code == 1, said.err
    assert {line["stage"] for line in said.objects()[:-1]} == {
        "group",
        "scan",
        "recipe",
        "test",
        "decode",
        "validate",
        "train",
        "save",
    }
    result = said.result()
    assert result["result"] == "train"
    assert result["verdict"] == "refuse"
    assert result["why"].endswith(".")
    figures = {"model", "p_at_1", "r_precision", "map_at_r", "hit_at_k"}
    assert set(result["before"]) == set(result["after"]) == set(result["pixels"]) == figures
    assert set(result["change"]) == {"low", "high", "mean", "over"}
    checkpoint = Path(result["checkpoint"])
    assert checkpoint.parent == tmp_path / "home" / "checkpoints"
    files = {"model.json", "model.safetensors", "training.json", "insight.json", "MODEL.md"}
    assert {path.name for path in checkpoint.iterdir()} == files
    assert all(Path(example["query"]).is_file() for example in result["examples"])
    assert result["name"] == read_record(checkpoint).name == read_card(checkpoint).name == "By lot"
    evaluated = tell(
        tmp_path / "home", "evaluate", folder, "--model", checkpoint, "--runtime", "torch", "--json"
    ).result()
    assert evaluated["seen"] == result["parts"]["train"] + result["parts"]["validation"]
    assert evaluated["photos"] == result["parts"]["test"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "cannot be read"),
        (["few"], "two classes of at least four different pictures"),
        (["few", "--recipe", "quick"], "two classes of at least six different pictures"),
        (["few", "--loss", "contrastive", "--miner", "semi-hard-all"], "cannot use the miner semi-hard-all"),
        (["few", "--epochs", "0"], "--epochs has to be from 1"),
        (["few", "--groups", "nowhere.csv"], "nowhere.csv cannot be read"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(
    tmp_path: Path, tell: Tell, words: list[str], said: str
) -> None:
    write_classes(tmp_path / "few", 2, 3)
    ended = tell(tmp_path / "home", "train", tmp_path / words[0], *words[1:])
    assert ended.code == 2
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("words", [["train"], ["study", "sizes"]])
def test_nothing_is_written_among_the_pictures_learned_from(tmp_path: Path, tell: Tell, words: list[str]) -> None:
    write_classes(tmp_path / "few", 2, 3)
    before = snapshot(tmp_path / "few")
    ended = tell(tmp_path / "home", *words, tmp_path / "few", "--out", tmp_path / "few" / "new.html")
    assert ended.code == 2
    assert "lies in a photo folder, where nothing is ever written" in ended.err
    assert snapshot(tmp_path / "few") == before


@pytest.mark.long
@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_bundled_pictures_get_an_honest_answer(tmp_path: Path, purpose: str) -> None:
    settings = ("--purpose", purpose, "--image-size", "96", "--epochs", "12", "--json")
    said = lookalike(tmp_path / "home", "train", find_sample_folder(), *settings)
    result = said.result()
    assert result["verdict"] == ("refuse" if said.code else "install")
    assert (result["change"]["low"] > 0) == (said.code == 0)
    assert result["queries"] == (result["parts"]["test"] or result["parts"]["train"])  # out of fold, all are asked


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
def test_killed_in_mid_training_nothing_is_changed_but_what_it_takes_to_go_on(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "shapes", 4, 8)
    library = Library.create(tmp_path / "home" / "default.library")
    drain(index_library(library, [folder], Tiny(), labelled=True))
    library.close()
    held = (folder, tmp_path / "home" / "default.library")
    before = [snapshot(place) for place in held]
    words = command("train", folder, *QUICK, "--epochs", "1000", "--patience", "0", "--json")
    with start_patiently(words, env=environment(tmp_path / "home"), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        next(line for line in child.stdout if json.loads(line)["stage"] == "train")
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    new = [path for path in (tmp_path / "home" / "checkpoints").rglob("*") if path.is_file()]
    assert all(path.name == UNFINISHED_FILE or path.suffix == atomic.PARTIAL_SUFFIX for path in new)
    assert [snapshot(place) for place in held] == before
    assert {path.name for path in (tmp_path / "home").iterdir()} <= {"default.library", "checkpoints"}


@pytest.mark.long
def test_a_training_stops_when_its_window_is_gone(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "shapes", 4, 8)
    ended = lookalike(tmp_path / "home", "train", folder, *QUICK, "--epochs", "1000", "--json", "--attached")
    assert ended.code == 130
    assert not (tmp_path / "home").exists()


@pytest.mark.skipif(os.name == "nt", reason="no other process can be interrupted there")
@pytest.mark.parametrize(
    ("words", "until", "said"),
    [
        (["train", "shapes", "--out", "out dir"], {"stage": "train", "epoch": 2.0}, "--out 'out dir' --resume"),
        (["train", "shapes"], {"stage": "test"}, "Nothing was kept of the training."),
        pytest.param(
            ["study", "sizes", "shapes"], {"stage": "study"}, "Nothing is kept of a study", marks=pytest.mark.long
        ),
    ],
)
def test_ctrl_c_says_what_is_kept_and_how_to_go_on(
    tmp_path: Path, words: list[str], until: dict[str, object], said: str
) -> None:
    write_classes(tmp_path / "shapes", 4, 8)
    sizes = (*QUICK[:2], *QUICK[4:], "--epochs", "1000", "--patience", "0") if words[0] == "train" else QUICK[:4]
    with start_patiently(
        command(*words, *sizes, "--json"),
        env=environment(tmp_path / "home") | {"OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        shown = (json.loads(line) for line in child.stdout)
        next(line for line in shown if until.items() <= ({"stage": line["stage"]} | line.get("values", {})).items())
        child.send_signal(signal.SIGINT)
        for _ in shown:
            pass
        (sentence,) = child.stderr.read().splitlines()
    assert child.returncode == 130
    assert sentence.startswith("Stopped. ")
    assert said in sentence
    kept = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.suffix != ".png" and path.is_file()]
    assert kept == ([Path("out dir", UNFINISHED_FILE)] if "--out" in words else [])
    assert {path.name for path in tmp_path.iterdir()} <= {"shapes", "out dir"}


def test_a_place_where_no_checkpoint_can_stand_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "model.json").write_text("{}")
    (tmp_path / "here" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "below")
    refused = {"../../file/new": "cannot be written to", "../../old": "holds a model already", ".": "you are in"}
    refused |= {"..": "holds other files", "../../old/": "holds a model already", "../below/..": "holds other files"}
    for place, said in refused.items():
        with pytest.raises(LookalikeError, match=said):
            next(train(TrainConfig(), tmp_path / "nowhere", Path(place)))
    for place in ("../new/deep", "../new/x/..", "../new/", "../empty"):
        with pytest.raises(LookalikeError, match="cannot be read"):  # the place is good: on to the pictures
            next(train(TrainConfig(), tmp_path / "nowhere", Path(place)))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["below", "file", "here", "model.json", "old"]
