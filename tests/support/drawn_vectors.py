"""Made-up embeddings with the structure of real ones: photos of many kinds, or photos that are all of one kind.

Many kinds: a common mean, groups within groups, and each photo by itself; every level Gaussian with variances that fall
as (i + 10)^-1.5, the last as i^-1.5, and members at different distances from the middle of their group. A larger
library has more photos of the same groups. Lengths, shares and exponents were fitted to lite0's features of 1,488 crops
of 248 sample pictures (mean of length 0.58, random pairs 1.16 apart, half of the variance in 32 dimensions, 0.8 in 128)
and of the 10,000 test pictures of Fashion-MNIST (nearest 0.5, tenth 0.59 away; Annoy over 20 trees finds 0.95, 0.98,
0.993, 0.995 of the true ten with 1,000, 2,000, 4,000, 8,000 nodes; of 10,000 of these vectors, nearest 0.4, tenth 0.6
away, 0.94, 0.97, 0.99, 0.997).

One kind: the mean and each photo by itself. Nothing tells near photos from far ones at a glance, which is the hardest
case for trees of half spaces.
"""

from collections.abc import Iterator

import numpy as np

SHARES = {3: 0.2, 10: 0.12, 33: 0.12, 100: 0.1, 333: 0.1, 1000: 0.1, 3333: 0.06}  # groups -> share of the variance
ALONE = 0.2  # share of the variance of each photo by itself
MEAN = 0.58
SPREAD = 0.3  # of the logarithm of a member's distance from the middle
ROWS_PER_PART = 8192


def draw_mixed_photos(rows: int, dim: int) -> np.ndarray:
    """Unit vectors (rows, dim) float16 of photos of many kinds."""
    return np.concatenate(list(draw_vectors(rows, dim)))


def draw_like_photos(rows: int, dim: int) -> np.ndarray:
    """Unit vectors (rows, dim) float16 of photos that are all of one kind."""
    return np.concatenate(list(draw_vectors(rows, dim, {}, alone=1.0)))


def draw_vectors(
    rows: int, dim: int, shares: dict[int, float] = SHARES, *, alone: float = ALONE
) -> Iterator[np.ndarray]:
    """Made-up embeddings in parts (n, dim) float16 of ROWS_PER_PART rows, members of a group far apart."""
    random = np.random.default_rng(rows + dim)
    order = random.permutation(rows)
    mean = random.standard_normal(dim).astype(np.float32)
    mean *= MEAN / np.linalg.norm(mean)
    wide, steep = _make_spectrum(dim, 10.0), _make_spectrum(dim, 0.0)
    groups = {count: _draw_middles(random, count, wide * share**0.5) for count, share in shares.items()}
    own_scales = (steep if shares else wide) * alone**0.5
    for start in range(0, rows, ROWS_PER_PART):
        members = order[start : start + ROWS_PER_PART]
        part = mean + _draw_middles(random, len(members), own_scales)
        for count, middles in groups.items():
            part += middles[members * count // rows]
        yield (part / np.linalg.norm(part, axis=1, keepdims=True)).astype(np.float16)


def _make_spectrum(dim: int, offset: float) -> np.ndarray:
    """Standard deviations (dim,) float32 of directions; their squares add up to 1 less the mean's squared length."""
    variances = (np.arange(1, dim + 1) + offset) ** -1.5
    deviations: np.ndarray = np.sqrt(variances / variances.sum() * (1 - MEAN**2)).astype(np.float32)
    return deviations


def _draw_middles(random: np.random.Generator, count: int, scales: np.ndarray) -> np.ndarray:
    """The middles (count, dim) float32 of groups, relative to the group that each is in."""
    middles = random.standard_normal((count, len(scales)), dtype=np.float32) * scales
    spread: np.ndarray = middles * np.exp(SPREAD * random.standard_normal((count, 1))).astype(np.float32)
    return spread
