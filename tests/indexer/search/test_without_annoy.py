"""Where Annoy is missing every photo is compared, which is said; nothing is lost, and a new index is not built."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.library import Library
from indexer.matching import close_pairs
from indexer.progress import drain
from indexer.search.generations import publish_generation
from indexer.search.query import Query
from indexer.vectors.annoy_index import is_annoy_installed
from tests.indexer.conftest import Prepared
from tests.support.small_index import index_small_libraries

NOTICE = "Annoy is not installed: every photo is compared. To search faster: pip install annoy"


@pytest.fixture
def without_annoy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Importing Annoy fails for the length of the test."""
    monkeypatch.setitem(sys.modules, "annoy", None)
    is_annoy_installed.cache_clear()
    yield
    is_annoy_installed.cache_clear()


def search(prepared: Prepared) -> tuple[str, str, list[int]]:
    with index_small_libraries(), Library.open(prepared.home / "default.library") as library:
        photo = int(library.find_photo_ids()[0])
        found = library.search(Query((photo,)), k=5)
        return found.engine, found.notice, [hit.photo.id for hit in found.hits]


def test_an_index_that_is_there_is_passed_by_with_the_same_hits(
    prepared: Prepared, request: pytest.FixtureRequest
) -> None:
    engine, notice, hits = search(prepared)
    assert (engine, notice) == ("annoy", "")
    request.getfixturevalue("without_annoy")
    assert search(prepared) == ("exact", NOTICE, hits)


@pytest.mark.usefixtures("without_annoy")
def test_vectors_alone_are_published(home: Path) -> None:
    with index_small_libraries(), Library.open(home / "default.library") as library:
        manifest = drain(publish_generation(library.folder, library.store, library.model_id, library.model_fingerprint))
        assert manifest is not None
        assert (manifest.trees, manifest.recall_at_10) == (0, 1.0)
        assert library.search(Query((int(library.find_photo_ids()[0]),)), k=5).notice == ""


@pytest.mark.usefixtures("without_annoy")
def test_close_pairs_are_found_without_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(close_pairs, "EXACT_ROWS", 10)
    values = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float16)
    values[39] = values[3]
    assert drain(close_pairs.find_close_pairs(values, np.full(40, 0.01))).tolist() == [[3, 39]]
