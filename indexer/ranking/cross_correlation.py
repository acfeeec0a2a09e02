"""How well one picture lies somewhere on another: the measure that tells a copy from a picture of the same kind.

Both are made grey and small, and the first is slid over the second in several sizes, from the size of a whole copy to
that of a part of half its side. The greatest correlation counts: it is 1 for a copy and does not change with
brightness or contrast.
"""

import numpy as np
from PIL import Image

COMPARED_SIDE = 48  # pixels of the long side: enough to tell pictures apart, and 3 ms for 20 pairs
PADDING = 2  # pixels on each side, so that a copy of nearly the same shape fits although sizes are rounded
# Sizes of the first picture relative to the second, 8 % apart: in between, the correlation of a copy hardly falls.
SCALES = (1.0, 0.92, 0.84, 0.77, 0.71, 0.65, 0.59, 0.54, 0.49)
GREY_NOISE = 3.0  # levels of grey; flat areas correlate with anything


def measure_overlaps(picture: Image.Image, others: list[Image.Image]) -> np.ndarray:
    """The greatest normalised correlation (n,), -1 to 1, between the picture and each of the others.

    It is the greatest over all of SCALES and all places, by Fourier transform and running sums (Lewis 1995, "Fast
    normalized cross-correlation").
    """
    best = np.full(len(others), -1.0)
    parts = [_resize_to_grey(picture, scale * COMPARED_SIDE) for scale in SCALES]
    fields = [np.pad(_resize_to_grey(other, COMPARED_SIDE), PADDING, mode="edge") for other in others]
    for shape in {field.shape for field in fields}:
        rows = [row for row, field in enumerate(fields) if field.shape == shape]
        same_shape = np.stack([fields[row] for row in rows])
        for part in parts:
            if part.shape[0] <= shape[0] and part.shape[1] <= shape[1]:
                best[rows] = np.maximum(best[rows], compute_max_correlation(part, same_shape))
    return best


def _resize_to_grey(picture: Image.Image, side: float) -> np.ndarray:
    """The picture in grey, float64, with this long side in pixels."""
    scale = side / max(picture.size)
    size = (max(4, round(picture.width * scale)), max(4, round(picture.height * scale)))
    return np.asarray(picture.convert("L").resize(size, Image.Resampling.BICUBIC), np.float64)


def compute_max_correlation(part: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """The greatest correlation (n,) of the part (h, w) over all places in each of the fields (n, H, W)."""
    height, width = part.shape
    shape = (fields.shape[1], fields.shape[2])
    centred = part - part.mean()
    transformed = np.fft.rfft2(fields) * np.conj(np.fft.rfft2(centred, s=shape))
    products = np.fft.irfft2(transformed, s=shape)[:, : shape[0] - height + 1, : shape[1] - width + 1]
    spread = np.maximum(_sum_windows(fields**2, part.shape) - _sum_windows(fields, part.shape) ** 2 / part.size, 0)
    noise = GREY_NOISE**2 * part.size
    return np.asarray((products / np.sqrt((spread + noise) * (np.sum(centred**2) + noise))).max(axis=(1, 2)))


def _sum_windows(fields: np.ndarray, window: tuple[int, ...]) -> np.ndarray:
    """The sums (n, H - h + 1, W - w + 1) over all windows (h, w) of each of the fields (n, H, W), by running sums."""
    height, width = window
    running = np.pad(fields.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
    sums: np.ndarray = (
        running[:, height:, width:]
        - running[:, :-height, width:]
        - running[:, height:, :-width]
        + running[:, :-height, :-width]
    )
    return sums
