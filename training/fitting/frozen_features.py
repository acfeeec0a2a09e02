"""The outputs of the frozen part of a network, computed once for each view of a picture and kept for every epoch.

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
from training.data.augmentation import draw_views
from training.data.pictures import PicturePart, find_memory_limit
from training.fitting.learner import choose_device, enable_autocast

CACHE_BATCH = 32  # small passes stay in the processor's cache
FLOAT16_MAX = 65_504.0

EncodeBatch = Callable[[Tensor], Tensor]


def cache_outputs(
    part: PicturePart, encode: EncodeBatch, *, views: int, seed: int, out_folder: Path
) -> Steps[NDArray[np.floating]]:
    """The outputs of `encode` for each picture in each of its views, (views, n, ...); the first view is the picture
    itself.

    `encode` takes pictures (n, size, size, 3) and gives vectors or maps. LookalikeError where neither memory nor the
    disk of `out_folder` holds them.
    """
    count, outputs = len(part.samples), None
    for view in range(views):
        random = torch.Generator().manual_seed(seed * 1_000 + view)
        for start in range(0, count, CACHE_BATCH):
            rows = np.arange(start, min(start + CACHE_BATCH, count))
            pixels = torch.from_numpy(part.load_batch(rows)).to(choose_device())
            view_pixels = draw_views(pixels, random) if view else pixels
            with torch.inference_mode(), enable_autocast():
                values = encode(view_pixels).float()
            if outputs is None:
                outputs = allocate_array(
                    (views, count, *values.shape[1:]), np.float32 if values.ndim == 2 else np.float16, out_folder
                )
            outputs[view, rows] = values.clamp(-FLOAT16_MAX, FLOAT16_MAX).cpu().numpy()
            yield Progress("cache", view * count + int(rows[-1]) + 1, views * count)
    assert outputs is not None
    return outputs


def allocate_array(
    shape: tuple[int, ...], kind: type[np.floating], out_folder: Path, limit: int | None = None
) -> NDArray[np.floating]:
    """An array in memory, or in a file without a name where it takes more than `limit` bytes (None:
    `find_memory_limit`); LookalikeError where the disk has no room for that.
    """
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    if size <= (find_memory_limit() if limit is None else limit):
        return np.empty(shape, kind)
    folder = next(parent for parent in out_folder.absolute().parents if parent.is_dir())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            _reserve_disk(file, size)
            return np.memmap(file, kind, "r+", shape=shape)
    except OSError as fault:
        raise LookalikeError(
            "What the network says about the pictures takes {size:.1f} GB, for which {folder} has no room "
            "({reason}). Take fewer pictures or --recipe full.",
            size=size / 2**30,
            folder=show_path(folder),
            reason=fault.strerror or fault,
        ) from fault


def _reserve_disk(file: IO[bytes], size: int) -> None:
    """Reserve the room on the disk now: a mapped file that finds the disk full later ends the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)
