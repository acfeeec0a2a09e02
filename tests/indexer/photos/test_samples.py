"""Sample pictures are written whole, can be completed later, and replace nothing."""

import gzip
import hashlib
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.errors import LookalikeError
from indexer.paths import find_assets_folder
from indexer.photos.samples import (
    FASHION_CLASSES,
    FASHION_MNIST,
    SAMPLE_WRITERS,
    find_photograph_folder,
    find_sample_folder,
    write_bundled_pictures,
    write_fashion_mnist,
)
from indexer.progress import drain

CLIPART = Path("/usr/share/openclipart/png")
needs_fashion_mnist = pytest.mark.skipif(
    not FASHION_MNIST.is_dir(), reason="Debian's dataset-fashion-mnist is not installed"
)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def read_size(file: Path) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


def small_fashion(folder: Path, part: str = "t10k") -> np.ndarray:
    """A data set of 25 pictures in the form of Fashion-MNIST; item i is of class i % 10. Returns its pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (25, 28, 28), dtype=np.uint8)
    labels = np.arange(25, dtype=np.uint8) % 10
    folder.mkdir(exist_ok=True)
    (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(pixels)))
    (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))
    return pixels


def test_sample_has_enough_classes_of_enough_small_pictures() -> None:
    folders = [folder for folder in find_sample_folder().iterdir() if folder.is_dir()]
    files = [list(folder.iterdir()) for folder in folders]
    assert len(folders) >= 15
    assert min(map(len, files)) >= 12
    assert sum(file.stat().st_size for listed in files for file in listed) <= 4_000_000
    for file in (file for listed in files for file in listed):
        with Image.open(file) as picture:
            picture.load()
            assert picture.format == "PNG"
            assert max(picture.size) <= 256
            # Something is to be seen on the white that transparency is shown on.
            white = Image.new("RGBA", picture.size, "white")
            white.alpha_composite(picture.convert("RGBA"))
            assert np.asarray(white.convert("L")).std() > 4, file.name


def test_no_drawing_is_in_the_sample_twice() -> None:
    hashes = [hashlib.sha256(file.read_bytes()).digest() for file in find_sample_folder().rglob("*.png")]
    assert len(set(hashes)) == len(hashes)


def test_each_picture_of_the_sample_has_its_source_in_the_table() -> None:
    table = (find_assets_folder() / "sample.tsv").read_text(encoding="utf-8").splitlines()
    assert table[0].split("\t") == ["class", "name", "author", "original"]
    cells = [line.split("\t") for line in table[1:]]
    assert {len(row) for row in cells} == {4}
    listed = [f"{label}/{name}" for label, name, _author, _original in cells]
    assert sorted(listed) == sorted(
        str(file.relative_to(find_sample_folder())) for file in find_sample_folder().rglob("*.png")
    )
    assert len({original for *_rest, original in cells}) == len(cells)
    source = (find_sample_folder() / "SOURCE.md").read_text(encoding="utf-8")
    assert "openclipart-png" in source
    assert "public domain" in source.lower()


@pytest.mark.skipif(not CLIPART.is_dir(), reason="Debian's openclipart-png is not installed")
@pytest.mark.long
def test_sample_can_be_made_again_from_the_originals(tmp_path: Path) -> None:
    script = find_assets_folder() / "make_sample.py"
    subprocess.run([sys.executable, script, CLIPART, tmp_path], check=True, capture_output=True)
    made = sorted(tmp_path.rglob("*.png"))
    assert len(made) == len(list(find_sample_folder().rglob("*.png")))
    for file in made:
        # Pixels, not bytes: another Pillow may pack the same picture differently.
        with Image.open(file) as again, Image.open(find_sample_folder() / file.relative_to(tmp_path)) as bundled:
            np.testing.assert_array_equal(np.asarray(again.convert("RGBA")), np.asarray(bundled.convert("RGBA")))


def test_photographs_have_enough_classes_shapes_and_a_free_licence_each() -> None:
    table = (find_assets_folder() / "photographs.tsv").read_text(encoding="utf-8").splitlines()
    assert table[0].split("\t") == ["class", "name", "author", "licence", "source", "original"]
    cells = [line.split("\t") for line in table[1:]]
    files = list(find_photograph_folder().glob("*/*"))
    assert sorted(f"{row[0]}/{row[1]}" for row in cells) == sorted(f"{file.parent.name}/{file.name}" for file in files)
    assert all(author and source.startswith("https://") for _, _, author, _, source, _ in cells)
    assert {row[3] for row in cells} == {"public domain", "CC0 1.0", "CC BY 2.0", "CC BY 3.0", "CC BY-SA 4.0"}
    counts = Counter(file.parent.name for file in files)
    assert len(counts) == 25 and min(counts.values()) == 4
    assert sum(file.stat().st_size for file in files) < 12_000_000
    assert len({hashlib.sha256(file.read_bytes()).digest() for file in files}) == len(files)
    shapes = [read_size(file) for file in files]
    assert min(width / height for width, height in shapes) < 0.6
    assert max(width / height for width, height in shapes) > 2
    assert max(map(max, shapes)) <= 1024
    source = (find_photograph_folder() / "SOURCE.md").read_text(encoding="utf-8")
    for licence, count in Counter(row[3] for row in cells).items():
        assert f"| {count} | {licence} |" in source


def test_pictures_are_copied_for_the_user(tmp_path: Path) -> None:
    count = drain(write_bundled_pictures(tmp_path / "new" / "out"))
    written = files_below(tmp_path / "new" / "out")
    assert written == {name: data for name, data in files_below(find_sample_folder()).items() if name.endswith(".png")}
    assert count == len(written)
    assert drain(write_bundled_pictures(tmp_path / "few", per_class=2)) == 2 * len(list((tmp_path / "few").iterdir()))


@needs_fashion_mnist
@pytest.mark.parametrize("part", ["train", "test"])
def test_fashion_mnist_pixels_and_labels_are_those_of_the_data_set(tmp_path: Path, part: str) -> None:
    assert drain(write_fashion_mnist(tmp_path, per_class=3, part=part)) == 30
    stem = {"train": "train", "test": "t10k"}[part]
    images = gzip.decompress((FASHION_MNIST / f"{stem}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((FASHION_MNIST / f"{stem}-labels-idx1-ubyte.gz").read_bytes())
    assert struct.unpack(">4I", images[:16]) == (2051, len(labels) - 8, 28, 28)
    for code, name in enumerate(FASHION_CLASSES):
        expected = [i for i in range(1000) if labels[8 + i] == code][:3]
        files = sorted((tmp_path / name).iterdir())
        assert [file.name for file in files] == [f"{part}-{i:05d}.png" for i in expected]
        for item, file in zip(expected, files, strict=True):
            with Image.open(file) as picture:
                assert picture.mode == "L"
                assert picture.size == (28, 28)
                assert picture.tobytes() == images[16 + 784 * item :][:784]


@needs_fashion_mnist
def test_first_items_are_the_known_ones(tmp_path: Path) -> None:
    # The first test item is an ankle boot; the sum of its bytes was taken with zcat, tail, head and od.
    drain(write_fashion_mnist(tmp_path, per_class=1, part="test"))
    with Image.open(tmp_path / "ankle-boot" / "test-00000.png") as boot:
        pixels = np.asarray(boot, np.int64)
    assert pixels.sum() == 33456
    # It stands upright with its toe to the left: nothing is above the toe.
    assert pixels[:8, :10].sum() == 0


def test_every_item_is_written_once_without_a_limit(tmp_path: Path) -> None:
    pixels = small_fashion(tmp_path / "source")
    assert drain(write_fashion_mnist(tmp_path / "out", source=tmp_path / "source")) == 25
    for item in range(25):
        with Image.open(tmp_path / "out" / FASHION_CLASSES[item % 10] / f"test-{item:05d}.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), pixels[item])


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    small_fashion(tmp_path / "source")
    steps = list(write_fashion_mnist(tmp_path / "out", source=tmp_path / "source"))
    assert {step.stage for step in steps} == {"sample"}
    assert (steps[-1].done, steps[-1].total) == (25, 25)


@pytest.mark.parametrize("name", SAMPLE_WRITERS)
def test_writing_a_sample_again_is_harmless_and_completes_it(tmp_path: Path, name: str) -> None:
    small_fashion(tmp_path / "source")
    extra = {"source": tmp_path / "source"} if name == "fashion-mnist" else {}
    drain(SAMPLE_WRITERS[name](tmp_path / "out", per_class=1, part="test", **extra))
    (tmp_path / "out" / ".DS_Store").touch()
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("*/*.*")}
    assert drain(SAMPLE_WRITERS[name](tmp_path / "out", per_class=2, part="test", **extra)) == 2 * len(before)
    assert {file: file.stat().st_mtime_ns for file in before} == before
    # A killed run stops anywhere; the next goes on.
    next(iter(before)).unlink()
    assert drain(SAMPLE_WRITERS[name](tmp_path / "out", per_class=2, part="test", **extra)) == 2 * len(before)
    assert len(list((tmp_path / "out").glob("*/*.*"))) == 2 * len(before)


@pytest.mark.parametrize("name", SAMPLE_WRITERS)
@pytest.mark.parametrize("theirs", ["holiday.jpg", "bag/mine.png", "cakes/mine.png", "dogs", "bag/sub/mine.png"])
def test_folder_with_anything_else_in_it_is_refused_untouched(tmp_path: Path, name: str, theirs: str) -> None:
    small_fashion(tmp_path / "source")
    extra = {"source": tmp_path / "source"} if name == "fashion-mnist" else {}
    (tmp_path / "out" / theirs).parent.mkdir(parents=True)
    (tmp_path / "out" / theirs).write_bytes(b"theirs")
    with pytest.raises(LookalikeError, match="holds something else"):
        drain(SAMPLE_WRITERS[name](tmp_path / "out", per_class=1, part="test", **extra))
    assert files_below(tmp_path / "out") == {theirs: b"theirs"}


def test_fewer_pictures_or_another_part_are_not_mixed_with_what_is_there(tmp_path: Path) -> None:
    small_fashion(tmp_path / "source")
    small_fashion(tmp_path / "source", "train")
    drain(write_fashion_mnist(tmp_path / "out", per_class=2, source=tmp_path / "source"))
    with pytest.raises(LookalikeError, match="holds something else"):
        drain(write_fashion_mnist(tmp_path / "out", per_class=1, source=tmp_path / "source"))
    with pytest.raises(LookalikeError, match="holds something else"):
        drain(write_fashion_mnist(tmp_path / "out", per_class=2, part="train", source=tmp_path / "source"))


def test_another_picture_under_our_name_is_never_overwritten(tmp_path: Path) -> None:
    small_fashion(tmp_path / "source")
    theirs = tmp_path / "out" / "t-shirt" / "test-00000.png"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    with pytest.raises(LookalikeError, match="another picture"):
        drain(write_fashion_mnist(tmp_path / "out", source=tmp_path / "source"))
    assert theirs.read_bytes() == b"theirs"


def test_class_folder_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "birds").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LookalikeError, match="holds something else"):
        drain(write_bundled_pictures(tmp_path / "out"))
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(LookalikeError, match="cannot be written"):
        drain(write_bundled_pictures(tmp_path / "out"))
    with pytest.raises(LookalikeError, match="cannot be written"):
        drain(write_bundled_pictures(tmp_path / "out" / "below"))


def test_missing_data_set_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(LookalikeError, match="apt-get install dataset-fashion-mnist"):
        drain(write_fashion_mnist(tmp_path / "out", source=tmp_path / "nowhere"))
    assert not (tmp_path / "out").exists()


def damages() -> dict[str, bytes]:
    pixels = idx_bytes(np.zeros((25, 28, 28), np.uint8))
    packed = gzip.compress(pixels)
    return {
        "empty": b"",
        "no gzip": pixels,
        "truncated": packed[: len(packed) // 2],
        "checksum": packed[:-8] + b"\0" * 8,
        "bits": packed[:15] + b"\xff" * 9 + packed[24:],
        "no header": gzip.compress(pixels[:9]),
        "too short": gzip.compress(pixels[:-1]),
        "too long": gzip.compress(pixels + b"\0"),
        "huge": gzip.compress(struct.pack(">4I", 2051, 2**32 - 1, 28, 28) + pixels[16:]),
        "little-endian": gzip.compress(struct.pack("<4I", 2051, 25, 28, 28) + pixels[16:]),
        "labels": gzip.compress(idx_bytes(np.zeros(25, np.uint8))),
        "other magic": gzip.compress(struct.pack(">4I", 2052, 25, 28, 28) + pixels[16:]),
        "fewer": gzip.compress(idx_bytes(np.zeros((24, 28, 28), np.uint8))),
    }


@pytest.mark.parametrize("damage", damages())
def test_damaged_data_set_is_refused_before_anything_is_written(tmp_path: Path, damage: str) -> None:
    small_fashion(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(damages()[damage])
    with pytest.raises(LookalikeError, match="install the package dataset-fashion-mnist again"):
        drain(write_fashion_mnist(tmp_path / "out", source=tmp_path))
    assert not (tmp_path / "out").exists()


def test_unknown_label_is_refused(tmp_path: Path) -> None:
    small_fashion(tmp_path)
    labels = np.full(25, 10, np.uint8)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))
    with pytest.raises(LookalikeError, match="do not fit"):
        drain(write_fashion_mnist(tmp_path / "out", source=tmp_path))
