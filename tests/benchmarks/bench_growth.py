"""What a growing library costs: memory and time from the first photo to the 20,000th, rescans, and adding 100 photos.

The photos are 640x480 JPEGs made from a few hundred pictures, each file with bytes of its own behind the picture, so
that every one is a content of its own. Indexing runs as the command, its progress lines timed and its memory read from
the system as they come. The baseline of a rescan is a bare walk: `os.scandir` and `stat` of every entry.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.indexing.pipeline import embed_files
from indexer.indexing.repair import mend_active_model
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.embedder import defer_model
from indexer.models.installation import ModelChoice, install_model
from indexer.progress import drain
from tests.benchmarks.bench_indexing import BASELINES

PICTURES = 200
FOLDERS = 20
ADDED = 100
RESCANS = 7


class GrowthPoint(NamedTuple):
    """A number of committed photos, with the seconds since the start and the resident memory in MB at that time."""

    photos: int
    seconds: float
    memory: float


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=20_000)
    count = parser.parse_args(arguments).photos
    if not (BASELINES / "make_photos.py").exists():
        print(f"left out: no baselines at {BASELINES} (LOOKALIKE_BASELINES names them)")
        return
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        pictures = make_pictures(work / "pictures")
        root = work / "photos"
        make_files(root, pictures, range(count))
        library = work / "bench.library"
        card = drain(install_model(ModelChoice(), library / "models"))
        print_growth(measure_growth(root, library))
        print_rescan(root, library)
        make_files(root, pictures, range(count, count + ADDED))
        print_added(root, library)
        shutil.rmtree(library / "models" / card.fingerprint)


def make_pictures(folder: Path) -> list[bytes]:
    make = [BASELINES / "make_photos.py", folder, "--count", str(PICTURES), "--size", "vga"]
    subprocess.run([sys.executable, *map(str, make)], check=True)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def make_files(root: Path, pictures: list[bytes], numbers: range) -> None:
    """Write a file for each number: a picture with the number behind its end."""
    for number in numbers:
        path = root / f"{number % FOLDERS:02d}" / f"{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures[number % len(pictures)] + number.to_bytes(8, "big"))


def measure_growth(root: Path, library: Path) -> list[GrowthPoint]:
    """Index the folder by the command: a point for each batch; the last one's memory includes publishing."""
    command = [sys.executable, "-m", "retrieval_app.cli", "index", str(root), "--library", str(library), "--json"]
    points, start = [], time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for line in child.stdout:
            report = json.loads(line)
            if report.get("stage") == "embed":
                points.append(GrowthPoint(report["done"], time.perf_counter() - start, read_resident_memory(child.pid)))
            elif report.get("stage") == "publish":
                points[-1] = points[-1]._replace(memory=max(points[-1].memory, read_resident_memory(child.pid)))
    assert child.returncode == 0
    return points


def read_resident_memory(pid: int) -> float:
    """Resident anonymous memory of a process in MB; mapped files are left out, as the system loads and drops them."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024


def print_growth(points: list[GrowthPoint]) -> None:
    last = points[-1].photos
    first = _compute_cost(points, 0, 1000)
    end = _compute_cost(points, last - 1000, last)
    early = max(point.memory for point in points if point.photos <= 1000)
    late = max(point.memory for point in points)
    print(f"{last:,} photos in {points[-1].seconds:.0f} s")
    print(f"  ms a photo: first thousand {first:.2f}, last {end:.2f}: {end / first:.2f} x (wanted at most 1.1)")
    print(f"  memory: {early:.0f} MB by photo 1,000, {late:.0f} MB at most later: {late - early:+.0f} MB (under 50)")


def _compute_cost(points: list[GrowthPoint], begin: int, end: int) -> float:
    """Milliseconds a photo between two numbers of committed photos, without the first batch, which has the start."""
    between = [point for point in points if begin < point.photos <= end]
    return 1000 * (between[-1].seconds - between[0].seconds) / (between[-1].photos - between[0].photos)


def print_rescan(root: Path, library: Path) -> None:
    """Print an unchanged rescan against a bare walk, in pairs, both in this process with everything imported."""
    pairs = []
    with Library.open(library) as opened:
        for _ in range(RESCANS):
            start = time.perf_counter()
            walk_folder(root)
            between = time.perf_counter()
            run_rescan(opened)
            pairs.append((between - start, time.perf_counter() - between))
    ratios = sorted(scan / bare for bare, scan in pairs)
    bare, scan = (1000 * statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"  unchanged rescan {scan:.0f} ms, bare walk {bare:.0f} ms: {statistics.median(ratios):.2f} x (at most 3)")
    print(f"    runs {', '.join(f'{ratio:.2f}' for ratio in ratios)}")


def run_rescan(library: Library) -> int:
    """Bring the library up to date; how many photos were embedded."""
    card = drain(mend_active_model(library))
    return drain(index_library(library, (), defer_model(card, library.models_folder, "auto"))).embedded


def walk_folder(folder: Path) -> int:
    """Count the files below a folder, and read the size and times of each."""
    count, folders = 0, [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    entry.stat()
                    count += 1
    return count


def print_added(root: Path, library: Path) -> None:
    """Print the seconds until added photos are searchable, against those of embedding them and nothing else."""
    with Library.open(library) as opened:
        card = drain(mend_active_model(opened))
        model = defer_model(card, opened.models_folder, "auto")
        new = sorted(root.glob("*/*.jpg"), key=lambda path: path.name)[-ADDED:]
        side = card.preprocessing.size
        model.embed(np.zeros((1, side, side, 3), np.uint8))  # loaded and compiled
        start = time.perf_counter()
        for _ in embed_files([os.fsencode(path) for path in new], model, lambda sha256: True):
            pass
        embedding_seconds = time.perf_counter() - start
        start = time.perf_counter()
        added = drain(index_library(opened, (), model)).embedded
        total_seconds = time.perf_counter() - start
    assert added == len(new)
    more = f"{total_seconds - embedding_seconds:+.2f} (at most 0.5)"
    print(f"  adding {added}: searchable in {total_seconds:.2f} s, embedding alone {embedding_seconds:.2f} s: {more}")


if __name__ == "__main__":
    main(sys.argv[1:])
