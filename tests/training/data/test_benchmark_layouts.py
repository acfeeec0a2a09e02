from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from indexer.errors import LookalikeError
from indexer.progress import drain
from training.data.benchmark_layouts import read_benchmark
from training.data.given_parts import divide_folder
from training.data.labelled_folders import LabelledFolder, survey_folder


def paint(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), shade).save(path)


def make_birds(folder: Path) -> Path:
    """Classes 99 to 102, of which the first two are to learn from."""
    lines = list[str]()
    for shade, (number, photo) in enumerate((n, p) for n in (99, 100, 101, 102) for p in range(4)):
        name = f"{number:03d}.Bird_{number}/{photo}.png"
        paint(folder / "images" / name, shade)
        lines.append(f"{len(lines) + 1} {name}")
    (folder / "images.txt").write_text("\n".join(lines) + "\n")
    return folder


def make_products(folder: Path) -> Path:
    for part, classes in (("train", (1, 2)), ("test", (11319, 11320))):
        rows = ["image_id class_id super_class_id path"]
        for number in classes:
            for photo in range(4):
                name = f"chair_final/{number}_{photo}.png"
                paint(folder / name, number % 11317 * 8 + photo + (64 if part == "test" else 0))
                rows.append(f"{len(rows)} {number} 1 {name}")
        (folder / f"Ebay_{part}.txt").write_text("\n".join(rows))
    return folder


def make_cars(folder: Path) -> Path:
    fields = [("relative_im_path", "O"), ("class", "O"), ("test", "O")]
    rows = [(f"car_ims/{n:06d}.png", 97 + n // 4, 0) for n in range(16)]
    for shade, (name, _, _) in enumerate(rows):
        paint(folder / name, shade)
    names = np.array([f"Car {number}" for number in range(1, 197)], object)
    savemat(folder / "cars_annos.mat", {"annotations": np.array(rows, fields), "class_names": names})
    return folder


@pytest.mark.parametrize("make", [make_birds, make_products, make_cars])
def test_the_first_half_of_the_classes_is_learned_and_the_other_asked(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    found: LabelledFolder = drain(survey_folder(make(tmp_path)))
    assert len(found.samples) == 16
    labels = sorted(found.class_counts)
    by_part = {part: {s.label for s in found.samples if found.parts[s.sha256] == part} for part in ("train", "test")}
    assert by_part == {"train": set(labels[:2]), "test": set(labels[2:])}
    assert set(found.class_counts.values()) == {4}
    assert found.empty_classes == ()


def test_given_classes_stay_apart_in_the_parts_of_a_study(tmp_path: Path) -> None:
    lines = []
    for shade, (number, photo) in enumerate((n, p) for n in range(95, 107) for p in range(5)):
        paint(tmp_path / "images" / f"{number:03d}.Bird" / f"{photo}.png", shade * 4)
        lines.append(f"{shade} {number:03d}.Bird/{photo}.png")
    (tmp_path / "images.txt").write_text("\n".join(lines))
    split = divide_folder(drain(survey_folder(tmp_path)), "classes").split
    learned, asked = {s.label for s in split.train + split.validation}, {s.label for s in split.test}
    assert learned == {f"{number:03d}.Bird" for number in range(95, 101)}
    assert asked == {f"{number}.Bird" for number in range(101, 107)}


def test_a_folder_of_classes_is_none_of_them(tmp_path: Path) -> None:
    paint(tmp_path / "images" / "one.png", 3)
    assert read_benchmark(tmp_path) is None


@pytest.mark.parametrize("line", ["1 ../secret/one.png", "1", "1 nonumber/one.png", "1 /etc/one.png"])
def test_a_damaged_list_is_refused_with_a_sentence(line: str, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images.txt").write_text(line)
    with pytest.raises(LookalikeError, match="are damaged or of another version"):
        read_benchmark(tmp_path)


def test_a_list_of_cars_that_is_no_matlab_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "car_ims").mkdir()
    (tmp_path / "cars_annos.mat").write_bytes(b"no table" * 40)
    with pytest.raises(LookalikeError, match="are damaged or of another version"):
        read_benchmark(tmp_path)
