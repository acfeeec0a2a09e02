"""How many embeddings of each precision there are is counted once, and right whatever came and went."""

from pathlib import Path

import numpy as np
import pytest

from indexer.database.sqlite.connection import SqliteDatabase
from indexer.database.store import Store, count_precisions
from indexer.library import Library
from tests.support.vectors import clustered, fill, outcome

pytestmark = pytest.mark.usefixtures("engine")


def plainly(store: Store) -> dict[str, int]:
    return dict(store.database.fetch_rows("SELECT precision, count(*) FROM embeddings GROUP BY 1"))


def add(library: Library, first: int, count: int, precision: str) -> None:
    root, vectors = library.store.files.list_roots()[0].id, clustered(count)
    new = (outcome(root, first + n, vector)._replace(precision=precision) for n, vector in enumerate(vectors))
    library.store.record_outcomes(new, library.model_id)


def test_count_is_that_of_all_rows_whatever_came_and_went(tmp_path: Path) -> None:
    fill(tmp_path / "x.library", clustered(30), publish=False)
    with Library.open(tmp_path / "x.library") as library:
        store, model = library.store, library.model_id
        assert count_precisions(store, model) == {"fp32": 30} == plainly(store)
        add(library, 30, 12, "bf16")
        assert count_precisions(store, model) == {"fp32": 30, "bf16": 12} == plainly(store)
        store.files.set_state(
            store.files.list_roots()[0].id, [b"%06d.jpg" % number for number in (1, 2, 35)], "missing"
        )
        store.forget_missing()
        assert count_precisions(store, model) == {"fp32": 28, "bf16": 11} == plainly(store)
        add(library, 50, 3, "fp32")  # as many as were forgotten
        store.files.set_state(
            store.files.list_roots()[0].id, [b"%06d.jpg" % number for number in (36, 37, 38)], "missing"
        )
        store.forget_missing()
        assert count_precisions(store, model) == {"fp32": 31, "bf16": 8} == plainly(store)
        for damaged in (3, {"upto": 9}, {"upto": "9", "counts": {}}, {"upto": 9, "counts": {"fp32": "many"}}):
            store.models.set_setting(f"precisions {model}", damaged)
            assert count_precisions(store, model) == plainly(store)


def test_what_was_counted_is_not_read_again(tmp_path: Path) -> None:
    fill(tmp_path / "x.library", clustered(30), publish=False)
    with Library.open(tmp_path / "x.library") as library:
        store, model = library.store, library.model_id
        count_precisions(store, model)
        store.models.set_setting(f"precisions {model}", {"upto": 30, "counts": {"kept": 30}})
        add(library, 30, 2, "bf16")
        assert count_precisions(store, model) == {"kept": 30, "bf16": 2}


@pytest.mark.sqlite_file
def test_all_embeddings_are_counted_without_reading_vectors(tmp_path: Path) -> None:
    fill(tmp_path / "x.library", clustered(30), publish=False)
    with Library.open(tmp_path / "x.library") as library:
        asked: list[str] = []
        database = library.store.database
        assert isinstance(database, SqliteDatabase)
        database._db.set_trace_callback(asked.append)
        counts = [library.store.embeddings.count_embeddings(library.model_id, above) for above in (0, 10, 30)]
        database._db.set_trace_callback(None)
        assert counts == [int(np.sum(np.arange(1, 31) > above)) for above in (0, 10, 30)]
        for sql in (sql for sql in asked if "count(*)" in sql):
            ((*_, plan),) = library.store.database.fetch_rows(f"EXPLAIN QUERY PLAN {sql}")
            assert "COVERING INDEX" in plan
