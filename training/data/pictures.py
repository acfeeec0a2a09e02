"""The pixels of labelled photos, read and decoded once: in memory as far as they fit, decoded again beyond that."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from indexer.errors import LookalikeError, PhotoError
from indexer.indexing.pipeline import INPUTS_AHEAD, bounded_map
from indexer.models.card import Preprocessing
from indexer.own_process import count_cores
from indexer.paths import show_path
from indexer.photos.decoding import decode_photo
from indexer.photos.photo_traits import hash_pixels
from indexer.photos.reading import content_hash, read_photo
from indexer.progress import Progress, Steps
from training.data.labelled_folders import PhotoSample, UnreadableFile

# A part of a training takes up to a quarter of the computer's memory: of 8 GiB, 14,000 pictures at 224 px.
MEMORY_DIVISOR = 4
FALLBACK_LIMIT = 2 << 30  # bytes, where the system does not say how much memory there is
REPORT_INTERVAL = 16  # pictures between two reports of progress

Pixels = NDArray[np.uint8]


class PicturePart:
    """The prepared pictures of samples; the first of them are in memory, as `pixels` uint8 (m, size, size, 3), the rest
    are decoded when they are needed.
    """

    def __init__(self, samples: Sequence[PhotoSample], preprocessing: Preprocessing, pixels: Pixels) -> None:
        self.samples = tuple(samples)
        self.preprocessing = preprocessing
        self._pixels = pixels

    def load_batch(self, rows: NDArray[np.int64]) -> Pixels:
        """Pixels uint8 (n, size, size, 3) of rows (n,); LookalikeError where a file has changed since the start."""
        size = self.preprocessing.size
        pixels = np.empty((len(rows), size, size, 3), np.uint8)
        in_memory = rows < len(self._pixels)
        pixels[in_memory] = self._pixels[rows[in_memory]]
        not_in_memory = np.flatnonzero(~in_memory)
        if not_in_memory.size:
            with ThreadPoolExecutor(count_cores(), "decode") as pool:
                for index, picture in zip(not_in_memory, pool.map(self._decode_row, rows[not_in_memory]), strict=True):
                    pixels[index] = picture
        return pixels

    def select(self, rows: NDArray[np.int64]) -> "PicturePart":
        """The pictures of these rows (n,), ascending, as a part of their own."""
        in_memory = self._pixels[rows[rows < len(self._pixels)]]
        return PicturePart([self.samples[row] for row in rows], self.preprocessing, in_memory)

    def _decode_row(self, row: int) -> Pixels:
        sample = self.samples[row]
        try:
            return decode_sample(sample, self.preprocessing)
        except PhotoError as fault:
            raise LookalikeError(
                "{path} {fault}: start the training again.", path=show_path(sample.path), fault=fault
            ) from fault


class DecodedPart(NamedTuple):
    """The pictures that could be decoded, and the files that could not."""

    part: PicturePart
    unreadable: tuple[UnreadableFile, ...]


def find_memory_limit() -> int:
    """The bytes of memory that one part of a training may take."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEMORY_DIVISOR
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return FALLBACK_LIMIT


def read_pictures(
    samples: Sequence[PhotoSample], preprocessing: Preprocessing, limit: int | None = None
) -> Steps[DecodedPart]:
    """Decode every sample once, keeping up to `limit` bytes of pixels (None: `find_memory_limit`)."""
    size = preprocessing.size
    capacity = (find_memory_limit() if limit is None else limit) // (3 * size * size)
    pixels = np.empty((min(len(samples), capacity), size, size, 3), np.uint8)
    usable: list[PhotoSample] = []
    unreadable: list[UnreadableFile] = []
    with ThreadPoolExecutor(count_cores(), "decode") as pool:
        try:
            decode = partial(_try_decode, preprocessing=preprocessing)
            for done, result in enumerate(bounded_map(pool, decode, samples, INPUTS_AHEAD)):
                sample = samples[done]
                if not done % REPORT_INTERVAL:
                    yield Progress("decode", done, len(samples), show_path(sample.path))
                if isinstance(result, str):
                    unreadable.append(UnreadableFile(sample.path, result))
                    continue
                if len(usable) < len(pixels):
                    pixels[len(usable)] = result.pixels
                usable.append(sample._replace(pixel_sha256=result.pixel_sha256))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    yield Progress("decode", len(samples), len(samples))
    return DecodedPart(PicturePart(usable, preprocessing, pixels[: len(usable)]), tuple(unreadable))


class _DecodedSample(NamedTuple):
    """The prepared picture uint8 (size, size, 3), and the hash of the decoded one."""

    pixels: Pixels
    pixel_sha256: bytes


def _try_decode(sample: PhotoSample, preprocessing: Preprocessing) -> _DecodedSample | str:
    """The prepared picture, or the reason why it cannot be used."""
    try:
        image = _decode_image(sample, preprocessing)
        return _DecodedSample(preprocessing.prepare(image), hash_pixels(image))
    except PhotoError as fault:
        return str(fault)


def decode_sample(sample: PhotoSample, preprocessing: Preprocessing) -> Pixels:
    """The prepared picture of a sample, uint8 (size, size, 3).

    PhotoError where its file cannot be decoded or no longer has the content it had when the training began.
    """
    return preprocessing.prepare(_decode_image(sample, preprocessing))


def _decode_image(sample: PhotoSample, preprocessing: Preprocessing) -> Image:
    data = read_photo(sample.path)
    if content_hash(data) != sample.sha256:
        raise PhotoError("has changed since the training began")
    return decode_photo(data, preprocessing.short_side).image
