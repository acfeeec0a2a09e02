"""Pictures to try the program on: the bundled sample, and Fashion-MNIST as labelled folders."""

import gzip
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.errors import LookalikeError
from indexer.progress import Progress, Steps

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")  # where Debian's dataset-fashion-mnist (MIT) puts it
FASHION_PARTS = {"train": "train", "test": "t10k"}
FASHION_CLASSES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle-boot",
)
IDX_IMAGES, IDX_LABELS = 2051, 2049  # the magic numbers of the idx format: unsigned bytes in 3 and in 1 dimensions


def assets_folder() -> Path:
    """The folder of icons, theme and sample pictures: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


def sample_folder() -> Path:
    """The folder of the bundled sample pictures, one sub-folder per class."""
    return assets_folder() / "sample"


def write_pictures(out: Path, *, per_class: int | None = None, part: str = "test") -> Steps[int]:
    """Copy the bundled pictures, the first `per_class` of each class, into OUT/CLASS; returns how many."""
    del part  # the drawings are not divided
    folders = sorted(folder for folder in sample_folder().iterdir() if folder.is_dir())
    files = [file for folder in folders for file in sorted(folder.glob("*.png"))[:per_class]]
    _claim(out)
    for done, file in enumerate(files):
        yield Progress("sample", done, len(files), file.parent.name)
        (out / file.parent.name).mkdir(exist_ok=True)
        shutil.copyfile(file, out / file.parent.name / file.name)
    return len(files)


def write_fashion_mnist(
    out: Path, *, per_class: int | None = None, part: str = "test", source: Path = FASHION_MNIST
) -> Steps[int]:
    """Write the first `per_class` pictures of each class, grey PNG of 28 x 28, as OUT/CLASS/PART-INDEX.png.

    Raises LookalikeError where the data set is not installed or damaged, or OUT holds something else.
    """
    pixels = _read_idx(source / f"{FASHION_PARTS[part]}-images-idx3-ubyte.gz", IDX_IMAGES)
    labels = _read_idx(source / f"{FASHION_PARTS[part]}-labels-idx1-ubyte.gz", IDX_LABELS)
    _claim(out)
    for name in FASHION_CLASSES:
        (out / name).mkdir(exist_ok=True)
    rows = np.sort(np.concatenate([np.flatnonzero(labels == code)[:per_class] for code in range(len(FASHION_CLASSES))]))
    for done, row in enumerate(rows.tolist()):
        name = FASHION_CLASSES[labels[row]]
        if done % 100 == 0:
            yield Progress("sample", done, len(rows), name)
        Image.fromarray(pixels[row]).save(out / name / f"{part}-{row:05d}.png")
    return len(rows)


def _claim(out: Path) -> None:
    """Make the folder; one with anything in it but earlier samples is not ours to write to."""
    ours = {*FASHION_CLASSES, *(folder.name for folder in sample_folder().glob("*"))}
    if out.exists() and (not out.is_dir() or any(entry.name not in ours for entry in out.iterdir())):
        raise LookalikeError(f"{out} is in use: name a new or empty folder for the samples.")
    out.mkdir(parents=True, exist_ok=True)


def _read_idx(path: Path, magic: int) -> np.ndarray:
    """The uint8 array of an idx file: big-endian magic number and sizes, then the bytes."""
    try:
        data = gzip.decompress(path.read_bytes())
        header = np.frombuffer(data, ">i4", 1 + (magic & 0xFF))
        array = np.frombuffer(data, np.uint8, offset=header.nbytes).reshape(header[1:])
    except FileNotFoundError as error:
        raise LookalikeError(
            f"Fashion-MNIST is not at {path.parent}. On Debian and Ubuntu: apt-get install dataset-fashion-mnist"
        ) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise LookalikeError(f"{path} is damaged; install dataset-fashion-mnist again.") from error
    if header[0] != magic:
        raise LookalikeError(f"{path} is not in the idx format; install dataset-fashion-mnist again.")
    return array


SAMPLES: dict[str, Callable[..., Steps[int]]] = {"pictures": write_pictures, "fashion-mnist": write_fashion_mnist}
