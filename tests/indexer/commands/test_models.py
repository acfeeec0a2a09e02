"""`lookalike model`: the short names, what is ready on this computer, added and removed; and what cannot be had."""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from indexer.models import backbones
from indexer.models.catalogue import find_catalogued_model, load_catalogue
from indexer.models.installation import ModelChoice, find_installed_card, install_model, parse_model_choice
from indexer.progress import drain
from tests.support.commands import ROOT, Said
from tests.support.model_files import write_weights

Tell = Callable[..., Said]


def states(tell: Tell, home: Path) -> dict[str, str]:
    return {row["name"]: row["state"] for row in tell(home, "model", "list", "--json").result()["models"]}


def test_the_short_names_are_listed_with_licence_size_and_purpose(tell: Tell, tmp_path: Path) -> None:
    rows = tell(tmp_path, "model", "list", "--json").result()["models"]
    assert (rows[0]["name"], rows[0]["state"]) == ("built-in", "built-in")
    assert {"dinov2-s", "clip-b32", "siglip2-b", "convnext-t", "mobilenetv4-s"} <= {row["name"] for row in rows}
    assert all(row["state"] == "available" and row["licence"] and row["mb"] > 1 for row in rows[1:])
    assert [row["name"] for row in rows if row["words"]] == [
        "built-in",
        "built-in-pair",
        "clip-b32",
        "siglip2-b",
        "bioclip",
    ]
    assert next(row["pixels"] for row in rows if row["name"] == "dinov2-s") == 224


def test_names_and_aliases_are_unique_and_stand_for_networks() -> None:
    names = [name for row in load_catalogue() for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))
    assert parse_model_choice("DINOv2") == ModelChoice("vit_small_patch14_dinov2.lvd142m", size=224)
    assert parse_model_choice("clip", size=256) == ModelChoice("hf-hub:timm/vit_base_patch32_clip_224.openai", size=256)
    assert parse_model_choice("built-in") == ModelChoice()
    assert find_catalogued_model("resnet50") is None


def test_a_model_is_added_listed_explained_used_and_removed(tell: Tell, tmp_path: Path) -> None:
    home, weights = tmp_path / "home", write_weights("test_resnet", tmp_path)
    added = tell(home, "model", "add", "test_resnet", "--weights", weights, "--json").result()
    assert states(tell, home)["test_resnet"] == "installed"
    info = tell(home, "model", "info", added["fingerprint"], "--json").result()
    assert (info["name"], info["pixels"]) == ("test_resnet", 160)
    assert info["photos_per_minute"] > 0
    steps = list(install_model(ModelChoice("test_resnet", weights), tmp_path / "library" / "models"))
    assert any("ready on this computer" in step.note for step in steps)
    assert tell(home, "model", "remove", added["fingerprint"]).code == 0
    assert "test_resnet" not in states(tell, home)
    assert (tmp_path / "library" / "models" / added["fingerprint"]).is_dir()


@pytest.mark.long
def test_the_size_of_the_input_makes_another_model(tmp_path: Path) -> None:
    weights = write_weights("test_resnet", tmp_path)
    own, small = ModelChoice("test_resnet", weights), ModelChoice("test_resnet", weights, size=96)
    card = drain(install_model(own, tmp_path / "models"))
    assert find_installed_card(small, tmp_path / "models") is None
    other = drain(install_model(small, tmp_path / "models"))
    assert (card.preprocessing.size, other.preprocessing.size) == (160, 96)
    assert card.fingerprint != other.fingerprint
    assert find_installed_card(own, tmp_path / "models") == card
    assert find_installed_card(small, tmp_path / "models") == other


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["remove", "dinov2"], "dinov2 is not among the models that were added here. See: lookalike model list"),
        (["info", "resnet50"], "resnet50 has no short name and is not ready here. See: lookalike model list"),
        (["add", "resnet5000"], "There is no backbone named 'resnet5000'."),
        (["add", "test_resnet", "--weights", "missing.safetensors"], "missing.safetensors"),
        (["add", "megadescriptor"], "CC-BY-NC-4.0 forbids commercial use. If that suits you, add --accept-licence."),
        (["add", "eva02_base_patch14"], "Did you mean eva02_base"),
        (["add", "so150m"], "Did you mean vit_so150m"),
        (["add", str(ROOT / "README.md")], "does not say which network its weights are of. Name it: --model NAME"),
    ],
)
def test_what_cannot_be_had_is_a_sentence(tell: Tell, tmp_path: Path, words: list[str], sentence: str) -> None:
    said = tell(tmp_path, "model", *words)
    assert said.code == 2
    assert sentence in said.err
    assert "Traceback" not in said.err


@pytest.mark.long
def test_embeddings_have_as_many_numbers_as_the_list_says() -> None:
    timm = backbones.import_timm()
    in_hub = {
        "bioclip": "vit_base_patch16_clip_224",
        "clip-b32": "vit_base_patch32_clip_quickgelu_224",
        "megadescriptor-t": "swin_tiny_patch4_window7_224",
        "siglip2-b": "vit_base_patch16_siglip_224",
    }
    projected = {"bioclip": 512, "clip-b32": 512}  # pairs: CLIP's projection of the pictures
    for row in load_catalogue():
        name = in_hub.get(row.name, row.backbone)
        if row.name == "built-in-pair":  # tests/indexer/models/test_pair.py
            continue
        assert name.partition(".")[0] in timm.list_models()
        assert "." not in name or name in timm.list_pretrained(), name
        with torch.device("meta"):
            module = timm.create_model(name, num_classes=0)
        dim = projected.get(row.name, module.head_hidden_size)
        assert dim == row.dim, row.name


def test_weights_of_a_name_without_a_tag_are_said_before_they_are_fetched(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("huggingface_hub").constants, "ENDPOINT", "http://127.0.0.1:9")
    said = tell(tmp_path, "model", "add", "vit_base_patch16_clip_224")
    assert "Weights: timm/vit_base_patch16_clip_224.laion2b_ft_in12k_in1k, licence apache-2.0" in said.err
    assert "vit_base_patch16_clip_224.openai" in said.err
    assert "could not be downloaded: is the network on?" in said.err
    assert said.code == 2
