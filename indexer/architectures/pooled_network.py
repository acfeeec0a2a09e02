"""Pooling in the place of a network's own: by a learned exponent (Radenovic et al. 2018, eq. 3) or by the maximum."""

from typing import Any

import torch
from torch import Tensor, nn

FIRST_EXPONENT = 3.0  # the paper's; 1 is the mean, and the larger the nearer to the maximum
LEAST_RESPONSE = 1e-6


class PooledNetwork(nn.Module):
    """A network whose last maps (n, c, h, w) are pooled in another way than its own, to (n, c)."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body
        self.num_features = self.head_hidden_size = int(body.num_features)
        self.pretrained_cfg = body.pretrained_cfg

    def forward_features(self, pixels: Tensor) -> Tensor:
        """The last maps (n, c, h, w) of pixels (n, 3, size, size); (n, c, tokens, 1) of a transformer."""
        features: Tensor = self.body.forward_features(pixels)
        if features.ndim == 3:  # tokens (n, t, c), those that stand for the whole picture first
            return features[:, getattr(self.body, "num_prefix_tokens", 0) :].transpose(1, 2).unsqueeze(-1)
        is_last = features.shape[1] != self.num_features and features.shape[-1] == self.num_features
        return features.permute(0, 3, 1, 2) if is_last else features


class GeneralisedMeanNetwork(PooledNetwork):
    """Pools to (mean of x^p)^(1/p) of each channel, with a learned p; negative responses count as none."""

    def __init__(self, body: Any) -> None:
        super().__init__(body)
        self.exponent = nn.Parameter(torch.tensor(FIRST_EXPONENT))

    def forward_head(self, features: Tensor, *, pre_logits: bool = True) -> Tensor:
        """The pooled outputs (n, c) of the last maps."""
        del pre_logits  # there is no class layer
        exponent = self.exponent.clamp(min=1.0)
        pooled: Tensor = features.clamp(min=LEAST_RESPONSE).pow(exponent).mean(dim=(2, 3)).pow(1 / exponent)
        return pooled


class MaximumNetwork(PooledNetwork):
    """Pools to the largest response of each channel (Teh et al. 2020, ProxyNCA++, section 3.4)."""

    def forward_head(self, features: Tensor, *, pre_logits: bool = True) -> Tensor:
        """The largest outputs (n, c) of the last maps."""
        del pre_logits  # there is no class layer
        return features.amax(dim=(2, 3))


POOLED_NETWORKS: dict[str, type[PooledNetwork]] = {"gem": GeneralisedMeanNetwork, "max": MaximumNetwork}


def split_pooling(name: str) -> tuple[str, str]:
    """The pooling of a network's name and the name of the network below it; "" where it pools in its own way."""
    pooling, sign, inner = name.partition(":")
    return (pooling, inner) if sign and pooling in POOLED_NETWORKS else ("", name)
