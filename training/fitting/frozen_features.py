"""What the frozen part of a network says about pictures, asked once for each view and kept for every epoch.

Vectors are kept as float32, feature maps as float16: in memory as far as they fit, beyond that in a file without a
name beside the checkpoint to come, which is gone with the process however that ends.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from indexer.errors import LookalikeError
from indexer.paths import show_path
from indexer.progress import Progress, Steps
from training.data.augmentation import views as views_of
from training.data.pictures import Part, memory
from training.fitting.learner import autocast, device

BATCH = 32  # small passes stay in the processor's cache
LARGEST = 65_504.0  # of float16

Encode = Callable[[Tensor], Tensor]


def cache(part: Part, encode: Encode, *, views: int, seed: int, place: Path) -> Steps[NDArray[np.floating]]:
    """What `encode` makes of each picture in so many views, (views, n, ...); the first is the picture as it is.

    `encode` takes pictures (n, size, size, 3) and gives vectors or maps. LookalikeError where neither memory nor the
    disk of `place` holds them.
    """
    count, kept = len(part.samples), None
    for view in range(views):
        random = torch.Generator().manual_seed(seed * 1_000 + view)
        for start in range(0, count, BATCH):
            rows = np.arange(start, min(start + BATCH, count))
            pixels = torch.from_numpy(part.batch(rows)).to(device())
            shown = views_of(pixels, random) if view else pixels
            with torch.inference_mode(), autocast():
                values = encode(shown).float()
            if kept is None:
                kept = room((views, count, *values.shape[1:]), np.float32 if values.ndim == 2 else np.float16, place)
            kept[view, rows] = values.clamp(-LARGEST, LARGEST).cpu().numpy()
            yield Progress("cache", view * count + int(rows[-1]) + 1, views * count)
    assert kept is not None
    return kept


def room(
    shape: tuple[int, ...], kind: type[np.floating], place: Path, limit: int | None = None
) -> NDArray[np.floating]:
    """An array in memory, or in a file without a name where it takes more than `limit` bytes (None: `memory`)."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    if size <= (memory() if limit is None else limit):
        return np.empty(shape, kind)
    folder = next(parent for parent in place.absolute().parents if parent.is_dir())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            _reserve(file, size)
            return np.memmap(file, kind, "r+", shape=shape)
    except OSError as fault:
        raise LookalikeError(
            f"What the network says about the pictures takes {size / 2**30:.1f} GB, for which {show_path(folder)} "
            "has no "
            f"room ({fault.strerror or fault}). Take fewer pictures or --recipe full."
        ) from fault


def _reserve(file: IO[bytes], size: int) -> None:
    """Take the disk's room now: a mapped file that finds the disk full later ends the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)
