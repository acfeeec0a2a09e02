"""Weights as people have them: in safetensors or in torch's own file, wrapped by a training or not, named by anybody.

Nothing in such a file is run: of torch's files only those of plain tensors are read. Published names and shapes are
brought to timm's by the filter that timm keeps for each architecture. What still does not fit is refused, so that no
number of a network is ever left random.
"""

import argparse
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from indexer.errors import ModelError
from indexer.models.card import WEIGHTS_LIMIT, read_regular
from indexer.paths import show_path
from indexer.wording import tr

# What a training wraps around its weights, in the order in which they are looked for: averaged ones are better.
WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model", "teacher")
# What parallel or compiled training, Lightning and open_clip put before the name of every tensor.
NAME_PREFIXES = ("", "model.", "backbone.", "encoder.", "net.", "visual.trunk.", "visual.", "trunk.")
PARALLEL_PREFIXES = ("_orig_mod.", "module.", "_orig_mod.")
TORCH_FILE_BEGINNINGS = (b"PK\x03\x04", b"\x80\x02")  # since torch 1.6, before

# Of a pair of open_clip: its pictures' half, their projection in CLIP's own and in timm's naming, and its two numbers.
PICTURE_PREFIX = "visual."
PROJECTIONS = {"visual.proj": True, "visual.head.proj.weight": False}  # by whether it is stored (in, out)
PAIR_NUMBERS = ("logit_scale", "logit_bias")

NameFilter = Callable[[dict[str, Any]], dict[str, Any]]


def read_weight_file(path: Path) -> dict[str, Any]:
    """What a weights file holds, by name, without what a training wraps around it; ModelError for anything else."""
    data, weights_name = read_regular(path, WEIGHTS_LIMIT), describe_weights(path)
    content: Any
    if data.startswith(TORCH_FILE_BEGINNINGS):
        content = _parse_torch_file(data, weights_name)
    else:
        content = parse_tensors(data, weights_name)
    while isinstance(content, dict) and (wrapper := next((key for key in WRAPPERS if key in content), None)):
        content = content[wrapper]
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ModelError("{subject} are no table of tensors.", subject=_capitalise_first(weights_name))
    return {_strip_parallel(key): value for key, value in content.items()}


def describe_weights(path: Path) -> str:
    """A weights file in words that can begin or continue a sentence."""
    return tr("the weights in {path}", path=show_path(path))


def parse_tensors(data: bytes, weights_name: str) -> dict[str, Tensor]:
    """The tensors in the bytes of a safetensors file; ModelError for anything else, pickles included."""
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise ModelError(
            "{subject} are not a whole safetensors file.", subject=_capitalise_first(weights_name)
        ) from error
    return tensors


def _parse_torch_file(data: bytes, weights_name: str) -> object:
    """The content of a file that torch has saved, if it is of plain values; timm's trainings add argparse's."""
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            content: object = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # the reader raises whatever the damage leads to
        raise ModelError(
            "{subject} are damaged or hold more than tensors, which might be a program. Save them as "
            "safetensors where you trust them.",
            subject=_capitalise_first(weights_name),
        ) from error
    return content


def _strip_parallel(name: str) -> str:
    for prefix in PARALLEL_PREFIXES:
        name = name.removeprefix(prefix)
    return name


def select_fitting(
    content: Mapping[str, Any], module: nn.Module, rename: NameFilter, class_names: set[str], weights_name: str
) -> dict[str, Tensor]:
    """Exactly the tensors of the module out of what a file holds, renamed by timm's filter, without a class layer.

    ModelError says what the content as it is lacks, where it does not fit under any prefix.
    """
    state, first_error = module.state_dict(), None
    for prefix in NAME_PREFIXES:
        named = {key.removeprefix(prefix): value for key, value in content.items() if key.startswith(prefix)}
        if not named:
            continue
        try:
            return _fit_state(_rename_tensors(named, rename, weights_name), state, class_names, weights_name)
        except ModelError as error:
            first_error = first_error or error
    raise first_error or ModelError("{subject} hold no tensors.", subject=_capitalise_first(weights_name))


class TextHalf(NamedTuple):
    """The half of a pair that embeds texts: its tensors as open_clip names them, the scale by which cosines are
    multiplied, and the number added after that, None where there is none.

    `projection` (dim, backbone dim) is the last layer of the pictures' half, None where the backbone has none after it.
    """

    tensors: dict[str, Tensor]
    scale: float
    bias: float | None
    projection: Tensor | None


def split_pair(content: Mapping[str, Any], weights_name: str) -> TextHalf:
    """The half of a pair's weights that is for texts; ModelError where they are those of no pair."""
    numbers = {key: content[key] for key in PAIR_NUMBERS if isinstance(content.get(key), Tensor)}
    tensors = {
        key.removeprefix("text."): value.float()
        for key, value in content.items()
        if isinstance(value, Tensor) and not key.startswith(PICTURE_PREFIX) and key not in PAIR_NUMBERS
    }
    tensors.pop("attn_mask", None)  # open_clip makes it anew
    if not tensors or numbers.keys().isdisjoint({"logit_scale"}):
        raise ModelError(
            "{subject} are no pair of networks for pictures and texts.", subject=_capitalise_first(weights_name)
        )
    check_finite(tensors, _capitalise_first(weights_name))
    bias = numbers.get("logit_bias")
    return TextHalf(
        tensors,
        float(numbers["logit_scale"].float().exp()),
        None if bias is None else float(bias.float()),
        _find_projection(content),
    )


def _find_projection(content: Mapping[str, Any]) -> Tensor | None:
    for name, is_stored_transposed in PROJECTIONS.items():
        tensor = content.get(name)
        if isinstance(tensor, Tensor):
            return (tensor.T if is_stored_transposed else tensor).float().contiguous()
    return None


def _rename_tensors(named: dict[str, Any], rename: NameFilter, weights_name: str) -> dict[str, Any]:
    try:
        return rename(named)
    except Exception as error:  # timm's filters look things up in files that may be of any other network
        raise ModelError(
            "{subject} do not fit the network: timm cannot read them.", subject=_capitalise_first(weights_name)
        ) from error


def _fit_state(
    tensors: dict[str, Any], state: Mapping[str, Tensor], class_names: set[str], weights_name: str
) -> dict[str, Tensor]:
    """The tensors that the state has, and its own counters of batches, which old files lack; ModelError otherwise."""
    fitting = {key: value for key, value in tensors.items() if key not in class_names and isinstance(value, Tensor)}
    counters = {key: value for key, value in state.items() if key.endswith("num_batches_tracked")}
    fitting = counters | fitting
    require_fit(state, fitting, weights_name)
    return fitting


def fill_weights(module: nn.Module, tensors: Mapping[str, Tensor], weights_name: str) -> None:
    """Load exactly these tensors into the module; ModelError names one that is missing, unknown or of another shape."""
    require_fit(module.state_dict(), tensors, weights_name)
    check_finite(tensors, _capitalise_first(weights_name))
    module.load_state_dict(dict(tensors), strict=True)


def require_fit(state: Mapping[str, Tensor], tensors: Mapping[str, Tensor], weights_name: str) -> None:
    """Raise ModelError where the tensors differ from those of a state in name, shape or kind of number."""
    missing, unknown = sorted(state.keys() - tensors.keys()), sorted(tensors.keys() - state.keys())
    if missing or unknown:
        key, problem = (missing[0], tr("they lack")) if missing else (unknown[0], tr("they have an unknown"))
        raise ModelError(
            "{subject} do not fit the network: {problem} {key!r}.",
            subject=_capitalise_first(weights_name),
            problem=problem,
            key=key[:80],
        )
    for key, tensor in tensors.items():
        if tensor.shape != state[key].shape or tensor.is_floating_point() != state[key].is_floating_point():
            shapes = tr("{found} instead of {wanted}", found=list(tensor.shape), wanted=list(state[key].shape))
            raise ModelError(
                "{subject} do not fit the network: {key!r} is {shapes}.",
                subject=_capitalise_first(weights_name),
                key=key,
                shapes=shapes,
            )


def check_finite(tensors: Mapping[str, Tensor], weights_name: str) -> None:
    """Raise ModelError where a tensor of floating-point numbers holds an infinite one or NaN."""
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all()):
            raise ModelError(
                "{weights_name} are damaged: {key!r} holds numbers that are not finite.",
                weights_name=weights_name,
                key=key,
            )


def _capitalise_first(text: str) -> str:
    return text[:1].upper() + text[1:]
