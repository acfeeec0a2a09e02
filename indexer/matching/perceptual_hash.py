"""Perceptual hashes: 64 bits that stay nearly the same when a picture is shrunk, compressed or recoloured a little.

The hash is that of imagehash's `phash`, bit by bit: the signs of the lowest 8 x 8 frequencies of the grey picture about
their median. Two pictures are compared by how many bits differ. All pairs within MAX_DIFFERENCE bits are found without
comparing all with all: of four bands of 16 bits, one differs in at most one bit (the pigeonhole principle; Norouzi,
Punjani, Fleet 2012, "Fast search in Hamming space with multi-index hashing"), so equal bands are looked up, 17
spellings of each.
"""

import math
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.photos.photo_traits import TURNS

HASH_BITS = 64
BAND_COUNT, BAND_BITS = 4, 16
MAX_DIFFERENCE = 7  # of the 64 bits; one more and a band could differ in two
# Flat pictures hash alike by the thousand. Of an overfull bucket only the nearest in sorting order are compared, so
# that the work stays linear; the other bands, whose orders differ, lead to most of the rest.
BUCKET_WINDOW = 32

_SHRUNK_SIDE = 32  # what phash itself shrinks to: turned afterwards, the picture is shrunk once
_HASH_SIDE = 8


def compute_hashes(jpeg: bytes, *, turned: bool) -> np.ndarray:
    """The hash (1,) uint64 of a thumbnail; with `turned`, (8,): also of the picture mirrored and turned by TURNS."""
    with Image.open(BytesIO(jpeg)) as image:
        image.draft("L", (2 * _SHRUNK_SIDE, 2 * _SHRUNK_SIDE))
        small = image.convert("L").resize((_SHRUNK_SIDE, _SHRUNK_SIDE), Image.Resampling.LANCZOS)
    views = [small, *(small.transpose(turn) for turn in TURNS)] if turned else [small]
    pixels = np.stack([np.asarray(view, np.float64) for view in views])
    rows = _transform_rows(pixels.swapaxes(1, 2))[..., :_HASH_SIDE].swapaxes(1, 2)
    frequencies = _transform_rows(rows)[..., :_HASH_SIDE].reshape(len(views), -1)
    bits = frequencies > np.median(frequencies, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64)[:, 0]


def _compute_cosine(number: int) -> float:
    """cos(number pi / 64) of 0 to 31, rounded as scipy rounds it: beyond 15 by the addition theorem."""
    step, middle = math.pi / (2 * _SHRUNK_SIDE), _SHRUNK_SIDE // 2
    if number < middle:
        return math.cos(number * step)
    rest = (number - middle) * step
    return math.cos(rest) * math.sin(math.pi / 4) - math.sin(rest) * math.cos(math.pi / 4)


_COSINES = np.array([_compute_cosine(number) for number in range(_SHRUNK_SIDE)])


def _transform_rows(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The discrete cosine transform, type II, of rows (..., 32), by a Fourier transform (Makhoul 1980).

    Every rounding is scipy's: in symmetric pictures half the frequencies are 0 but for rounding, and so is the median.
    """
    middle = _SHRUNK_SIDE // 2
    odd, even = rows[..., 1:-1:2], rows[..., 2:-1:2]
    spectrum = np.zeros((*rows.shape[:-1], middle + 1), np.complex128)
    spectrum.real[..., 0], spectrum.real[..., middle] = 2 * rows[..., 0], 2 * rows[..., -1]
    spectrum.real[..., 1:middle], spectrum.imag[..., 1:middle] = even + odd, even - odd
    values = np.fft.irfft(spectrum, _SHRUNK_SIDE, norm="forward")
    low, high = values[..., 1:middle], values[..., :middle:-1]
    cosines, sines = _COSINES[1:middle], _COSINES[:middle:-1]
    total, rest = cosines * high + sines * low, cosines * low - sines * high
    low[:], high[:] = 0.5 * (total + rest), 0.5 * (total - rest)
    values[..., middle] *= _COSINES[middle]
    return values


def count_differing_bits(hashes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How many bits differ, uint8, of uint64 arrays that broadcast."""
    counts: np.ndarray = np.bitwise_count(hashes ^ others)
    return counts


def are_near_hashes(views: np.ndarray, others: np.ndarray) -> bool:
    """Whether each of views (n, v) is within MAX_DIFFERENCE of each of others (m, v), turned in whichever way is best.

    The first column is the picture as it is.
    """
    forward = count_differing_bits(views[:, None, :], others[None, :, :1]).min(axis=2)
    backward = count_differing_bits(views[:, None, :1], others[None, :, :]).min(axis=2)
    return bool(np.minimum(forward, backward).max() <= MAX_DIFFERENCE)


def find_near_pairs(hashes: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """All (row of queries, row of hashes), (p, 2) int64 in order, that differ in at most MAX_DIFFERENCE bits."""
    band_pairs = [_find_pairs_by_band(hashes, queries, np.uint64(band * BAND_BITS)) for band in range(BAND_COUNT)]
    pair_numbers = np.unique(np.concatenate(band_pairs))  # as single numbers: twenty times as fast as rows of two
    return np.stack(np.divmod(pair_numbers, max(1, len(hashes))), axis=1)


def _find_pairs_by_band(hashes: np.ndarray, queries: np.ndarray, shift: np.uint64) -> np.ndarray:
    """The pairs whose band of 16 bits beginning at `shift` differs in at most one bit, each as one number."""
    keys = _rotate_bits(hashes, shift)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    query_keys = _rotate_bits(queries, shift)
    flips = [np.uint64(0), *(np.uint64(1) << np.uint64(HASH_BITS - 1 - bit) for bit in range(BAND_BITS))]
    return np.concatenate([_find_bucket_pairs(keys, order, query_keys, query_keys ^ flip) for flip in flips])


def _rotate_bits(hashes: np.ndarray, shift: np.uint64) -> np.ndarray:
    """The hashes with their bits turned left, so that another band comes first in sorting."""
    return hashes if not shift else (hashes << shift) | (hashes >> (np.uint64(HASH_BITS) - shift))


def _find_bucket_pairs(keys: np.ndarray, order: np.ndarray, query_keys: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """The near ones among the sorted keys (n,) that begin with the same band as the probes (m,); walks outwards.

    A pair is the row of the query times n, plus the row that `order` gives.
    """
    places, band = np.searchsorted(keys, probes), np.uint64(HASH_BITS - BAND_BITS)
    found = [np.empty(0, np.int64)]
    for start, step in ((0, 1), (-1, -1)):
        rows, key_rows = np.arange(len(probes)), places + start
        for _ in range(BUCKET_WINDOW):
            inside = (key_rows >= 0) & (key_rows < len(keys))
            rows, key_rows = rows[inside], key_rows[inside]
            same = (keys[key_rows] >> band) == (probes[rows] >> band)
            rows, key_rows = rows[same], key_rows[same]
            if not len(rows):
                break
            is_near = count_differing_bits(keys[key_rows], query_keys[rows]) <= MAX_DIFFERENCE
            found.append(rows[is_near] * len(keys) + order[key_rows[is_near]])
            key_rows = key_rows + step
    return np.concatenate(found)
