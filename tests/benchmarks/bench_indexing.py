"""Indexing speed and memory against the naive loader, and against the bound that the machine sets.

Ours: `lookalike index` from scan to published index, thumbnails included, the model prepared. Naive: timm's transform,
a DataLoader without workers, eager torch (LOOKALIKE_BASELINES/naive_index.py). The bound: cores divided by the
core-time of reading, hashing, decoding, thumbnail, resizing and inference of one photo. It is measured twice: with one
core at work and the others idle, and with every core at the same work, as in a run: they share caches and memory.
"""

import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer.indexing.pipeline import BATCH_SIZE
from indexer.models import model
from indexer.models.embedder import NETWORK_CALLERS
from indexer.models.installation import ModelChoice, install_model
from indexer.photos import thumbnails
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import content_hash, read_photo
from indexer.progress import drain

BASELINES = Path(os.environ.get("LOOKALIKE_BASELINES", "../shared/baselines"))
COUNTS = {"12mp": 300, "vga": 1500}
RUNS = 3
MEASURED = 120  # photos of which each step is timed
CORES = os.cpu_count() or 1
STARTER = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class IndexRun(NamedTuple):
    """Photos per second and the peak of resident memory in MB."""

    rate: float
    peak: float


def main() -> None:
    if not (BASELINES / "naive_index.py").exists():
        print(f"left out: no baselines at {BASELINES} (LOOKALIKE_BASELINES names them)")
        return
    with tempfile.TemporaryDirectory() as work:
        models = Path(work) / "models"
        card = drain(install_model(ModelChoice(), models))
        for size, count in COUNTS.items():
            folder = Path(work) / size
            make_photos(folder, size, count)
            compare_speeds(size, folder, Path(work), models / card.fingerprint)


def make_photos(folder: Path, size: str, count: int) -> None:
    """Make `count` photos, a part of them on each core."""
    made = [sys.executable, str(BASELINES / "make_photos.py"), str(folder), "--size", size]
    parts = [["--count", str(len(range(seed, count, CORES))), "--seed", str(seed)] for seed in range(CORES)]
    running = [subprocess.Popen([*made, *part]) for part in parts]
    if any(process.wait() for process in running):
        raise SystemExit("The photos could not be made.")


def compare_speeds(size: str, folder: Path, work: Path, model_folder: Path) -> None:
    """Print the medians of RUNS alternating runs, their ratio and the share of the bound."""
    pairs = [(run_naive(folder), run_ours(folder, work, model_folder)) for _ in range(RUNS)]
    naive_rate, our_rate = (statistics.median(run.rate for run in runs) for runs in zip(*pairs, strict=True))
    naive_peak, our_peak = (statistics.median(run.peak for run in runs) for runs in zip(*pairs, strict=True))
    ratios = sorted(ours.rate / naive.rate for naive, ours in pairs)
    print(f"{size}: naive {naive_rate:.1f}/s {naive_peak:.0f} MB; ours {our_rate:.1f}/s {our_peak:.0f} MB")
    print(f"  faster {statistics.median(ratios):.1f} x (runs {', '.join(f'{ratio:.1f}' for ratio in ratios)})")
    print(f"  memory {our_peak / naive_peak:.2f} x")
    for words, busy in {"one core at work": 1, "every core at work": CORES}.items():
        steps = measure_bound(folder, model_folder, busy)
        limit = 1000 * CORES / sum(steps.values())
        parts = ", ".join(f"{name} {ms:.2f}" for name, ms in steps.items())
        print(f"  bound, {words}: {limit:.1f}/s ({parts} ms); reached {our_rate / limit:.2f} of it", flush=True)


def run_naive(folder: Path) -> IndexRun:
    result, peak = run_child([sys.executable, str(BASELINES / "naive_index.py"), str(folder), "0"])
    return IndexRun(result["images_per_second"], peak)


def run_ours(folder: Path, work: Path, model_folder: Path) -> IndexRun:
    """Index into a fresh library whose model is installed already."""
    library = work / "bench.library"
    shutil.rmtree(library, ignore_errors=True)
    shutil.copytree(model_folder, library / "models" / model_folder.name)
    command = [sys.executable, "-m", "retrieval_app.cli", "index", str(folder), "--library", str(library), "--json"]
    result, peak = run_child(command)
    assert result["embedded"] == len(list(folder.iterdir()))
    return IndexRun(result["embedded"] / result["seconds"], peak)


def run_child(command: list[str]) -> tuple[dict[str, Any], float]:
    """The last JSON line of a command, and the peak of its memory in MB.

    A small process starts the command, as the peak that the system reports includes the memory of the starter.
    """
    done = subprocess.run([sys.executable, "-c", STARTER, *command], stdout=subprocess.PIPE, check=True)
    *_, result, peak = done.stdout.splitlines()
    return json.loads(result), int(peak) / 1024


def measure_bound(folder: Path, model_folder: Path, busy: int) -> dict[str, float]:
    """Core-milliseconds of each step for one photo, with `busy` cores at the same work."""
    processes = multiprocessing.get_context("spawn")
    barrier = processes.Barrier(busy)
    with processes.Pool(busy, initializer=_meet_at, initargs=(barrier,)) as pool:
        measured = pool.starmap(time_steps, [(folder, model_folder)] * busy, chunksize=1)
    return {name: statistics.fmean(process_times[name] for process_times in measured) for name in measured[0]}


_meeting: list[Barrier] = []


def _meet_at(barrier: Barrier) -> None:
    _meeting.append(barrier)


def time_steps(folder: Path, model_folder: Path) -> dict[str, float]:
    """Milliseconds of each step for one photo in this process, which starts when all processes are prepared."""
    embedder = model.load_model(model_folder, runtime="openvino", callers=NETWORK_CALLERS)
    side = embedder.card.preprocessing.short_side
    files = sorted(folder.iterdir())[:MEASURED]
    batch = np.stack([embedder.prepare(decode_photo(read_photo(file), side).image) for file in files[:BATCH_SIZE]])
    embedder.embed(batch)
    _meeting[0].wait()
    data, reading = time_items(read_photo, files)
    _, hashing = time_items(content_hash, data)
    decoded, decoding = time_items(lambda content: decode_photo(content, side), data)
    _, shrinking = time_items(lambda picture: thumbnails.encode_thumbnail(picture.image), decoded)
    _, resizing = time_items(lambda picture: embedder.prepare(picture.image), decoded)
    _, inference = time_items(embedder.embed, [batch] * (MEASURED // BATCH_SIZE))
    parts = {"read": reading, "hash": hashing, "decode": decoding, "thumbnail": shrinking, "resize": resizing}
    return parts | {"inference": inference / len(batch)}


def time_items(work: Callable[[Any], Any], items: list[Any]) -> tuple[list[Any], float]:
    """The results, and the mean wall milliseconds of one item."""
    results, times = [], []
    for item in items:
        start = time.perf_counter()
        results.append(work(item))
        times.append(1000 * (time.perf_counter() - start))
    return results, statistics.fmean(times)


if __name__ == "__main__":
    main()
