"""The table of the lecture notes (similarity learning, "How to choose a model?"), as published.

It is table 5 of Musgrave, Belongie, Lim 2020, "A Metric Learning Reality Check": Cars196, in per cent, four networks by
class-disjoint folds, their 512 numbers side by side and their 128 alone. The study `table` follows its protocol.
"""

from typing import NamedTuple


class PublishedRow(NamedTuple):
    """P@1, R-precision and MAP@R in per cent of a loss: of all four networks together, then of each alone."""

    loss: str
    concatenated: tuple[float, float, float]
    separated: tuple[float, float, float]


PUBLISHED_HEADING = (
    "loss, as published on Cars196",
    "P@1",
    "R-prec.",
    "MAP@R",
    "P@1 alone",
    "R-prec. alone",
    "MAP@R alone",
)
PUBLISHED_ROWS = (
    PublishedRow("pretrained", (46.89, 13.77, 5.91), (43.27, 13.37, 5.64)),
    PublishedRow("contrastive", (81.78, 35.11, 24.89), (69.80, 27.78, 17.24)),
    PublishedRow("triplet", (79.13, 33.71, 23.02), (65.68, 26.67, 15.82)),
    PublishedRow("nt-xent", (80.99, 34.96, 24.40), (68.16, 27.66, 16.78)),
    PublishedRow("proxy-nca", (83.56, 35.62, 25.38), (73.46, 28.90, 18.29)),
    PublishedRow("margin", (81.16, 34.82, 24.21), (68.24, 27.25, 16.40)),
    PublishedRow("margin-per-class", (80.04, 33.78, 23.11), (67.54, 26.68, 15.88)),
    PublishedRow("normalised-softmax", (83.16, 36.20, 26.00), (72.55, 29.35, 18.73)),
    PublishedRow("cosface", (85.52, 37.32, 27.57), (74.67, 29.01, 18.80)),
    PublishedRow("arcface", (85.44, 37.02, 27.22), (72.10, 27.29, 17.11)),
    PublishedRow("fast-ap", (78.45, 33.61, 23.14), (65.08, 26.59, 15.94)),
    PublishedRow("snr", (82.02, 35.22, 25.03), (69.69, 27.55, 17.13)),
    PublishedRow("multi-similarity", (85.14, 38.09, 28.07), (73.77, 29.92, 19.32)),
    PublishedRow("multi-similarity, mined", (83.67, 37.08, 27.01), (71.80, 29.44, 18.86)),
    PublishedRow("soft-triple", (84.49, 37.03, 27.08), (73.69, 29.29, 18.89)),
)
PUBLISHED_LOSSES = tuple(row.loss for row in PUBLISHED_ROWS[1:])


def format_published() -> list[list[str]]:
    """The rows of the table under PUBLISHED_HEADING."""
    return [[row.loss, *(f"{value:.2f}" for value in row.concatenated + row.separated)] for row in PUBLISHED_ROWS]
