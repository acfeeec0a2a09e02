"""A search of a shared library finds what the same search of the library in a folder finds, to the last digit."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from indexer.database.filters import Filter
from indexer.database.postgresql import vector_index
from indexer.database.postgresql.moving import copy_tables
from indexer.database.shared_folder import open_database
from indexer.library import Library
from indexer.places import enter_shared_library
from indexer.progress import drain
from indexer.ranking.label_ranking import search_by_labels
from indexer.ranking.query_expansion import search_with_expansion
from indexer.search import server_candidates
from indexer.search.query import Query
from indexer.search.results import Hit, SearchResult
from tests.support.postgresql_server import LoopbackServer
from tests.support.vectors import clustered, fill, outcome

PHOTOS = 300
FILTERS = (
    Filter(label="wölf"),
    Filter(named="00001"),
    Filter(min_side=20, orientation="landscape"),
    Filter(after=datetime.fromtimestamp(150)),
    Filter(under=Path("/nowhere/photos/0001")),
)


def plant_photos(folder: Path) -> None:
    """Photos of several sizes and days, in two folders, some with a label, some gone."""
    fill(folder, clustered(1), publish=False)
    with Library.open(folder) as library:
        vectors = clustered(PHOTOS, seed=4)
        outcomes = [outcome(1, number, vectors[number]) for number in range(1, PHOTOS)]
        library.store.record_outcomes(
            (
                entry._replace(
                    file=entry.file._replace(path=b"%04d/%06d.jpg" % (number % 3, number), mtime_ns=number * 10**9),
                    width=10 + number % 40,
                    height=25,
                )
                for number, entry in enumerate(outcomes, 1)
            ),
            library.model_id,
        )
        library.annotations.set_label(range(5, 90, 4), "wölf")
        library.annotations.set_label(range(6, 90, 8), "dog")
        library.store.files.set_state(1, [b"0001/%06d.jpg" % number for number in range(1, 60, 3)], "missing")


def search_all_ways(library: Library, photo: int) -> Iterator[SearchResult]:
    """Plain, exact, within five filters, up to a distance, with negatives, refined, and by what labels teach."""
    query = Query((photo,))
    yield library.search(query)
    yield library.search(query, exact=True, k=9)
    for within in FILTERS:
        yield library.search(query, within=within)
    yield library.search(query, max_distance=0.9)
    yield library.search(Query((photo, photo % 200 + 2), (photo % 100 + 7,)))
    yield search_with_expansion(library, query)
    yield search_by_labels(library, query)


def leave_out_labellers(hits: list[Hit]) -> list[Hit]:
    """The hits without who labelled them, which only a server writes down."""
    return [hit._replace(photo=hit.photo._replace(labelled=None)) for hit in hits]


@pytest.mark.parametrize("count", [3, pytest.param(50, marks=pytest.mark.long)])
def test_searches_of_both_databases_are_equal(
    tmp_path: Path, shared_home: LoopbackServer, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "home"))
    for module in (vector_index, server_candidates):
        monkeypatch.setattr(module, "COPIED_ROWS", PHOTOS // 2)
    plant_photos(tmp_path / "own.library")
    target = enter_shared_library(shared_home.name_library(f"search{count}"))
    found = 0
    with Library.open(tmp_path / "own.library") as own:
        with closing(open_database(target)) as database:
            drain(copy_tables(own.store.database, database))
        for is_copied in (False, True):
            with Library.open(target) as shared:
                if is_copied:
                    drain(vector_index.update_vector_index(shared.store.database, shared.model_id, 192))
                    assert vector_index.read_vector_index(shared.store.database, shared.model_id) is not None
                for photo in np.linspace(2, PHOTOS - 1, count).astype(int).tolist():
                    for one, other in zip(search_all_ways(own, photo), search_all_ways(shared, photo), strict=True):
                        assert one.hits == leave_out_labellers(other.hits)
                        assert (one.engine, one.recall_at_10) == (other.engine, other.recall_at_10)
                        found += bool(one.hits)
                assert np.array_equal(own.find_photo_ids(), shared.find_photo_ids())
    assert found == 2 * 11 * count
