"""Folders of small pictures, and a record of a folder that shows whether anything in it was touched."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

LIMIT = 1 << 24  # bytes of a file that are compared: the largest here is a hole of 10 GB


def paint(path: Path, seed: int, *, side: int = 24) -> Path:
    """Write a small PNG of coloured noise, another one for each seed, and create its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize((side, side), Image.Resampling.NEAREST).save(path, "PNG")
    return path


def paint_many(folder: Path, count: int, *, first: int = 0) -> list[Path]:
    """Write `count` pictures of different content: 0000.png, 0001.png, ..."""
    return [paint(folder / f"{number:04d}.png", number) for number in range(first, first + count)]


def snapshot(root: Path) -> dict[Path, tuple[object, ...]]:
    """Everything below a folder and itself: mode, size, inode, times of change, and content or target of a link.

    Times of reading are left out: to read a photo is what the program is for.
    """
    records: dict[Path, tuple[object, ...]] = {}
    for path in [root, *sorted(root.rglob("*"))]:
        about = path.lstat()
        times = (about.st_mtime_ns, about.st_ctime_ns)
        records[path] = (about.st_mode, about.st_size, about.st_ino, *times, _content(path))
    return records


def _content(path: Path) -> str:
    if path.is_symlink():
        return str(path.readlink())
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.sha256(file.read(LIMIT)).hexdigest()
