"""Views: each time a picture is shown to the network it is mirrored, moved, scaled and lit a little differently.

Plain tensor operations on whole batches: one affine map per picture, sampled once, so that a view costs little beside
a training step at any size. What is moved in from outside repeats the border.
"""

import torch
from torch import Tensor
from torch.nn import functional

SHIFT = 0.08  # of the side, each way
SCALE = 0.15  # up to this much larger or smaller
LIGHT = 0.15  # up to this much brighter or darker


def views(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Random views of pictures (n, size, size, 3) uint8, as float32 of the same shape from 0 to 255.

    The generator's device is the batch's; the same state gives the same views.
    """
    count = len(batch)

    def spread(most: float) -> Tensor:
        drawn = torch.rand(count, generator=generator, device=generator.device)
        return (2 * drawn - 1).mul(most).to(batch.device)

    zoom = 1 + spread(SCALE)
    mirror = spread(1.0).sign()
    maps = torch.zeros(count, 2, 3, device=batch.device)
    maps[:, 0, 0], maps[:, 1, 1] = zoom * mirror, zoom
    maps[:, 0, 2], maps[:, 1, 2] = spread(2 * SHIFT), spread(2 * SHIFT)  # a side runs from -1 to 1
    pixels = batch.permute(0, 3, 1, 2).float()
    grid = functional.affine_grid(maps, list(pixels.shape), align_corners=False)
    moved = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    lit = moved * (1 + spread(LIGHT))[:, None, None, None]
    return lit.clamp(0, 255).permute(0, 2, 3, 1)
