"""`lookalike model add` from a small hub on this computer, and with files and names that cannot be had."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from indexer.models import backbones
from tests.support.commands import Tell
from tests.support.hub_server import ServedHub, point_to_hub, serve_hub
from tests.support.model_files import write_weights
from tests.support.trained_pair import KINDS, make_pair, save_drawings

SMALL = "test_resnet"
DESCRIPTION = json.dumps({"architecture": SMALL}).encode()


def describe_licence(name: str, licence: str) -> dict[str, bytes]:
    """What the hub's interface tells of a repository with a licence."""
    told = {"id": name, "cardData": {"license": licence}, "siblings": [], "tags": []}
    return {f"api/models/{name}": json.dumps(told).encode()}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedHub]:
    """A hub with a network for private use only, and one whose file is cut off."""
    weights = write_weights(SMALL, tmp_path).read_bytes()
    files = {"private/net/config.json": DESCRIPTION, "private/net/model.safetensors": weights}
    files |= {"half/net/config.json": DESCRIPTION, "half/net/model.safetensors": weights[: len(weights) // 2]}
    files |= describe_licence("private/net", "cc-by-nc-4.0")
    with serve_hub(files) as hub:
        point_to_hub(monkeypatch, hub.address, tmp_path / "cache")
        yield hub


def list_models(tell: Tell, home: Path) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in tell(home, "model", "list", "--json").result()["models"]}


@pytest.mark.long
def test_a_pair_of_a_hub_is_added_asked_by_words_and_removed(
    served: ServedHub, tell: Tell, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pair = make_pair(tmp_path_factory)
    served.files.update({f"small/pair/{path.name}": path.read_bytes() for path in pair.iterdir()})
    home, name = tmp_path / "home", "hf-hub:small/pair"
    added = tell(home, "model", "add", name)
    assert (added.code, added.out) == (0, f"{name} is ready. Use it: lookalike index --model {name}\n"), added.err
    assert "Weights: small/pair, licence not stated" in added.err
    row = list_models(tell, home)[name]
    assert (row["state"], row["words"], row["dim"]) == ("installed", True, 32)
    asked = len(served.ranges)
    assert tell(home, "model", "add", name).code == 0
    assert [path.suffix for path in (home / "downloads").glob("*.safetensors")] == []
    assert not any(served.ranges[asked:])  # no weights a second time
    save_drawings(tmp_path / "photos", 2)
    assert tell(home, "index", tmp_path / "photos", "--labelled", "--model", name).code == 0
    hits = tell(home, "search", "--words", "blue sea", "-k", "2", "--json").result()["hits"]
    assert [hit["label"] for hit in hits] == ["blue sea"] * 2
    assert "blue sea" in KINDS
    assert tell(home, "model", "remove", name).code == 0
    assert name not in list_models(tell, home)
    assert tell(home, "search", "--words", "red wall", "-k", "1", "--json").result()["hits"][0]["label"] == "red wall"


def test_a_licence_without_commerce_is_asked_for_before_anything_is_fetched(
    served: ServedHub, tell: Tell, tmp_path: Path
) -> None:
    said = tell(tmp_path / "home", "model", "add", "hf-hub:private/net")
    assert said.code == 2
    assert said.err == "cc-by-nc-4.0 forbids commercial use. If that suits you, add --accept-licence.\n"
    assert served.ranges.count("") <= 2  # what it is, and under which licence
    assert "hf-hub:private/net" not in list_models(tell, tmp_path / "home")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("hf-hub:half/net", "are not a whole safetensors file"),
        ("hf-hub:nobody/none", "could not be downloaded"),
        ("hf-hub:", "could not be downloaded"),
    ],
)
@pytest.mark.usefixtures("served")
def test_what_the_hub_cannot_give_is_a_sentence(tell: Tell, tmp_path: Path, name: str, sentence: str) -> None:
    said = tell(tmp_path / "home", "model", "add", name)
    assert said.code == 2
    assert sentence in said.err
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) <= 2
    assert list((tmp_path / "home" / "models").glob("[0-9a-f]*")) == []


class Program:
    """What a pickled file may hold: a call that leaves a witness."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.witness,)


@pytest.mark.parametrize("kind", ["cut", "empty", "program", "of another network", "a picture"])
def test_a_file_that_is_no_weights_of_the_network_is_a_sentence(tell: Tell, tmp_path: Path, kind: str) -> None:
    whole, path = write_weights(SMALL, tmp_path), tmp_path / "given.safetensors"
    data = whole.read_bytes()
    path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "a picture": b"\x89PNG\r\n\x1a\n"}.get(kind, data))
    if kind == "program":
        path = tmp_path / "given.pth"
        torch.save({"state_dict": Program(tmp_path / "it ran")}, path)
    if kind == "of another network":
        shutil.copyfile(write_weights("test_vit", tmp_path), path)
    said = tell(tmp_path / "home", "model", "add", SMALL, "--weights", path)
    assert said.code == 2
    assert path.name in said.err
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) == 1
    assert not (tmp_path / "it ran").exists()
    assert list((tmp_path / "home" / "models").glob("[0-9a-f]*")) == []


@pytest.mark.long
def test_weights_with_a_head_of_other_classes_are_taken(tell: Tell, tmp_path: Path) -> None:
    module = backbones.import_timm().create_model(SMALL, num_classes=7)
    path = tmp_path / "seven.safetensors"
    path.write_bytes(safetensors.torch.save({key: value.clone() for key, value in module.state_dict().items()}))
    assert tell(tmp_path / "home", "model", "add", SMALL, "--weights", path).code == 0
    assert list_models(tell, tmp_path / "home")[SMALL]["state"] == "installed"
