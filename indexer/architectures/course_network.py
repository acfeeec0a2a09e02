"""The branch network of the lecture notes (siamese networks, example 1): small, and trained from random weights."""

from typing import Any

from torch import Tensor, nn

CONVOLUTIONS = (8, 16, 32)  # channels of the three pairs of 3 x 3 convolutions
DENSE_NUMBERS = 256  # of the dense layer before the embedding
SIDE = 28  # px, as in MNIST and Fashion-MNIST
DROPOUT = 0.2  # share of the maps left out in a step; the notes do not say theirs


class CourseNetwork(nn.Module):
    """Three pairs of convolutions and a dense layer; with an embedding of 32 numbers after it, 429,176 parameters.

    Of these 428,552 are trained, the others are the means and variances of batch normalisation. Pictures of three
    channels (n, 3, 28, 28) become grey first, 28 x 28 x 1 as in the notes.
    """

    num_features = CONVOLUTIONS[-1]
    head_hidden_size = DENSE_NUMBERS

    def __init__(self) -> None:
        super().__init__()
        ends = zip((1, *CONVOLUTIONS), CONVOLUTIONS, strict=False)
        self.blocks = nn.ModuleList(_build_block(inputs, outputs) for inputs, outputs in ends)
        self.shrink = nn.MaxPool2d(2)
        self.dense = nn.Linear(CONVOLUTIONS[-1] * (SIDE // 4) ** 2, DENSE_NUMBERS)
        self.norm = nn.BatchNorm1d(DENSE_NUMBERS)
        self.pretrained_cfg: dict[str, Any] = {
            "input_size": (3, SIDE, SIDE),
            "crop_pct": 1.0,
            "interpolation": "bilinear",
            "mean": (0.5, 0.5, 0.5),
            "std": (0.5, 0.5, 0.5),
            "fixed_input_size": True,
        }

    def forward_features(self, pixels: Tensor) -> Tensor:
        """The last feature maps (n, 32, 7, 7) of pixels (n, 3, 28, 28)."""
        maps = pixels.mean(dim=1, keepdim=True)
        for position, block in enumerate(self.blocks):
            maps = block(self.shrink(maps) if position else maps)
        return maps

    def forward_head(self, features: Tensor, *, pre_logits: bool = True) -> Tensor:
        """The outputs (n, 256) of the dense layer behind the last feature maps (n, 32, 7, 7)."""
        del pre_logits  # there is no class layer
        values: Tensor = self.norm(self.dense(features.flatten(1))).relu()
        return values


def _build_block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Dropout2d(DROPOUT),
    )


ARCHITECTURES: dict[str, type[CourseNetwork]] = {"course": CourseNetwork}
