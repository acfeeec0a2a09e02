"""A search gives the true nearest photos that are present, at their exact distances, whatever else goes on."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.database.contents import RootInfo
from indexer.errors import LibraryBusy, LibraryError, LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.embedder import embed_image
from indexer.photos.reading import content_hash
from indexer.progress import drain
from indexer.search.query import Query, combine_embeddings
from indexer.search.results import SearchResult
from tests.support.commands import ROOT
from tests.support.embedders import Tiny, nearest_by_loop
from tests.support.rights import Rights
from tests.support.small_index import index_small_libraries
from tests.support.trees import paint, paint_many
from tests.support.vectors import all_vectors, clustered, fill

pytestmark = pytest.mark.usefixtures("engine")

ROWS = 400


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Library]:
    """ROWS embeddings in a generation, 40 more in the tail."""
    with index_small_libraries():
        fill(tmp_path / "x.library", clustered(ROWS))
    fill(tmp_path / "x.library", clustered(40, seed=1), publish=False, first=ROWS)
    with Library.open(tmp_path / "x.library") as library:
        yield library


def ids_of(result: SearchResult) -> list[int]:
    return [hit.photo.id for hit in result.hits]


def hide(library: Library, ids: list[int]) -> None:
    """Let files go missing, as another program would find them."""
    with Library.open(library.folder) as other:
        other.store.files.set_state(1, [os.path.basename(photo.path) for photo in other.load_photos(ids)], "missing")  # noqa: PTH119


@pytest.mark.parametrize("exact", [False, True])
def test_every_photo_finds_what_a_plain_loop_finds(filled: Library, exact: bool) -> None:
    ids, vectors = all_vectors(filled)
    found = wanted = 0
    for row in range(0, ROWS + 40, 11):
        result = filled.search(Query((ids[row],)), k=10, exact=exact)
        expected = nearest_by_loop(ids, vectors, vectors[row], 10)
        assert result.hits[0].photo.id == ids[row]
        assert result.hits[0].distance == 0
        assert result.engine == ("exact" if exact else "annoy")
        assert [hit.rank for hit in result.hits] == list(range(1, 11))
        true = dict(zip(expected.ids, expected.distances, strict=True))
        assert all(abs(hit.distance - true[hit.photo.id]) < 1e-12 for hit in result.hits if hit.photo.id in true)
        found += len(set(ids_of(result)) & set(expected.ids))
        wanted += 10
        assert not exact or ids_of(result) == expected.ids
    assert found / wanted >= 0.99


def test_approximate_search_states_its_recall_and_exact_search_is_exact(filled: Library) -> None:
    approximate = filled.search(Query((1,)), k=5)
    generation = filled.load_generation()
    assert generation is not None
    assert approximate.recall_at_10 == generation.manifest.recall_at_10
    assert filled.search(Query((1,)), k=5, exact=True).recall_at_10 == 1.0


def test_tail_is_found_and_merged(filled: Library) -> None:
    ids, vectors = all_vectors(filled)
    assert filled.collect_info().tail == 40
    for row in range(ROWS, ROWS + 40, 7):
        assert ids_of(filled.search(Query((ids[row],)), k=10)) == nearest_by_loop(ids, vectors, vectors[row], 10).ids


@pytest.mark.parametrize("k", [1, 10, 25])
def test_hidden_photos_never_starve_the_answer(filled: Library, k: int) -> None:
    ids, vectors = all_vectors(filled)
    near = nearest_by_loop(ids, vectors, vectors[3], ROWS - 50).ids
    hide(filled, near)
    left = [row for row, id in enumerate(ids) if id not in set(near)]
    expected = nearest_by_loop([ids[row] for row in left], vectors[left], vectors[3], k)
    assert ids_of(filled.search(Query((ids[3],)), k=k)) == expected.ids


def test_more_than_there_is_gives_all_that_there_is(filled: Library) -> None:
    ids, vectors = all_vectors(filled)
    result = filled.search(Query((ids[0],)), k=5000)
    assert ids_of(result) == nearest_by_loop(ids, vectors, vectors[0], 5000).ids


def test_photos_at_the_same_distance_are_ordered_by_id(tmp_path: Path) -> None:
    vectors = np.repeat(clustered(12), 30, axis=0)
    fill(tmp_path / "x.library", vectors[np.random.default_rng(0).permutation(len(vectors))])
    with Library.open(tmp_path / "x.library") as library:
        ids, stored = all_vectors(library)
        for exact in (True, False):
            result = library.search(Query((ids[0],)), k=45, exact=exact)
            assert ids_of(result) == nearest_by_loop(ids, stored, stored[0], 45).ids


def test_vector_that_is_no_number_is_never_found(tmp_path: Path) -> None:
    fill(tmp_path / "x.library", clustered(50))
    fill(tmp_path / "x.library", np.full((3, 192), np.nan, np.float16), publish=False, first=50)
    with Library.open(tmp_path / "x.library") as library:
        for exact in (True, False):
            result = library.search(Query((1,)), k=100, exact=exact)
            assert len(result.hits) == 50
            assert all(np.isfinite(hit.distance) for hit in result.hits)


def test_negatives_push_away(filled: Library) -> None:
    ids, vectors = all_vectors(filled)
    positive, negative = vectors[0].astype(np.float64), vectors[1].astype(np.float64)
    expected = nearest_by_loop(
        ids, vectors, combine_embeddings([vectors[0].astype("f4")], [vectors[1].astype("f4")]), 5
    )
    result = filled.search(Query((ids[0],), (ids[1],)), k=5, exact=True)
    assert ids_of(result) == expected.ids
    mixed = 0.75 * positive - 0.25 * negative
    assert np.allclose(combine_embeddings([positive], [negative]), mixed / np.linalg.norm(mixed), atol=1e-6)


def test_pictures_that_cancel_each_other_out_are_a_sentence() -> None:
    vector = clustered(1)[0].astype(np.float32)
    with pytest.raises(LookalikeError, match="cancel"):
        combine_embeddings([vector], [3 * vector])
    with pytest.raises(LookalikeError, match="at least one"):
        combine_embeddings([], [vector])


def test_search_sees_at_once_what_another_program_commits(filled: Library) -> None:
    ids, _ = all_vectors(filled)
    version = filled.store.database.read_data_version()
    assert ids_of(filled.search(Query((ids[0],)), k=1)) == [ids[0]]
    assert filled.store.database.read_data_version() == version
    hide(filled, [ids[0]])
    assert filled.store.database.read_data_version() != version
    assert ids[0] not in ids_of(filled.search(Query((ids[0],)), k=20))
    fill(filled.folder, clustered(1), publish=True, first=5000)
    assert filled.collect_info().tail == 0
    assert filled.search(Query((ids[1],)), k=1).hits[0].distance == 0


def test_searches_go_on_while_another_connection_writes(filled: Library) -> None:
    ids, vectors = all_vectors(filled)
    expected = nearest_by_loop(ids, vectors, vectors[0], 10).ids
    stop = threading.Event()

    def write() -> None:
        with Library.open(filled.folder) as other:
            while not stop.is_set():
                other.store.files.set_state(1, [b"000399.jpg"], "missing")
                other.store.files.set_state(1, [b"000399.jpg"], "present")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(30):
            found = ids_of(filled.search(Query((ids[0],)), k=12, exact=True))
            assert [id for id in found if id != ids[399]][:9] == [id for id in expected if id != ids[399]][:9]
    finally:
        stop.set()
        writer.join()


HOLD = "import sys; from pathlib import Path; from indexer.library import Library\n"
HOLD += "with Library.open(Path(sys.argv[1])) as library, library.store.take_job_lock():\n"
HOLD += "    print('held', flush=True); sys.stdin.read()"


def test_one_job_at_a_time_and_searches_do_not_wait_for_it(filled: Library) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(filled.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(LibraryBusy, match="Another program is at work"), filled.store.take_job_lock():
        pass
    assert filled.search(Query((1,)), k=1).hits[0].distance == 0
    holder.communicate(b"")
    with filled.store.take_job_lock():
        pass


def test_read_only_library_is_searched(rights: Rights, open_to_all: Path) -> None:
    place = open_to_all / "x.library"
    with index_small_libraries():
        fill(place, clustered(150))
    for path in [place, *place.rglob("*")]:
        path.chmod(0o755)
    rights.take(place)
    with Library.open(place) as library:
        result = library.search(Query((1,)), k=3)
        assert (result.engine, result.notice, result.hits[0].distance) == ("annoy", "", 0)
        with pytest.raises(LibraryError, match="cannot be written"), library.store.take_job_lock():
            pass


# with pictures


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[Library]:
    """A library of 30 small pictures with the tiny model."""
    paint_many(tmp_path / "photos", 30)
    with Library.create(tmp_path / "y.library") as library:
        drain(index_library(library, [tmp_path / "photos"], Tiny()))
        library.load_embedder = Tiny  # type: ignore[method-assign,assignment]  # the model for queries from outside
        yield library


def test_file_with_the_content_of_a_photo_finds_it_at_zero(pictures: Library, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "photos" / "0007.png", tmp_path / "outside.png")
    hit = pictures.search(Query((tmp_path / "outside.png",)), k=1).hits[0]
    assert (Path(os.fsdecode(hit.photo.path)).name, hit.distance) == ("0007.png", 0)


def test_outside_picture_as_file_and_in_memory_find_the_same(pictures: Library, tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    paint(outside, 7, side=48)  # the same blocks, larger
    with Image.open(outside) as image:
        of_memory = pictures.search(Query((image,)), k=5)
    of_file = pictures.search(Query((outside,)), k=5)
    assert of_file.hits[0].photo == of_memory.hits[0].photo
    assert Path(os.fsdecode(of_file.hits[0].photo.path)).name == "0007.png"
    assert of_file.hits[0].distance == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("none.png", "There is no file"), ("bad.png", "not a picture"), ("folder", "not a regular file")],
)
def test_query_that_cannot_be_read_is_a_sentence_with_its_name(
    pictures: Library, tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "bad.png").write_text("Dear diary")
    (tmp_path / "folder").mkdir()
    with pytest.raises(LookalikeError, match=reason) as fault:
        pictures.search(Query((tmp_path / name,)))
    assert name in str(fault.value)


def test_picture_without_an_embedding_is_a_sentence(pictures: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tiny, "embed", lambda _, batch: np.full((len(batch), 192), np.nan, np.float32))
    with pytest.raises(LookalikeError, match="no usable embedding"):
        embed_image(Image.new("RGB", (9, 9)), Tiny())


def test_photo_that_is_no_longer_there_is_a_sentence(pictures: Library) -> None:
    with pytest.raises(LookalikeError, match="no longer in the library"):
        pictures.search(Query((999,)))
    with pytest.raises(LookalikeError, match="at least one result"):
        pictures.search(Query((1,)), k=0)


def test_info_says_what_is_there(pictures: Library, tmp_path: Path) -> None:
    info = pictures.collect_info()
    assert (info.files, info.photos, info.missing, info.failed, info.dim) == (30, 30, 0, 0, 192)
    assert (info.generation, info.indexed, info.tail, info.recall_at_10) == (1, 30, 0, None)
    assert info.roots == [RootInfo(bytes(tmp_path / "photos"), "online", labelled=False, files=30)]
    assert info.bytes > (tmp_path / "y.library" / "library.sqlite").stat().st_size


def test_large_thumbnails_are_made_when_first_asked_for_and_kept(pictures: Library, tmp_path: Path) -> None:
    photo = pictures.load_photos([1])[0]
    large_file = Image.new("RGB", (1200, 800), (30, 90, 160))
    large_file.save(tmp_path / "large.png")
    data = (tmp_path / "large.png").read_bytes()
    large = photo._replace(path=os.fsencode(tmp_path / "large.png"), sha256=content_hash(data), width=1200, height=800)
    cache = pictures.folder / "thumbnails-large.sqlite"
    small_jpeg = pictures.read_thumbnail(large, side=256)
    assert small_jpeg is not None and not cache.exists()
    jpeg = pictures.read_thumbnail(large, side=400)
    assert jpeg is not None and cache.exists()
    assert [Image.open(BytesIO(file)).size for file in (small_jpeg, jpeg)] == [(256, 171), (512, 341)]
    (tmp_path / "large.png").unlink()
    assert pictures.read_thumbnail(large, side=512) == jpeg
    pictures.large_thumbnails.close()
    cache.unlink()
    assert pictures.read_thumbnail(large, side=512) == small_jpeg  # better than none


def test_library_without_thumbnails_still_works(pictures: Library) -> None:
    photo = pictures.load_photos([1])[0]
    (pictures.folder / "thumbnails.sqlite").unlink()
    with Library.open(pictures.folder) as again:
        made = again.read_thumbnail(photo)  # from the photo
        assert made is not None
        Path(os.fsdecode(photo.path)).unlink()
        assert again.read_thumbnail(photo) == made  # and kept
        again.thumbnails.close()
        (pictures.folder / "thumbnails.sqlite").unlink()
        assert again.read_thumbnail(photo) is None
        assert again.search(Query((1,)), k=1).hits[0].photo == photo


@pytest.mark.sqlite_file
def test_folder_that_is_no_library_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="There is no library"):
        Library.open(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(LibraryError, match="cannot be made"):
        Library.create(tmp_path / "file")


def test_library_without_a_model_says_that_it_is_empty(tmp_path: Path) -> None:
    with Library.create(tmp_path / "z.library") as library:
        assert len(library.find_photo_ids()) == 0
        with pytest.raises(LibraryError, match="is empty"):
            library.search(Query((1,)))


@pytest.mark.sqlite_file
def test_damage_anywhere_in_the_database_is_a_sentence_at_worst(tmp_path: Path) -> None:
    place = tmp_path / "x.library"
    fill(place, clustered(60))
    with Library.open(place) as library:
        library.search(Query((1,)), k=3)
    whole, random = (place / "library.sqlite").read_bytes(), np.random.default_rng(1)
    refused = 0
    for _ in range(120):
        data = np.frombuffer(whole, np.uint8).copy()
        page = 4096 * random.integers(0, len(data) // 4096)
        data[page + random.integers(0, 4096, 20)] = random.integers(0, 256, 20)
        (place / "library.sqlite").write_bytes(data.tobytes())
        try:
            with Library.open(place) as library:
                library.load_photos(library.find_photo_ids().tolist())
                library.collect_info()
                library.search(Query((1,)), k=3)
        except LookalikeError:
            refused += 1
    assert refused >= 10
