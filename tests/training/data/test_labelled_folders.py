import hashlib
import os
import sys
import unicodedata
from pathlib import Path

import pytest

from indexer.errors import LookalikeError
from indexer.progress import Progress, drain
from training.data.labelled_folders import LabelledFolder, number_labels, survey_folder
from training.data.summary import summarise_folder

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="pipes and names that are no UTF-8")


def put(folder: Path, **files: str) -> None:
    """Files with these contents; a double underscore is a sub-folder, the suffix is .jpg."""
    for name, content in files.items():
        path = folder / (name.replace("__", "/") + ".jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())


def found(folder: Path) -> LabelledFolder:
    return drain(survey_folder(folder))


def names(labelled: LabelledFolder) -> list[tuple[str, str]]:
    return sorted((sample.label, Path(os.fsdecode(sample.path)).name) for sample in labelled.samples)


def test_the_first_sub_folder_is_the_class(tmp_path: Path) -> None:
    put(tmp_path, cats__a="1", cats__tabby__b="2", dogs__c="3")
    assert names(found(tmp_path)) == [("cats", "a.jpg"), ("cats", "b.jpg"), ("dogs", "c.jpg")]


def test_a_sample_is_its_content_and_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, cats__a="1")
    monkeypatch.chdir(tmp_path.parent)
    (sample,) = found(Path(tmp_path.name)).samples
    assert sample[:3] == (os.fsencode(tmp_path / "cats" / "a.jpg"), hashlib.sha256(b"1").digest(), "cats")


def test_only_pictures_that_are_not_hidden_count(tmp_path: Path) -> None:
    put(tmp_path, cats__a="1", dogs__b="2")
    for hidden in ("cats/notes.txt", "cats/._a.jpg", ".trash/x.jpg", "cats/.old/y.jpg"):
        (tmp_path / hidden).parent.mkdir(exist_ok=True)
        (tmp_path / hidden).write_bytes(hidden.encode())
    assert names(found(tmp_path)) == [("cats", "a.jpg"), ("dogs", "b.jpg")]


def test_folders_of_systems_are_neither_classes_nor_parts_of_one(tmp_path: Path) -> None:
    put(tmp_path, cats__a="1", dogs__b="2")
    for made in ("@eaDir/x.jpg", "#recycle/x.jpg", "__MACOSX/x.jpg", "lost+found/x.jpg", "cats/@eaDir/a/x.jpg"):
        (tmp_path / made).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / made).write_bytes(made.encode())
    labelled = found(tmp_path)
    assert names(labelled) == [("cats", "a.jpg"), ("dogs", "b.jpg")]
    assert labelled.empty_classes == ()


def test_a_folder_that_phones_are_told_to_pass_over_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, cats__a="1", cats__sent__b="2", cats__sent__in__c="3")
    (tmp_path / "cats/sent/.nomedia").touch()
    assert names(found(tmp_path)) == [("cats", "a.jpg")]


def test_both_spellings_of_a_name_are_one_class(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Café") for form in ("NFC", "NFD"))
    put(tmp_path, **{f"{composed}__a": "1", f"{decomposed}__b": "2", f"{decomposed}__copy": "1"})
    labelled = found(tmp_path)
    assert labelled.class_counts == {"Café": 2}
    assert (labelled.copy_count, labelled.conflicts) == (1, ())


def test_copies_in_one_class_count_once(tmp_path: Path) -> None:
    put(tmp_path, cats__a="same", cats__b="same", cats__deep__c="same", dogs__d="other")
    labelled = found(tmp_path)
    assert names(labelled) == [("cats", "a.jpg"), ("dogs", "d.jpg")]
    assert labelled.copy_count == 2


def test_one_content_in_two_classes_is_listed_and_left_out(tmp_path: Path) -> None:
    put(tmp_path, cats__a="same", dogs__b="same", cats__c="1", dogs__d="2")
    labelled = found(tmp_path)
    assert names(labelled) == [("cats", "c.jpg"), ("dogs", "d.jpg")]
    (conflict,) = labelled.conflicts
    assert conflict.labels == ("cats", "dogs")
    assert [Path(os.fsdecode(path)).name for path in conflict.paths] == ["a.jpg", "b.jpg"]


@LINUX
def test_files_that_cannot_be_read_are_listed_and_not_fatal(tmp_path: Path) -> None:
    put(tmp_path, cats__a="1", cats__empty="", dogs__b="2")
    os.mkfifo(tmp_path / "dogs" / "pipe.jpg")
    (tmp_path / "dogs" / "lost.jpg").symlink_to(tmp_path / "nowhere")
    labelled = found(tmp_path)
    assert names(labelled) == [("cats", "a.jpg"), ("dogs", "b.jpg")]
    failed = {Path(os.fsdecode(file.path)).name: file.reason for file in labelled.unreadable}
    assert set(failed) == {"empty.jpg", "pipe.jpg", "lost.jpg"}
    assert all(failed.values())


@LINUX
def test_names_that_are_no_utf8_are_read(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)  # noqa: PTH102 - bytes
    path = folder + b"/\xff.jpg"
    with open(path, "wb") as file:  # noqa: PTH123 - bytes
        file.write(b"1")
    (sample,) = found(tmp_path).samples
    assert sample.path == path
    assert sample.label.isprintable()
    sample.label.encode()


def test_a_folder_that_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(LookalikeError, match="nowhere cannot be read"):
        found(tmp_path / "nowhere")


def test_progress_counts_the_files(tmp_path: Path) -> None:
    put(tmp_path, cats__a="1", dogs__b="2")
    assert list(survey_folder(tmp_path)) == [
        Progress("scan", 0, 2, "a.jpg"),
        Progress("scan", 1, 2, "b.jpg"),
        Progress("scan", 2, 2),
    ]


def test_classes_are_numbered_in_order_of_name(tmp_path: Path) -> None:
    put(tmp_path, b__1="1", a__2="2", b__3="3")
    numbered = number_labels(found(tmp_path).samples)
    assert numbered.names == ("a", "b")
    assert numbered.labels.tolist() == [0, 1, 1]
    assert number_labels([]).labels.tolist() == []


def test_the_summary_says_what_is_wrong_in_sentences(tmp_path: Path) -> None:
    put(tmp_path, a__1="1", a__2="1", a__3="both", b__4="both", b__5="5", stray="6", b__bad="")
    (tmp_path / "empty").mkdir()
    summary = summarise_folder(found(tmp_path))
    assert (summary.classes, summary.photos, summary.counts) == (2, 2, {"a": 1, "b": 1})
    assert summary.problems == (
        "1 picture stands in more than one class and cannot be used: a and b.",
        f"1 file could not be read: {tmp_path}/b/bad.jpg (is empty).",
        "1 folder holds no usable picture: empty.",
        "2 classes have fewer than 6 different pictures: a; b.",
        "1 picture stands beside the class folders and cannot be used.",
        "1 copy of a picture in the same class left out.",
    )


def test_the_summary_of_a_sound_folder_has_no_problems(tmp_path: Path) -> None:
    for label in "abcdef":
        put(tmp_path, **{f"{label}__{index}": f"{label}{index}" for index in range(6)})
    summary = summarise_folder(found(tmp_path))
    assert summary.problems == ()
    assert summary.refusals == {"images": "", "classes": ""}


def test_two_classes_of_three_pictures_are_refused_for_both_purposes_with_reasons(tmp_path: Path) -> None:
    put(tmp_path, a__1="1", a__2="2", a__3="3", b__4="4", b__5="5", b__6="6")
    refusals = summarise_folder(found(tmp_path)).refusals
    assert "two classes of at least six different pictures" in refusals["images"]
    assert "at least 5 classes" in refusals["classes"]


def test_long_lists_are_cut_short(tmp_path: Path) -> None:
    put(tmp_path, **{f"class{index}__x": str(index) for index in range(7)})
    (sentence,) = summarise_folder(found(tmp_path)).problems
    assert sentence.endswith("class0; class1; class2; and 4 more.")
