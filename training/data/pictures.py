"""The pixels of labelled photos, read and decoded once: in memory as far as they fit, decoded again beyond that."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.errors import LookalikeError, PhotoError
from indexer.indexing.pipeline import AHEAD, bounded_map
from indexer.models.card import Preprocessing
from indexer.paths import show_path
from indexer.photos import decoding as photos
from indexer.photos.reading import content_hash, read_photo
from indexer.progress import Progress, Steps
from training.data.labelled_folders import Sample, Unreadable

SHARE = 4  # a part of a training takes up to a quarter of the computer's memory: 14,000 pictures at 224 px of 8 GiB
UNKNOWN = 2 << 30  # bytes, where the system does not say how much memory there is
EVERY = 16  # pictures between two reports of progress

Pixels = NDArray[np.uint8]


class Part:
    """The prepared pictures of some samples; the first `len(kept)` of them stay in memory."""

    def __init__(self, samples: Sequence[Sample], preprocessing: Preprocessing, kept: Pixels) -> None:
        self.samples = tuple(samples)
        self.preprocessing = preprocessing
        self._kept = kept

    def batch(self, rows: NDArray[np.int64]) -> Pixels:
        """Pixels uint8 (n, size, size, 3) of these rows, n from 1; LookalikeError where a file has changed since."""
        size = self.preprocessing.size
        pixels = np.empty((len(rows), size, size, 3), np.uint8)
        inside = rows < len(self._kept)
        pixels[inside] = self._kept[rows[inside]]
        beyond = np.flatnonzero(~inside)
        if beyond.size:
            with ThreadPoolExecutor(os.cpu_count() or 1, "decode") as pool:
                for at, picture in zip(beyond, pool.map(self._decode, rows[beyond]), strict=True):
                    pixels[at] = picture
        return pixels

    def _decode(self, row: int) -> Pixels:
        sample = self.samples[row]
        try:
            return decode(sample, self.preprocessing)
        except PhotoError as fault:
            raise LookalikeError(f"{show_path(sample.path)} {fault}: start the training again.") from fault


class Read(NamedTuple):
    """The pictures that could be decoded, and the files that could not."""

    part: Part
    unreadable: tuple[Unreadable, ...]


def memory() -> int:
    """Bytes that one part of a training may take."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // SHARE
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return UNKNOWN


def read(samples: Sequence[Sample], preprocessing: Preprocessing, limit: int | None = None) -> Steps[Read]:
    """Decode every sample once, keeping up to `limit` bytes of pixels (None: as many as `memory` allows)."""
    size = preprocessing.size
    room = (memory() if limit is None else limit) // (3 * size * size)
    kept = np.empty((min(len(samples), room), size, size, 3), np.uint8)
    usable: list[Sample] = []
    unreadable: list[Unreadable] = []

    def attempt(sample: Sample) -> Pixels | str:
        try:
            return decode(sample, preprocessing)
        except PhotoError as fault:
            return str(fault)

    with ThreadPoolExecutor(os.cpu_count() or 1, "decode") as pool:
        try:
            for done, result in enumerate(bounded_map(pool, attempt, samples, AHEAD)):
                sample = samples[done]
                if not done % EVERY:
                    yield Progress("decode", done, len(samples), show_path(sample.path))
                if isinstance(result, str):
                    unreadable.append(Unreadable(sample.path, result))
                    continue
                if len(usable) < len(kept):
                    kept[len(usable)] = result
                usable.append(sample)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    yield Progress("decode", len(samples), len(samples))
    return Read(Part(usable, preprocessing, kept[: len(usable)]), tuple(unreadable))


def decode(sample: Sample, preprocessing: Preprocessing) -> Pixels:
    """The prepared picture uint8 (size, size, 3); PhotoError where it cannot be used or is another one by now."""
    data = read_photo(sample.path)
    if content_hash(data) != sample.sha256:
        raise PhotoError("has changed since the training began")
    return preprocessing.prepare(photos.decode(data, preprocessing.short_side).image)
