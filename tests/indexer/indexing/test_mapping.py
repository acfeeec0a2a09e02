"""A taught model that only adds a map needs no picture: its embeddings come from those under its base."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from indexer.indexing.mapping import find_base_card, map_base_embeddings
from indexer.indexing.switching import switch_model
from indexer.library import Library
from indexer.models.card import read_seen_hashes
from indexer.models.embedder import embed_bytes
from indexer.models.installation import ModelChoice, install_model
from indexer.progress import drain
from indexer.search.query import Query
from tests.indexer.conftest import Prepared
from training import TrainConfig, train
from training.data.sources import LibraryLabels

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture(scope="module")
def taught(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint taught by recipe instant on the prepared folder."""
    out = tmp_path_factory.mktemp("taught") / "checkpoint"
    return drain(train(TrainConfig(recipe="instant"), prepared.photos, out)).checkpoint


@pytest.fixture(scope="module")
def carried(taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that are ready on this computer: the taught one, converted."""
    models = tmp_path_factory.mktemp("carried")
    drain(install_model(ModelChoice(checkpoint=taught), models))
    return models


@pytest.fixture(autouse=True)
def ready(carried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_MODELS", str(carried))


def test_using_it_reads_no_picture_and_ranks_as_the_model_does(
    home: Path, prepared: Prepared, taught: Path, tmp_path: Path
) -> None:
    with Library.open(home / "default.library") as library:
        ids, base_id = library.find_photo_ids(), library.model_id
        photo = library.load_photos([int(ids[0])])[0]
        root = library.store.files.list_roots()[0]
        library.store.files.move_root(root.id, os.fsencode(tmp_path / "away"))  # no picture can be read
        report = drain(switch_model(library, taught))
        assert report.embedded == 0
        assert library.find_photo_ids().tolist() == ids.tolist()
        assert library.model_id != base_id
        stored = library.store.embeddings.read_embedding(photo.id, library.model_id)
        assert stored is not None
        outside = tmp_path / "outside.png"
        shutil.copy(os.fsdecode(photo.path), outside)
        fresh = embed_bytes(outside.read_bytes(), library.load_embedder())
        assert np.linalg.norm(stored.astype(np.float32) - fresh) < 0.05
        hits = library.search(Query((photo.id,)), k=3).hits
        assert (hits[0].photo.id, hits[0].distance) == (photo.id, 0)


def test_a_second_time_nothing_is_stored_twice(home: Path, taught: Path) -> None:
    with Library.open(home / "default.library") as library:
        drain(switch_model(library, taught))
        count = library.store.embeddings.count_embeddings(library.model_id)
        assert drain(map_base_embeddings(library, library.read_model_card())) == count
        assert library.store.embeddings.count_embeddings(library.model_id) == count


@pytest.mark.sqlite_file
def test_a_librarys_labels_teach_it_the_same_pictures_as_their_folder(
    home: Path, prepared: Prepared, taught: Path, tmp_path: Path
) -> None:
    with Library.open(home / "default.library") as library:
        for photo in library.load_photos(library.find_photo_ids().tolist()):
            library.annotations.set_label([photo.id], Path(os.fsdecode(photo.path)).parent.name)
    source = LibraryLabels(home / "default.library")
    result = drain(train(TrainConfig(recipe="instant"), source, tmp_path / "out"))
    seen = [{bytes(row) for row in read_seen_hashes(folder)} for folder in (taught, result.checkpoint)]
    assert seen[0] == seen[1]
    assert len(seen[0]) == 2 * 60  # of contents and of pixels


def test_a_model_without_a_map_has_no_base(home: Path) -> None:
    with Library.open(home / "default.library") as library:
        card = library.read_model_card()
        assert find_base_card(library, card) is None
        assert drain(map_base_embeddings(library, card)) == 0
