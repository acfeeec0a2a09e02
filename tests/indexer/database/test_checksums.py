"""A stored vector is believed only where it is the one that was written, to the bit."""

import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from indexer.database.interface import Database
from indexer.database.sqlite.connection import SqliteDatabase
from indexer.database.store import Store
from indexer.indexing.repair import check_library
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from indexer.search.generations import publish_generation
from indexer.search.query import Query
from tests.indexer.database.test_schema import make_older
from tests.support.embedders import Tiny, nearest_by_loop, tiny_card, write_card
from tests.support.trees import paint_many
from tests.support.vectors import all_vectors, clustered, fill

pytestmark = pytest.mark.usefixtures("engine")

ROWS = 2100  # several blocks of the check, the last one short
MODEL = 1
Damage = Callable[[Database, int], object]


def flip_bits(database: Database, seq: int) -> None:
    """Flip eight bits of a vector in different numbers, none of which becomes anything but a small number."""
    ((vector,),) = database.fetch_rows("SELECT vector FROM embeddings WHERE seq = ?", (seq,))
    changed = bytearray(vector)
    for place in range(0, 16, 2):
        changed[place] ^= 1
    assert abs(np.linalg.norm(np.frombuffer(changed, "<f2").astype(float)) - 1) < 1e-3
    database.execute_statement("UPDATE embeddings SET vector = ? WHERE seq = ?", (bytes(changed), seq))


def write_vector(database: Database, seq: int, values: np.ndarray) -> None:
    """Write a vector with the checksum that belongs to it, as a foreign library may hold it."""
    vector = values.astype("<f2").tobytes()
    database.execute_statement("UPDATE embeddings SET vector = ? WHERE seq = ?", (vector, seq))
    database.execute_statement("UPDATE checksums SET crc32 = ? WHERE seq = ?", (zlib.crc32(vector), seq))


DAMAGES: dict[str, Damage] = {
    "flipped bits": flip_bits,
    "another checksum": lambda db, seq: db.execute_statement("UPDATE checksums SET crc32 = 5 WHERE seq = ?", (seq,)),
    "no checksum": lambda db, seq: db.execute_statement("DELETE FROM checksums WHERE seq = ?", (seq,)),
    "no number": lambda db, seq: write_vector(db, seq, np.full(192, np.nan)),
    "infinite": lambda db, seq: write_vector(db, seq, np.full(192, np.inf)),
    "zeros": lambda db, seq: write_vector(db, seq, np.zeros(192)),
    "long": lambda db, seq: write_vector(db, seq, np.ones(192)),
    "another dimension": lambda db, seq: write_vector(db, seq, np.eye(1, 64)[0]),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checksums") / "x.library"
    fill(folder, clustered(ROWS), publish=False)
    return folder


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_vector_is_left_out_and_found(filled: Path, damage: str) -> None:
    with closing(Store(filled)) as store, pytest.raises(ZeroDivisionError), store.database.transaction():
        for seq in (7, 1500, ROWS):
            DAMAGES[damage](store.database, seq)
        read, last = list[int](), 0
        while len((part := store.embeddings.read_embeddings(MODEL, last, limit=1000)).seqs):
            read += part.seqs.tolist()
            last = read[-1]
        assert read == [seq for seq in range(1, ROWS + 1) if seq not in (7, 1500, ROWS)]
        assert store.embeddings.find_damaged(MODEL) == [7, 1500, ROWS]
        assert store.embeddings.find_damaged(MODEL, above=7) == [1500, ROWS]
        assert store.embeddings.read_embedding(7, MODEL) is None
        assert store.embeddings.read_embedding(8, MODEL) is not None
        raise ZeroDivisionError  # take the damage back


def test_whole_block_of_damaged_vectors_hides_none_behind_it(filled: Path) -> None:
    with closing(Store(filled)) as store, pytest.raises(ZeroDivisionError), store.database.transaction():
        store.database.execute_statement("UPDATE checksums SET crc32 = 5 WHERE seq <= 1500")
        assert store.embeddings.read_embeddings(MODEL, 0, limit=10).seqs.tolist() == list(range(1501, 1511))
        assert len(store.embeddings.find_damaged(MODEL)) == 1500
        raise ZeroDivisionError


def test_library_from_before_checksums_has_them_of_all_its_vectors(tmp_path: Path) -> None:
    make_older(tmp_path / "library.sqlite", 3)
    vectors = clustered(5)
    with closing(SqliteDatabase(tmp_path / "library.sqlite", peek=True)) as older:
        older.execute_statement("INSERT INTO models VALUES (1, 'a', 'tiny', 192)")
        older.execute_statement(
            "INSERT INTO photos (sha256) VALUES (randomblob(32)), (randomblob(32)), (randomblob(32))"
        )
        rows = [(number, number, 1, vector.tobytes(), "fp32") for number, vector in enumerate(vectors, 1)]
        older.execute_many("INSERT INTO embeddings VALUES (?, ?, ?, ?, ?)", rows)
    with closing(Store(tmp_path)) as store:
        assert np.array_equal(store.embeddings.read_embeddings(1, 0).values, vectors)
        assert store.embeddings.find_damaged(1) == []
        sql = "SELECT c.seq, crc32, vector FROM checksums AS c JOIN embeddings USING (seq)"
        assert all(zlib.crc32(vector) == crc32 for _, crc32, vector in store.database.fetch_rows(sql))
        assert store.database.is_intact()


# what becomes of them


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A library of 30 small pictures under the tiny model, with a generation, and 5 more in the tail."""
    folder = tmp_path / "p.library"
    paint_many(tmp_path / "photos", 30)
    write_card(folder / "models")
    with Library.create(folder) as library:
        drain(index_library(library, [tmp_path / "photos"], Tiny()))
        paint_many(tmp_path / "photos", 5, first=30)
        drain(index_library(library, [], Tiny()))
        assert library.collect_info().tail == 5
    return folder


def read_all(folder: Path) -> dict[int, bytes]:
    with Library.open(folder) as library:
        ids, vectors = all_vectors(library)
    return {photo: vector.tobytes() for photo, vector in zip(ids, vectors, strict=True)}


def test_damaged_embedding_of_the_tail_is_embedded_again_by_the_next_index(pictures: Path) -> None:
    before = read_all(pictures)
    with Library.open(pictures) as library:
        for seq in (31, 35):
            flip_bits(library.store.database, seq)
        assert drain(index_library(library, [], model := Tiny())).embedded == model.asked == 2
    assert read_all(pictures) == before


def test_damaged_embedding_is_never_published_but_embedded_again(pictures: Path) -> None:
    before = read_all(pictures)
    with Library.open(pictures) as library:
        flip_bits(library.store.database, 4)
        library.store.models.discard_generation(1)
        report = drain(index_library(library, [], model := Tiny()))
        assert (report.photos, model.asked) == (35, 1)
        generation = library.load_generation()
        assert generation is not None
        published = dict(zip(generation.ids.tolist(), map(bytes, generation.values), strict=True))
    assert read_all(pictures) == before
    assert published.items() <= before.items()


def test_check_finds_a_damaged_embedding_and_no_other_fault(pictures: Path) -> None:
    with Library.open(pictures) as library:
        (sound,) = drain(check_library(library))  # the tiny model has no weights
        flip_bits(library.store.database, 12)
        problems = drain(check_library(library))
    assert problems == ["1 embedding is damaged. With --repair those photos are embedded again.", sound]


def test_search_never_believes_a_damaged_embedding(tmp_path: Path) -> None:
    vectors = clustered(60)
    fill(tmp_path / "x.library", vectors, publish=False)
    with Library.open(tmp_path / "x.library") as library:
        flip_bits(library.store.database, 9)
        ids = [number for number in range(1, 61) if number != 9]
        rows = [number - 1 for number in ids]
        result = library.search(Query((3,)), k=60)
        assert [hit.photo.id for hit in result.hits] == nearest_by_loop(ids, vectors[rows], vectors[2], 60).ids
        model = library.store.models.find_model_id(tiny_card().fingerprint)
        with pytest.raises(Exception, match="damaged"):
            drain(publish_generation(library.folder, library.store, model, tiny_card().fingerprint))
