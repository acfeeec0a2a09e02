"""timm networks and their weights: the packaged default, a local file, or a download. The only door to timm.

Weights are real or the model is refused; random ones are made for a training alone (`create_untrained`). `weight_files`
reads the files; `hub` says where published ones lie.
"""

import difflib
import importlib
import inspect
import io
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from indexer.architectures.course_network import ARCHITECTURES
from indexer.architectures.joined_network import JoinedMember, JoinedNetwork, parse_joined
from indexer.architectures.pooled_network import POOLED_NETWORKS, split_pooling
from indexer.errors import ModelError
from indexer.models.card import DEFAULT_BACKBONE, RESAMPLING_FILTERS, Preprocessing
from indexer.models.class_layer import BUILT_IN_PAIR, PACKAGED_SOURCES, read_packaged_weights
from indexer.models.framing import DEFAULT_FRAMING
from indexer.models.hub import (
    WEIGHT_NAMES,
    PublishedNetwork,
    fetch_weights,
    is_hub_name,
    read_published_network,
)
from indexer.models.weight_files import (
    NameFilter,
    check_finite,
    describe_weights,
    fill_weights,
    read_weight_file,
    require_fit,
    select_fitting,
)
from indexer.progress import drain
from indexer.wording import tr

__all__ = [
    "DEFAULT_BACKBONE",
    "Backbone",
    "build_architecture",
    "create_backbone",
    "create_untrained",
    "find_published_network",
    "import_timm",
    "list_tags",
    "load_default_with_classes",
    "read_preprocessing",
    "require_known_name",
    "resize_input",
]

PAIR_SIGN = "+"  # between the names of two networks that are one backbone
_declared_libraries: list[Any] = []  # a declared schema lives as long as its Library object


class Backbone(NamedTuple):
    """A timm network without its class layer, and the input it wants."""

    name: str
    module: nn.Module
    preprocessing: Preprocessing


def create_backbone(
    name: str = DEFAULT_BACKBONE,
    weights: Path | None = None,
    *,
    size: int | None = None,
    framing: str = DEFAULT_FRAMING,
    published: PublishedNetwork | None = None,
) -> Backbone:
    """The named backbone with real weights, in evaluation mode, for pictures of `size` pixels (None: its own size).

    With framing "centre" it sees what timm trained it on, the centre square, with "letterbox" whole pictures.
    Weights: the local file if given, else the packaged ones for the default, else those of the hub. `published`
    describes what the name means, where the name alone does not tell.
    ModelError where the name is unknown, or the weights cannot be had or do not fit.
    """
    if published is None and is_hub_name(name):
        published = find_published_network(name)
    architecture = published.architecture if published else name
    require_known_name(architecture)
    pooling, inner_name = split_pooling(name)
    if pooling:
        inner = create_backbone(inner_name, weights, size=size, framing=framing)
        module = POOLED_NETWORKS[pooling](inner.module).eval()
        return inner._replace(name=f"{pooling}:{inner.name}", module=module)
    if name in PACKAGED_SOURCES and weights is None:
        module = _load_packaged(name)
    else:
        path = weights or drain(fetch_weights(published or find_published_network(name), name))
        module = _load_from_file(architecture, path, published, size)
    check_finite(module.state_dict(), f"The weights of {name}")
    return _frame_backbone(architecture, module, size, framing)


def create_untrained(name: str, *, size: int | None = None, framing: str = DEFAULT_FRAMING) -> Backbone:
    """The named backbone with random weights, drawn from torch's global generator: only for a training from nothing.

    Its batch-norm statistics and its dropout take part in that training, which its attribute `learns_statistics` says.
    ModelError where the name is unknown.
    """
    require_known_name(name)
    module = _build_module(name)
    module.learns_statistics = True
    return _frame_backbone(name, module, size, framing)


def _frame_backbone(name: str, module: Any, size: int | None, framing: str) -> Backbone:
    """The backbone in evaluation mode for pictures of that size and framing."""
    preprocessing = resize_input(module, read_preprocessing(module), size)
    if framing == "letterbox":
        preprocessing = preprocessing.show_whole_picture()
    return Backbone(name, module.eval(), preprocessing)


def build_architecture(name: str, preprocessing: Preprocessing) -> Any:
    """The architecture for pictures of that size; its weights are random and the caller must fill all of them."""
    require_known_name(name)
    module = _build_module(name)
    resize_input(module, read_preprocessing(module), preprocessing.size)
    module.eval()
    return module


class PairedBackbone(nn.Module):
    """Two networks that see the same input: their maps (n, c, h, w) side by side, and both pooled outputs, each of
    length 1, so that neither outweighs the other."""

    def __init__(self, first: Any, second: Any) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.num_features = first.num_features + second.num_features
        self.pretrained_cfg = first.pretrained_cfg

    def forward_features(self, pixels: Tensor) -> Tensor:
        """Both feature maps (n, c of the first and of the second, h, w) of pixels (n, 3, size, size)."""
        return torch.cat([self.first.forward_features(pixels), self.second.forward_features(pixels)], dim=1)

    def forward_head(self, features: Tensor, *, pre_logits: bool) -> Tensor:
        """Both pooled outputs (n, dim of the first and of the second), each of length 1."""
        maps = torch.split(features, [self.first.num_features, self.second.num_features], dim=1)
        pooled = [
            network.forward_head(part, pre_logits=pre_logits)
            for network, part in zip((self.first, self.second), maps, strict=True)
        ]
        return torch.cat([nn.functional.normalize(values, dim=1) for values in pooled], dim=1)


def _load_packaged(name: str) -> Any:
    """A network without its class layer, or a pair of such, from packaged files."""
    if len(parts := name.split(PAIR_SIGN)) > 1:
        return PairedBackbone(*map(_load_packaged, parts))
    module = load_default_with_classes(name)
    module.reset_classifier(0)
    return module


def load_default_with_classes(name: str = DEFAULT_BACKBONE) -> Any:
    """A packaged network with its 1,000 ImageNet classes, from the packaged file, tensor by tensor in order."""
    module = _build_module(name, num_classes=1000)
    tensors = _read_packaged_tensors(name)
    state = module.state_dict()
    if len(state) != len(tensors):
        raise ModelError("The packaged weights do not fit this version of timm. Install the pinned version.")
    fill_weights(module, dict(zip(state, tensors.values(), strict=True)), "the packaged weights")
    return module.eval()


def require_fitting_weights(
    name: str, preprocessing: Preprocessing, tensors: Mapping[str, Tensor], weights_name: str
) -> None:
    """Raise ModelError where the tensors are not those of the architecture; takes no memory for its weights.

    So a small file that names a huge network costs nothing. An architecture that cannot be built so is not looked at.
    """
    require_known_name(name)
    try:
        with torch.device("meta"):
            module = _build_module(name)
            resize_input(module, read_preprocessing(module), preprocessing.size)
    except (RuntimeError, NotImplementedError):
        return
    require_fit(module.state_dict(), tensors, weights_name)


def require_known_name(name: str) -> None:
    """Raise ModelError, with close matches, where timm has no network of that name or no weights of that tag."""
    if name == BUILT_IN_PAIR or name in ARCHITECTURES:
        return
    pooling, inner_name = split_pooling(name)
    if pooling:
        require_known_name(inner_name)
        return
    if (members := _parse_members(name)) is not None:
        for member in members:
            require_known_name(member.architecture)
        return
    timm = import_timm()
    architecture, _, tag = name.partition(".")
    names = timm.list_models()
    if architecture not in names:
        close = difflib.get_close_matches(architecture, names, n=3) or _list_containing(architecture)
        hint = tr(" Did you mean {close}?", close=", ".join(close)) if close else ""
        raise ModelError("There is no backbone named {name!r}.{hint}", name=name[:80], hint=hint)
    if tag and name not in timm.list_pretrained(architecture + "*"):
        tags = ", ".join(timm.list_pretrained(architecture + ".*")) or "none"
        raise ModelError(
            "The backbone {architecture} has no weights tagged {tag!r}. Known: {tags}.",
            architecture=architecture,
            tag=tag[:80],
            tags=tags,
        )


def _list_containing(word: str) -> list[str]:
    """A few networks with published weights whose names contain the word, those with the shortest names first."""
    found = import_timm().list_pretrained(f"*{word}*") if len(word) > 2 else []
    return sorted({name.partition(".")[0] for name in found}, key=lambda name: (len(name), name))[:3]


def read_preprocessing(module: nn.Module) -> Preprocessing:
    """The preprocessing that a timm network was trained with, from timm's own config.

    ModelError where its input is no square of three channels.
    """
    config = import_timm().data.resolve_data_config({}, model=module)
    channels, height, width = config["input_size"]
    if channels != 3 or height != width or config["interpolation"] not in RESAMPLING_FILTERS:
        size = f"{channels} x {height} x {width}"
        raise ModelError("This backbone wants input of {size}, which is not supported.", size=size)
    mean, std = (_parse_channel_values(config[key]) for key in ("mean", "std"))
    return Preprocessing(int(height), float(config["crop_pct"]), config["interpolation"], mean, std)


def resize_input(module: Any, default_preprocessing: Preprocessing, size: int | None) -> Preprocessing:
    """Set the network up for pictures of `size` pixels and return their preprocessing; ModelError where it cannot."""
    if size is None or size == default_preprocessing.size:
        return default_preprocessing
    try:
        if hasattr(module, "set_input_size"):  # transformers: position embeddings and windows depend on it
            module.set_input_size(img_size=(size, size))
        elif module.pretrained_cfg.get("fixed_input_size"):
            raise ValueError("its input size is fixed")
    except (AssertionError, ValueError, RuntimeError, TypeError) as error:
        raise ModelError(
            "This backbone cannot take pictures of {size} pixels: {error}.", size=size, error=error
        ) from error
    return replace(default_preprocessing, size=size)


def import_timm() -> Any:
    """The timm module, imported even where torchvision was built for another torch.

    timm imports torchvision, which fails beside a CPU-only torch when it was built for CUDA: `operator torchvision::nms
    does not exist`. Exactly that error is answered by declaring the missing operator; where both match, nothing is
    done.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for operator in ("nms", "qnms"):
            _import_torchvision(operator)
        import timm  # noqa: PLC0415  # after the guard

        return timm


def _import_torchvision(operator: str) -> None:
    """Import torchvision; where it fails for want of the operator, declare that, so that timm's own import succeeds."""
    try:
        import torchvision  # noqa: F401, PLC0415  # only to see whether it can be
    except RuntimeError as error:
        if f"operator torchvision::{operator} does not exist" not in str(error):
            raise
    else:
        return
    for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[module]
    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared_libraries.append(library)


def _parse_channel_values(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    return (red, green, blue)


def _build_module(name: str, num_classes: int = 0, **options: Any) -> Any:
    if name == BUILT_IN_PAIR:
        return PairedBackbone(*map(_build_module, name.split(PAIR_SIGN)))
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]()
    pooling, inner_name = split_pooling(name)
    if pooling:
        return POOLED_NETWORKS[pooling](_build_module(inner_name))
    if (members := _parse_members(name)) is not None:
        return _build_joined(members)
    return import_timm().create_model(name, num_classes=num_classes, **options)


def _parse_members(name: str) -> tuple[JoinedMember, ...] | None:
    """The members of a joined network; None for any other, ModelError where its name is damaged."""
    try:
        return parse_joined(name)
    except ValueError as error:
        raise ModelError(
            "The joined network {name!r} is not described as one: {error}.", name=name[:80], error=error
        ) from error


def _build_joined(members: Sequence[JoinedMember]) -> JoinedNetwork:
    networks = [_build_module(member.architecture) for member in members]
    return JoinedNetwork(members, networks, [count_pooled(network) for network in networks])


def count_pooled(module: Any) -> int:
    """How many numbers the pooled output of a network without a class layer has."""
    return int(getattr(module, "head_hidden_size", None) or module.num_features)


def _read_packaged_tensors(name: str) -> dict[str, Tensor]:
    """The packaged weights in the order of their file; ModelError where it is not the pinned one."""
    data = io.BytesIO(read_packaged_weights(name))
    tensors: dict[str, Tensor] = torch.load(data, weights_only=True, map_location="cpu")
    return tensors


def _load_from_file(name: str, path: Path, published: PublishedNetwork | None, size: int | None) -> Any:
    """The network filled from a weights file, in timm's naming or any that timm's own filter knows, for pictures of
    `size` pixels: position embeddings of another size are resampled, a class layer is left out."""
    module, rename = _build_with_filter(name, published.input_fields if published else {})
    resize_input(module, read_preprocessing(module), size)
    content, weights_name = read_weight_file(path), describe_weights(path)
    classes = _build_module(name, num_classes=1000).state_dict().keys() - module.state_dict().keys()
    fill_weights(module, select_fitting(content, module, rename, classes, weights_name), weights_name)
    return module


def _build_with_filter(name: str, input_fields: dict[str, Any]) -> tuple[Any, NameFilter]:
    """The network with random weights, and timm's filter for published weights of its architecture.

    timm hands the filter to its own loader only; while the network is built, another function stands in its place.
    """
    builder: Any = importlib.import_module("timm.models._builder", import_timm().__name__)
    kept: dict[str, Any] = {}
    load_pretrained = builder.load_pretrained
    builder.load_pretrained = lambda model, **options: kept.update(options)
    try:
        module = _build_module(name, pretrained=True, pretrained_cfg_overlay=input_fields)
    finally:
        builder.load_pretrained = load_pretrained
    rename = kept.get("filter_fn")
    if rename is None:
        return module, dict
    takes_module = len(inspect.signature(rename).parameters) > 1
    return module, lambda tensors: rename(tensors, module) if takes_module else rename(tensors)


def find_published_network(name: str) -> PublishedNetwork:
    """Where the weights of a timm network, or of hf-hub:OWNER/NAME, are published; ModelError where they are not."""
    if is_hub_name(name):
        return read_published_network(name)
    require_known_name(name)
    if name in ARCHITECTURES:
        raise ModelError(
            "The network {name} has no weights of its own: it is trained from nothing, by lookalike train.", name=name
        )
    timm = import_timm()
    config = timm.models.get_pretrained_cfg(name) if timm.models.is_model_pretrained(name) else None
    if config is None or not config.hf_hub_id:
        place = tr(" They may lie at {url}.", url=config.url) if config is not None and config.url else ""
        raise ModelError(
            "There are no published weights for {name} in the hub.{place} Give a local file: --model {name} "
            "--weights FILE.safetensors.",
            name=name,
            place=place,
        )
    filenames = (config.hf_hub_filename,) if config.hf_hub_filename else WEIGHT_NAMES
    return PublishedNetwork(name, {}, config.hf_hub_id, filenames, config.license)


def list_tags(name: str) -> list[str]:
    """The names with their tags of all weights that are published for a timm network; the default one first."""
    timm = import_timm()
    architecture = name.partition(".")[0]
    default = timm.models.get_pretrained_cfg(architecture)
    names: list[str] = timm.list_pretrained(architecture + ".*")
    return sorted(names, key=lambda tagged: default is None or not tagged.endswith(f".{default.tag}"))
