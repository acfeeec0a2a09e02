"""A library is measured on its own labels, from what it has stored: no figure of what its model has learned from."""

import math
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from indexer.errors import LookalikeError
from indexer.grouping.photo_groups import count_groups
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.photos.reading import content_hash
from indexer.progress import drain
from indexer.reports.library_evaluation import LibraryEvaluation, evaluate_library
from tests.support.burst_pictures import write_burst_folder
from tests.support.commands import Tell
from tests.support.embedders import Tiny, tiny_card, write_card
from tests.support.instant_library import CLASSES, CODES, SETTING, make_vectors, use_instant_model
from tests.support.labelled_points import draw_classes
from tests.support.vectors import fill, give_labels

SIZE = 9


@pytest.fixture
def library_folder(tmp_path: Path) -> Path:
    """A library of six labels of nine photos, under a model that has seen none of them."""
    vectors, codes = draw_classes(6, SIZE)
    folder = tmp_path / "default.library"
    fill(folder, vectors.astype(np.float16), publish=False)
    write_card(folder / "models")
    _write_seen(folder, [])
    with Library.open(folder) as library:
        library.store.models.activate_model(tiny_card().fingerprint)
        give_labels(library, codes)
    return folder


def _write_seen(folder: Path, photos: list[int]) -> None:
    """Let the model have learned from the photos with these ids."""
    hashes = b"".join(content_hash(str(photo - 1).encode()) for photo in photos)
    seen = np.frombuffer(hashes, np.uint8).reshape(-1, 32).copy()
    save_file({"seen": seen}, folder / "models" / tiny_card().fingerprint / "model.safetensors")


def _evaluate(folder: Path, limit: int = 5000) -> LibraryEvaluation:
    with Library.open(folder) as library:
        return drain(evaluate_library(library, limit))


def test_the_figures_are_those_of_a_loop_over_stored_embeddings(library_folder: Path) -> None:
    found = _evaluate(library_folder)
    with Library.open(library_folder) as library:
        stored = library.calibration_source.read_embeddings(found.ids, library.model_id).tolist()
    nearest = [
        min((math.dist(vector, other), row) for row, other in enumerate(stored) if row != query)[1]
        for query, vector in enumerate(stored)
    ]
    right = [found.codes[query] == found.codes[row] for query, row in enumerate(nearest)]
    assert found.retrieval.p_at_1 == pytest.approx(np.mean(right))
    assert found.nearest.rows[np.argsort(found.retrieval.rows)].tolist() == nearest
    assert (found.photos, found.labelled, found.seen, found.classes) == (54, 54, 0, 6)
    assert found.intervals.p_at_1.low < found.retrieval.p_at_1 < found.intervals.p_at_1.high
    assert [row.photos for row in found.per_class] == [SIZE] * 6


def test_what_the_model_has_learned_from_is_left_out(library_folder: Path) -> None:
    _write_seen(library_folder, list(range(1, 2 * SIZE + 1)))  # all photos of two labels
    found = _evaluate(library_folder)
    assert (found.photos, found.labelled, found.seen) == (4 * SIZE, 6 * SIZE, 2 * SIZE)
    assert found.names == [f"class {code}" for code in range(2, 6)]
    assert not found.out_of_fold


def test_where_it_has_learned_from_all_there_is_a_sentence(library_folder: Path) -> None:
    _write_seen(library_folder, list(range(1, 6 * SIZE + 1)))
    with pytest.raises(LookalikeError, match="learned from 54 of the 54 labelled photos"):
        _evaluate(library_folder)


def test_of_many_photos_some_are_drawn_evenly_over_the_labels(library_folder: Path) -> None:
    found = _evaluate(library_folder, limit=24)
    assert (found.photos, found.labelled) == (24, 54)
    assert np.bincount(found.codes).tolist() == [4] * 6


def test_labels_of_one_kind_measure_nothing(library_folder: Path) -> None:
    with Library.open(library_folder) as library:
        library.annotations.set_label(range(1, 55), None)
        library.annotations.set_label([1, 2, 3], "only one")
    with pytest.raises(LookalikeError, match="two kinds"):
        _evaluate(library_folder)


@pytest.mark.parametrize("by_lot", [False, True], ids=["real labels", "labels by lot"])
def test_an_instant_model_is_measured_under_maps_fitted_without_the_photo(tmp_path: Path, by_lot: bool) -> None:
    fit = {**SETTING._asdict(), "purpose": "images"}
    with use_instant_model(tmp_path / "x.library", make_vectors(labels_by_lot=by_lot), **fit) as library:
        found = drain(evaluate_library(library))
    assert found.out_of_fold
    assert (found.photos, found.seen) == (len(CODES), len(CODES))
    if by_lot:  # the map itself would give nearly each photo its own label
        assert found.retrieval.p_at_1 < 3 / CLASSES
    else:
        assert found.retrieval.p_at_1 > 0.9


def test_frames_of_a_burst_do_not_prove_anything(tmp_path: Path) -> None:
    photos, folder = tmp_path / "photos", tmp_path / "x.library"
    photos.mkdir()
    write_burst_folder(photos, classes=3, bursts=4)
    write_card(folder / "models")
    _write_seen(folder, [])
    with Library(folder) as library:
        drain(index_library(library, [photos], Tiny(), labelled=True))
        library.store.models.activate_model(tiny_card().fingerprint)
        for photo in library.load_photos(library.find_photo_ids().tolist()):
            library.thumbnails.renew(photo.sha256, photo.path)  # the tiny model has them made of a tiny decode
        found = drain(evaluate_library(library))
    groups = found.groups.numbers
    assert count_groups(found.groups) == 12
    assert (groups[found.nearest.rows] != groups[found.retrieval.rows]).all()


def test_the_command_tells_all_of_it_as_json_and_in_words(library_folder: Path, tell: Tell) -> None:
    home = library_folder.parent
    found = _evaluate(library_folder)
    said = tell(home, "evaluate", "--library", library_folder, "--json")
    result = said.result()
    assert (said.code, result["result"]) == (0, "evaluate")
    assert result["p_at_1"] == found.retrieval.p_at_1
    assert result["nearest"]["found"] == found.ids[found.nearest.rows].tolist()
    wrong = sum(a != b for a, b in zip(result["nearest"]["label"], result["nearest"]["found_label"], strict=True))
    assert 1 - wrong / result["queries"] == pytest.approx(result["p_at_1"])
    assert {len(column) for column in result["rates"].values()} == {len(found.rates.distances)}
    words = tell(home, "evaluate", "--library", "--per-class")
    assert f"P@1 {found.retrieval.p_at_1:.3f}" in words.out
    assert "class 5" in words.out


def test_a_folder_and_a_library_are_not_measured_at_once(library_folder: Path, tell: Tell) -> None:
    home = library_folder.parent
    for words in (("evaluate",), ("evaluate", "x", "--library"), ("evaluate", "--library", "--model", "pixels")):
        said = tell(home, *words)
        assert said.code == 2
        assert said.err.strip()
