"""Progressive JPEGs: what is saved by leaving out the scans that a small picture does not need, pixels being equal.

Photographs enlarged to the size of a camera's, with a sensor's noise; processor milliseconds of one photo, the least
of three. All scans are decoded by Pillow alone, without our checks and colours. The share is that of all work of an
index run on a photo: hash, decode, thumbnail, model input, inference.
"""

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from indexer.models.installation import ModelChoice, install_model
from indexer.models.model import Model, load_model
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import content_hash
from indexer.photos.thumbnails import encode_thumbnail
from indexer.progress import drain
from tests.benchmarks.sets import list_photographs

SIZES = ((640, 480), (2400, 1800), (4000, 3000))
PHOTOS, REPEATS = 8, 3
LEAST_SHARE = 0.10

Result = TypeVar("Result")


def main() -> None:
    with tempfile.TemporaryDirectory() as work:
        card = drain(install_model(ModelChoice(), Path(work)))
        model = load_model(Path(work) / card.fingerprint, runtime="openvino")
        paths = [path for path, _ in list_photographs(Path(work))]
        for size in SIZES:
            rows = [measure_photo(save_photo(path, size), model) for path in paths[:: len(paths) // PHOTOS][:PHOTOS]]
            plain, needed, rest, differing = np.mean(rows, axis=0)
            share = (plain - needed) / (plain + rest)
            verdict = "reached" if share >= LEAST_SHARE else "missed: nothing is left out at this size"
            print(
                f"{size[0]} x {size[1]}: {plain:.1f} ms to decode from all scans, {needed:.1f} from those needed, "
                f"{needed / plain:.2f} of it; {rest:.1f} ms for the rest; {share:.0%} of a run saved "
                f"(target {LEAST_SHARE:.0%}: {verdict}); {differing:.0f} pixels differ",
                flush=True,
            )


def save_photo(path: Path, size: tuple[int, int]) -> bytes:
    """A progressive JPEG of this size, as programs for the web save it."""
    with Image.open(path) as opened:
        pixels = np.asarray(opened.convert("RGB").resize(size, Image.Resampling.BICUBIC))
    noise = np.random.default_rng(0).normal(0, 4, (size[1], size[0], 1))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88, progressive=True)
    return buffer.getvalue()


def measure_photo(data: bytes, model: Model) -> tuple[float, float, float, int]:
    """Milliseconds of decoding from all scans and from those needed, and of all else; and how many pixels differ."""
    side = model.card.preprocessing.short_side
    needed, picture = time_call(lambda: decode_photo(data, side).image)
    plain, other = time_call(lambda: decode_all_scans(data, side))
    batch = model.prepare(picture)[None]
    steps: tuple[Callable[[], object], ...] = (
        lambda: content_hash(data),
        lambda: encode_thumbnail(picture),
        lambda: model.prepare(picture),
        lambda: model.embed(batch),
    )
    differing = (np.asarray(picture) != np.asarray(other)).any(axis=-1).sum()
    return plain, needed, sum(time_call(step)[0] for step in steps), int(differing)


def decode_all_scans(data: bytes, short_side: int) -> Image.Image:
    """The picture as Pillow alone decodes and reduces it."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (short_side, short_side))
        factor = min(image.size) // short_side
        return image.reduce(factor) if factor > 1 else image.copy()


def time_call(work: Callable[[], Result]) -> tuple[float, Result]:
    """The least processor milliseconds of some calls, and the last result."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        result = work()
        times.append(1000 * (time.process_time() - start))
    return min(times), result


if __name__ == "__main__":
    main()
