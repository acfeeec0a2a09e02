"""Given parts are honoured, what lacks is taken out of train, and each is said."""

from pathlib import Path

import pytest

from indexer.errors import LookalikeError
from indexer.progress import drain
from training.data.given_parts import DividedFolder, describe_given_parts, describe_joining, divide_folder
from training.data.labelled_folders import LabelledFolder, PhotoSample, survey_folder
from training.data.split import split_samples
from training.data.summary import summarise_folder


def put(folder: Path, part: str, classes: str = "abc", photos: int = 3, salt: str = "") -> None:
    """`photos` different files for each class of a part, or of the folder itself."""
    for label in classes:
        home = folder / part / label
        home.mkdir(parents=True, exist_ok=True)
        for index in range(photos):
            (home / f"{index}.jpg").write_text(f"{part or salt} {label} {index}")


def survey(folder: Path) -> LabelledFolder:
    return drain(survey_folder(folder))


def divide(folder: Path, purpose: str = "images") -> DividedFolder:
    return divide_folder(survey(folder), purpose)


def homes(part: tuple[PhotoSample, ...], folder: Path) -> set[str]:
    """The top folders that the photos of a part lie in."""
    return {Path(sample.path.decode()).relative_to(folder).parts[0] for sample in part}


def test_all_three_parts_are_taken_as_given(tmp_path: Path) -> None:
    for part, photos in (("Train", 5), ("valid", 2), ("TEST", 3)):
        put(tmp_path, part, photos=photos)
    split, remarks = divide(tmp_path)
    assert [homes(part, tmp_path) for part in split] == [{"Train"}, {"valid"}, {"TEST"}]
    assert [len(part) for part in split] == [15, 6, 9]
    assert remarks == ("The folder gives Train to learn from, valid to choose by and TEST to judge by.",)


def test_without_val_that_is_taken_out_of_train(tmp_path: Path) -> None:
    put(tmp_path, "train", photos=12)
    put(tmp_path, "test", photos=4)
    split, remarks = divide(tmp_path)
    assert [homes(part, tmp_path) for part in split] == [{"train"}, {"train"}, {"test"}]
    assert (len(split.test), len(split.train) + len(split.validation)) == (12, 36)
    assert not set(split.train) & set(split.validation)
    assert remarks == (
        "The folder gives train to learn from and test to judge by.",
        "There are no labelled pictures to choose by, so these are taken out of train.",
    )


def test_without_labelled_test_that_is_taken_out_of_train(tmp_path: Path) -> None:
    put(tmp_path, "train", photos=12)
    put(tmp_path, "val", photos=4)
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "loose.jpg").write_text("of no class")
    split, remarks = divide(tmp_path)
    assert [homes(part, tmp_path) for part in split] == [{"train"}, {"val"}, {"train"}]
    assert split.test == split_samples([*split.train, *split.test], "images").test
    assert "There are no labelled pictures to judge by, so these are taken out of train." in remarks


def test_without_train_all_are_taken_together(tmp_path: Path) -> None:
    put(tmp_path, "val", photos=8)
    put(tmp_path, "test", photos=8)
    split, remarks = divide(tmp_path)
    assert split == split_samples(survey(tmp_path).samples, "images")
    assert remarks == (
        "The folder gives val to choose by and test to judge by, but nothing to learn from: all are taken together.",
    )


def test_for_new_classes_parts_that_share_classes_are_taken_together(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        put(tmp_path, part, classes="abcdefgh")
    split, remarks = divide(tmp_path, "classes")
    assert split == split_samples(survey(tmp_path).samples, "classes")
    assert "share classes, so they show no new ones" in remarks[0]


def test_for_new_classes_parts_of_other_classes_are_honoured(tmp_path: Path) -> None:
    for part, classes in (("train", "abc"), ("val", "de"), ("test", "fgh")):
        put(tmp_path, part, classes=classes)
    split = divide(tmp_path, "classes").split
    assert [{sample.label for sample in part} for part in split] == [set("abc"), set("de"), set("fgh")]


def test_a_picture_of_two_parts_judges_and_teaches_nothing(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        put(tmp_path, part, photos=4)
    (tmp_path / "train" / "a" / "copy.jpg").write_text("test a 0")
    (tmp_path / "train" / "b" / "copy.jpg").write_text("val b 0")
    split, remarks = divide(tmp_path)
    assert [len(part) for part in split] == [12, 12, 12]
    assert [homes(part, tmp_path) for part in split] == [{"train"}, {"val"}, {"test"}]
    assert remarks[-1] == (
        "2 pictures stand in more than one of the given parts and only judge or choose: nothing is learned from them."
    )


def test_a_part_without_a_pair_is_refused_by_its_name(tmp_path: Path) -> None:
    put(tmp_path, "train", photos=8)
    put(tmp_path, "Val", photos=1)
    with pytest.raises(LookalikeError, match="The part Val has too few pictures to choose by"):
        divide(tmp_path)


def test_a_folder_without_given_parts_is_divided_as_ever(tmp_path: Path) -> None:
    put(tmp_path, "", photos=8)
    assert divide(tmp_path) == (split_samples(survey(tmp_path).samples, "images"), ())
    assert describe_joining(survey(tmp_path)) == describe_given_parts(survey(tmp_path)) == ()


def test_a_recipe_that_takes_parts_together_says_so(tmp_path: Path) -> None:
    put(tmp_path, "train")
    put(tmp_path, "test")
    assert describe_joining(survey(tmp_path)) == (
        "The folder gives train and test; all are taken together here, and each picture is judged out of fold.",
    )


@pytest.mark.parametrize("purpose", ["images", "classes"])
def test_a_folder_of_one_class_is_refused_with_its_name(tmp_path: Path, purpose: str) -> None:
    put(tmp_path, "", classes="a", photos=20)
    with pytest.raises(LookalikeError, match="of one class, a, so every answer would be right"):
        divide(tmp_path, purpose)
    assert "of one class, a" in summarise_folder(survey(tmp_path)).refusals[purpose]


def test_a_folder_of_pictures_that_stand_in_every_class_is_refused(tmp_path: Path) -> None:
    for label in "ab":
        put(tmp_path, "", classes=label, photos=2)
        for index in range(5):
            (tmp_path / label / f"both {index}.jpg").write_text(f"both {index}")
    with pytest.raises(LookalikeError, match="5 of the 9 different pictures stand in more than one class"):
        divide(tmp_path)


def test_the_summary_says_which_parts_are_given(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        put(tmp_path, part, photos=8)
    summary = summarise_folder(survey(tmp_path))
    assert summary.counts == {"a": 24, "b": 24, "c": 24}
    assert summary.refusals["images"] == ""
    assert summary.problems == (
        "The folder gives train to learn from, val to choose by and test to judge by; the classes are the folders "
        "inside.",
    )


def test_nothing_is_learned_from_photos_that_share_a_group_with_those_that_judge(tmp_path: Path) -> None:
    for part, photos in (("train", 5), ("val", 2), ("test", 3)):
        put(tmp_path, part, photos=photos)
    found = survey(tmp_path)
    numbers = {sample.sha256: number for number, sample in enumerate(found.samples)}
    in_part = {
        part: [one.sha256 for one in found.samples if found.parts[one.sha256] == part] for part in ("train", "test")
    }
    shared = in_part["train"][:3]
    groups = numbers | dict.fromkeys(shared, numbers[in_part["test"][0]])
    split, remarks = divide_folder(found, "images", groups)
    assert [len(part) for part in split] == [12, 6, 9]
    assert not set(shared) & {sample.sha256 for sample in split.train}
    assert remarks[-1].startswith("Nothing is learned from 3 pictures of train: near copies")
    assert divide_folder(found, "images", numbers) == divide(tmp_path)
