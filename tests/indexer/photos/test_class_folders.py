"""Which folders are classes: at the top, inside given parts or at the second level; and what is said about it."""

import unicodedata
from pathlib import Path

import pytest

from indexer.errors import LookalikeError
from indexer.photos.class_folders import (
    ClassLayout,
    describe_layout,
    name_class,
    read_class_layout,
    require_clear_classes,
)


def _touch(root: Path, names: str) -> Path:
    """Files with these names, divided by spaces; a name that ends with / is a folder."""
    for name in names.split():
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(b"x")
    return root


def _read(root: Path, names: str, level: int = 1) -> ClassLayout:
    return read_class_layout(_touch(root, names), level)


def _classes(layout: ClassLayout) -> list[tuple[str, str]]:
    return [(folder.label, folder.part) for folder in layout.folders]


def test_the_folders_at_the_top_are_the_classes(tmp_path: Path) -> None:
    layout = _read(tmp_path, "dogs/a.jpg cats/old/b.jpg empty/ .hidden/c.jpg notes.txt")
    assert _classes(layout) == [("cats", ""), ("dogs", ""), ("empty", "")]
    assert describe_layout(layout) == []


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [("train", "val", "test"), ("Training", "VALID", "Testing"), ("TRAIN", "Validation", "Test")],
)
def test_given_parts_are_recognised_by_their_names_in_any_case(
    tmp_path: Path, train: str, validation: str, test: str
) -> None:
    names = f"{train}/cats/a.jpg {train}/dogs/b.jpg {validation}/cats/c.jpg {test}/cats/d.jpg readme.txt labels.csv"
    layout = _read(tmp_path, names)
    assert layout.parts == {"train": train, "validation": validation, "test": test}
    classes = [("cats", "test"), ("cats", "train"), ("cats", "validation"), ("dogs", "train")]
    assert sorted(_classes(layout)) == classes


@pytest.mark.parametrize("names", ["test/a.jpg cats/b.jpg dogs/c.jpg", "train/x/a.jpg cats/b.jpg test/x/c.jpg"])
def test_a_class_called_test_beside_other_classes_stays_a_class(tmp_path: Path, names: str) -> None:
    layout = _read(tmp_path, names)
    assert layout.parts == {}
    assert {folder.label for folder in layout.folders} == {name.split("/")[0] for name in names.split()}


@pytest.mark.parametrize("names", ["train/cats/a.jpg train/dogs/b.jpg", "val/cats/a.jpg validation/cats/b.jpg"])
def test_one_part_alone_is_a_class_folder(tmp_path: Path, names: str) -> None:
    assert _read(tmp_path, names).parts == {}


def test_folders_of_systems_beside_given_parts_do_not_hide_them(tmp_path: Path) -> None:
    assert _read(tmp_path, "train/cats/a.jpg test/cats/b.jpg __MACOSX/c.jpg .git/d.jpg").parts != {}


def test_two_folders_of_one_part_are_named_both(tmp_path: Path) -> None:
    layout = _read(tmp_path, "train/cats/a.jpg val/cats/b.jpg Valid/cats/c.jpg")
    assert layout.parts == {"train": "train", "validation": "Valid and val"}


def test_classes_of_the_second_level_are_called_by_both(tmp_path: Path) -> None:
    names = "rosa/canina/a.jpg rosa/gallica/b.jpg malus/domestica/c.jpg rosa/d.jpg e.jpg"
    layout = _read(tmp_path, names, 2)
    assert [folder.label for folder in layout.folders] == ["malus/domestica", "rosa/canina", "rosa/gallica"]
    assert describe_layout(layout) == ["2 pictures stand beside the class folders and cannot be used."]


def test_classes_of_the_second_level_inside_given_parts(tmp_path: Path) -> None:
    layout = _read(tmp_path, "train/rosa/canina/a.jpg test/rosa/canina/b.jpg", 2)
    assert _classes(layout) == [("rosa/canina", "test"), ("rosa/canina", "train")]


def test_two_levels_are_said_with_an_example_and_how_to_choose(tmp_path: Path) -> None:
    names = "rosa/canina/a.jpg rosa/gallica/b.jpg malus/domestica/c.jpg"
    assert describe_layout(_read(tmp_path, names)) == [
        "The pictures stand two levels deep, as in rosa/canina, and the folders of the first level are the classes. "
        "To take those of the second, set the class level to 2 (--class-level 2)."
    ]
    assert describe_layout(_read(tmp_path, names, 2)) == [
        "The folders of the second level are the classes, such as rosa/canina."
    ]


@pytest.mark.parametrize(
    "names",
    [
        "rosa/canina/a.jpg rosa/gallica/b.jpg rosa/c.jpg",  # pictures on the first level too
        "rosa/canina/a.jpg rosa/gallica/b.jpg malus/c.jpg",
        "rosa/images/a.jpg malus/images/b.jpg",  # one folder in each: a box, no class
    ],
)
def test_other_trees_are_not_called_two_levels(tmp_path: Path, names: str) -> None:
    assert describe_layout(_read(tmp_path, names)) == []


def test_loose_pictures_are_counted_also_inside_given_parts(tmp_path: Path) -> None:
    layout = _read(tmp_path, "a.jpg train/b.jpg train/cats/c.jpg test/d.jpg test/e.png test/notes.txt test/cats/f.jpg")
    assert layout.loose_count == 4
    assert describe_layout(layout) == ["4 pictures stand beside the class folders and cannot be used."]


@pytest.mark.parametrize("top", ["", "train/"])
def test_folders_of_systems_are_said_and_are_no_classes(tmp_path: Path, top: str) -> None:
    names = f"{top}cats/a.jpg {top}dogs/b.jpg {top}@eaDir/c.jpg" + " test/cats/d.jpg" * bool(top)
    layout = _read(tmp_path, names)
    assert {folder.label for folder in layout.folders} == {"cats", "dogs"}
    assert describe_layout(layout) == ["@eaDir belongs to the system or a program and is no class."]
    layout = _read(tmp_path, f"{top}#recycle/e.jpg {top}.hidden/f.jpg")
    assert describe_layout(layout) == ["#recycle and @eaDir belong to the system or a program and are no classes."]


def test_both_spellings_of_a_name_are_one_class() -> None:
    composed, decomposed = (unicodedata.normalize(form, "Café").encode() for form in ("NFC", "NFD"))
    assert composed != decomposed
    assert name_class(composed) == name_class(decomposed) == "Café"


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LookalikeError, match="nowhere cannot be read"):
        read_class_layout(tmp_path / "nowhere")


def test_pictures_of_one_class_are_refused_with_its_name_and_the_other_level(tmp_path: Path) -> None:
    layout = _read(tmp_path, "rosa/canina/a.jpg rosa/gallica/b.jpg")
    with pytest.raises(LookalikeError, match=r"one class, rosa, so every answer would be right.*--class-level 2"):
        require_clear_classes(["rosa", "rosa"], 0, layout)
    with pytest.raises(
        LookalikeError, match=r"be right\. 2 pictures stand in more than one class and cannot be used\."
    ):
        require_clear_classes(["rosa", "rosa"], 2, layout)
    require_clear_classes(["rosa", "malus"], 0, layout)


def test_pictures_that_mostly_stand_in_several_classes_are_refused_with_figures(tmp_path: Path) -> None:
    layout = _read(tmp_path, "a/1.jpg b/1.jpg")
    with pytest.raises(LookalikeError, match="3 of the 5 different pictures stand in more than one class"):
        require_clear_classes(["a", "b"], 3, layout)
    require_clear_classes(["a", "b"], 2, layout)
