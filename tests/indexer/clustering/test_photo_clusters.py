"""The groups of a library are kept until photos come, named by their labels, and written out by the command."""

import csv
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from indexer.clustering.photo_clusters import (
    PhotoClusters,
    describe_agreement,
    load_clusters,
    measure_agreement,
    name_clusters,
    update_clusters,
)
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.progress import drain
from tests.support.commands import Tell
from tests.support.embedders import write_card
from tests.support.vectors import clustered, fill, give_labels

PHOTOS = 120


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Library]:
    """PHOTOS embeddings in clusters of about twenty."""
    fill(tmp_path / "x.library", clustered(PHOTOS), publish=False)
    with Library.open(tmp_path / "x.library") as library:
        write_card(library.models_folder)
        yield library


def kept_file(library: Library) -> Path:
    (path,) = (library.folder / "layouts").glob("*-clusters.npz")
    return path


def test_groups_are_kept_and_made_anew_where_photos_come(filled: Library) -> None:
    assert load_clusters(filled) is None
    made = drain(update_clusters(filled))
    assert (made.method, made.ids.tolist()) == ("kmeans", sorted(filled.find_photo_ids().tolist()))
    assert made.count_photos() == sorted(made.count_photos(), reverse=True)
    assert [made.codes[made.ids == middle].item() for middle in made.middles] == list(range(len(made.middles)))
    assert list(update_clusters(filled)) == []  # nothing was to be done
    kept = load_clusters(filled)
    assert kept is not None and np.array_equal(kept.codes, made.codes) and np.array_equal(kept.middles, made.middles)
    fill(filled.folder, clustered(20, seed=3), publish=False, first=PHOTOS)
    assert len(drain(update_clusters(filled)).ids) == PHOTOS + 20


def test_without_a_method_groups_are_made_as_the_last_ones(filled: Library) -> None:
    drain(update_clusters(filled, "density", 8))
    again = drain(update_clusters(filled))
    assert (again.method, again.number) == ("density", 8)
    assert drain(update_clusters(filled, "kmeans", 4)).codes.max() == 3
    with pytest.raises(LookalikeError, match="Choose one of: kmeans, density"):
        drain(update_clusters(filled, "ward"))


def test_photos_that_are_gone_are_in_no_group(filled: Library) -> None:
    made = drain(update_clusters(filled))
    filled.store.files.set_state(1, [b"%06d.jpg" % number for number in range(30)], "missing")
    kept = load_clusters(filled)
    assert kept is not None and kept.ids.tolist() == made.ids.tolist()[30:]
    assert sum(kept.count_photos()) == PHOTOS - 30


@pytest.mark.parametrize("damage", [b"", b"PK\3\4 cut", "other"])
def test_damaged_groups_are_none(filled: Library, damage: bytes | str) -> None:
    drain(update_clusters(filled))
    path = kept_file(filled)
    if isinstance(damage, bytes):
        path.write_bytes(damage)
    else:
        with np.load(path) as file:
            arrays = dict(file)
        np.savez(path, **(arrays | {"codes": arrays["codes"] + 1}))  # the last group has no middle
    assert load_clusters(filled) is None
    assert len(drain(update_clusters(filled)).ids) == PHOTOS


def make_clusters(codes: list[int]) -> PhotoClusters:
    middles = [codes.index(code) + 1 for code in range(max(codes) + 1)]
    return PhotoClusters(np.arange(1, len(codes) + 1), np.array(codes), np.array(middles), "kmeans", 0)


def test_a_group_has_the_name_of_most_of_its_labels() -> None:
    clusters = make_clusters([0, 0, 0, 0, 1, 1, 1, 2, 2, -1])
    labels = {1: "cat", 2: "cat", 3: "dog", 5: "cat", 8: "dog", 9: "cat", 10: "cow"}
    assert name_clusters(clusters, labels) == ["cat", "cat 2", ""]
    assert name_clusters(clusters, {}) == ["", "", ""]


def test_agreement_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    codes = [*random.integers(-1, 4, 60).tolist(), 0, 1, 2, 3]
    clusters = make_clusters(codes)
    labels = {photo: "abc"[random.integers(3)] for photo in clusters.ids.tolist() if photo % 4}
    both = [photo for photo in labels if codes[photo - 1] >= 0]
    expected = normalized_mutual_info_score([labels[photo] for photo in both], [codes[photo - 1] for photo in both])
    found = measure_agreement(clusters, labels)
    assert found.labelled == len(both)
    assert found.nmi == pytest.approx(expected, abs=1e-6)
    table = contingency_matrix([labels[photo] for photo in both], [codes[photo - 1] for photo in both])
    assert found.purity == pytest.approx(table.max(axis=0).sum() / table.sum(), abs=1e-6)
    assert measure_agreement(clusters, {1: "a"}) == (1, None, None)


def test_agreement_is_told_in_numbers_of_photos() -> None:
    clusters = make_clusters([0, 0, 0, 1, 1, -1])
    found = measure_agreement(clusters, {1: "cat", 2: "cat", 3: "dog", 4: "dog", 5: "dog", 6: "dog"})
    assert describe_agreement(found).startswith("Of 5 labelled photos 4 have the label of most in their group (NMI 0.4")
    assert describe_agreement(measure_agreement(clusters, {})) == ""


def test_the_command_writes_each_photo_with_its_group(filled: Library, tell: Tell, tmp_path: Path) -> None:
    give_labels(filled, np.arange(PHOTOS) % 3)
    home, out = tmp_path / "home", tmp_path / "groups.csv"
    shutil.copytree(filled.folder, home / "default.library")
    said = tell(home, "cluster", "--number", "5", "--out", out, "--json").result()
    assert (said["method"], said["photos"], len(said["groups"]), said["ungrouped"]) == ("kmeans", PHOTOS, 5, 0)
    assert said["labelled"] == PHOTOS and 0 <= said["nmi"] <= 1
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == PHOTOS and {row["group"] for row in rows} == set("12345")
    assert sum(row["group"] == "1" for row in rows) == said["groups"][0]["photos"]
    text = tell(home, "cluster").out
    assert re.search(r"Of 120 labelled photos \d+ have the label of most in their group \(NMI 0\.\d\d:", text)
    assert tell(home, "cluster", "--out", tmp_path / "x.txt").code == 2
    refused = tell(home, "cluster", "--number", "1")
    assert refused.code == 2 and "a --number is 2 or more" in refused.err
