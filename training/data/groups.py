"""Groups of labelled photos: what must not be parted into learning and judging (`indexer.grouping.photo_groups`)."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import numpy as np
from numpy.typing import NDArray

from indexer.errors import PhotoError
from indexer.grouping.photo_groups import GroupCandidate, PhotoGroups, find_close_rows, find_photo_groups
from indexer.indexing.pipeline import INPUTS_AHEAD, bounded_map
from indexer.own_process import count_cores
from indexer.photos.photo_traits import PhotoTraits, read_traits
from indexer.photos.reading import content_hash, read_photo
from indexer.progress import Progress, Steps
from indexer.wording import tr
from training.data.labelled_folders import PhotoSample

REPORT_INTERVAL = 16  # photos between two reports of progress


def group_photos(
    samples: Sequence[PhotoSample],
    *,
    column: Mapping[bytes, str] | None = None,
    traits: Mapping[bytes, PhotoTraits] | None = None,
    vectors: np.ndarray | None = None,
) -> Steps[PhotoGroups]:
    """The groups of samples with distinct contents.

    `column` gives a group to files by absolute path (`group_column.read_group_column`). `traits`, by content hash, are
    those that the caller has at hand; the photos of all others are read. With unit `vectors` (n, dim) only those are
    read that lie near another one, which near copies and frames of a burst do. Photos that cannot be read are alone.
    """
    known = dict(traits or {})
    compared = samples if vectors is None else [samples[row] for row in find_close_rows(vectors)]
    known |= yield from _read_missing([sample for sample in compared if sample.sha256 not in known])
    entries = column or {}
    candidates = [
        GroupCandidate(sample.path, sample.sha256, known.get(sample.sha256), entries.get(sample.path))
        for sample in samples
    ]
    return (yield from find_photo_groups(candidates))


def map_groups(samples: Sequence[PhotoSample], groups: PhotoGroups) -> dict[bytes, int]:
    """The group number of each sample by content hash."""
    return dict(zip((sample.sha256 for sample in samples), groups.numbers.tolist(), strict=True))


def number_groups(samples: Sequence[PhotoSample], groups: Mapping[bytes, int]) -> NDArray[np.int64]:
    """Group numbers (n,) of samples, by those of their contents; a photo without one is alone."""
    further = count(max(groups.values(), default=-1) + 1)
    numbers = [groups[sample.sha256] if sample.sha256 in groups else next(further) for sample in samples]
    return np.array(numbers, np.int64)


def _read_missing(samples: Sequence[PhotoSample]) -> Steps[dict[bytes, PhotoTraits]]:
    """The traits of the samples that can be read, by content hash."""
    found: dict[bytes, PhotoTraits] = {}
    with ThreadPoolExecutor(count_cores(), "traits") as pool:
        try:
            for done, traits in enumerate(bounded_map(pool, _try_reading, samples, INPUTS_AHEAD)):
                if not done % REPORT_INTERVAL:
                    yield Progress("group", done, len(samples), tr("looking for near copies and bursts"))
                if traits is not None:
                    found[samples[done].sha256] = traits
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return found


def _try_reading(sample: PhotoSample) -> PhotoTraits | None:
    """The traits of a sample; None where its file cannot be read or is another one by now."""
    try:
        data = read_photo(sample.path)
        return read_traits(data) if content_hash(data) == sample.sha256 else None
    except PhotoError:
        return None
