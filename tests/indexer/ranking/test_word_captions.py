"""Words for what is seen in photos: distinctive ones, by the library's own photos, and none where none is known."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.clustering.photo_clusters import PhotoClusters
from indexer.library import Library
from indexer.photos.samples import find_photograph_folder
from indexer.ranking.known_words import load_word_tree
from indexer.ranking.word_captions import MOST_GENERAL, caption_clusters, suggest_words
from tests.support.index_runs import index_some
from tests.support.vectors import clustered, fill

EXPECTED = {"birds": "bird", "castles": "castle", "cats": "feline", "fish": "fish"}  # with the classes of the word
EACH = 5


@pytest.fixture(scope="module")
def home(installed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captions")
    return index_some(folder, find_photograph_folder(), EXPECTED, EACH, installed_model)


@pytest.fixture
def library(home: Path) -> Iterator[Library]:
    with Library.open(home / "default.library") as opened:
        yield opened


def group_by_label(library: Library) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {label: [] for label in EXPECTED}
    for photo, label in library.annotations.read_labels(library.model_id).items():
        groups[label].append(photo)
    return groups


def test_words_tell_what_is_seen_and_no_more_than_that(library: Library) -> None:
    tree = load_word_tree()
    for label, photos in group_by_label(library).items():
        words = suggest_words(library, photos)
        meant = set(tree.classes_by_word[EXPECTED[label]])
        assert meant & tree.classes_by_word[words[0]], (label, words)
        assert all(len(tree.classes_by_word[word]) <= 2 * MOST_GENERAL for word in words)
    assert suggest_words(library, []) == []


def test_a_group_without_a_label_of_most_is_called_after_what_is_seen(library: Library) -> None:
    groups = group_by_label(library)
    codes = {photo: code for code, photos in enumerate(groups.values()) for photo in photos}
    ids = np.array(sorted(codes), np.int64)
    middles = np.array([photos[0] for photos in groups.values()], np.int64)
    clusters = PhotoClusters(ids, np.array([codes[photo] for photo in ids.tolist()]), middles, "kmeans", 4)
    captions = caption_clusters(library, clusters, ["", "castles", "", ""])
    assert captions[1] == ""
    assert [captions[place] for place in (0, 2, 3)] == [
        suggest_words(library, groups[label])[0] for label in ("birds", "cats", "fish")
    ]


def test_a_library_that_knows_no_words_has_no_captions(tmp_path: Path) -> None:
    fill(tmp_path / "x.library", clustered(6))
    with Library.open(tmp_path / "x.library") as opened:
        ids = opened.find_photo_ids()
        assert suggest_words(opened, ids.tolist()) == []
        clusters = PhotoClusters(np.sort(ids), np.zeros(len(ids), np.int64), ids[:1], "kmeans", 1)
        assert caption_clusters(opened, clusters, [""]) == [""]
