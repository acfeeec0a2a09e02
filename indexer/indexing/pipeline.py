"""From paths to embeddings: one pool of threads reads, hashes and decodes, another runs the network.

Pillow, hashlib and the network let go of Python's lock, so threads are as good as processes here. There is one thread
of each kind for a core: whichever work there is more of gets the cores, and none is left idle. The look-ahead is
bounded: a few batches of model inputs and one file's bytes for each thread are all that is ever in memory.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from indexer.errors import PhotoError
from indexer.models.embedder import CPU_THREADS, NETWORK_CALLERS, Embedder
from indexer.photos import decoding as photos
from indexer.photos import thumbnails
from indexer.photos.journal import DecoderStuck, Journal
from indexer.photos.reading import content_hash, read_photo

BATCH = 32
AHEAD = 3 * BATCH  # model inputs decoded ahead: 14 MB at 224 pixels

Input = TypeVar("Input")
Output = TypeVar("Output")
Decode = Callable[[bytes, int], photos.Decoded]


class Wait(Protocol):
    """How a result is waited for."""

    def __call__(self, future: "Future[Output]", /) -> Output:
        """The result of the future, or what its work raised."""


class Embedded(NamedTuple):
    """What became of one path: content hash, upright size, thumbnail JPEG, vector (dim,) float32, or a reason.

    A content that was not wanted has a hash and nothing else.
    """

    sha256: bytes | None = None
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None
    vector: np.ndarray | None = None
    reason: str | None = None
    needs: str | None = None


class _Decoded(NamedTuple):
    result: Embedded
    pixels: np.ndarray | None = None


def embed_files(paths: Iterable[bytes], model: Embedder, wanted: Callable[[bytes], bool]) -> Iterator[list[Embedded]]:
    """Yield batches of what became of each path, in order.

    `wanted` is asked from the pool's threads with each content hash: False means that no embedding is needed.
    """

    def decode(path: bytes) -> _Decoded:
        return _decode(path, model, wanted, photos.decode, keep_thumbnail=False)

    yield from _embed_files(paths, model, decode, Future.result)


def index_files(
    paths: Iterable[bytes], model: Embedder, wanted: Callable[[bytes], bool], journal: Journal
) -> Iterator[list[Embedded]]:
    """As `embed_files` with thumbnails, on record in the journal. DecoderStuck where a decoder hangs."""

    def decode(path: bytes) -> _Decoded:
        return _decode(path, model, wanted, partial(journal.decode, path), keep_thumbnail=True)

    yield from journal.watched(_embed_files(paths, model, decode, journal.wait))


def _embed_files(
    paths: Iterable[bytes], model: Embedder, decode: Callable[[bytes], _Decoded], wait: Wait
) -> Generator[list[Embedded], None, None]:
    decoders, networks = ThreadPoolExecutor(CPU_THREADS, "decode"), ThreadPoolExecutor(NETWORK_CALLERS, "embed")
    stuck = False
    try:
        decoded = bounded_map(decoders, decode, paths, AHEAD, wait)
        batches = iter(lambda: list(islice(decoded, BATCH)), [])
        yield from bounded_map(networks, lambda batch: _embed(batch, model), batches, NETWORK_CALLERS + 1, wait)
    except DecoderStuck:
        stuck = True
        raise
    finally:
        decoders.shutdown(wait=not stuck, cancel_futures=True)
        networks.shutdown(wait=True, cancel_futures=True)


def bounded_map(
    pool: ThreadPoolExecutor,
    work: Callable[[Input], Output],
    items: Iterable[Input],
    ahead: int,
    wait: Wait = Future.result,
) -> Iterator[Output]:
    """The results of `work` in order, with at most `ahead` items begun and not yet taken."""
    source = iter(items)
    running: deque[Future[Output]] = deque(pool.submit(work, item) for item in islice(source, ahead))
    while running:
        result = wait(running.popleft())
        running.extend(pool.submit(work, item) for item in islice(source, 1))
        yield result


def _decode(
    path: bytes, model: Embedder, wanted: Callable[[bytes], bool], decode: Decode, *, keep_thumbnail: bool
) -> _Decoded:
    sha256 = None
    try:
        data = read_photo(path)
        sha256 = content_hash(data)
        if not wanted(sha256):
            return _Decoded(Embedded(sha256))
        image, width, height = decode(data, model.card.preprocessing.short_side)
        thumbnail = thumbnails.encode(image) if keep_thumbnail else None
        return _Decoded(Embedded(sha256, width, height, thumbnail), model.prepare(image))
    except PhotoError as error:
        return _Decoded(Embedded(sha256, reason=str(error), needs=error.needs))


def _embed(batch: list[_Decoded], model: Embedder) -> list[Embedded]:
    inputs = [decoded.pixels for decoded in batch if decoded.pixels is not None]
    vectors = iter(model.embed(np.stack(inputs)) if inputs else ())
    return [decoded.result if decoded.pixels is None else _with(decoded.result, next(vectors)) for decoded in batch]


def _with(result: Embedded, vector: np.ndarray) -> Embedded:
    if not np.isfinite(vector).all():
        return result._replace(reason="gives no usable embedding under this model")
    return result._replace(vector=vector)
