"""Each kind of network in timm takes a step of each recipe: of finite loss, on what the recipe trains alone."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.errors import ModelError
from indexer.models.backbones import create_backbone
from indexer.models.network import EmbeddingNetwork, load_network, replace_head, write_checkpoint
from indexer.progress import drain
from tests.support.architecture_names import ARCHITECTURES, SMALLEST
from tests.support.labelled_shapes import write_classes
from tests.support.model_files import write_weights
from training.data.labelled_folders import survey_folder
from training.data.pictures import read_pictures
from training.fitting.head_start import describe_head, start_head
from training.fitting.learner import Learner
from training.fitting.recipes import RECIPES, TrainingPhotos
from training.settings.config import TrainConfig

# What tail refuses in a sentence: their last stages hang together with the ones before.
UNDIVIDED = {
    "cait_xxs24_224",
    "coat_lite_tiny",
    "crossvit_tiny_240",
    "hiera_tiny_224",
    "hrnet_w18_small",
    "levit_128s",
    "mvitv2_tiny",
    "pit_ti_224",
    "visformer_tiny",
    "volo_d1_224",
    "xcit_nano_12_p16_224",
}
CLASSES, PHOTOS = 2, 4


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classes(tmp_path_factory.mktemp("architectures") / "shapes", CLASSES, PHOTOS)


def take_step(network: EmbeddingNetwork, recipe: str, photos: TrainingPhotos) -> set[str]:
    """Take a step of a recipe; the names of the weights that it changed."""
    config = TrainConfig(recipe=recipe, dim=0, learning_rate=1e-3)
    network = replace_head(network, describe_head(config, network.backbone_dim))
    source = drain(RECIPES[recipe](config, network, photos))
    start_head(network, config, source.labels, source.compute_plain_features)
    before = {name: weight.detach().clone() for name, weight in network.state_dict().items()}
    learner = Learner(network, config, source.compute_features, classes=CLASSES, steps=2)
    rows = np.arange(len(source.labels))
    assert np.isfinite(float(learner.take_step(rows, source.labels[rows]).loss.detach()))
    write_checkpoint(network.eval(), photos.out_folder / recipe, name="step", source="test")
    again, pixels = load_network(photos.out_folder / recipe), torch.from_numpy(photos.train.load_batch(rows[:1]))
    with torch.no_grad():
        torch.testing.assert_close(again(pixels).embedding, network(pixels).embedding, rtol=0, atol=1e-4)
    return {name for name, weight in network.state_dict().items() if not torch.equal(weight, before[name])}


@pytest.mark.parametrize("name", [*SMALLEST, *(pytest.param(name, marks=pytest.mark.long) for name in ARCHITECTURES)])
def test_a_network_takes_a_step_of_every_recipe(name: str, shapes: Path, tmp_path: Path) -> None:
    network = EmbeddingNetwork(create_backbone(name, write_weights(name, tmp_path), framing="letterbox")).eval()
    samples = drain(survey_folder(shapes)).samples
    learn, choose = (drain(read_pictures(part, network.preprocessing)).part for part in (samples[::2], samples[1::2]))
    photos = TrainingPhotos(learn, choose, tmp_path / "out")
    weights = {name for name, _ in network.named_parameters(remove_duplicate=False)}
    for recipe in set(RECIPES) - {"tail"}:
        changed = take_step(copy.deepcopy(network), recipe, photos)
        assert changed and changed <= ({"head.weight", "head.bias"} if recipe == "quick" else weights)
    if name in UNDIVIDED:
        with pytest.raises(ModelError, match="cannot be divided before its last stage"):
            take_step(copy.deepcopy(network), "tail", photos)
        return
    changed = take_step(copy.deepcopy(network), "tail", photos)
    assert changed and changed < weights
