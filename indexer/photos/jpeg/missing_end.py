"""JPEGs that lack their end marker, and what a decoder would make up for the rows that may lack with it."""

from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer.photos.jpeg.scans import (
    END_OF_IMAGE,
    FRAME_MARKERS,
    PROGRESSIVE_FRAMES,
    START_OF_IMAGE,
    START_OF_SCAN,
    ScanHeader,
    read_scan_header,
    walk_segments,
)

MAX_COMPARED_PIXELS = 64_000_000  # above that two endings of a JPEG are compared in an eighth of its size
TAIL_BYTES = 4096  # where almost every JPEG has its end marker
FILLER_BYTES = 512  # enough for several blocks of any picture


def lacks_end(data: bytes) -> bool:
    """Whether a JPEG has no end marker, so that its decoder may have filled up missing rows."""
    return data.find(b"\xff\xd9", max(2, len(data) - TAIL_BYTES)) < 0 and _find_scan_end(data) is not None


def end_jpeg(data: bytes) -> bytes | None:
    """The JPEG with an end marker, where that is all it lacks; None where it has one, or more than that is missing.

    Whether the last scan is whole shows by what is put behind it: where two different fillers give the same pixels, the
    decoder needed neither.
    """
    end = _find_scan_end(data)
    if end is None:
        return None
    body = data[:end].rstrip(b"\0")
    if body.endswith(b"\xff"):
        body = body + b"\0" if end < len(data) or data[len(body) : len(body) + 1] == b"\0" else body[:-1]
    endings = [body + filler + b"\xff\xd9" for filler in _make_fillers()]
    try:
        first, second = map(_decode_plainly, endings)
    except Exception:  # foreign bytes: whatever is wrong with it, an end marker does not mend it
        return None
    return endings[0] if np.array_equal(first, second) else None


def _make_fillers() -> list[bytes]:
    """Two fillers of which no part is alike, without the byte that begins a marker."""
    random = np.random.default_rng(0)
    return [random.integers(0, 255, FILLER_BYTES, dtype=np.uint8).tobytes() for _ in range(2)]


def _decode_plainly(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data), formats=("JPEG",)) as image:
        if image.width * image.height > MAX_COMPARED_PIXELS:
            image.draft(None, (image.width // 8, image.height // 8))
        return np.asarray(image)


def _find_scan_end(data: bytes) -> int | None:
    """Where the last scan of a JPEG without end marker ends; None where it has a marker, or not all of its scans."""
    progress = ScanProgress({}, progressive=False)
    for segment in walk_segments(data):
        length = int.from_bytes(data[segment.start : segment.start + 2], "big")
        if segment.marker == END_OF_IMAGE:
            return None
        if progress.is_complete():
            return segment.begin
        if segment.marker == START_OF_IMAGE or length < 2 or segment.start + length > len(data):
            return None
        if segment.marker in FRAME_MARKERS:
            count = data[segment.start + 7]
            known: dict[int, list[int]] = {data[segment.start + 8 + 3 * at]: [-1] * 64 for at in range(count)}
            progress = ScanProgress(known, progressive=segment.marker in PROGRESSIVE_FRAMES)
        elif segment.marker == START_OF_SCAN:
            progress.add_scan(read_scan_header(data, segment.start))
    return len(data) if progress.is_complete() else None


class ScanProgress(NamedTuple):
    """How far the scans of a JPEG have come: for each component, of each of 64 coefficients the bits that lack."""

    lacking_bits: dict[int, list[int]]  # -1 where no scan has had the coefficient
    progressive: bool

    def add_scan(self, scan: ScanHeader) -> None:
        """Take in what a scan brings."""
        first, last, bits = (scan.first, scan.last, scan.bits) if self.progressive else (0, 63, 0)
        for component in scan.components:
            coefficients = self.lacking_bits.get(component)
            if coefficients is not None:
                coefficients[first : last + 1] = [bits] * (last + 1 - first)

    def is_complete(self) -> bool:
        """Whether every coefficient of every component has come to its last bit."""
        return bool(self.lacking_bits) and not any(map(any, self.lacking_bits.values()))
