"""pgvector proposes candidates of a shared library: nearly all of the nearest, at every share that passes a filter."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.database.filters import Filter
from indexer.database.postgresql import vector_index
from indexer.library import Library
from indexer.places import enter_shared_library
from indexer.progress import drain
from indexer.search import server_candidates
from indexer.search.query import Query
from tests.support.plain_rows import SHARES, draw_names, plant_rows
from tests.support.postgresql_server import LoopbackServer
from tests.support.vectors import clustered, outcome

DIM = 64


@pytest.fixture(params=[3000, pytest.param(30_000, marks=pytest.mark.long)])
def vectors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Vectors (n, dim) float16 of photos that are many enough for an index."""
    monkeypatch.setattr(vector_index, "INDEXED_ROWS", 1000)
    if request.param < 10_000:  # where all are found, few tell it
        monkeypatch.setattr(vector_index, "RECALL_QUERIES", 16)
    return clustered(request.param, dim=DIM, seed=5)


@pytest.fixture
def shared(
    tmp_path: Path, shared_home: LoopbackServer, monkeypatch: pytest.MonkeyPatch, vectors: np.ndarray
) -> Iterator[Library]:
    """A shared library of the vectors, with words in its files' names for each share, and the server's index."""
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "home"))
    folder = enter_shared_library(shared_home.name_library(f"near{secrets.token_hex(6)}"))
    with Library.open(folder) as library:
        plant_rows(library, vectors)
        drain(vector_index.update_vector_index(library.store.database, library.model_id, DIM))
        yield library


def rank_by_loop(vectors: np.ndarray, photo: int, allowed: np.ndarray) -> list[int]:
    """The ids of the ten allowed photos nearest to a photo, by comparing all in double precision."""
    exact = vectors.astype(np.float64)
    distances = np.linalg.norm(exact - exact[photo - 1], axis=1)
    ids = np.flatnonzero(allowed) + 1
    nearest: list[int] = ids[np.lexsort((ids, distances[ids - 1]))][:10].tolist()
    return nearest


def test_nearly_all_of_the_true_nearest_are_found_at_every_share(shared: Library, vectors: np.ndarray) -> None:
    names, engines = draw_names(len(vectors)), set()
    for word in ("", *SHARES.values()):
        within = Filter(named=word) if word else None
        allowed = np.array([word in name for name in names])
        shares = []
        for photo in np.linspace(1, len(vectors), 16 if len(vectors) < 10_000 else 100).astype(int).tolist():
            found = shared.search(Query((photo,)), k=10, within=within)
            true = rank_by_loop(vectors, photo, allowed)
            assert len(found.hits) == len(true)
            shares.append(np.isin(true, [hit.photo.id for hit in found.hits]).mean())
            engines.add((word, found.engine))
            if found.engine == "exact":
                assert [hit.photo.id for hit in found.hits] == true
        print(f"{word or 'all'}: recall@10 {np.mean(shares):.4f} by {found.engine}")
        assert np.mean(shares) >= 0.99
    assert engines >= {("", "pgvector"), ("half", "pgvector"), ("hundredth", "exact")}
    check_exact_searches(shared, vectors)
    check_problems(shared)
    check_later_commits(shared, vectors)


def check_exact_searches(shared: Library, vectors: np.ndarray) -> None:
    """What compares all photos on the server finds what a loop finds."""
    for photo in (1, 500, 999):
        found = shared.search(Query((photo,)), k=10, exact=True)
        assert (found.engine, found.recall_at_10) == ("exact", 1.0)
        assert [hit.photo.id for hit in found.hits] == rank_by_loop(vectors, photo, np.ones(len(vectors), bool))


def check_problems(shared: Library) -> None:
    """An index that lacks much, or is another model's, is found; a sound one is not."""
    database, model = shared.store.database, shared.model_id
    assert vector_index.list_index_problems(database, model) == []
    name = f"vector index {model}"
    sound = shared.store.models.read_setting(name)
    assert isinstance(sound, list)
    shared.store.models.set_setting(name, [sound[0], sound[1] // 2, *sound[2:]])
    (said,) = vector_index.list_index_problems(database, model)
    assert said.startswith(f"The server's index lacks {sound[1] - sound[1] // 2:,} of")
    database.execute_statement("DELETE FROM settings WHERE name = ?", (name,))
    (said,) = vector_index.list_index_problems(database, model)
    assert said.startswith("The server's index is not of the active model")
    shared.store.models.set_setting("vector index 999", sound)  # as of another server, which has no such table here
    assert vector_index.read_vector_index(database, 999) is None
    shared.store.models.set_setting(name, sound)


def check_later_commits(shared: Library, vectors: np.ndarray) -> None:
    """What comes or goes after the index was built is seen by the next search."""
    later = [outcome(1, 10**6 + number, vector) for number, vector in enumerate(vectors[[6, 499]])]
    with Library.open(shared.folder) as other:
        other.store.record_outcomes(later, other.model_id)
        other.store.files.set_state(1, [b"8"], "missing")
    first, second = shared.search(Query((7,)), k=2).hits
    assert (first.photo.id, second.photo.id, second.distance) == (7, len(vectors) + 1, 0)
    assert 8 not in {hit.photo.id for hit in shared.search(Query((8,)), k=50).hits}
    assert shared.search(Query((9,)), k=50).engine == "pgvector"


@pytest.mark.parametrize(("share", "effort"), [(1.0, 40), (0.95, 100), (0.5, 200), (0.4, 400), (0.2, 0), (0.05, 0)])
def test_the_effort_is_that_which_finds_as_deep_as_the_filter_leaves_few(share: float, effort: int) -> None:
    index = vector_index.VectorIndex(1, 10**7, 10**7, (40, 100, 200, 400, 0), 0.99)
    assert vector_index.choose_effort(index, round(share * index.rows)) == effort
    few = index._replace(rows=vector_index.INDEXED_ROWS - 1)
    assert vector_index.choose_effort(few, few.rows) == 0


def test_of_equally_near_photos_the_server_finds_the_first(
    tmp_path: Path, shared_home: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "home"))
    for module in (vector_index, server_candidates):
        monkeypatch.setattr(module, "COPIED_ROWS", 100)
    vectors = clustered(150, dim=DIM)
    vectors[np.r_[1:140:3, 7]] = vectors[7]
    with Library.open(enter_shared_library(shared_home.name_library(f"ties{secrets.token_hex(6)}"))) as library:
        plant_rows(library, vectors)
        drain(vector_index.update_vector_index(library.store.database, library.model_id, DIM))
        found = [hit.photo.id for hit in library.search(Query((8,)), k=10).hits]
        assert library._searcher.server_candidates is not None
    assert found == rank_by_loop(vectors, 8, np.ones(150, bool))
