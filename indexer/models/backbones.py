"""timm networks and their weights: the packaged default, a local file, or a download. The only door to timm.

Weights are real or the model is refused: nothing here ever returns random weights to a user.
"""

import difflib
import io
import sys
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import huggingface_hub as hub
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from indexer.errors import ModelError
from indexer.models.card import DEFAULT_BACKBONE, RESAMPLING_FILTERS, WEIGHTS_LIMIT, Preprocessing, read_regular
from indexer.models.class_layer import read_packaged_weights
from indexer.models.framing import DEFAULT_FRAMING
from indexer.paths import show_path

__all__ = [
    "DEFAULT_BACKBONE",
    "Backbone",
    "build_architecture",
    "check_finite",
    "create_backbone",
    "fill_weights",
    "import_timm",
    "load_default_with_classes",
    "parse_tensors",
    "read_preprocessing",
    "require_known_name",
    "resize_input",
]

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
) -> Backbone:
    """The named backbone with real weights, in evaluation mode, for pictures of `size` pixels (None: its own size).

    With framing "centre" it sees what timm trained it on, the centre square, with "letterbox" whole pictures.
    Weights: the local safetensors file if given, else the packaged ones for the default, else timm's download.
    ModelError where the name is unknown, or the weights cannot be had or do not fit.
    """
    require_known_name(name)
    if weights is not None:
        module = _load_from_file(name, weights)
    elif name == DEFAULT_BACKBONE:
        module = load_default_with_classes()
        module.reset_classifier(0)
    else:
        module = _load_from_hub(name)
    check_finite(module.state_dict(), f"The weights of {name}")
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


def load_default_with_classes() -> Any:
    """The default network with its 1,000 ImageNet classes, from the packaged file, tensor by tensor in order."""
    module = _build_module(DEFAULT_BACKBONE, num_classes=1000)
    tensors = _read_packaged_tensors()
    state = module.state_dict()
    if len(state) != len(tensors):
        raise ModelError("The packaged weights do not fit this version of timm. Install the pinned version.")
    fill_weights(module, dict(zip(state, tensors.values(), strict=True)), "the packaged weights")
    return module.eval()


def fill_weights(module: nn.Module, tensors: Mapping[str, Tensor], weights_name: str) -> None:
    """Load exactly these tensors into the module; ModelError names one that is missing, unknown or of another shape."""
    _require_fit(module.state_dict(), tensors, weights_name)
    check_finite(tensors, _capitalise_first(weights_name))
    module.load_state_dict(dict(tensors), strict=True)


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
    _require_fit(module.state_dict(), tensors, weights_name)


def _require_fit(state: Mapping[str, Tensor], tensors: Mapping[str, Tensor], weights_name: str) -> None:
    """Raise ModelError where the tensors differ from those of a state in name, shape or kind of number."""
    missing, unknown = sorted(state.keys() - tensors.keys()), sorted(tensors.keys() - state.keys())
    if missing or unknown:
        key, problem = (missing[0], "lack") if missing else (unknown[0], "have an unknown")
        raise ModelError(f"{_capitalise_first(weights_name)} do not fit the network: they {problem} {key[:80]!r}.")
    for key, tensor in tensors.items():
        if tensor.shape != state[key].shape or tensor.is_floating_point() != state[key].is_floating_point():
            shapes = f"{list(tensor.shape)} instead of {list(state[key].shape)}"
            raise ModelError(f"{_capitalise_first(weights_name)} do not fit the network: {key!r} is {shapes}.")


def check_finite(tensors: Mapping[str, Tensor], weights_name: str) -> None:
    """Raise ModelError where a tensor of floating-point numbers holds an infinite one or NaN."""
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all()):
            raise ModelError(f"{weights_name} are damaged: {key!r} holds numbers that are not finite.")


def parse_tensors(data: bytes, weights_name: str) -> dict[str, Tensor]:
    """The tensors in the bytes of a safetensors file; ModelError for anything else, pickles included."""
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise ModelError(f"{_capitalise_first(weights_name)} are not a whole safetensors file.") from error
    return tensors


def require_known_name(name: str) -> None:
    """Raise ModelError, with close matches, where timm has no network of that name or no weights of that tag."""
    timm = import_timm()
    architecture, _, tag = name.partition(".")
    names = timm.list_models()
    if architecture not in names:
        close = difflib.get_close_matches(architecture, names, n=3)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        raise ModelError(f"There is no backbone named {name[:80]!r}.{hint}")
    if tag and name not in timm.list_pretrained(architecture + "*"):
        tags = ", ".join(timm.list_pretrained(architecture + ".*")) or "none"
        raise ModelError(f"The backbone {architecture} has no weights tagged {tag[:80]!r}. Known: {tags}.")


def read_preprocessing(module: nn.Module) -> Preprocessing:
    """The preprocessing that a timm network was trained with, from timm's own config.

    ModelError where its input is no square of three channels.
    """
    config = import_timm().data.resolve_data_config({}, model=module)
    channels, height, width = config["input_size"]
    if channels != 3 or height != width or config["interpolation"] not in RESAMPLING_FILTERS:
        raise ModelError(f"This backbone wants input of {channels} x {height} x {width}, which is not supported.")
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
        raise ModelError(f"This backbone cannot take pictures of {size} pixels: {error}.") from error
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


def _build_module(name: str, num_classes: int = 0, *, pretrained: bool = False) -> Any:
    return import_timm().create_model(name, pretrained=pretrained, num_classes=num_classes)


def _read_packaged_tensors() -> dict[str, Tensor]:
    """The packaged weights in the order of their file; ModelError where it is not the pinned one."""
    tensors: dict[str, Tensor] = torch.load(io.BytesIO(read_packaged_weights()), weights_only=True, map_location="cpu")
    return tensors


def _load_from_file(name: str, path: Path) -> Any:
    """The network filled from a safetensors file in timm's naming; the class layer's tensors may be there or not."""
    tensors = parse_tensors(read_regular(path, WEIGHTS_LIMIT), f"the weights in {show_path(path)}")
    module = _build_module(name)
    state = module.state_dict()
    if tensors.keys() - state.keys():
        classes = _build_module(name, num_classes=1000).state_dict().keys() - state.keys()
        tensors = {key: tensor for key, tensor in tensors.items() if key not in classes}
    fill_weights(module, tensors, f"the weights in {show_path(path)}")
    return module


def _load_from_hub(name: str) -> Any:
    """timm's own download, from the hub's cache on this machine if it is there; its bar goes to standard error."""
    advice = f"Give a local file instead: --model {name} --weights FILE.safetensors."
    if not import_timm().models.is_model_pretrained(name):
        raise ModelError(f"There are no published weights for {name}. {advice}")
    hub.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    hub.constants.HF_HUB_DISABLE_TELEMETRY = True  # the download the user asked for, and nothing else
    try:
        with _set_hub_offline(not _server_answers(hub.constants.ENDPOINT)):
            return _build_module(name, pretrained=True)
    except Exception as error:  # the hub's client, its transport and timm raise dozens of unrelated classes
        raise ModelError(f"The weights of {name} could not be downloaded: is the network on? {advice}") from error


def _server_answers(address: str) -> bool:
    """Whether a server answers within 15 seconds, with any status. The hub's own client would try for 50."""
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=15).close()
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def _set_hub_offline(offline: bool) -> Iterator[None]:
    """Within the block, let the hub's client read its cache only, if `offline`."""
    was_offline = hub.constants.HF_HUB_OFFLINE
    hub.constants.HF_HUB_OFFLINE = was_offline or offline
    try:
        yield
    finally:
        hub.constants.HF_HUB_OFFLINE = was_offline


def _capitalise_first(text: str) -> str:
    return text[:1].upper() + text[1:]
