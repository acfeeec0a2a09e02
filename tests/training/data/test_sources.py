"""What a training learns from besides labelled folders: a library's labels, and photos nobody has labelled."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.photos.reading import content_hash, read_photo
from indexer.progress import drain
from tests.support.commands import Tell
from tests.support.embedders import Tiny
from tests.support.labelled_shapes import write_classes
from tests.support.quick_training import QUICK, run_to_end
from training import train
from training.data.labelled_folders import has_labels, number_tracks, survey_folder
from training.data.sources import (
    LibraryLabels,
    describe_source,
    divide_library,
    read_library_samples,
    survey_source,
)
from training.data.split import split_samples
from training.data.summary import summarise_library
from training.judging.model_card import MODEL_CARD_FILE


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Four classes of eight photos in a folder that says nothing of classes."""
    folder = write_classes(tmp_path / "shapes", 4, 8)
    with Library.create(tmp_path / "home" / "default.library") as made:
        drain(index_library(made, [folder], Tiny()))
        yield made


def label_by_folder(library: Library) -> dict[bytes, str]:
    """Label each photo as its folder is called, but one as somebody would who knows better."""
    wanted = {
        photo.id: photo.path.split(b"/")[-2].decode()
        for photo in library.load_photos(library.find_photo_ids().tolist())
    }
    wanted[min(wanted)] = "class-03"
    for photo, label in wanted.items():
        library.annotations.set_label([photo], label)
    return {photo.sha256: wanted[photo.id] for photo in library.load_photos(sorted(wanted))}


def test_the_users_labels_are_what_is_learned_from(library: Library) -> None:
    labels = label_by_folder(library)
    parts = divide_library(read_library_samples(LibraryLabels(library.folder)), "images", "auto", {})
    samples = [sample for part in parts for sample in part]
    assert {sample.sha256: sample.label for sample in samples} == labels
    assert all(content_hash(read_photo(sample.path)) == sample.sha256 for sample in samples)
    assert parts == split_samples(samples, "images")


def test_a_librarys_labels_are_surveyed_as_a_folder_with_these_classes(library: Library, tmp_path: Path) -> None:
    labels = label_by_folder(library)
    found = drain(survey_source(LibraryLabels(library.folder)))
    assert {sample.sha256: sample.label for sample in found.samples} == labels
    moved = min(labels, key=lambda sha256: labels[sha256] == "class-00")
    folder = drain(survey_source(tmp_path / "shapes"))
    assert folder == drain(survey_folder(tmp_path / "shapes"))
    apart = [pair for pair in zip(found.samples, folder.samples, strict=True) if pair[0] != pair[1]]
    assert moved in labels
    assert len({sample.sha256 for pair in apart for sample in pair if sample.label != labels[sample.sha256]}) == 1


def age(library: Library, some: int) -> set[bytes]:
    """Let so many photos of each class be of 2001; the content hashes of all others."""
    (root,) = library.store.files.list_roots()
    for folder in Path(os.fsdecode(root.path)).iterdir():
        for file in sorted(folder.iterdir())[:some]:
            os.utime(file, (1e9, 1e9))
    drain(index_library(library, [], Tiny()))
    shown = library.load_photos(library.find_photo_ids().tolist())
    return {photo.sha256 for photo in shown if Path(os.fsdecode(photo.path)).stat().st_mtime > 1e9}


RECENT = Filter(after=datetime(2020, 1, 1))


def test_of_a_filtered_library_the_photos_that_pass_are_learned_from(library: Library) -> None:
    labels = label_by_folder(library)
    recent = age(library, 2)
    parts = divide_library(read_library_samples(LibraryLabels(library.folder, RECENT)), "images", "auto", {})
    assert {sample.sha256: sample.label for part in parts for sample in part} == {one: labels[one] for one in recent}
    assert len(recent) == 24
    with pytest.raises(LookalikeError, match=r"at least two classes.*found 1"):
        divide_library(
            read_library_samples(LibraryLabels(library.folder, Filter(label="class-01"))), "images", "auto", {}
        )


def test_what_a_library_holds_is_said_with_what_is_wrong(library: Library) -> None:
    label_by_folder(library)
    ids = library.find_photo_ids().tolist()
    library.annotations.set_label(ids[:3], None)
    library.annotations.set_label(ids[3:5], "rare")
    summary = summarise_library(read_library_samples(LibraryLabels(library.folder)))
    assert summary.counts == {"class-00": 3, "class-01": 8, "class-02": 8, "class-03": 8, "rare": 2}
    assert (summary.classes, summary.photos) == (5, 29)
    assert summary.problems == (
        "2 classes have fewer than 6 different pictures: class-00; rare.",
        "3 photos have no label; only the recipe unlabelled learns from such.",
    )
    assert summary.refusals == {"images": "", "classes": ""}
    library.annotations.set_label(ids[3:], None)
    assert "found 0" in summarise_library(read_library_samples(LibraryLabels(library.folder))).refusals["images"]


def test_what_is_learned_from_is_said_in_words(tmp_path: Path) -> None:
    assert describe_source(Path("/photos")) == "in /photos"
    assert describe_source(LibraryLabels(tmp_path / "default.library")) == "labelled in the library default"
    some = LibraryLabels(tmp_path / "default.library", Filter(under=Path("/photos/cats"), orientation="square"))
    assert describe_source(some) == "labelled in the library default (only photos: in cats, square)"


def test_photos_without_a_label_are_learned_from_only_where_none_is_needed(library: Library) -> None:
    ids = library.find_photo_ids().tolist()
    labels = label_by_folder(library)
    library.annotations.set_label(ids[::8], None)
    for recipe, learned in (("quick", 28), ("auto", 28), ("unlabelled", 32)):
        parts = divide_library(read_library_samples(LibraryLabels(library.folder)), "images", recipe, {})
        assert sum(map(len, parts)) == learned
        assert all(labels[sample.sha256] == sample.label for sample in parts.validation + parts.test)


def test_a_library_without_labels_learns_from_views_or_says_what_it_lacks(library: Library) -> None:
    parts = divide_library(read_library_samples(LibraryLabels(library.folder)), "images", "auto", {})
    assert sum(map(len, parts)) == 32
    assert not has_labels([sample for part in parts for sample in part])
    with pytest.raises(LookalikeError, match="at least two classes"):
        divide_library(read_library_samples(LibraryLabels(library.folder)), "images", "full", {})


def test_tracks_are_classes_that_nobody_gave_and_none_is_parted(library: Library) -> None:
    found = read_library_samples(LibraryLabels(library.folder))
    groups = {sample.sha256: number // 4 for number, sample in enumerate(found.unlabelled[:16])}
    parts = divide_library(found, "images", "unlabelled", groups)
    everything = [sample for part in parts for sample in part]
    assert not has_labels(everything)
    assert len({sample.label for sample in everything}) == 4 + 16
    assert len(set(number_tracks(everything).tolist())) == 4 + 16
    for number in range(4):
        members = {sample.sha256 for sample in found.unlabelled[:16] if groups[sample.sha256] == number}
        assert sum(any(sample.sha256 in members for sample in part) for part in parts) == 1
        assert len({sample.label for sample in everything if sample.sha256 in members}) == 1


def test_a_frame_beside_a_judging_photo_is_not_learned_from(library: Library) -> None:
    label_by_folder(library)
    ids = library.find_photo_ids().tolist()
    library.annotations.set_label(ids[::8], None)
    found = read_library_samples(LibraryLabels(library.folder))
    plain = divide_library(found, "images", "unlabelled", {})
    judging, frame = plain.test[0], found.unlabelled[0]
    assert frame.sha256 in {sample.sha256 for sample in plain.train}
    parts = divide_library(found, "images", "unlabelled", {judging.sha256: 0, frame.sha256: 0})
    assert {sample.sha256 for sample in parts.train} == {sample.sha256 for sample in plain.train} - {frame.sha256}


def test_files_that_are_gone_are_no_samples(library: Library) -> None:
    label_by_folder(library)
    gone = library.load_photos(library.find_photo_ids().tolist())[0]
    Path(gone.path.decode()).unlink()
    drain(index_library(library, [], Tiny()))
    parts = divide_library(read_library_samples(LibraryLabels(library.folder)), "images", "auto", {})
    assert sum(map(len, parts)) == 31
    assert gone.sha256 not in {sample.sha256 for part in parts for sample in part}


def test_the_command_trains_on_a_library_and_refuses_what_is_none(library: Library, tmp_path: Path, tell: Tell) -> None:
    label_by_folder(library)
    age(library, 2)
    home = tmp_path / "home"
    options = ("--image-size", "32", "--epochs", "1", "--least-steps", "0", "--recipe", "quick", "--json")
    said = tell(home, "train", "--library", library.folder, "--after", "2020-01-01", *options)
    assert said.code in (0, 1), said.err
    assert sum(said.result()["parts"].values()) == 24
    story = json.loads((Path(said.result()["checkpoint"]) / "training.json").read_text())
    assert "labelled in the library default (only photos: taken since 2020-01-01)" in story["source"]
    assert said.result()["recipe"] == "Recipe quick, as you asked."
    for words, sentence in (
        (("train",), "Name a FOLDER"),
        (("train", tmp_path / "shapes", "--library"), "Name a FOLDER"),
        (("train", "--library", tmp_path / "nothing"), "no library at"),
        (("train", tmp_path / "shapes", "--label", "cat"), "A FOLDER is learned from whole"),
    ):
        refused = tell(home, *words)
        assert refused.code == 2
        assert sentence in refused.err


@pytest.mark.long
def test_without_classes_views_are_looked_for_and_the_verdict_says_so(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "shapes", 1, 40) / "class-00"
    result = run_to_end(replace(QUICK, epochs=1, recipe="auto"), folder, tmp_path / "out").result
    assert result.recipe.startswith("Recipe unlabelled: the pictures have no classes")
    assert result.config.loss == "nt-xent"
    assert result.thresholds is None
    count = len(result.parts.test)
    judged = result.verdict
    assert judged.queries == 2 * count
    assert judged.before.vectors.shape[0] == 2 * count
    if result.fit.best.epoch:
        assert f"{2 * count} views of {count} test pictures without classes" in judged.why
    by_hand = [
        np.linalg.norm(np.delete(judged.before.vectors, row, 0) - judged.before.vectors[row], axis=1).argmin()
        for row in range(2 * count)
    ]
    right = [near + (near >= row) == (row + count) % (2 * count) for row, near in enumerate(by_hand)]
    assert judged.before.figures.p_at_1 == pytest.approx(np.mean(right))


def test_where_there_are_labels_they_judge_what_was_learned_without(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "shapes", 4, 8)
    result = run_to_end(replace(QUICK, epochs=1, recipe="unlabelled"), folder, tmp_path / "out").result
    assert result.verdict.queries == len(result.parts.test)
    assert result.verdict.classes == 4
    assert result.source.endswith("nt-xent loss over views of each, without classes")
    card = (tmp_path / "out" / MODEL_CARD_FILE).read_text()
    assert "It learned from views of each picture, and no classes." in card
    assert "of the classes that it learned from" not in card


def test_a_few_photos_without_classes_are_refused(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "shapes", 1, 3) / "class-00"
    with pytest.raises(LookalikeError, match="a few dozen are needed"):
        drain(train(replace(QUICK, recipe="auto"), folder, tmp_path / "out"))
