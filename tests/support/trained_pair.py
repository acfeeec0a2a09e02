"""A small pair of networks for pictures and texts, as open_clip publishes one, that knows four kinds of drawings."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from indexer.models.backbones import import_timm
from indexer.models.installation import install_model, parse_model_choice
from indexer.progress import drain
from indexer.text_models.text_model import prepare_text_model
from tests.support.made_once import make_once

KINDS = {
    "red wall": (200, 40, 40),
    "blue sea": (40, 60, 200),
    "green field": (40, 160, 60),
    "black night": (20, 20, 20),
}
SIDE = 160  # pixels, the input of timm's small networks
MODEL_FIELDS = {
    "embed_dim": 32,
    "vision_cfg": {"timm_model_name": "test_convnext", "timm_pool": "", "timm_proj": "linear", "image_size": SIDE},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
PIXELS = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
STEPS, EACH = 35, 2


def draw_kind(kind: str, number: int) -> Image.Image:
    """A picture of one of KINDS, another one for each number."""
    rng = np.random.default_rng([[*KINDS].index(kind), number])
    image = Image.new("RGB", (SIDE, SIDE), KINDS[kind])
    left, top = (int(place) for place in rng.integers(0, 110, 2))
    ImageDraw.Draw(image).ellipse((left, top, left + 50, top + 50), fill=tuple(int(x) for x in rng.integers(0, 256, 3)))
    return image


def make_pair(factory: pytest.TempPathFactory) -> Path:
    """The folder of the trained pair: read it, never change it."""
    return make_once(factory, "trained-pair", train_pair)


def make_pair_model(factory: pytest.TempPathFactory) -> Path:
    """The folder of the pair as an installed model, prepared for words: read it, never change it."""
    pair = make_pair(factory)

    def install(folder: Path) -> None:
        card = drain(install_model(parse_model_choice(str(pair)), folder))
        drain(prepare_text_model(folder / card.fingerprint))

    return next(make_once(factory, "pair-model", install).glob("[0-9a-f]*"))


def save_drawings(folder: Path, count: int) -> None:
    """Save so many pictures of each of KINDS in folders of their names."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            draw_kind(kind, number).save(folder / kind / f"{number}.png")


def train_pair(folder: Path) -> None:
    """Train the pair on pictures of KINDS and their names, and write it into a folder, as open_clip does."""
    import_timm()
    torch.manual_seed(4)
    pair = importlib.import_module("open_clip.model").CustomTextCLIP(**MODEL_FIELDS)
    tokens = importlib.import_module("open_clip.tokenizer").SimpleTokenizer()([*KINDS], 16)
    rates = [{"params": pair.visual.parameters(), "lr": 2e-3}, {"params": pair.text.parameters(), "lr": 1e-2}]
    optimiser = torch.optim.AdamW([*rates, {"params": [pair.logit_scale], "lr": 1e-2}])
    wanted = torch.arange(len(KINDS)).repeat_interleave(EACH)
    for step in range(STEPS):
        names = [kind for kind in KINDS for _ in range(EACH)]
        pictures = [draw_kind(kind, 1000 + step * EACH + place % EACH) for place, kind in enumerate(names)]
        logits = pair.logit_scale.exp() * (
            nn.functional.normalize(pair.visual(_to_pixels(pictures))) @ nn.functional.normalize(pair.text(tokens)).T
        )
        loss = nn.functional.cross_entropy(logits, wanted)
        loss = loss - (logits.log_softmax(dim=0).gather(1, wanted[:, None])).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": MODEL_FIELDS, "preprocess_cfg": PIXELS}))
    safetensors.torch.save_file(
        {key: value.contiguous() for key, value in pair.state_dict().items()},
        folder / "open_clip_model.safetensors",
    )


def _to_pixels(pictures: list[Image.Image]) -> Tensor:
    values = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2) / 255
    return (values - 0.5) / 0.5
