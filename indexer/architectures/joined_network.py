"""Several networks as one: the embedding of each, of unit length and equal weight, side by side (an ensemble)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

JOINED_PREFIX, MEMBER_SIGN, HEAD_SIGN, UNIT_SIGN = "joined:", "|", "@", "u"
MOST_MEMBERS = 16
MOST_NUMBERS = 1 << 16  # of a member's head


class JoinedMember(NamedTuple):
    """One network in the name of a joined network: its architecture, the dimension of its head (0 for none), and
    whether that head takes pooled outputs scaled to unit length.
    """

    architecture: str
    dim: int
    takes_units: bool

    @property
    def word(self) -> str:
        """The member as the name of a joined network spells it: "resnet18@32", or "resnet18@u32" for pooled outputs of
        unit length.
        """
        return self.architecture + (f"{HEAD_SIGN}{UNIT_SIGN * self.takes_units}{self.dim}" if self.dim else "")


def name_joined(members: Sequence[JoinedMember]) -> str:
    """The name of the network that joins these members, in their order."""
    return JOINED_PREFIX + MEMBER_SIGN.join(member.word for member in members)


def parse_joined(name: str) -> tuple[JoinedMember, ...] | None:
    """The members in a name that `name_joined` has built; None for any other name, ValueError for a damaged one."""
    if not name.startswith(JOINED_PREFIX):
        return None
    words = name.removeprefix(JOINED_PREFIX).split(MEMBER_SIGN)
    if len(words) > MOST_MEMBERS:
        raise ValueError("too many members")
    members = []
    for word in words:
        architecture, sign, numbers = word.partition(HEAD_SIGN)
        dim = int(numbers.removeprefix(UNIT_SIGN)) if sign else 0
        if not 0 <= dim <= MOST_NUMBERS:
            raise ValueError("too large a head")
        members.append(JoinedMember(architecture, dim, numbers.startswith(UNIT_SIGN)))
    return tuple(members)


class JoinedNetwork(nn.Module):
    """Networks that see the same pictures, each with its own head: their last feature maps (n, c, h, w) are joined
    along the channels, and their embeddings side by side. A picture costs what all of them cost together.
    """

    def __init__(self, members: Sequence[JoinedMember], networks: Sequence[Any], pooled_sizes: Sequence[int]) -> None:
        super().__init__()
        self.units = [member.takes_units for member in members]
        self.networks = nn.ModuleList(networks)
        self.heads = nn.ModuleList(
            nn.Linear(size, member.dim) if member.dim else nn.Identity()
            for member, size in zip(members, pooled_sizes, strict=True)
        )
        self.channels = [int(network.num_features) for network in networks]
        self.num_features = sum(self.channels)
        self.pretrained_cfg = networks[0].pretrained_cfg

    def forward_features(self, pixels: Tensor) -> Tensor:
        """The last feature maps of all members, (n, sum of c, h, w), of pixels (n, 3, size, size)."""
        return torch.cat([network.forward_features(pixels) for network in self.networks], dim=1)  # type: ignore[operator]

    def forward_head(self, features: Tensor, *, pre_logits: bool) -> Tensor:
        """The embeddings of all members side by side, (n, sum of dims), each member's part of length 1."""
        embeddings = []
        parts = torch.split(features, self.channels, dim=1)
        for network, head, takes_units, part in zip(self.networks, self.heads, self.units, parts, strict=True):
            pooled = network.forward_head(part, pre_logits=pre_logits)  # type: ignore[operator]
            embeddings.append(normalize(head(normalize(pooled, dim=1) if takes_units else pooled), dim=1))
        return torch.cat(embeddings, dim=1)
