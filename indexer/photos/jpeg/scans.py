"""The scans of a JPEG: how many there are, what they bring, and which of them a picture at an eighth needs.

A progressive JPEG tells first the mean of each block of 8 x 8 pixels, then in further scans the coefficients of its
detail, coarse before fine (ITU T.81, G.1). A decoder of an eighth of the size takes one pixel from each block, its
mean.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# Any marker of a JPEG but the ones without a length that occur within a scan (restarts, stuffed zeros).
SEGMENT_MARKER = re.compile(rb"\xff+([\x02-\xcf\xd8-\xfe])")
PROGRESSIVE_FRAMES = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN = 0xD8, 0xD9, 0xDA


class JpegSegment(NamedTuple):
    """A segment of a JPEG: the second byte of its marker, where it begins, and where its length stands."""

    marker: int
    begin: int
    start: int


def walk_segments(data: bytes) -> Iterator[JpegSegment]:
    """The segments of a JPEG in their order, the one behind a scan right after the scan's own.

    Bytes that look like markers in thumbnails, profiles or other segments are passed over.
    """
    position = 2
    while found := SEGMENT_MARKER.search(data, position):
        yield JpegSegment(found[1][0], found.start(), found.end())
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")


class ScanHeader(NamedTuple):
    """What a scan tells (ITU T.81, B.2.3): its components, its first and last coefficient, and which bits still lack
    of them afterwards."""

    components: list[int]
    first: int
    last: int
    bits: int


def read_scan_header(data: bytes, start: int) -> ScanHeader:
    """The header of the scan whose length stands at `start`; IndexError where the data ends within it."""
    count = data[start + 2]
    components = list(data[start + 3 : start + 3 + 2 * count : 2])
    behind = start + 3 + 2 * count
    return ScanHeader(components, data[behind], data[behind + 1], data[behind + 2] & 15)


def count_scans(data: bytes, most: int) -> int:
    """The number of scans of a JPEG, at most one more than `most`; 1 means that it is decoded row by row."""
    scans, components, progressive = 0, 0, False
    for segment in walk_segments(data):
        if scans > most or segment.marker in (START_OF_IMAGE, END_OF_IMAGE):
            break
        if segment.marker in FRAME_MARKERS:
            components, progressive = data[segment.start + 7], segment.marker in PROGRESSIVE_FRAMES
        elif segment.marker == START_OF_SCAN:
            scans += 1
            if not progressive and data[segment.start + 2] == components:
                return 1
    return max(2, scans)


def drop_unread_scans(data: bytes) -> bytes:
    """The progressive JPEG without the scans that change no pixel at an eighth of its size; others as they are.

    Dropped is the detail of components in full size, of which no more than the means are read. Its first scan stays:
    where a decoder knows nothing but means, it smoothes them. Components in half the size keep all, as an eighth of the
    picture is a quarter of theirs.
    """
    if not _is_progressive(data):  # nothing is dropped, and to walk through its long scan takes half of decoding it
        return data
    try:
        parts = list(_keep_needed_parts(data))
    except (IndexError, ValueError):  # damaged: the decoder says so
        return data
    return b"".join(parts) if len(parts) > 1 else data


def _is_progressive(data: bytes) -> bool:
    """Whether the frame of a JPEG is told in scans, by its first header."""
    markers = (segment.marker for segment in walk_segments(data))
    return next((marker in PROGRESSIVE_FRAMES for marker in markers if marker in FRAME_MARKERS), False)


def _keep_needed_parts(data: bytes) -> Iterator[bytes]:
    """The parts of a JPEG between the scans that are dropped."""
    full_size: frozenset[int] = frozenset()
    begun: set[int] = set()
    kept_to, dropped_from = 0, -1
    for segment in walk_segments(data):
        if dropped_from >= 0:
            yield data[kept_to:dropped_from]
            kept_to, dropped_from = segment.begin, -1
        if segment.marker in FRAME_MARKERS:
            full_size = _find_full_size(data, segment)
        elif segment.marker == START_OF_SCAN:
            scan = read_scan_header(data, segment.start)
            if scan.first and begun.issuperset(scan.components):
                dropped_from = segment.begin
            elif scan.first == 1:
                begun.update(full_size.intersection(scan.components))
        elif segment.marker in (START_OF_IMAGE, END_OF_IMAGE):
            break
    yield data[kept_to:dropped_from] if dropped_from >= 0 else data[kept_to:]


def _find_full_size(data: bytes, frame: JpegSegment) -> frozenset[int]:
    """The components of a progressive frame that are sampled most, both across and down; none of another frame."""
    if frame.marker not in PROGRESSIVE_FRAMES:
        return frozenset()
    begin, end = frame.start + 8, frame.start + 8 + 3 * data[frame.start + 7]
    sampling = dict(zip(data[begin:end:3], data[begin + 1 : end : 3], strict=False))
    most = max(value >> 4 for value in sampling.values()) << 4 | max(value & 15 for value in sampling.values())
    return frozenset(component for component, value in sampling.items() if value == most)
