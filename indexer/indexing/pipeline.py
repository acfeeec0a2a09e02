"""From paths to embeddings: one pool of threads reads, hashes and decodes, another runs the network.

Pillow, hashlib and the network release Python's lock, so threads do as well as processes here. Each pool has one thread
for each core, so that no core is idle whichever of the two kinds of work there is more of. The look-ahead is bounded: a
few batches of model inputs and one file's bytes for each thread are all that is ever in memory.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from PIL.Image import Image

from indexer.errors import DecoderStuck, PhotoError
from indexer.models.embedder import CPU_THREADS, NETWORK_CALLERS, Embedder
from indexer.photos import thumbnails
from indexer.photos.capture_facts import DescribedPhoto, decode_described
from indexer.photos.journal import DecodingJournal
from indexer.photos.photo_traits import (
    GREY_SIDE,
    PhotoTraits,
    describe_photo,
    hash_pixels,
    hash_turned_pixels,
    read_traits,
)
from indexer.photos.reading import CaptureFacts, content_hash, read_photo

BATCH_SIZE = 32
INPUTS_AHEAD = 3 * BATCH_SIZE  # model inputs decoded ahead: 14 MB at 224 pixels

Input = TypeVar("Input")
Output = TypeVar("Output")
DecodePhoto = Callable[[bytes, int], DescribedPhoto]
ClaimContent = Callable[[bytes, int], bool]
"""Whether a content is to be embedded, by its hash and the number of its bytes."""


class WaitForResult(Protocol):
    """A function that waits for a future and returns its result."""

    def __call__(self, future: "Future[Output]", /) -> Output:
        """Return the result of the future, or raise what its work raised."""


class EmbeddingResult(NamedTuple):
    """One file read: content hash, upright size, thumbnail as JPEG, embedding (dim,) float32; or why there is none.

    Thumbnail and traits are there where they were asked for. A content that needs no embedding has a hash and nothing
    else. `pixel_sha256` is the hash of the decoded picture, `turned_sha256s` are those of it mirrored and turned, if
    asked for, `capture` is what the file says of its taking. `needs` names the extra that could read the file.
    """

    sha256: bytes | None = None
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None
    vector: np.ndarray | None = None
    reason: str | None = None
    needs: str | None = None
    traits: PhotoTraits | None = None
    pixel_sha256: bytes | None = None
    capture: CaptureFacts | None = None
    turned_sha256s: tuple[bytes, ...] = ()


class _DecodedFile(NamedTuple):
    """A result without its embedding, and the model's input (size, size, 3) uint8 where an embedding is needed."""

    result: EmbeddingResult
    pixels: np.ndarray | None = None


def embed_files(
    paths: Iterable[bytes], model: Embedder, needs_embedding: Callable[[bytes], bool]
) -> Iterator[list[EmbeddingResult]]:
    """Read and embed files; yields their results in the order of the paths, a batch at a time.

    `needs_embedding` is called with each content hash, from the pool's threads.
    """

    def decode_path(path: bytes) -> _DecodedFile:
        return _decode_file(path, model, _ignore_size(needs_embedding), decode_described, keep_thumbnail=False)

    yield from _embed_files(paths, model, decode_path, Future.result)


def embed_and_describe_files(
    paths: Iterable[bytes], model: Embedder, needs_embedding: Callable[[bytes], bool], *, keep_turned: bool = False
) -> Iterator[list[EmbeddingResult]]:
    """As `embed_files`, with the traits by which photos are grouped, and with `turned_sha256s` where they are kept."""

    def decode_path(path: bytes) -> _DecodedFile:
        claim, keep = _ignore_size(needs_embedding), {"keep_traits": True, "keep_turned": keep_turned}
        return _decode_file(path, model, claim, decode_described, keep_thumbnail=False, **keep)

    yield from _embed_files(paths, model, decode_path, Future.result)


def _ignore_size(needs_embedding: Callable[[bytes], bool]) -> ClaimContent:
    return lambda sha256, _size: needs_embedding(sha256)


def index_files(
    paths: Iterable[bytes], model: Embedder, claim_content: ClaimContent, journal: DecodingJournal
) -> Iterator[list[EmbeddingResult]]:
    """As `embed_files`, with thumbnails, and with each decoding noted in the journal.

    Raises DecoderStuck where a decoder hangs.
    """

    def decode_path(path: bytes) -> _DecodedFile:
        return _decode_file(path, model, claim_content, partial(journal.decode, path), keep_thumbnail=True)

    yield from journal.watch_batches(_embed_files(paths, model, decode_path, journal.wait_for_result))


def _embed_files(
    paths: Iterable[bytes], model: Embedder, decode_path: Callable[[bytes], _DecodedFile], wait: WaitForResult
) -> Generator[list[EmbeddingResult], None, None]:
    """The two pools; their threads end with the generator, except for a decoder that hangs, which is not waited for."""
    decoders, networks = ThreadPoolExecutor(CPU_THREADS, "decode"), ThreadPoolExecutor(NETWORK_CALLERS, "embed")
    stuck = False
    try:
        decoded = bounded_map(decoders, decode_path, paths, INPUTS_AHEAD, wait)
        batches = iter(lambda: list(islice(decoded, BATCH_SIZE)), [])
        yield from bounded_map(networks, lambda batch: _embed_batch(batch, model), batches, NETWORK_CALLERS + 1, wait)
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
    wait: WaitForResult = Future.result,
) -> Iterator[Output]:
    """The results of `work` on each item, in order; at most `ahead` items are in work or wait to be taken."""
    source = iter(items)
    futures: deque[Future[Output]] = deque(pool.submit(work, item) for item in islice(source, ahead))
    while futures:
        result = wait(futures.popleft())
        futures.extend(pool.submit(work, item) for item in islice(source, 1))
        yield result


def _decode_file(
    path: bytes,
    model: Embedder,
    claim_content: ClaimContent,
    decode_photo: DecodePhoto,
    *,
    keep_thumbnail: bool,
    keep_traits: bool = False,
    keep_turned: bool = False,
) -> _DecodedFile:
    """Read, hash and decode one file, and prepare the model's input."""
    sha256 = None
    try:
        data = read_photo(path)
        sha256 = content_hash(data)
        if not claim_content(sha256, len(data)):
            return _DecodedFile(EmbeddingResult(sha256))
        (image, width, height), capture = decode_photo(data, model.card.preprocessing.short_side)
        thumbnail = thumbnails.encode_thumbnail(image) if keep_thumbnail else None
        traits = _describe(data, image) if keep_traits else None
        result = EmbeddingResult(
            sha256, width, height, thumbnail, traits=traits, pixel_sha256=hash_pixels(image), capture=capture
        )
        if keep_turned:
            result = result._replace(turned_sha256s=hash_turned_pixels(image))
        return _DecodedFile(result, model.prepare(image))
    except PhotoError as error:
        return _DecodedFile(EmbeddingResult(sha256, reason=error.spell_english(), needs=error.needs))


def _describe(data: bytes, image: Image) -> PhotoTraits:
    """The traits of a photo by the picture that was decoded for the model, where that is large enough."""
    return describe_photo(data, image) if min(image.size) >= GREY_SIDE else read_traits(data)


def _embed_batch(batch: list[_DecodedFile], model: Embedder) -> list[EmbeddingResult]:
    """The results of a batch, with the embeddings of those that have a model input."""
    inputs = [decoded.pixels for decoded in batch if decoded.pixels is not None]
    vectors = iter(model.embed(np.stack(inputs)) if inputs else ())
    return [
        decoded.result if decoded.pixels is None else _add_vector(decoded.result, next(vectors)) for decoded in batch
    ]


def _add_vector(result: EmbeddingResult, vector: np.ndarray) -> EmbeddingResult:
    if not np.isfinite(vector).all():
        return result._replace(reason="gives no usable embedding under this model")
    return result._replace(vector=vector)
