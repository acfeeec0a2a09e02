"""Predictions on pairs of test pictures, as the lecture notes show them: the pictures, their distance, the answer.

The pairs are the same for all variants of a study: half of them match, the other half do not.
"""

import base64
from io import BytesIO
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from training.data.pictures import PicturePart
from training.losses.siamese import PairClassifier

PAIRS_OF_A_KIND = 5  # matching ones, and as many others
PAIR_SEED = 3
PICTURE_SIDE = 56  # px, on the page


class ShownPair(NamedTuple):
    """Two rows of the test part, and whether they are of one class."""

    first: int
    second: int
    same: bool


class PairPictures(NamedTuple):
    """The pairs of a study, and for each its two pictures side by side as a data address."""

    pairs: tuple[ShownPair, ...]
    addresses: tuple[str, ...]


class PairScore(NamedTuple):
    """What a variant says of a pair: the distance of its embeddings, and the probability of "same" by its head over
    pairs, where it has one.
    """

    distance: float
    probability: float | None


def choose_pairs(labels: NDArray[np.int64]) -> tuple[ShownPair, ...]:
    """Pairs of test pictures with labels (n,), matches and mismatches in turn; fewer where there are no more."""
    random = np.random.default_rng(PAIR_SEED)
    found: dict[bool, list[ShownPair]] = {True: [], False: []}
    for first in random.permutation(len(labels)):
        others = random.permutation(np.delete(np.arange(len(labels)), first))
        same = labels[others] == labels[first]
        for kind in (True, False):
            if len(found[kind]) < PAIRS_OF_A_KIND and (same == kind).any():
                found[kind].append(ShownPair(int(first), int(others[same == kind][0]), kind))
        if all(len(pairs) == PAIRS_OF_A_KIND for pairs in found.values()):
            break
    return tuple(found[True] + found[False])


def draw_pairs(test: PicturePart, labels: NDArray[np.int64]) -> PairPictures:
    """The pairs that `choose_pairs` chooses, with their pictures."""
    pairs = choose_pairs(labels)
    return PairPictures(pairs, tuple(_encode_pair(test.load_batch(np.array(pair[:2]))) for pair in pairs))


def _encode_pair(pixels: NDArray[np.uint8]) -> str:
    side = [Image.fromarray(picture).resize((PICTURE_SIDE, PICTURE_SIDE)) for picture in pixels]
    file = BytesIO()
    Image.fromarray(np.concatenate([np.asarray(picture) for picture in side], axis=1)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def score_pairs(
    vectors: NDArray[np.floating], pairs: tuple[ShownPair, ...], loss: nn.Module | None
) -> tuple[PairScore, ...]:
    """What embeddings (n, dim) of the test pictures say of each pair; `loss` is the one they were trained with."""
    if not pairs:
        return ()
    rows = np.array([pair[:2] for pair in pairs])
    first, second = vectors[rows[:, 0]], vectors[rows[:, 1]]
    distances = np.linalg.norm(first - second, axis=1).tolist()
    if not isinstance(loss, PairClassifier):
        return tuple(PairScore(distance, None) for distance in distances)
    with torch.inference_mode():
        loss = loss.cpu()
        answers = torch.sigmoid(loss.compute_answers(*(torch.from_numpy(part).float() for part in (first, second))))
    return tuple(PairScore(*score) for score in zip(distances, answers.tolist(), strict=True))
