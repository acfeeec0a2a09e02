"""The torch form of a model: backbone, pooled output, optional head, unit-length embedding, last feature map.

Training trains it, conversion reads it, and where OpenVINO cannot run a model it runs itself. A checkpoint is its
state in two files, `model.safetensors` and `model.json`.
"""

import ctypes
import hashlib
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from indexer.errors import ModelError
from indexer.models import backbones, weight_files
from indexer.models.backbones import Backbone
from indexer.models.card import (
    CARD_FILE,
    SEEN_HASHES_TENSOR,
    TEXT_CARD_FILE,
    TEXT_FILE_LIMIT,
    TEXT_WEIGHTS_FILE,
    WEIGHTS_FILE,
    WEIGHTS_LIMIT,
    Head,
    ModelCard,
    read_card,
    read_regular,
    serialise_card,
)
from indexer.models.framing import DEFAULT_FRAMING
from indexer.models.hub import PublishedNetwork
from indexer.models.runtime import ModelRunner
from indexer.paths import show_path
from indexer.wording import tr

NORM_EPSILON = 1e-12
TEXT_FIELDS = ("embed_dim", "quick_gelu", "text_cfg")  # what open_clip builds the text network of a pair from


class NetworkOutput(NamedTuple):
    """Embeddings of unit length (n, dim) and the backbone's last feature map (n, c, h, w)."""

    embedding: Tensor
    features: Tensor


class EmbeddingNetwork(nn.Module):
    """Pixels in, unit-length embeddings out: batches (n, size, size, 3), uint8 or float from 0 to 255.

    `body` is timm's network without its class layer, `head` the linear projection or None; both are trainable as they
    are. Pixels are normalised inside, so a batch is the same bytes for training, OpenVINO and torch.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone, head: Head | None = None) -> None:
        super().__init__()
        self.name = backbone.name
        self.preprocessing = backbone.preprocessing
        self.body = backbone.module
        self.register_buffer("mean", torch.tensor(backbone.preprocessing.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(backbone.preprocessing.std).view(1, 3, 1, 1), persistent=False)
        self.backbone_dim = self._check_body()
        self.head_card = head
        self.head = None if head is None else nn.Linear(self.backbone_dim, head.dim)
        self.dim = self.backbone_dim if head is None else head.dim

    def forward(self, batch: Tensor) -> NetworkOutput:
        """The embeddings (n, dim) and the last feature maps (n, c, h, w) of a batch (n, size, size, 3)."""
        raw = self.extract_raw_features(batch)
        return NetworkOutput(self.embed(self.pool(raw)), self.to_feature_map(raw))

    def extract_raw_features(self, batch: Tensor) -> Tensor:
        """The backbone's output before pooling, in the backbone's own layout."""
        raw: Tensor = self.body.forward_features(self.normalise_pixels(batch))  # type: ignore[operator]
        return raw

    def normalise_pixels(self, batch: Tensor) -> Tensor:
        """The batch as the backbone takes it: float (n, 3, size, size), normalised by mean and std."""
        pixels = batch.permute(0, 3, 1, 2).to(self.mean.dtype)
        return (pixels / 255 - self.mean) / self.std

    def pool(self, raw: Tensor) -> Tensor:
        """The pooled backbone output (n, backbone_dim), before the head; training on frozen features caches it."""
        pooled: Tensor = self.body.forward_head(raw, pre_logits=True)  # type: ignore[operator]
        return pooled

    def embed(self, pooled: Tensor) -> Tensor:
        """Unit-length embeddings (n, dim) of pooled backbone outputs, in float32."""
        return nn.functional.normalize(self.project(pooled), dim=1, eps=NORM_EPSILON)

    def project(self, pooled: Tensor) -> Tensor:
        """Embeddings (n, dim) of pooled backbone outputs before they are scaled to unit length, in float32."""
        values = pooled.float()
        if self.head_card is not None and self.head_card.kind == "unit-linear":
            values = nn.functional.normalize(values, dim=1, eps=NORM_EPSILON)
        projected: Tensor = values if self.head is None else self.head(values)
        return projected

    def to_feature_map(self, raw: Tensor) -> Tensor:
        """The raw output as (n, c, h, w), be it so, channels-last (swin), tokens (ViT) or branches of tokens."""
        if isinstance(raw, list):
            return join_branches(raw)
        prefix = int(getattr(self.body, "num_prefix_tokens", 0))
        return reshape_to_feature_map(raw, int(self.body.num_features), prefix)  # type: ignore[arg-type]

    def _check_body(self) -> int:
        """The length of the pooled output of a blank picture; ModelError where it has no feature map or no vector."""
        size = self.preprocessing.size
        try:
            with torch.no_grad():  # not inference_mode: what a layer caches here must serve training too
                raw = self.extract_raw_features(torch.zeros(1, size, size, 3))
                pooled, features = self.pool(raw), self.to_feature_map(raw)
        except (AttributeError, TypeError, ValueError, RuntimeError, AssertionError) as error:
            raise ModelError(
                "The backbone {name} is of a kind that is not supported: {error}.", name=self.name, error=error
            ) from error
        if pooled.ndim != 2 or features.ndim != 4:
            raise ModelError(
                "The backbone {name} is of a kind that is not supported: it gives no vector.", name=self.name
            )
        return int(pooled.shape[1])


def reshape_to_feature_map(raw: Tensor, channels: int, prefix_tokens: int) -> Tensor:
    """Bring (n, c, h, w), (n, h, w, c) or (n, prefix + h*w, c) to (n, c, h, w). ValueError for anything else."""
    if raw.ndim == 4 and raw.shape[1] == channels:
        return raw
    if raw.ndim == 4 and raw.shape[3] == channels:
        return raw.permute(0, 3, 1, 2)
    if raw.ndim == 3 and raw.shape[2] == channels:
        for tokens in (raw[:, prefix_tokens:], raw[:, 1:]):  # some do not tell that they have a class token
            side = math.isqrt(int(tokens.shape[1]))
            if side * side == tokens.shape[1]:
                return tokens.transpose(1, 2).reshape(-1, channels, side, side)
    raise ValueError(f"its features {list(raw.shape)} form no map")


def join_branches(branches: list[Tensor]) -> Tensor:
    """One map (n, sum of c, h, w) of branches of tokens (n, 1 + side * side, c), on the coarsest grid (crossvit)."""
    maps = [reshape_to_feature_map(tokens, int(tokens.shape[2]), 1) for tokens in branches]
    side = min(int(features.shape[2]) for features in maps)
    return torch.cat([nn.functional.adaptive_avg_pool2d(features, side) for features in maps], dim=1)


def create_network(
    name: str = backbones.DEFAULT_BACKBONE,
    weights: Path | None = None,
    *,
    size: int | None = None,
    head: Head | None = None,
    framing: str = DEFAULT_FRAMING,
    published: PublishedNetwork | None = None,
) -> EmbeddingNetwork:
    """A network with real backbone weights; a head's weights are torch's initial ones, to be set or trained."""
    backbone = backbones.create_backbone(name, weights, size=size, framing=framing, published=published)
    return EmbeddingNetwork(backbone, head).eval()


def add_projection(network: EmbeddingNetwork, projection: Tensor | None) -> EmbeddingNetwork:
    """The network with this projection (dim, backbone dim) as its head, without bias; None leaves it as it is.

    ModelError where it does not fit the backbone.
    """
    if projection is None:
        return network
    if projection.ndim != 2 or projection.shape[1] != network.backbone_dim:
        raise ModelError("The projection of the pictures does not fit the backbone {name}.", name=network.name)
    projected = replace_head(network, Head(int(projection.shape[0])))
    assert projected.head is not None
    with torch.no_grad():
        projected.head.weight.copy_(projection)
        projected.head.bias.zero_()
    return projected.eval()


def read_text_half(weights: Path) -> weight_files.TextHalf:
    """The half for texts of a pair's weights file; ModelError where the file holds no pair."""
    return weight_files.split_pair(weight_files.read_weight_file(weights), weight_files.describe_weights(weights))


def write_text_half(
    half: weight_files.TextHalf, pair: dict[str, Any], text_files: Sequence[Path], folder: Path
) -> None:
    """Write the text half of a pair into a new folder: its weights, what open_clip says of it, its tokens' files.

    `pair` is the content of the pair's description.
    """
    folder.mkdir()
    content = {path.name: read_regular(path, TEXT_FILE_LIMIT) for path in text_files}
    content[TEXT_WEIGHTS_FILE] = safetensors.torch.save(
        {key: value.contiguous() for key, value in half.tensors.items()}
    )
    fields = {
        "format": 1,
        "model_cfg": {key: pair["model_cfg"][key] for key in TEXT_FIELDS if key in pair["model_cfg"]},
        "scale": half.scale,
        "bias": half.bias,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in content.items()},
    }
    content[TEXT_CARD_FILE] = (json.dumps(fields, indent=2) + "\n").encode()
    for name, data in content.items():
        (folder / name).write_bytes(data)


def replace_head(network: EmbeddingNetwork, head: Head | None) -> EmbeddingNetwork:
    """A network of the same body and another head; with None the embedding is the pooled backbone output."""
    return EmbeddingNetwork(Backbone(network.name, network.body, network.preprocessing), head)


def load_network(folder: Path) -> EmbeddingNetwork:
    """The network of a model or checkpoint folder, float32, evaluation mode; ModelError where it is not whole."""
    card = read_card(folder)
    tensors = _read_tensors(folder, card)
    seen_hashes = tensors.pop(SEEN_HASHES_TENSOR, None)
    body_tensors = {key.removeprefix("body."): tensor for key, tensor in tensors.items() if key.startswith("body.")}
    weights_name = tr("the weights in {folder}", folder=show_path(folder))
    backbones.require_fitting_weights(card.backbone, card.preprocessing, body_tensors, weights_name)
    body = backbones.build_architecture(card.backbone, card.preprocessing)
    network = EmbeddingNetwork(Backbone(card.backbone, body, card.preprocessing), card.head)
    if network.dim != card.dim or (seen_hashes is not None and not _are_hashes(seen_hashes)):
        raise ModelError(
            "{folder} does not fit its weights. Install the model again.", folder=show_path(folder / CARD_FILE)
        )
    weight_files.fill_weights(network, tensors, weights_name)
    return network.eval()


def write_checkpoint(
    network: EmbeddingNetwork, folder: Path, *, name: str, source: str, seen_hashes: np.ndarray | None = None
) -> ModelCard:
    """Write the two files of a checkpoint and return its card; the folder, made where missing, is not in use yet.

    `seen_hashes` (n, 32) uint8 are the hashes of contents and of pixels of the pictures that the network was trained on
    or chosen by, kept inside the weights file.
    """
    data = _serialise_state(network, seen_hashes)
    card = _describe_network(network, data, name=name, source=source)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS_FILE).write_bytes(data)
    (folder / CARD_FILE).write_bytes(serialise_card(card))
    return card


def build_card(network: EmbeddingNetwork, *, name: str, source: str) -> ModelCard:
    """The card that `write_checkpoint` would write for a network that has seen no pictures of its user's."""
    return _describe_network(network, _serialise_state(network, None), name=name, source=source)


def _describe_network(network: EmbeddingNetwork, data: bytes, *, name: str, source: str) -> ModelCard:
    return ModelCard(
        name=name,
        backbone=network.name,
        dim=network.dim,
        preprocessing=network.preprocessing,
        head=network.head_card,
        weights_sha256=hashlib.sha256(data).hexdigest(),
        source=source,
    )


def make_example_batch(network: EmbeddingNetwork) -> Tensor:
    """A batch of two blank pictures, for tracing."""
    size = network.preprocessing.size
    return torch.zeros(2, size, size, 3, dtype=torch.uint8)


def make_runner(network: EmbeddingNetwork, device: str) -> ModelRunner:
    """A runner of the network on "cpu", "cuda" or "mps", in bf16 on CUDA; the network cannot be trained afterwards."""
    uses_bf16 = device == "cuda" and torch.cuda.is_bf16_supported()
    network.eval().to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # missing in torch's own overloads

    def compute_raw_features(batch: np.ndarray) -> Tensor:
        with torch.autocast(device, dtype=torch.bfloat16, enabled=uses_bf16):
            return network.extract_raw_features(torch.from_numpy(np.require(batch, requirements=["C", "W"])).to(device))

    def embed_batch(batch: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            raw = compute_raw_features(batch)
            return _to_numpy(network.embed(network.pool(raw if isinstance(raw, list) else raw.float())))

    def compute_feature_maps(batch: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return _to_numpy(network.to_feature_map(compute_raw_features(batch)))

    return ModelRunner(embed_batch, compute_feature_maps, "bf16" if uses_bf16 else "fp32")


def find_accelerator() -> str | None:
    """The accelerator that torch can use: "cuda", "mps" or None."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


def tune_allocator() -> None:
    """Keep freed memory in the process instead of giving it back after every tensor; call before the first tensor.

    Under glibc, torch on the CPU otherwise maps and unmaps every tensor at larger batches: measured 2.2 times slower.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(-4, 0)  # M_MMAP_MAX: no mapping of its own for any block
        mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD, bytes


def _read_tensors(folder: Path, card: ModelCard) -> dict[str, Tensor]:
    """The tensors of the weights file; ModelError where it is not the one that the card names."""
    path = folder / WEIGHTS_FILE
    data = read_regular(path, WEIGHTS_LIMIT)
    if hashlib.sha256(data).hexdigest() != card.weights_sha256:
        raise ModelError(
            "{path} is damaged: it is not the file its model.json names. Install the model again.", path=show_path(path)
        )
    return weight_files.parse_tensors(data, tr("the weights in {folder}", folder=show_path(folder)))


def _serialise_state(network: EmbeddingNetwork, seen_hashes: np.ndarray | None) -> bytes:
    state = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in network.state_dict().items()}
    if seen_hashes is not None:
        state[SEEN_HASHES_TENSOR] = torch.from_numpy(np.ascontiguousarray(seen_hashes, dtype=np.uint8).reshape(-1, 32))
    weight_files.check_finite(state, "The trained weights")
    return safetensors.torch.save(state)


def _are_hashes(seen_hashes: Tensor) -> bool:
    return seen_hashes.dtype == torch.uint8 and seen_hashes.ndim == 2 and seen_hashes.shape[1] == 32


def _to_numpy(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.float().cpu().numpy())
