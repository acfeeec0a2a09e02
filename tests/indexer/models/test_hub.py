"""Weights of a hub: by timm's name or the repository's, from the cache or a server, with their own input."""

import importlib
import importlib.resources
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import safetensors.torch
import torch

from indexer.errors import ModelError
from indexer.models import backbones
from indexer.models.hub import find_download_folder, read_published_network
from indexer.models.installation import ModelChoice, find_installed_card, install_model, parse_model_choice
from indexer.progress import drain
from tests.support.commands import environment, run_patiently
from tests.support.hub_server import ServedHub, point_to_hub, serve_hub

SMALL = "test_resnet"  # timm's own small architecture: 160 px, 0.5 million numbers
OWN_INPUT = {"input_size": [3, 128, 128], "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5], "crop_pct": 1.0}
OPEN_CLIP = {
    "model_cfg": {
        "quick_gelu": True,
        "vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32},
        "text_cfg": {"width": 512},
    },
    "preprocess_cfg": {"mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2]},
}


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    return {key: value.clone() for key, value in backbones.import_timm().create_model(SMALL).state_dict().items()}


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub that does not answer and an empty cache; the folder of the cache."""
    point_to_hub(monkeypatch, "http://127.0.0.1:9", tmp_path / "cache")
    return tmp_path / "cache"


def describe_published_pairs() -> dict[str, bytes]:
    """The descriptions of CLIP B/32 and SigLIP 2 B/16 as open_clip has them, and timm's beside them, in a hub."""
    configs = Path(str(importlib.resources.files("open_clip"))) / "model_configs"
    files = {}
    for repository, name, architecture in (
        ("timm/vit_base_patch32_clip_224.openai", "ViT-B-32-quickgelu", "vit_base_patch32_clip_224"),
        ("timm/ViT-B-16-SigLIP2", "ViT-B-16-SigLIP2", "vit_base_patch16_siglip_224"),
    ):
        model = json.loads((configs / f"{name}.json").read_text())
        files[f"{repository}/open_clip_config.json"] = json.dumps({"model_cfg": model}).encode()
        files[f"{repository}/config.json"] = json.dumps({"architecture": architecture}).encode()
    return files


@pytest.fixture
def served(away: Path, weights: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedHub]:
    data = safetensors.torch.save(weights)
    with serve_hub(
        {
            f"timm/{SMALL}.r160_in1k/model.safetensors": data,
            "some/birds/config.json": json.dumps({"architecture": SMALL, "pretrained_cfg": OWN_INPUT}).encode(),
            "some/birds/pytorch_model.bin": data,
            "some/odd/config.json": json.dumps({"architecture": SMALL, "model_args": {"depth": 9}}).encode(),
            "some/other/config.json": json.dumps({"model_type": "llama"}).encode(),
            "some/pair/open_clip_config.json": json.dumps(OPEN_CLIP).encode(),
            **describe_published_pairs(),
        }
    ) as hub:
        point_to_hub(monkeypatch, hub.address, away)
        yield hub


def test_a_timm_name_is_downloaded_once_and_kept_as_a_model_only(
    served: ServedHub, weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    choice = ModelChoice(SMALL)
    steps = list(install_model(choice, tmp_path / "models"))
    size = len(served.files[f"timm/{SMALL}.r160_in1k/model.safetensors"])
    assert max(step.done for step in steps if step.stage == "download") == size
    assert list(find_download_folder().iterdir()) == []
    card = find_installed_card(choice, tmp_path / "models")
    assert card is not None
    tensors = safetensors.torch.load_file(tmp_path / "models" / card.fingerprint / "model.safetensors")
    assert torch.equal(tensors["body.conv1.0.weight"], weights["conv1.0.weight"])


def test_a_repository_brings_its_own_input(served: ServedHub, tmp_path: Path) -> None:
    choice = ModelChoice("hf-hub:some/birds", framing="centre")
    card = drain(install_model(choice, tmp_path / "models"))
    assert served.ranges.count("") == 2  # the description and the weights
    assert card.backbone == SMALL
    assert (card.preprocessing.size, card.preprocessing.mean, card.preprocessing.crop) == (128, (0.1, 0.2, 0.3), 1.0)
    assert find_installed_card(choice, tmp_path / "models") == card
    assert find_installed_card(ModelChoice(SMALL, framing="centre"), tmp_path / "models") is None


def test_a_pair_of_open_clip_gives_its_network_of_pictures(served: ServedHub) -> None:
    published = read_published_network("hf-hub:some/pair")
    assert published.architecture == "vit_base_patch32_clip_quickgelu_224"
    assert published.architecture in backbones.import_timm().list_models()
    assert published.input_fields == {"input_size": (3, 224, 224), "mean": (0.4,) * 3, "std": (0.2,) * 3}


@pytest.mark.parametrize(
    ("short_name", "architecture", "context"),
    [("clip", "vit_base_patch32_clip_quickgelu_224", 77), ("siglip2", "vit_base_patch16_siglip_224", 64)],
)
@pytest.mark.usefixtures("served")
def test_short_names_of_pairs_bring_both_halves(short_name: str, architecture: str, context: int) -> None:
    published = read_published_network(parse_model_choice(short_name).name)
    assert published.architecture == architecture
    assert published.pair is not None
    assert published.pair["model_cfg"]["text_cfg"]["context_length"] == context
    body = importlib.import_module("open_clip.model")._build_text_tower
    settings = published.pair["model_cfg"]
    with torch.device("meta"):  # of its real size, and without its weight
        body(settings["embed_dim"], settings["text_cfg"], settings.get("quick_gelu", False))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("some/odd", "the option 'depth', which is not supported"),
        ("some/other", "none of timm's"),
        ("no/one", "network"),
    ],
)
def test_a_repository_that_cannot_be_used_is_a_sentence(served: ServedHub, name: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        read_published_network(f"hf-hub:{name}")


@pytest.mark.usefixtures("away")
def test_hub_out_of_reach_is_refused_soon_and_without_random_weights() -> None:
    with pytest.raises(ModelError, match=r"could not be downloaded.*--model test_resnet --weights FILE"):
        backbones.create_backbone(SMALL)
    with pytest.raises(ModelError, match=r"could not be downloaded.*--model ARCHITECTURE --weights FILE"):
        backbones.create_backbone("hf-hub:some/birds")


@pytest.mark.parametrize("name", ["some/birds", "", "a b/c", "../../x"])
def test_a_fresh_process_says_so_too(name: str, tmp_path: Path) -> None:
    """Parts of the hub's client that something else has imported are there in this process, and in no fresh one."""
    code = f"from indexer.models.hub import read_published_network\nread_published_network('hf-hub:{name}')"
    variables = environment(tmp_path) | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    said = run_patiently([sys.executable, "-c", code], env=variables)
    assert said.err.splitlines()[-1].startswith("indexer.errors.ModelError: The weights of hf-hub:"), said.err


def test_weights_in_the_hubs_cache_need_no_network(weights: dict[str, torch.Tensor], away: Path) -> None:
    repository = away / f"models--timm--{SMALL}.r160_in1k"
    (repository / "snapshots" / ("c" * 40)).mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("c" * 40)
    (repository / "snapshots" / ("c" * 40) / "model.safetensors").write_bytes(safetensors.torch.save(weights))
    ours = backbones.create_backbone(SMALL).module.state_dict()
    assert all(torch.equal(ours[key], weights[key]) for key in ours)
