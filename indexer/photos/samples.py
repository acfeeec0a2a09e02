"""Pictures to try the program on: the bundled drawings and photographs, and Fashion-MNIST as labelled folders."""

import gzip
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.errors import LookalikeError
from indexer.paths import find_assets_folder, show_path
from indexer.progress import Progress, Steps
from indexer.wording import tr

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
IDX_BYTES = 64 * 1024 * 1024  # read at most; the training pictures are 47 MB
REINSTALL_HINT = tr("install the package dataset-fashion-mnist again.")


def find_sample_folder() -> Path:
    """The folder of the bundled drawings, one sub-folder per class."""
    return find_assets_folder() / "sample"


def find_photograph_folder() -> Path:
    """The folder of the bundled photographs, one sub-folder per class; SOURCE.md in it says whose they are."""
    return find_assets_folder() / "photographs"


def write_bundled_pictures(out: Path, *, per_class: int | None = None, part: str = "test") -> Steps[int]:
    """Copy the first `per_class` bundled drawings of each class to OUT/CLASS/NAME.png; returns their number.

    Raises LookalikeError where OUT holds anything else or cannot be written.
    """
    del part  # the drawings are not divided
    return (yield from _copy_classes(find_sample_folder(), out, per_class))


def write_photographs(out: Path, *, per_class: int | None = None, part: str = "test") -> Steps[int]:
    """Copy the first `per_class` bundled photographs of each class to OUT/CLASS/NAME.webp; returns their number.

    Raises LookalikeError where OUT holds anything else or cannot be written.
    """
    del part  # nor are the photographs
    return (yield from _copy_classes(find_photograph_folder(), out, per_class))


def _copy_classes(source: Path, out: Path, per_class: int | None) -> Steps[int]:
    folders = sorted(folder for folder in source.glob("*") if folder.is_dir())
    files = [file.relative_to(source) for folder in folders for file in sorted(folder.glob("*.*"))[:per_class]]
    if not files:
        raise LookalikeError(
            "The bundled pictures are not at {source}. Install lookalike again.", source=show_path(source)
        )
    return (yield from _write_files(out, files, lambda at: (source / files[at]).read_bytes()))


def write_fashion_mnist(
    out: Path, *, per_class: int | None = None, part: str = "test", source: Path = FASHION_MNIST
) -> Steps[int]:
    """Write the first `per_class` pictures of each class, grey PNG of 28 x 28, to OUT/CLASS/PART-INDEX.png.

    INDEX counts the items of the "train" (60,000) or "test" (10,000) part from 0. Returns the number of pictures.
    Raises LookalikeError where the data are not installed or damaged, OUT holds anything else or cannot be written.
    """
    prefix = source / FASHION_PARTS[part]
    pixels = _read_idx(prefix.with_name(f"{prefix.name}-images-idx3-ubyte.gz"), IDX_IMAGES)
    labels = _read_idx(prefix.with_name(f"{prefix.name}-labels-idx1-ubyte.gz"), IDX_LABELS)
    if len(labels) != len(pixels) or labels.max(initial=0) >= len(FASHION_CLASSES):
        raise LookalikeError(
            "The pictures and labels in {source} do not fit; {hint}",
            source=show_path(source),
            hint=REINSTALL_HINT,
        )
    rows = np.sort(np.concatenate([np.flatnonzero(labels == code)[:per_class] for code in range(len(FASHION_CLASSES))]))
    files = [Path(FASHION_CLASSES[labels[row]], f"{part}-{row:05d}.png") for row in rows]
    return (yield from _write_files(out, files, lambda at: _encode_png(pixels[rows[at]])))


def _write_files(out: Path, files: list[Path], content: Callable[[int], bytes]) -> Steps[int]:
    """Write `content(i)` to OUT/files[i]; files that are there already stay, so that a run can be completed later."""
    try:
        _require_own_files(out, set(files))
        for done, file in enumerate(files):
            if done % 100 == 0:
                yield Progress("sample", done, len(files), file.parent.name)
            _write_new_file(out / file, content(done))
    except OSError as error:
        raise LookalikeError(
            "{out} cannot be written: {reason}. Name another folder.", out=show_path(out), reason=error.strerror
        ) from error
    yield Progress("sample", len(files), len(files))
    return len(files)


def _require_own_files(out: Path, files: set[Path]) -> None:
    """Raise LookalikeError where OUT holds anything but these files: it would be indexed as part of the sample."""
    folders = {str(file.parent) for file in files}
    for entry in _list_visible(out) if out.exists() else ():
        is_class_folder = entry.name in folders and entry.is_dir() and not entry.is_symlink()
        if not is_class_folder or any(found.relative_to(out) not in files for found in _list_visible(entry)):
            raise LookalikeError(
                "{out} holds something else. Name a new or empty folder for the sample.", out=show_path(out)
            )


def _list_visible(folder: Path) -> list[Path]:
    """All entries of the folder but hidden ones, which desktops leave, and a killed run the file it was writing."""
    return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]


def _write_new_file(path: Path, content: bytes) -> None:
    """Write a file completely or not at all. Raises LookalikeError where a file with another content is there."""
    if path.exists():
        if path.is_file() and path.read_bytes() == content:
            return
        raise LookalikeError(
            "{path} is another picture. Name a new or empty folder for the sample.", path=show_path(path)
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not atomic.write_file: 60,000 times two fsync would take minutes, for files that can be made again.
    partial = path.with_name(f".{path.name}")
    partial.write_bytes(content)
    partial.replace(path)


def _encode_png(pixels: np.ndarray) -> bytes:
    """A grey uint8 picture (height, width) as a PNG file."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _read_idx(path: Path, magic: int) -> np.ndarray:
    """The uint8 array of an idx file: big-endian magic number and sizes, then the bytes."""
    try:
        with gzip.open(path) as file:
            data = file.read(IDX_BYTES)
        found, *shape = np.frombuffer(data, ">u4", 1 + (magic & 0xFF)).tolist()
        array = np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)
    except FileNotFoundError as error:
        raise LookalikeError(
            "Fashion-MNIST is not at {parent}. On Debian and Ubuntu: apt-get install dataset-fashion-mnist",
            parent=show_path(path.parent),
        ) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise LookalikeError("{path} is damaged; {hint}", path=show_path(path), hint=REINSTALL_HINT) from error
    if found != magic:
        raise LookalikeError("{path} is not in the idx format; {hint}", path=show_path(path), hint=REINSTALL_HINT)
    return array


SAMPLE_WRITERS: dict[str, Callable[..., Steps[int]]] = {
    "pictures": write_bundled_pictures,
    "photographs": write_photographs,
    "fashion-mnist": write_fashion_mnist,
}
