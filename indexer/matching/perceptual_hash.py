"""Perceptual hashes: 64 bits that stay nearly the same when a picture is shrunk, compressed or recoloured a little.

The hash is imagehash's `phash`: the signs of the lowest 8 x 8 frequencies of the grey picture about their median. Two
pictures are compared by how many bits differ. All pairs within MAX_DIFFERENCE bits are found without comparing all
with all: of four bands of 16 bits, one differs in at most one bit (the pigeonhole principle; Norouzi, Punjani, Fleet
2012, "Fast search in Hamming space with multi-index hashing"), so equal bands are looked up, 17 spellings of each.
"""

from io import BytesIO

import numpy as np
from PIL import Image

BITS = 64
BANDS, BAND_BITS = 4, 16
MAX_DIFFERENCE = 7  # of the 64 bits; one more and a band could differ in two
# Flat pictures hash alike by the thousand. Of an overfull bucket only the nearest in sorting order are compared, so
# that the work stays linear; the other bands, whose orders differ, lead to most of the rest.
WINDOW = 32

TURNS = (
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
)
_SIDE = 32  # what phash itself shrinks to: turned afterwards, the picture is shrunk once


def hashes_of(jpeg: bytes, *, turned: bool) -> np.ndarray:
    """The hash (1,) uint64 of a thumbnail; with `turned`, (8,): also of the picture mirrored and turned by TURNS."""
    import imagehash  # noqa: PLC0415 (brings scipy: only where hashes are made)

    with Image.open(BytesIO(jpeg)) as image:
        image.draft("L", (2 * _SIDE, 2 * _SIDE))
        small = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    views = [small, *(small.transpose(turn) for turn in TURNS)] if turned else [small]
    bits = np.stack([imagehash.phash(view).hash.ravel() for view in views])
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64)[:, 0]


def differences(hashes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How many bits differ, uint8, of uint64 arrays that broadcast."""
    counts: np.ndarray = np.bitwise_count(hashes ^ others)
    return counts


def near(views: np.ndarray, others: np.ndarray) -> bool:
    """Whether each of views (n, v) is within MAX_DIFFERENCE of each of others (m, v), turned in whichever way is best.

    The first column is the picture as it is.
    """
    there = differences(views[:, None, :], others[None, :, :1]).min(axis=2)
    back = differences(views[:, None, :1], others[None, :, :]).min(axis=2)
    return bool(np.minimum(there, back).max() <= MAX_DIFFERENCE)


def pairs_within(hashes: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """All (row of queries, row of hashes), (p, 2) int64 in order, that differ in at most MAX_DIFFERENCE bits."""
    found = [_pairs_by_band(hashes, queries, np.uint64(band * BAND_BITS)) for band in range(BANDS)]
    both = np.unique(np.concatenate(found))  # as single numbers: twenty times as fast as rows of two
    return np.stack(np.divmod(both, max(1, len(hashes))), axis=1)


def _pairs_by_band(hashes: np.ndarray, queries: np.ndarray, shift: np.uint64) -> np.ndarray:
    """The pairs whose band of 16 bits beginning at `shift` differs in at most one bit, each as one number."""
    keys = _rotated(hashes, shift)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    own = _rotated(queries, shift)
    flips = [np.uint64(0), *(np.uint64(1) << np.uint64(BITS - 1 - bit) for bit in range(BAND_BITS))]
    return np.concatenate([_bucket_pairs(keys, order, own, own ^ flip) for flip in flips])


def _rotated(hashes: np.ndarray, shift: np.uint64) -> np.ndarray:
    """The hashes with their bits turned left, so that another band comes first in sorting."""
    return hashes if not shift else (hashes << shift) | (hashes >> (np.uint64(BITS) - shift))


def _bucket_pairs(keys: np.ndarray, order: np.ndarray, own: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """The near ones among the sorted keys (n,) that begin with the same band as the probes (m,); walks outwards.

    A pair is the row of the query times n, plus the row that `order` gives.
    """
    places, band = np.searchsorted(keys, probes), np.uint64(BITS - BAND_BITS)
    found = [np.empty(0, np.int64)]
    for start, step in ((0, 1), (-1, -1)):
        rows, at = np.arange(len(probes)), places + start
        for _ in range(WINDOW):
            inside = (at >= 0) & (at < len(keys))
            rows, at = rows[inside], at[inside]
            same = (keys[at] >> band) == (probes[rows] >> band)
            rows, at = rows[same], at[same]
            if not len(rows):
                break
            near = differences(keys[at], own[rows]) <= MAX_DIFFERENCE
            found.append(rows[near] * len(keys) + order[at[near]])
            at = at + step
    return np.concatenate(found)
