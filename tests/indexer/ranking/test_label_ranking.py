"""Ranking by labels: the plain formula over all photos, a planted nuisance that labels remove, what is fitted when."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.ranking.label_ranking import describe_labels, search_by_labels
from indexer.search.label_metric import LabelCounts
from indexer.search.query import Query
from tests.support.commands import Tell
from tests.support.vectors import clustered, fill

CLASSES, EACH, LABELLED = 8, 30, 8  # classes, photos of each, and how many of these have a label
DIM, SIGNAL_DIMS, NUISANCE_DIMS = 96, 12, 6


def plant_nuisance(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (n, dim) float16 and class codes (n,): classes differ a little, and all vary a lot in a few others.

    So the nearest photo has the same nuisance, as lighting or background have it, and seldom the same class.
    """
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(CLASSES), EACH)
    vectors = 0.3 * random.standard_normal((len(codes), DIM)) / np.sqrt(DIM)
    vectors[:, :SIGNAL_DIMS] += 0.35 * random.standard_normal((CLASSES, SIGNAL_DIMS))[codes] / np.sqrt(SIGNAL_DIMS)
    vectors[:, -NUISANCE_DIMS:] += random.standard_normal((len(codes), NUISANCE_DIMS)) / np.sqrt(NUISANCE_DIMS)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16), codes


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A library of the planted classes; of each class the first photos have its label. Photo ids are row + 1."""
    vectors, codes = plant_nuisance()
    fill(tmp_path / "x.library", vectors)
    with Library.open(tmp_path / "x.library") as library:
        for code in range(CLASSES):
            library.annotations.set_label((np.flatnonzero(codes == code)[:LABELLED] + 1).tolist(), f"class {code}")
    return tmp_path / "x.library"


def map_plainly(library: Library, vectors: np.ndarray) -> np.ndarray:
    """Unit vectors (n, dim) float64 under the labels' metric: one matrix product, as it is written in a book."""
    mean, matrix = (np.asarray(part, np.float64) for part in library.load_label_metric().metric)
    mapped = (vectors.astype(np.float64) - mean) @ matrix
    unit: np.ndarray = mapped / np.linalg.norm(mapped, axis=1, keepdims=True)
    return unit


def test_labels_remove_a_nuisance_that_the_model_ranks_by(planted: Path) -> None:
    codes = plant_nuisance()[1]
    unlabelled = [row for row in range(len(codes)) if row % EACH >= LABELLED]
    right = {"plain": 0, "labels": 0}
    with Library.open(planted) as library:
        for row in unlabelled:
            plain = library.search(Query((row + 1,)), k=2).hits[1]
            taught = search_by_labels(library, Query((row + 1,)), k=2).hits[1]
            right["plain"] += int(codes[plain.photo.id - 1] == codes[row])
            right["labels"] += int(codes[taught.photo.id - 1] == codes[row])
    shares = {name: count / len(unlabelled) for name, count in right.items()}
    assert shares["plain"] < 0.5
    assert shares["labels"] > shares["plain"] + 0.3


@pytest.mark.parametrize("tail", [0, 40])
def test_ranks_and_distances_are_those_of_the_plain_formula(planted: Path, tail: int) -> None:
    if tail:
        fill(planted, clustered(tail, dim=DIM, seed=5), publish=False, first=1000)
    vectors = np.concatenate([plant_nuisance()[0], clustered(tail, dim=DIM, seed=5)])
    with Library.open(planted) as library:
        mapped = map_plainly(library, vectors)
        for row in (0, 77, 239):
            result = search_by_labels(library, Query((row + 1,)), k=60)
            distances = np.linalg.norm(mapped - mapped[row], axis=1)
            expected = np.lexsort((np.arange(len(vectors)), np.round(distances, 12)))[:60]
            assert [hit.photo.id - 1 for hit in result.hits] == expected.tolist()
            assert np.allclose([hit.distance for hit in result.hits], distances[expected], atol=1e-9)
            assert (result.engine, result.recall_at_10, result.notice) == ("exact", 1.0, "")
            assert {(hit.probability, hit.rarity) for hit in result.hits} == {(None, None)}
            assert result.taught_by == LabelCounts(CLASSES * LABELLED, CLASSES * LABELLED, CLASSES)


def test_examples_are_mapped_before_they_are_combined(planted: Path) -> None:
    with Library.open(planted) as library:
        mapped = map_plainly(library, plant_nuisance()[0])
        combined = 0.75 * (mapped[0] + 3 * mapped[40]) / 4 - 0.25 * mapped[100]
        distances = np.linalg.norm(mapped - combined / np.linalg.norm(combined), axis=1)
        hits = search_by_labels(library, Query((1, 41), (101,), (1.0, 3.0)), k=20).hits
    assert [hit.photo.id - 1 for hit in hits] == np.argsort(distances)[:20].tolist()


def test_filter_and_greatest_distance_hold(planted: Path) -> None:
    with Library.open(planted) as library:
        every = search_by_labels(library, Query((1,)), k=1000).hits
        within = search_by_labels(library, Query((1,)), k=1000, within=Filter(label="class 3")).hits
        near = search_by_labels(library, Query((1,)), k=1000, max_distance=every[20].distance).hits
    assert [hit.photo.id for hit in within] == [hit.photo.id for hit in every if hit.photo.label == "class 3"]
    assert len(within) == LABELLED
    assert near == every[:21]


def test_where_photos_are_many_the_nearest_without_labels_are_compared_and_that_is_said(
    planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library.open(planted) as library:
        every = search_by_labels(library, Query((1,)), k=5).hits
        monkeypatch.setattr("indexer.search.searcher.METRIC_POOL", 100)
        nearest = {hit.photo.id for hit in library.search(Query((1,)), k=CLASSES * EACH, exact=True).hits[:100]}
        among = search_by_labels(library, Query((1,)), k=5)
        assert search_by_labels(library, Query((1,)), k=5, exact=True).hits == every
    assert among.engine == "exact"  # so few need no index
    assert "were ranked by the labels, the others not" in among.notice
    assert {hit.photo.id for hit in among.hits} <= nearest
    shared = [hit.photo.id for hit in every if hit.photo.id in nearest]
    assert [hit.photo.id for hit in among.hits if hit.photo.id in shared] == shared


def test_the_metric_is_fitted_again_only_where_a_label_has_changed(planted: Path) -> None:
    with Library.open(planted) as library, Library.open(planted) as other:
        first = library.load_label_metric()
        assert library.load_label_metric() is first
        other.annotations.record_decision([(1, 2)])  # a commit that is about no label
        assert library.load_label_metric() is first
        other.annotations.set_label([1], "class 0")  # which it has already
        assert library.load_label_metric() is first
        other.annotations.set_label([30], "class 0")
        second = library.load_label_metric()
        assert second.counts.photos == first.counts.photos + 1
        library.annotations.set_label([30], "a new one")
        assert library.load_label_metric().counts == LabelCounts(65, 65, CLASSES + 1)
        fill(planted, clustered(5, dim=DIM, seed=3), publish=False, first=2000)
        assert library.load_label_metric().counts == LabelCounts(65, 65, CLASSES + 1)


@pytest.mark.parametrize("labels", [{}, {1: "a"}, {1: "a", 2: "a"}, {1: "a", 2: "b"}])
def test_too_few_labels_are_refused_in_a_sentence_until_there_are_enough(tmp_path: Path, labels: Any) -> None:
    fill(tmp_path / "x.library", clustered(40))
    with Library.open(tmp_path / "x.library") as library:
        for photo, label in labels.items():
            library.annotations.set_label([photo], label)
        for _ in range(2):
            with pytest.raises(LookalikeError, match="two labels at least, one of them on two photos or more: label a"):
                search_by_labels(library, Query((1,)))
        library.annotations.set_label([1, 2], "a")
        library.annotations.set_label([3], "b")
        assert len(search_by_labels(library, Query((1,))).hits) == 40


def test_of_many_labels_a_part_teaches_and_that_is_said(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.search.label_metric.MOST_FITTED_PHOTOS", 32)
    with Library.open(planted) as library:
        counts = library.load_label_metric().counts
    assert counts == LabelCounts(64, 32, CLASSES)
    assert describe_labels(counts) == "32 of your 64 labels in 8 classes"
    assert describe_labels(LabelCounts(23, 23, 4)) == "your 23 labels in 4 classes"
    assert describe_labels(LabelCounts(1, 1, 1)) == "your 1 label in 1 class"


def test_the_command_says_by_what_it_ranks(home: Path, prepared: Any, tell: Tell) -> None:
    photo = prepared.photos / "a/0003.png"
    told = tell(home, "search", photo, "--by-labels", "--json").result()
    with Library.open(home / "default.library") as library:
        expected = search_by_labels(library, Query((photo,)), k=10)
    assert [(hit["path"].encode(), hit["distance"]) for hit in told["hits"]] == [
        (hit.photo.path, round(hit.distance, 6)) for hit in expected.hits
    ]
    assert told["hits"][0] | {"path": str(photo), "distance": 0.0} == told["hits"][0]
    assert (told["ranked_by"], told["taught_by"]) == ("labels", {"photos": 60, "fitted": 60, "classes": 3})
    plain = tell(home, "search", photo, "--json").result()
    assert (plain["ranked_by"], plain["taught_by"]) == ("nearest", None)
    assert [hit["path"] for hit in plain["hits"]] != [hit["path"] for hit in told["hits"]]
    said = tell(home, "search", photo, "--by-labels").out
    assert "Ranked by your 60 labels in 3 classes; nothing is installed." in said


@pytest.mark.parametrize("other", [["--refine"], ["--near-copies"], ["--max-fmr", "0.01"], ["--saved", "x"]])
def test_the_command_refuses_what_does_not_go_together(home: Path, prepared: Any, tell: Tell, other: list[str]) -> None:
    pictures = [] if other[0] == "--saved" else [prepared.photos / "a/0003.png"]
    refused = tell(home, "search", *pictures, "--by-labels", *other)
    assert refused.code == 2
    assert not refused.out
