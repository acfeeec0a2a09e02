"""Random views: each time a picture is shown to the network it is mirrored, moved, scaled and lit a little differently.

Plain tensor operations on whole batches: one affine map per picture, sampled once, so that a view costs little beside
a training step at any size. Where the map leaves the picture, its border is repeated.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class ViewStrength(NamedTuple):
    """The largest changes of a view, each as a share in both directions: moved (of the side), scaled, lit, and lit in
    each colour channel by itself.
    """

    shift: float
    scale: float
    light: float
    colour: float


GENTLE_VIEWS = ViewStrength(0.08, 0.15, 0.15, 0.0)  # still the same picture: where labels say what is alike
# Where only another view of a picture is known to be alike (Chen et al. 2020, section 3).
STRONG_VIEWS = ViewStrength(0.2, 0.4, 0.4, 0.2)


def draw_views(batch: Tensor, generator: torch.Generator, strength: ViewStrength = GENTLE_VIEWS) -> Tensor:
    """Random views of pictures (n, size, size, 3) uint8, as float32 of the same shape from 0 to 255.

    The same state of the generator gives the same views, on whatever device the batch is.
    """
    count = len(batch)

    def draw_factors(limit: float) -> Tensor:
        uniform = torch.rand(count, generator=generator, device=generator.device)
        return (2 * uniform - 1).mul(limit).to(batch.device)

    zoom = 1 + draw_factors(strength.scale)
    mirror = draw_factors(1.0).sign()
    maps = torch.zeros(count, 2, 3, device=batch.device)
    maps[:, 0, 0], maps[:, 1, 1] = zoom * mirror, zoom
    for axis in (0, 1):
        maps[:, axis, 2] = draw_factors(2 * strength.shift)  # a side runs from -1 to 1
    pixels = batch.permute(0, 3, 1, 2).float()
    grid = functional.affine_grid(maps, list(pixels.shape), align_corners=False)
    moved = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    lit = moved * (1 + draw_factors(strength.light))[:, None, None, None]
    if strength.colour:
        gains = torch.stack([draw_factors(strength.colour) for _ in range(3)], dim=1)
        lit = lit * (1 + gains)[:, :, None, None]
    return lit.clamp(0, 255).permute(0, 2, 3, 1)
