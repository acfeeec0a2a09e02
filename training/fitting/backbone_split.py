"""A backbone in two: a first part whose outputs can be computed once and kept, and a last part that is trained."""

import copy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from indexer.errors import ModelError
from indexer.models.network import EmbeddingNetwork

TAIL_BLOCKS_SHARE = 0.25  # of the blocks of a transformer, which has no stages


class SplitBackbone(NamedTuple):
    """A backbone in two, sharing its weights: pixels to the map before its last stages, and from there to raw features.

    Of a transformer the map is its tokens (n, tokens, c). `cut_module` is the name of the module after which it is cut.
    """

    first: nn.Module
    last: nn.Module
    cut_module: str


def split_backbone(network: EmbeddingNetwork) -> SplitBackbone:
    """The backbone in two parts, cut before the stages of its coarsest resolution (timm's `feature_info` names them),
    or where all blocks have one resolution, as in a vision transformer, before the last quarter of the blocks.

    ModelError where the two parts give other features than the backbone.
    """
    size = network.preprocessing.size
    noise = torch.rand(2, size, size, 3, generator=torch.Generator().manual_seed(0)).mul(255).to(network.mean.device)
    with torch.no_grad():
        expected = network.extract_raw_features(noise)
        try:
            split = _cut_backbone(network.body, network.normalise_pixels(noise))
            split_features = split.last.forward_features(split.first.forward_features(network.normalise_pixels(noise)))  # type: ignore[operator]
        except (RuntimeError, TypeError, ValueError, AttributeError, AssertionError, LookupError) as error:
            raise _refuse_split(network.name) from error
    if split_features.shape != expected.shape or not torch.allclose(
        split_features, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max())
    ):
        raise _refuse_split(network.name)
    return split


def _refuse_split(name: str) -> ModelError:
    return ModelError("The backbone {name} cannot be divided before its last stage.", name=name)


def _cut_backbone(body: nn.Module, pixels: Tensor) -> SplitBackbone:
    info: Any = getattr(body, "feature_info", [])
    if len(info) < 2:
        raise ValueError("it names no stages")
    has_stages = info[-1]["reduction"] != info[-2]["reduction"]
    cut_module = str(info[-2]["module"]) if has_stages else _find_last_kept_block(body)
    module_path = cut_module.split(".")
    first = _copy_without_stages(body, module_path, after=True)
    if has_stages:
        return SplitBackbone(first, _copy_without_stages(body, module_path, after=False), cut_module)
    return SplitBackbone(first, TokenStages(body, cut_module, pixels), cut_module)


def _find_last_kept_block(body: nn.Module) -> str:
    count = len(list(body.get_submodule("blocks").children()))
    return f"blocks.{count - max(1, round(count * TAIL_BLOCKS_SHARE)) - 1}"


class TokenStages(nn.Module):
    """The last blocks of a transformer, and what comes after them, for the tokens (n, tokens, c) of the blocks before.

    What a block gets beside the tokens, such as rotary positions, is the same for all pictures of one size: it is what
    the blocks got for `pixels`.
    """

    def __init__(self, body: nn.Module, cut_module: str, pixels: Tensor) -> None:
        super().__init__()
        stage_name, number = cut_module.split(".")
        names = list(body._modules)
        self.blocks = nn.ModuleList(list(body.get_submodule(stage_name).children())[int(number) + 1 :])
        self.later = nn.ModuleDict(
            {name: body._modules[name] or nn.Identity() for name in names[names.index(stage_name) + 1 :]}
        )
        self._block_options = _record_options(body, list(self.blocks), pixels)

    def forward_features(self, tokens: Tensor) -> Tensor:
        """The raw features (n, tokens, c) of the backbone."""
        for block, options in zip(self.blocks, self._block_options, strict=True):
            tokens = block(tokens, **options)
        features: Tensor = self.later["norm"](tokens)
        return features


def _record_options(body: nn.Module, blocks: list[nn.Module], pixels: Tensor) -> list[dict[str, Any]]:
    """What each of the blocks is called with beside the tokens when the body sees pixels (n, 3, size, size)."""
    found: list[dict[str, Any]] = []
    hooks = [
        block.register_forward_pre_hook(lambda _, __, options: found.append(options), with_kwargs=True)
        for block in blocks
    ]
    body.forward_features(pixels)  # type: ignore[operator]
    for hook in hooks:
        hook.remove()
    return found


class _PassThrough(nn.Module):
    """Stands for a stage that is left out, whatever else it is called with."""

    def forward(self, values: Tensor, *_: Any, **__: Any) -> Tensor:
        return values


def _copy_without_stages(module: nn.Module, module_path: list[str], *, after: bool) -> nn.Module:
    """A copy with the same weights in which the children after `module_path` (or those up to it) do nothing."""
    copied = copy.copy(module)
    copied._modules = dict(module._modules)
    names = list(copied._modules)
    index = names.index(module_path[0])
    for name in names[index + 1 :] if after else names[:index]:
        copied._modules[name] = _PassThrough()
    child = copied._modules[module_path[0]]
    if len(module_path) > 1 and child is not None:
        copied._modules[module_path[0]] = _copy_without_stages(child, module_path[1:], after=after)
    elif not after:
        copied._modules[module_path[0]] = _PassThrough()
    return copied
