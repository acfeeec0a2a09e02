"""Labels go out and come back in as they were; photos are never written to, and nothing that is there is replaced."""

import csv
import json
from pathlib import Path

import pytest

from indexer.errors import LookalikeError
from indexer.exchange.label_export import (
    LabelledPhoto,
    collect_labelled,
    export_class_folders,
    export_coco,
    export_fiftyone,
    export_sidecars,
    write_sidecars_beside,
)
from indexer.exchange.label_import import apply_labels, read_label_table, read_sidecars, take_sidecar_labels
from indexer.exchange.xmp_sidecars import read_keywords, write_label
from indexer.library import Library
from indexer.progress import drain
from tests.support.embedders import Tiny
from tests.support.index_runs import load_shown_photos, run_indexing
from tests.support.trees import paint, snapshot

LABELS = {"0.png": "owl", "1.png": "a/b", "2.png": "A:B"}


@pytest.fixture
def photos(library: Library, tmp_path: Path) -> list[LabelledPhoto]:
    """Four photos below `photos`, three of which have a label."""
    for number in range(4):
        paint(tmp_path / "photos" / "in" / f"{number}.png", number)
    run_indexing(library, Tiny(), tmp_path / "photos")
    for path, photo in load_shown_photos(library).items():
        if path.name in LABELS:
            library.annotations.set_label([photo.id], LABELS[path.name])
    return drain(collect_labelled(library))


def labels_of(library: Library) -> dict[str, str | None]:
    return {path.name: photo.label for path, photo in load_shown_photos(library).items()}


def test_sidecars_in_a_folder_lie_as_the_photos_do(
    library: Library, photos: list[LabelledPhoto], tmp_path: Path
) -> None:
    assert drain(export_sidecars(photos, library, tmp_path / "out")) == 3
    found = {path.name: read_keywords(path.read_bytes()).label for path in (tmp_path / "out" / "in").iterdir()}
    assert found == {f"{name}.xmp": label for name, label in LABELS.items()}


def test_sidecars_beside_the_photos_come_back_as_labels_and_keep_what_they_hold(
    library: Library, photos: list[LabelledPhoto], tmp_path: Path
) -> None:
    pictures = snapshot(tmp_path / "photos" / "in")
    own = tmp_path / "photos" / "in" / "0.xmp"
    own.write_bytes(write_label(None).replace(b'about=""', b'about="mine"'))
    assert drain(write_sidecars_beside(photos)) == 3
    assert read_keywords(own.read_bytes()).label == "owl" and b'about="mine"' in own.read_bytes()
    assert drain(write_sidecars_beside(photos)) == 0
    after = snapshot(tmp_path / "photos" / "in")
    assert {path: after[path] for path in pictures if path.suffix == ".png"} == {
        path: state for path, state in pictures.items() if path.suffix == ".png"
    }
    library.annotations.set_labels(dict.fromkeys((one.photo.id for one in photos), None))
    assert labels_of(library) == dict.fromkeys(["0.png", "1.png", "2.png", "3.png"])
    found = drain(read_sidecars(library))
    assert apply_labels(library, found.labels) == 3 and not found.remarks
    assert labels_of(library) == LABELS | {"3.png": None}
    assert apply_labels(library, found.labels) == 0


def test_indexing_takes_labels_from_sidecars_where_none_was_given(
    library: Library, photos: list[LabelledPhoto]
) -> None:
    drain(write_sidecars_beside(photos))
    library.annotations.set_labels(dict.fromkeys((one.photo.id for one in photos), None))
    (first,) = (photo for path, photo in load_shown_photos(library).items() if path.name == "0.png")
    library.annotations.set_label([first.id], "mine")
    assert drain(take_sidecar_labels(library)) == 2
    assert labels_of(library) == LABELS | {"0.png": "mine", "3.png": None}
    assert drain(take_sidecar_labels(library)) == 0


def test_of_several_keywords_the_known_label_is_taken(
    library: Library, photos: list[LabelledPhoto], tmp_path: Path
) -> None:
    assert photos
    keywords = b"<rdf:li>holiday</rdf:li><rdf:li>%s</rdf:li>"
    sidecar = write_label(None).replace(
        b"<rdf:Description", b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"', 1
    )
    sidecar = sidecar.replace(b' about=""', b"")
    body = b"<dc:subject><rdf:Bag>" + keywords + b"</rdf:Bag></dc:subject></rdf:Description>"
    open_tag = sidecar[: sidecar.index(b"/>", sidecar.index(b"<rdf:Description"))] + b">"
    rest = sidecar[sidecar.index(b"/>", sidecar.index(b"<rdf:Description")) + 2 :]
    (tmp_path / "photos" / "in" / "3.png.xmp").write_bytes(open_tag + body % b"owl" + rest)
    (tmp_path / "photos" / "in" / "2.png.xmp").write_bytes(open_tag + body % b"sea" + rest)
    (tmp_path / "photos" / "in" / "1.png.xmp").write_bytes(b"no xmp")
    found = drain(read_sidecars(library))
    assert list(found.labels.values()) == ["owl"]
    assert sorted(found.remarks.values()) == [1, 1]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_gives_its_labels(
    library: Library, photos: list[LabelledPhoto], tmp_path: Path, delimiter: str
) -> None:
    assert photos
    table = tmp_path / "labels.csv"
    with table.open("w", newline="", encoding="utf-8-sig") as file:
        rows = csv.writer(file, delimiter=delimiter)
        rows.writerow(["Label", "note", "Path"])
        rows.writerow(["hawk", "relative", "photos/in/0.png"])
        rows.writerow(["gull", "absolute, quoted", tmp_path / "photos" / "in" / "3.png"])
        rows.writerow(["x", "", "photos/in/nowhere.png"])
        rows.writerow([" ", "", "photos/in/1.png"])
    found = read_label_table(table, library)
    assert sum(found.remarks.values()) == 2
    assert apply_labels(library, found.labels) == 2
    assert labels_of(library) == LABELS | {"0.png": "hawk", "3.png": "gull"}


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"path\nx\n"])
def test_a_file_that_is_no_such_table_is_refused(library: Library, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(LookalikeError, match=r"column|cannot be read"):
        read_label_table(tmp_path / "labels.csv", library)


@pytest.mark.parametrize("link", [True, False])
def test_a_folder_of_classes_has_a_sub_folder_for_each_label(
    photos: list[LabelledPhoto], tmp_path: Path, *, link: bool
) -> None:
    drain(export_class_folders(photos, tmp_path / "out", link=link))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["A_B", "a_b (2)", "owl"]
    (owl,) = (tmp_path / "out" / "owl").iterdir()
    assert owl.is_symlink() == link
    assert owl.read_bytes() == (tmp_path / "photos" / "in" / "0.png").read_bytes()


def test_data_sets_name_each_photo_and_its_label(photos: list[LabelledPhoto], tmp_path: Path) -> None:
    drain(export_coco(photos, tmp_path / "coco.json"))
    coco = json.loads((tmp_path / "coco.json").read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    files = {image["id"]: Path(image["file_name"]).name for image in coco["images"]}
    assert {files[one["image_id"]]: names[one["category_id"]] for one in coco["annotations"]} == LABELS
    boxes = {one["image_id"]: one["bbox"] for one in coco["annotations"]}
    assert boxes == {image["id"]: [0, 0, image["width"], image["height"]] for image in coco["images"]}
    drain(export_fiftyone(photos, tmp_path / "samples.json", "mine"))
    samples = json.loads((tmp_path / "samples.json").read_text())["samples"]
    assert {Path(one["filepath"]).name: one["ground_truth"]["label"] for one in samples} == LABELS
