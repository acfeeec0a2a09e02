"""A map keeps neighbours together, is the same each time, and does not move when photos come or its file is damaged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.manifold import trustworthiness

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.progress import drain
from indexer.reports.photo_map import LAYOUT_METHODS, MapLayout, load_layout, update_layout
from tests.support.commands import Tell
from tests.support.embedders import write_card
from tests.support.rights import Rights
from tests.support.vectors import all_vectors, clustered, fill

PHOTOS, LATER = 240, 30
VECTORS = clustered(PHOTOS + LATER)  # one draw: the later ones are of the same clusters


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Library]:
    """PHOTOS clustered embeddings, with the card of their model."""
    fill(tmp_path / "x.library", VECTORS[:PHOTOS], publish=False)
    with Library.open(tmp_path / "x.library") as library:
        write_card(library.models_folder)
        yield library


def kept_file(library: Library, method: str) -> Path:
    (path,) = (library.folder / "layouts").glob(f"*-{method}.npz")
    return path


def same(first: MapLayout, second: MapLayout) -> bool:
    return np.array_equal(first.ids, second.ids) and np.array_equal(first.points, second.points)


@pytest.mark.parametrize("method", list(LAYOUT_METHODS))
def test_all_photos_get_a_place_and_the_next_call_reads_it(filled: Library, method: str) -> None:
    assert load_layout(filled, method) is None
    made = drain(update_layout(filled, method))
    assert made.ids.dtype == np.int64
    assert made.points.dtype == np.float32
    assert made.method == method
    assert made.ids.tolist() == sorted(filled.find_photo_ids().tolist())
    assert made.points.shape == (PHOTOS, 2)
    again = load_layout(filled, method)
    assert again is not None
    assert same(made, again)
    assert list(update_layout(filled, method)) == []  # nothing was to be done


@pytest.mark.parametrize("method", list(LAYOUT_METHODS))
def test_made_anew_it_is_the_same(filled: Library, method: str) -> None:
    first = drain(update_layout(filled, method))
    kept_file(filled, method).unlink()
    assert same(first, drain(update_layout(filled, method)))


def test_tsne_keeps_more_neighbours_than_pca(filled: Library) -> None:
    _, vectors = all_vectors(filled)
    pca, tsne = (drain(update_layout(filled, method)).points for method in ("pca", "tsne"))
    kept = [trustworthiness(vectors.astype(np.float64), points, n_neighbors=10) for points in (pca, tsne)]
    assert kept[1] > max(0.9, kept[0] + 0.05)


def test_the_map_of_pca_is_the_exact_one(filled: Library) -> None:
    _, vectors = all_vectors(filled)
    made = drain(update_layout(filled, "pca"))
    centred = vectors.astype(np.float64) - vectors.astype(np.float64).mean(0)
    exact = np.linalg.svd(centred)[2][:2]
    spread = (centred @ exact.T).std(axis=0)
    assert np.allclose(made.points.std(axis=0), spread, rtol=0.02)


@pytest.mark.parametrize("method", list(LAYOUT_METHODS))
def test_later_photos_are_placed_among_their_like_and_move_no_other(filled: Library, method: str) -> None:
    before = drain(update_layout(filled, method))
    fill(filled.folder, VECTORS[PHOTOS:], publish=False, first=PHOTOS)
    after = drain(update_layout(filled, method))
    assert len(after.ids) == PHOTOS + LATER
    old = np.isin(after.ids, before.ids)
    assert np.array_equal(after.points[old], before.points)
    ids, vectors = all_vectors(filled)
    assert ids == after.ids.tolist()
    values = vectors.astype(np.float32)
    near = np.argsort(-(values[~old] @ values[old].T), axis=1)[:, :5]
    home = np.median(after.points[old][near], axis=1)
    away = np.linalg.norm(after.points[~old] - home, axis=1)
    anywhere = np.linalg.norm(after.points[~old][::-1] - home, axis=1)
    assert np.median(away) < np.median(anywhere) / 2


def test_a_library_that_has_more_than_doubled_gets_a_new_map(filled: Library) -> None:
    before = drain(update_layout(filled, "pca"))
    fill(filled.folder, clustered(PHOTOS + 1, seed=5), publish=False, first=PHOTOS)
    after = drain(update_layout(filled, "pca"))
    assert not np.allclose(after.points[: len(before.points)], before.points)


@pytest.mark.parametrize("method", list(LAYOUT_METHODS))
def test_a_library_whose_photos_were_forgotten_gets_a_new_map(filled: Library, method: str) -> None:
    drain(update_layout(filled, method))
    filled.store.files.set_state(1, [b"%06d.jpg" % number for number in range(PHOTOS)], "missing")
    filled.store.forget_missing()
    fill(filled.folder, VECTORS[PHOTOS:], publish=False, first=PHOTOS)
    made = drain(update_layout(filled, method))
    kept_file(filled, method).unlink()
    assert same(made, drain(update_layout(filled, method)))


def test_photos_that_are_gone_are_left_out_and_come_back(filled: Library) -> None:
    whole = drain(update_layout(filled, "pca"))
    gone = [b"%06d.jpg" % number for number in range(40)]
    filled.store.files.set_state(1, gone, "missing")
    shown = load_layout(filled, "pca")
    assert shown is not None
    assert shown.ids.tolist() == sorted(filled.find_photo_ids().tolist())
    assert len(shown.ids) == PHOTOS - 40
    filled.store.files.set_state(1, gone, "present")
    assert same(whole, drain(update_layout(filled, "pca")))


def test_a_damaged_file_is_as_good_as_none(filled: Library) -> None:
    made = drain(update_layout(filled, "pca"))
    path = kept_file(filled, "pca")
    whole = path.read_bytes()
    damages = [b"", whole[:100], whole[:-1], whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2)]
    damages += [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(0, len(whole), 97)]
    for damaged in damages:
        path.write_bytes(damaged)
        found = load_layout(filled, "pca")
        assert found is None or same(found, made)  # a bit that nobody reads does no harm
    path.write_bytes(whole[:100])
    assert same(made, drain(update_layout(filled, "pca")))
    assert path.read_bytes() == whole


def test_the_file_of_another_method_or_model_is_not_taken(filled: Library) -> None:
    drain(update_layout(filled, "pca"))
    path = kept_file(filled, "pca")
    path.rename(path.with_name(path.name.replace("pca", "tsne")))
    assert load_layout(filled, "tsne") is None


@pytest.mark.parametrize("count", [1, 2, 7, 9])
@pytest.mark.parametrize("method", list(LAYOUT_METHODS))
def test_the_smallest_libraries_have_a_map_too(tmp_path: Path, method: str, count: int) -> None:
    fill(tmp_path / "x.library", VECTORS[:count], publish=False)
    with Library.open(tmp_path / "x.library") as library:
        write_card(library.models_folder)
        assert np.isfinite(drain(update_layout(library, method)).points).all()
        fill(tmp_path / "x.library", VECTORS[count : count + 1], publish=False, first=count)
        assert drain(update_layout(library, method)).points.shape == (count + 1, 2)


def test_an_empty_library_and_an_unknown_method_are_sentences(library: Library) -> None:
    with pytest.raises(LookalikeError, match="holds no photos"):
        drain(update_layout(library))
    with pytest.raises(LookalikeError, match="no map 'umap'"):
        drain(update_layout(library, "umap"))


def test_command_writes_the_map_for_the_window_and_as_files(home: Path, tell: Tell, tmp_path: Path) -> None:
    said = tell(home, "map", "--json", "--out", tmp_path / "map.png")
    assert said.code == 0, said
    *steps, result = said.objects()
    assert {step["stage"] for step in steps} == {"map"}
    assert (result["result"], result["method"], result["photos"]) == ("map", "tsne", 60)
    with Library.open(home / "default.library") as library:
        found = load_layout(library)
    assert found is not None
    assert len(found.ids) == 60
    with Image.open(tmp_path / "map.png") as picture:
        assert len(picture.getcolors(1 << 24) or ()) > 60  # thumbnails are on it
    assert tell(home, "map", "--out", tmp_path / "map.csv").code == 0
    lines = (tmp_path / "map.csv").read_text().splitlines()
    assert (lines[0], len(lines)) == ("id,path,label,x,y,uri", 61)


def test_nothing_is_written_below_a_root(home: Path, prepared: Any, tell: Tell) -> None:
    said = tell(home, "map", "--method", "pca", "--out", prepared.photos / "map.png")
    assert said.code == 2
    assert "nothing is ever written" in said.err
    assert not (prepared.photos / "map.png").exists()


def test_map_of_a_library_that_cannot_be_written_is_shown_and_not_kept(rights: Rights, open_to_all: Path) -> None:
    fill(open_to_all / "x.library", VECTORS[:PHOTOS], publish=False)
    with Library.open(open_to_all / "x.library") as library:
        write_card(library.models_folder)
    for path in (open_to_all / "x.library").rglob("*"):
        path.chmod(0o755)
    rights.take(open_to_all / "x.library")
    with Library.open(open_to_all / "x.library") as library:
        assert len(drain(update_layout(library, "pca")).ids) == PHOTOS
        assert load_layout(library, "pca") is None
