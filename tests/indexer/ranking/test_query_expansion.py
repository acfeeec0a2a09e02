"""Query expansion (search --refine): its sum by hand, its gain on labelled vectors, distances that it leaves alone."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.database.sqlite.connection import SqliteDatabase
from indexer.library import Library
from indexer.ranking.query_expansion import (
    EXPANSION_POWER,
    _expand_queries,
    get_principal_space,
    rank_by_expansion,
    search_with_expansion,
)
from indexer.search.query import Query
from indexer.statistics.metrics import measure_retrieval
from indexer.vectors.principal_space import PrincipalSpace, PrincipalSpaceCache, fit_principal_space
from indexer.vectors.projection import MAX_FIT_ROWS
from tests.support.commands import Tell
from tests.support.vectors import clustered, fill


def make_plane_vectors(*degrees: float) -> np.ndarray:
    """Unit vectors in a plane."""
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_neighbours_draw_a_photo_over_a_lonely_one_that_is_a_little_nearer() -> None:
    within = PrincipalSpace(np.zeros(2, np.float32), np.eye(2, dtype=np.float32))
    photos = make_plane_vectors(-45, 48, 50, 52, 54)  # one alone, four together, at right angles to it or more
    query = make_plane_vectors(0)[0]
    assert np.argsort(-(photos @ query)).tolist() == [0, 1, 2, 3, 4]
    assert rank_by_expansion(query, photos, within).tolist()[-1] == 0


def test_a_photo_is_not_its_own_neighbour() -> None:
    photos = make_plane_vectors(0, 0, 40, 80)
    moved = _expand_queries(photos, photos)
    cosines = np.cos(np.deg2rad([40, 80])) ** EXPANSION_POWER
    by_hand = photos[0] + cosines[0] * photos[2] + cosines[1] * photos[3]
    assert np.allclose(moved[0], by_hand / np.linalg.norm(by_hand), atol=1e-6)


def test_noisy_classes_are_found_better(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    codes = np.repeat(np.arange(12), 15)
    vectors = 0.22 * random.standard_normal((180, 192)) + np.eye(192)[codes] + 1.0
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    fill(tmp_path / "x.library", vectors)
    with Library.open(tmp_path / "x.library") as library:
        ids = [photo.id for photo in library.load_photos(library.find_photo_ids().tolist())]
        label = dict(zip(sorted(ids), codes.tolist(), strict=True))
        shares = {False: 0.0, True: 0.0}
        for id in ids[::9]:
            plain, better = library.search(Query((id,)), k=16), search_with_expansion(library, Query((id,)), k=16)
            for refined, result in ((False, plain), (True, better)):
                shares[refined] += float(np.mean([label[hit.photo.id] == label[id] for hit in result.hits]))
    assert 0.1 < measure_retrieval(vectors.astype(np.float64), codes).r_precision < 0.9  # neither hopeless nor done
    assert shares[True] > 1.1 * shares[False]


def search_each(folder: Path, ids: range) -> list[list[int]]:
    """The photo ids that a newly opened library finds for each photo."""
    results = []
    for id in ids:
        with Library.open(folder) as library:
            results.append([hit.photo.id for hit in search_with_expansion(library, Query((id,)), k=50).hits])
    return results


@pytest.mark.parametrize("publish", [True, False])
def test_directions_are_kept_and_the_ranks_stay(tmp_path: Path, publish: bool) -> None:
    folder = tmp_path / "x.library"
    fill(folder, clustered(400), publish=publish)
    with Library.open(folder) as library:
        first = get_principal_space(library)
        before = [
            [hit.photo.id for hit in search_with_expansion(library, Query((id,)), k=50).hits] for id in range(1, 9)
        ]
        library.annotations.set_label([1], "a")  # changes no direction
        assert get_principal_space(library) is first
        fill(folder, clustered(40, seed=1), publish=publish, first=400)
        assert get_principal_space(library) is not first
        after = [hit.photo.id for hit in search_with_expansion(library, Query((1,)), k=50).hits]
    assert search_each(folder, range(1, 2)) == [after]
    other_folder = tmp_path / "other.library"
    fill(other_folder, clustered(400), publish=publish)
    assert search_each(other_folder, range(1, 9)) == before


def test_no_more_rows_are_fitted_than_are_needed() -> None:
    values = clustered(MAX_FIT_ROWS + 5)
    all_rows, every_second = fit_principal_space(values), fit_principal_space(values[::2])
    assert np.array_equal(all_rows.mean, every_second.mean)
    assert np.array_equal(all_rows.basis, every_second.basis)
    cache, fitted_keys = PrincipalSpaceCache(), list[str]()

    def read_values(key: str) -> np.ndarray:
        fitted_keys.append(key)
        return values[:100]

    for key in ("one", "one", "other", "one"):
        cache.fit_if_changed(key, partial(read_values, key))
    assert fitted_keys == ["one", "other", "one"]


def test_distances_stay_exact_and_ranks_are_counted(tmp_path: Path) -> None:
    fill(tmp_path / "x.library", clustered(400))
    with Library.open(tmp_path / "x.library") as library:
        exact = {hit.photo.id: hit.distance for hit in library.search(Query((5,)), k=400, exact=True).hits}
        hits = search_with_expansion(library, Query((5,)), k=320).hits
        assert (hits[0].photo.id, hits[0].distance) == (5, 0)
        within = search_with_expansion(library, Query((5,)), k=320, max_distance=1.0).hits
    assert [hit.rank for hit in hits] == list(range(1, 321))
    assert len({hit.photo.id for hit in hits}) == 320
    assert all(hit.distance == exact[hit.photo.id] for hit in hits)
    assert 1 < len(within) < 400
    assert all(hit.distance <= 1 for hit in within)


def test_refining_reads_one_embedding_only_that_of_the_query(tmp_path: Path) -> None:
    fill(tmp_path / "x.library", clustered(400))
    statements: list[str] = []
    with Library.open(tmp_path / "x.library") as library:
        library.search(Query((5,)))
        search_with_expansion(library, Query((5,)))  # fits the directions, which are kept
        database = library.store.database
        assert isinstance(database, SqliteDatabase)
        database._db.set_trace_callback(statements.append)
        assert len(search_with_expansion(library, Query((7,)), k=50).hits) == 50
    (read,) = [statement for statement in statements if "vector" in statement]
    assert read.endswith("WHERE photo = 7 AND e.model = 1 LIMIT 1")
    assert len(statements) < 30


def test_the_smallest_libraries_are_refined_too(tmp_path: Path) -> None:
    for count in (1, 2, 3):
        fill(tmp_path / "x.library", clustered(3)[count - 1 : count], publish=False, first=count)
        with Library.open(tmp_path / "x.library") as library:
            assert len(search_with_expansion(library, Query((1,))).hits) == count


def test_command_refines(home: Path, prepared: Any, tell: Tell) -> None:
    photo = prepared.photos / "a/0003.png"
    completed = tell(home, "search", photo, "--refine", "--json")
    assert completed.code == 0, completed
    assert (completed.result()["hits"][0]["path"], len(completed.result()["hits"])) == (str(photo), 10)
    assert tell(home, "search", photo, "--refine", "--near-copies").code == 2
