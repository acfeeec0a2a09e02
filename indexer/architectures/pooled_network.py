"""Generalised-mean pooling with a learned exponent, in the place of a network's own (Radenovic et al. 2018, eq. 3)."""

from typing import Any

import torch
from torch import Tensor, nn

POOLED_PREFIX = "gem:"
FIRST_EXPONENT = 3.0  # the paper's; 1 is the mean, and the larger the nearer to the maximum
LEAST_RESPONSE = 1e-6


class PooledNetwork(nn.Module):
    """A network whose last maps (n, c, h, w) are pooled to (mean of x^p)^(1/p) of each channel.

    Negative responses count as none.
    """

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body
        self.exponent = nn.Parameter(torch.tensor(FIRST_EXPONENT))
        self.num_features = self.head_hidden_size = int(body.num_features)
        self.pretrained_cfg = body.pretrained_cfg

    def forward_features(self, pixels: Tensor) -> Tensor:
        """The last maps (n, c, h, w) of pixels (n, 3, size, size)."""
        maps: Tensor = self.body.forward_features(pixels)
        return maps

    def forward_head(self, features: Tensor, *, pre_logits: bool = True) -> Tensor:
        """The pooled outputs (n, c) of the last maps."""
        del pre_logits  # there is no class layer
        exponent = self.exponent.clamp(min=1.0)
        pooled: Tensor = features.clamp(min=LEAST_RESPONSE).pow(exponent).mean(dim=(2, 3)).pow(1 / exponent)
        return pooled
