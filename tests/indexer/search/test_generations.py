"""A generation is published whole, states its true recall, and is never believed when anything about it is off."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.database.model_table import GenerationRow
from indexer.errors import GenerationError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from indexer.search import generations
from indexer.search.generations import (
    GENERATION_FILES,
    SIGNATURE_FILE,
    Generation,
    GenerationManifest,
    get_generation_folder,
    open_verified_generation,
    publish_generation,
)
from indexer.search.query import Query
from indexer.vectors import recall
from tests.support.commands import ROOT, run_patiently
from tests.support.drawn_vectors import draw_like_photos, draw_mixed_photos
from tests.support.embedders import Tiny, nearest_by_loop, tiny_card
from tests.support.small_index import index_small_libraries
from tests.support.vectors import all_vectors, clustered, fill

ROWS = 500
FINGERPRINT = tiny_card().fingerprint


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Library]:
    """A library of ROWS embeddings with one generation, which has an index though it is small."""
    with index_small_libraries():
        fill(tmp_path / "x.library", clustered(ROWS))
        with Library.open(tmp_path / "x.library") as library:
            yield library


def read_row(library: Library) -> GenerationRow:
    row = library.store.models.find_generation(library.model_id)
    assert row is not None
    return row


def open_newest(library: Library) -> Generation:
    return open_verified_generation(library.folder, read_row(library), FINGERPRINT, {})[0]


def republish(library: Library, seed: int = 0) -> GenerationManifest:
    manifest = drain(publish_generation(library.folder, library.store, library.model_id, FINGERPRINT, seed=seed))
    assert manifest is not None
    return manifest


def test_generation_covers_every_embedding_in_the_order_they_came(filled: Library) -> None:
    ids, vectors = all_vectors(filled)
    generation = open_newest(filled)
    assert generation.ids.tolist() == ids
    assert np.array_equal(generation.values, vectors)
    assert generation.manifest.rows == read_row(filled).rows == ROWS
    assert (
        generation.manifest.built_upto
        == read_row(filled).built_upto
        == filled.store.embeddings.find_last_seq(filled.model_id)
    )


def test_stated_recall_is_the_measured_one(filled: Library) -> None:
    generation = open_newest(filled)
    _, vectors = all_vectors(filled)
    candidates = generation.manifest.candidates
    found_count = true_count = 0
    for row in np.unique(np.linspace(0, ROWS - 1, 200).astype(int)).tolist():
        others = [number for number in range(ROWS) if number != row]
        true = nearest_by_loop(others, vectors[others], vectors[row], 10).ids
        candidate_rows = generation.find_candidate_rows(vectors[row].astype(np.float32), candidates)
        near = [int(n) for n in candidate_rows if n != row]
        found_count += len(set(true) & set(nearest_by_loop(near, vectors[near], vectors[row], 10).ids))
        true_count += 10
    assert generation.manifest.recall_at_10 == pytest.approx(found_count / true_count, abs=1e-4)
    assert generation.manifest.recall_at_10 >= recall.TARGET_RECALL


def test_index_that_finds_too_little_is_not_kept(filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    assert republish(filled).search_k > 0
    monkeypatch.setattr(recall, "CANDIDATE_COUNTS", (4,))
    manifest = republish(filled)
    assert (manifest.trees, manifest.search_k, manifest.recall_at_10) == (0, 0, 1.0)
    folder = get_generation_folder(filled.folder, manifest.number)
    assert {path.name for path in folder.iterdir()} >= {"ids.npy", "vectors.npy", "manifest.json"}
    assert not (folder / "index.ann").exists()
    result = filled.search(Query((1,)), k=5)
    assert (result.engine, result.recall_at_10, result.notice) == ("exact", 1.0, "")


def test_index_of_an_earlier_version_that_finds_too_little_is_not_asked(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    low_effort = recall.SearchEffort(1000, 100, 0.957)  # as published until the target was held
    monkeypatch.setattr(recall, "choose_effort", lambda *_: low_effort)
    assert republish(filled).recall_at_10 == 0.957
    assert filled.search(Query((1,)), k=5).engine == "exact"
    info = filled.collect_info()
    assert (info.recall_at_10, info.trees, info.search_k, info.indexed) == (None, 0, 0, ROWS)


@pytest.mark.parametrize("rows", [60, 500, 1200])
@pytest.mark.parametrize("kind", [draw_like_photos, draw_mixed_photos])
def test_every_library_finds_the_true_nearest_as_promised(
    tmp_path: Path, rows: int, kind: Callable[[int, int], np.ndarray]
) -> None:
    vectors = kind(rows, 192)
    fill(tmp_path / "x.library", vectors)
    with Library.open(tmp_path / "x.library") as library:
        ids, _ = all_vectors(library)
        found = 0
        asked = range(0, rows, max(1, rows // 40))
        for row in asked:
            true = nearest_by_loop(ids, vectors, vectors[row], 10).ids
            found += len({hit.photo.id for hit in library.search(Query((ids[row],)), k=10).hits} & set(true))
        assert found / (10 * len(asked)) >= recall.TARGET_RECALL


def test_same_seed_gives_the_same_bytes_another_seed_another_index(filled: Library) -> None:
    first, same_seed, other_seed = (republish(filled, seed).files for seed in (1, 1, 2))
    assert first == same_seed
    assert first["index.ann"] != other_seed["index.ann"]


def test_model_without_embeddings_gets_no_generation(filled: Library) -> None:
    model = filled.store.models.add_model("f" * 64, "empty", 192)
    assert drain(publish_generation(filled.folder, filled.store, model, "f" * 64)) is None


@pytest.mark.parametrize("rows", [1, 2, 11])
def test_few_rows_are_enough_for_a_generation(tmp_path: Path, rows: int) -> None:
    fill(tmp_path / "x.library", clustered(rows))
    with Library.open(tmp_path / "x.library") as library:
        assert open_newest(library).manifest.recall_at_10 == 1
        assert len(library.search(Query((int(library.find_photo_ids()[0]),)), k=5).hits) == min(5, rows)


def test_only_the_newest_generation_of_each_model_is_kept(filled: Library) -> None:
    numbers = [republish(filled).number for _ in range(3)]
    assert [path.name for path in (filled.folder / "generations").iterdir()] == [f"{numbers[-1]:04d}"]


def test_generation_of_the_model_before_is_kept_beside_the_new_one(filled: Library) -> None:
    before = read_row(filled)
    other_card = Tiny("other").card
    model = filled.store.models.add_model(other_card.fingerprint, other_card.name, other_card.dim)
    filled.store.database.execute_statement(
        "INSERT INTO embeddings SELECT NULL, photo, ?, vector, '' FROM embeddings", (model,)
    )
    filled.store.database.execute_statement(
        "INSERT INTO checksums SELECT new.seq, crc32 FROM embeddings AS new JOIN embeddings AS old "
        "ON old.photo = new.photo AND old.model != new.model JOIN checksums AS c ON c.seq = old.seq "
        "WHERE new.model = ?",
        (model,),
    )
    drain(publish_generation(filled.folder, filled.store, model, other_card.fingerprint))
    assert len(list((filled.folder / "generations").iterdir())) == 2
    assert read_row(filled) == before


def test_cancelled_publish_leaves_the_old_generation_in_use_and_nothing_else(filled: Library) -> None:
    before = read_row(filled)
    steps = publish_generation(filled.folder, filled.store, filled.model_id, FINGERPRINT)
    while next(steps).note != "measuring the recall":
        pass
    steps.close()
    assert read_row(filled) == before
    assert list((filled.folder / "generations").iterdir()) == [get_generation_folder(filled.folder, before.number)]


KILLED_PROGRAM = """
import os, sys
from pathlib import Path
from indexer.search.generations import publish_generation
from indexer.library import Library
from indexer.database.model_table import ModelTable
from tests.support.small_index import index_small_libraries
if sys.argv[2] == "before the database knows":
    ModelTable.confirm_generation = lambda *_: os._exit(9)
library = Library.open(Path(sys.argv[1]))
with index_small_libraries():
    for step in publish_generation(
        library.folder, library.store, library.model_id, library.model_fingerprint
    ):
        if step.note == sys.argv[2]:
            os._exit(9)
"""


@pytest.mark.parametrize(
    "moment",
    ["collecting embeddings", "building the index", "measuring the recall", "before the database knows"],
)
def test_killed_publish_leaves_the_old_generation_and_the_next_one_tidies_up(filled: Library, moment: str) -> None:
    before = read_row(filled)
    killed = subprocess.run([sys.executable, "-c", KILLED_PROGRAM, str(filled.folder), moment], check=False, cwd=ROOT)
    assert killed.returncode == 9
    assert len(list((filled.folder / "generations").iterdir())) == 2
    assert read_row(filled) == before
    assert filled.search(Query((int(filled.find_photo_ids()[0]),)), k=5).engine == "annoy"
    manifest = republish(filled)
    assert manifest.number > before.number + 1  # a number is not used twice
    assert list((filled.folder / "generations").iterdir()) == [get_generation_folder(filled.folder, manifest.number)]


def test_what_is_not_ours_among_the_generations_stays(filled: Library, tmp_path: Path) -> None:
    place, row = filled.folder / "generations", read_row(filled)
    (tmp_path / "precious").mkdir()
    mine = [tmp_path / "precious/vectors.npy", place / "notes.txt"]
    mine += [place / name / "family.jpg" for name in (f"{row.number + 1:04d}", f"{row.number + 7:04d}", ".0008.abcdef")]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    (place / "0042").symlink_to(tmp_path / "precious")
    (place / "0043").mkdir()
    (place / "0043" / "vectors.npy").symlink_to(mine[0])
    assert republish(filled).number == row.number + 2
    assert [path.read_text() for path in mine] == ["mine"] * len(mine)
    assert not (place / "0042").is_symlink() and not (place / "0043").exists()
    assert filled.search(Query((1,)), k=5).engine == "annoy"


def test_verified_files_are_not_hashed_again(filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    _, known = open_verified_generation(filled.folder, read_row(filled), FINGERPRINT, {})
    assert known.keys() == set(GENERATION_FILES)
    monkeypatch.setattr(generations, "_measure_file", lambda path: pytest.fail(f"{path} is hashed again"))
    open_verified_generation(filled.folder, read_row(filled), FINGERPRINT, known)


def test_generation_of_another_model_is_refused(filled: Library) -> None:
    with pytest.raises(GenerationError, match="another model"):
        open_verified_generation(filled.folder, read_row(filled), "0" * 64, {})


@pytest.mark.parametrize(("extent", "least"), [("quick", 100), pytest.param("long", 300, marks=pytest.mark.long)])
def test_every_damage_is_noticed_before_annoy_sees_it(tmp_path: Path, extent: str, least: int) -> None:
    with index_small_libraries():
        fill(tmp_path / "x.library", clustered(300))
        fill(tmp_path / "other.library", clustered(310, seed=5))
        fill(tmp_path / "foreign.library", clustered(320, dim=64))
    places = [str(tmp_path / name) for name in ("x.library", "other.library", "foreign.library", "")]
    completed = run_patiently(
        [sys.executable, str(ROOT / "tests" / "support" / "mutations.py"), *places, extent],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
    )
    assert (completed.code, completed.err) == (0, "")
    cases = completed.objects()
    assert len(cases) >= least
    for case in cases:
        assert case["before"] == "annoy", case
        assert case["right"], case
        assert case["engines"] == ["exact"], case
        assert case["notice"].endswith("builds it anew."), case
        assert case["notice"].count(". ") == 0, case  # one sentence
        assert case["after"] in (None, ["exact", ""]), case  # built anew, without an index for so few
    assert sum(case["after"] is not None for case in cases) >= least / 8


def test_warm_library_has_opened_everything_and_answers_as_before(filled: Library) -> None:
    before = [hit.photo.id for hit in filled.search(Query((5,)), k=20).hits]
    with Library.open(filled.folder) as again:
        again.warm_up()
        for thread in threading.enumerate():
            if thread.name == "warm":
                thread.join(timeout=10)
                assert not thread.is_alive()
        opened = again.load_generation()
        assert [hit.photo.id for hit in again.search(Query((5,)), k=20).hits] == before
        assert again.load_generation() is opened


def test_library_with_nothing_in_it_is_warm_at_once(tmp_path: Path) -> None:
    with Library.create(tmp_path / "empty.library") as library:
        library.warm_up()


def test_search_files_of_another_computer_are_never_mapped_but_built_anew(filled: Library) -> None:
    signature = get_generation_folder(filled.folder, read_row(filled).number) / SIGNATURE_FILE
    for text in ("0" * 64, "", "\u00fc", None):
        if text is None:
            signature.unlink()
        else:
            signature.write_text(text)
        with Library.open(filled.folder) as library:
            result = library.search(Query((1,)), k=5)
            assert result.engine == "exact"
            assert result.notice == (
                "The search index 0001 was built on another computer: every photo is compared, "
                "until the next index run builds it anew."
            )
    with Library.open(filled.folder) as library:
        drain(index_library(library, [], Tiny()))
        assert (library.search(Query((1,)), k=5).notice, library.load_generation() is not None) == ("", True)


def test_library_copied_on_this_computer_is_searched_as_before(filled: Library, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(filled.folder, tmp_path / "copied.library"))
    with Library.open(copied) as library:
        result = library.search(Query((1,)), k=5)
        assert (result.engine, result.notice) == ("annoy", "")


def test_next_run_builds_a_damaged_generation_anew(filled: Library) -> None:
    damaged = get_generation_folder(filled.folder, read_row(filled).number) / "index.ann"
    damaged.write_bytes(bytes(damaged.stat().st_size))
    with Library.open(filled.folder) as library:
        result = library.search(Query((int(library.find_photo_ids()[0]),)), k=5)
        assert (result.engine, result.recall_at_10) == ("exact", 1.0)
        assert "damaged" in result.notice
        drain(index_library(library, [], Tiny()))
        result = library.search(Query((int(library.find_photo_ids()[0]),)), k=5)
        assert (result.engine, result.notice) == ("annoy", "")
    assert not damaged.parent.exists()
