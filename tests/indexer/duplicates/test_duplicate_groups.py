"""Groups of copies, near copies and look-alikes: the same whatever the order, never wider than the cut-off."""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance

from indexer.duplicates import duplicate_groups as duplicates
from indexer.duplicates.duplicate_groups import DuplicateGroup, FileLink
from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.matching.close_pairs import EXACT_ROWS, find_close_pairs
from indexer.matching.complete_linkage import group_by_complete_linkage
from indexer.photos import thumbnails
from indexer.photos.decoding import decode_photo
from indexer.photos.photo_traits import TURNS
from indexer.photos.reading import content_hash
from indexer.progress import drain
from tests.support import vectors as made_up
from tests.support.commands import ROOT, Tell
from tests.support.embedders import Tiny, tiny_card
from tests.support.soft_pictures import soft
from tests.support.vectors import clustered, outcome

pytestmark = pytest.mark.usefixtures("engine")


def list_names(groups: list[DuplicateGroup]) -> list[list[str]]:
    return [sorted(os.path.basename(path).decode() for path in group.files) for group in groups]  # noqa: PTH119


def make_pictures(folder: Path) -> Path:
    """Eight pictures; of number 1 a compressed one, of 2 a mirrored and a turned one, of 3 two exact copies."""
    folder.mkdir()
    for seed in range(8):
        soft(seed, (300, 224)).save(folder / f"{seed}.png")
    soft(1).save(folder / "1 small.jpg", quality=30)
    soft(2).transpose(TURNS[0]).save(folder / "2 mirrored.jpg", quality=90)
    soft(2).transpose(TURNS[2]).save(folder / "2 turned.jpg", quality=90)
    for name in ("3 copy.png", "3 again.png"):
        (folder / name).write_bytes((folder / "3.png").read_bytes())
    os.utime(folder / "3 copy.png", (1, 1))
    return folder


@pytest.fixture
def indexed(library: Library, tmp_path: Path) -> Library:
    index_again(library, make_pictures(tmp_path / "photos"))
    return library


def index_again(library: Library, folder: Path, name: str = "tiny") -> None:
    """Index the folder, with thumbnails as large as a model of the usual size leaves them."""
    drain(index_library(library, [folder], Tiny(name)))
    for path in folder.iterdir():
        data = path.read_bytes()
        picture = decode_photo(data, thumbnails.THUMBNAIL_SIDE).image
        library.thumbnails.put([(content_hash(data), thumbnails.encode_thumbnail(picture))])


def create_library(folder: Path, vectors: np.ndarray, order: Iterable[int]) -> Library:
    """A library with these embeddings, recorded in this order; a content keeps its name and hash."""
    library = Library.create(folder)
    card = tiny_card()
    model = library.store.models.add_model(card.fingerprint, card.name, card.dim)
    library.store.files.add_root(made_up.ROOT, labelled=False)
    library.store.record_outcomes((outcome(1, number, vectors[number]) for number in order), model)
    return library


# links and second names


def test_links_are_no_copies_and_stand_behind_the_file_they_lead_to(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        soft(seed).save(folder / f"{seed}.png")
    (folder / "0 link.png").symlink_to(folder / "0.png")
    (folder / "0 second.png").hardlink_to(folder / "0.png")
    (folder / "1 a link.png").symlink_to("1.png")
    shutil.copy(folder / "1.png", folder / "1 copy.png")
    index_again(library, folder)
    (group,) = drain(duplicates.find_duplicates(library, "copies"))
    one, copy, link = (bytes(folder / name) for name in ("1.png", "1 copy.png", "1 a link.png"))
    assert set(group.files[:2]) == {one, copy}
    assert (group.files[2:], group.links) == ((link,), (FileLink(link, one),))
    photos = library.load_photos(library.find_photo_ids().tolist())
    copies = {os.path.basename(photo.path): photo.copies for photo in photos}  # noqa: PTH119
    assert sorted(copies.values()) == [0, 0, 1]
    assert b"0 link.png" not in copies


def test_link_whose_file_is_gone_or_replaced_is_a_file_again(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    soft(0).save(folder / "0.png")
    (folder / "second.png").hardlink_to(folder / "0.png")
    index_again(library, folder)
    assert library.store.database.fetch_rows("SELECT path FROM files WHERE linked") == [(b"second.png",)]
    (folder / "0.png").unlink()
    index_again(library, folder)
    soft(5).save(folder / "new.png")
    index_again(library, folder)
    assert library.store.database.fetch_rows("SELECT path FROM files WHERE linked") == []
    shutil.copy(folder / "second.png", folder / "copy.png")
    index_again(library, folder)
    (group,) = drain(duplicates.find_duplicates(library, "copies"))
    assert group.links == ()


def test_duplicates_command_says_which_are_links(home: Path, prepared: Any, tell: Tell, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    soft(0).save(folder / "0.png")
    shutil.copy(folder / "0.png", folder / "copy.png")
    (folder / "link.png").symlink_to(folder / "copy.png")
    tell(home, "index", folder)
    (group,) = tell(home, "duplicates", "--json").result()["groups"]
    assert [entry["link_of"] for entry in group["photos"]] == [None, None, str(folder / "copy.png")]
    assert f"{folder}/link.png  (a link to {folder}/copy.png)" in tell(home, "duplicates").out


# the three kinds


def test_exact_copies_are_files_of_one_content_the_oldest_first(indexed: Library) -> None:
    (group,) = drain(duplicates.find_duplicates(indexed, "copies"))
    assert len(group.photos) == 1
    assert Path(os.fsdecode(group.files[0])).name == "3 copy.png"
    assert list_names([group]) == [["3 again.png", "3 copy.png", "3.png"]]


def test_near_copies_are_found_and_turned_ones_on_wish(indexed: Library) -> None:
    assert list_names(drain(duplicates.find_duplicates(indexed, "near"))) == [["1 small.jpg", "1.png"]]
    (group,) = drain(duplicates.find_duplicates(indexed, "near"))
    assert [photo.width for photo in indexed.load_photos(group.photos)] == [300, 200]  # the best first
    best, copy = (indexed.embed_example(photo) for photo in group.photos)
    assert group.distances == pytest.approx((0, float(np.linalg.norm(best - copy))), abs=1e-6)
    turned = list_names(drain(duplicates.find_duplicates(indexed, "near", turned=True, max_distance=2)))
    assert sorted(turned) == [["1 small.jpg", "1.png"], ["2 mirrored.jpg", "2 turned.jpg", "2.png"]]


def test_near_hashes_with_far_embeddings_are_no_near_copies(indexed: Library) -> None:
    assert drain(duplicates.find_duplicates(indexed, "near", max_distance=0.0)) == []


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "grey": lambda picture: picture.convert("L"),
    "half": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "dark": lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
    "warm": lambda picture: ImageEnhance.Color(picture).enhance(1.3),
}


def test_changed_copies_are_near_copies_though_their_embeddings_are_far(library: Library, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for seed, (name, change) in enumerate(CHANGES.items()):
        soft(seed, (300, 224)).save(tmp_path / "photos" / f"{name} before.png")
        change(soft(seed, (300, 224))).save(tmp_path / "photos" / f"{name} after.jpg", quality=70)
    index_again(library, tmp_path / "photos")
    groups = list_names(drain(duplicates.find_duplicates(library, "near")))
    assert sorted(groups) == sorted([f"{name} after.jpg", f"{name} before.png"] for name in CHANGES)


def test_flat_pictures_strips_and_signs_on_wide_margins_are_no_near_copies(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in zip("rgbyw", ["#c81414", "#14a028", "#1e28be", "#f0dc28", "#fafafa"], strict=True):
        Image.new("RGB", (300, 300), colour).save(folder / f"flat {name}.png")
    for seed in range(6):
        soft(seed, (1000, 8)).save(folder / f"wide {seed}.png")
        soft(seed, (8, 1000)).save(folder / f"high {seed}.png")
        page = Image.new("RGB", (400, 500), "white")
        page.paste(soft(seed, (80, 80)), (160, 210))
        page.save(folder / f"stamp {seed}.jpg", quality=92)
        sign = Image.new("RGB", (200, 200), "black")
        box = (25 + 10 * seed, 25, 175 - 10 * seed, 175)
        (ImageDraw.Draw(sign).rectangle if seed % 2 else ImageDraw.Draw(sign).ellipse)(box, outline="white", width=11)
        sign.save(folder / f"sign {seed}.png")
    index_again(library, folder)
    assert list_names(drain(duplicates.find_duplicates(library, "near"))) == []


def test_thumbnails_that_were_deleted_are_made_anew(indexed: Library) -> None:
    before = drain(duplicates.find_duplicates(indexed, "near"))
    indexed.thumbnails.close()
    (indexed.folder / "thumbnails.sqlite").unlink()
    assert drain(duplicates.find_duplicates(indexed, "near")) == before
    assert all(indexed.read_thumbnail(photo) for photo in indexed.load_photos(indexed.find_photo_ids().tolist()))


def test_look_alikes_are_as_close_as_asked_each_to_each(tmp_path: Path) -> None:
    with create_library(tmp_path / "x.library", clustered(200), range(200)) as library:
        groups = drain(duplicates.find_duplicates(library, "alike", max_distance=0.8))
        assert len(groups) > 10
        for group in groups:
            vectors = np.stack([library.embed_example(photo) for photo in group.photos]).astype(np.float64)
            distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
            assert distances.max() <= 0.8
            assert group.distances == pytest.approx(distances[0], abs=1e-9)
        default = drain(duplicates.find_duplicates(library, "alike"))
        widest = max(max(group.distances) for group in default)
        vectors = np.stack([library.embed_example(photo) for photo in library.find_photo_ids().tolist()]).astype(
            np.float64
        )
        distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)[np.triu_indices(200, 1)]
        assert (
            widest <= duplicates.LOOKALIKE_SHARE * np.median(distances) * 1.1
        )  # each photo's own median is near that of all


def test_gone_files_are_in_no_group(indexed: Library, tmp_path: Path) -> None:
    (tmp_path / "photos" / "1.png").unlink()
    drain(index_library(indexed, [], Tiny()))
    assert drain(duplicates.find_duplicates(indexed, "near")) == []


def test_unknown_kind_and_empty_library_are_sentences(library: Library) -> None:
    with pytest.raises(LookalikeError, match="no kind"):
        drain(duplicates.find_duplicates(library, "twins"))
    with pytest.raises(LookalikeError, match="is empty"):
        drain(duplicates.find_duplicates(library, "alike"))


# whatever the order


def group_hashes(library: Library, groups: list[DuplicateGroup]) -> list[tuple[bytes, ...]]:
    return [tuple(photo.sha256 for photo in library.load_photos(group.photos)) for group in groups]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(60)))
def test_groups_are_the_same_whatever_the_order(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    vectors = clustered(60)
    results = []
    for numbers in (range(60), order):
        with create_library(tmp_path_factory.mktemp("order") / "x.library", vectors, numbers) as library:
            results.append(group_hashes(library, drain(duplicates.find_duplicates(library, "alike", max_distance=0.8))))
    assert results[0] == results[1]
    assert len(results[0]) > 5


@pytest.mark.long
def test_groups_found_by_an_index_are_the_same_whatever_the_order_and_nearly_all(tmp_path: Path) -> None:
    count = EXACT_ROWS + 400
    vectors = clustered(count)
    results = []
    for name, order in (("a", np.arange(count)), ("b", np.random.default_rng(1).permutation(count))):
        with create_library(tmp_path / f"{name}.library", vectors, order.tolist()) as library:
            results.append(group_hashes(library, drain(duplicates.find_duplicates(library, "alike", max_distance=0.8))))
    assert results[0] == results[1]
    pairs = drain(find_close_pairs(vectors, np.full(count, 0.8)))
    squares = np.sum(vectors.astype(np.float64) ** 2, axis=1)
    squared_distances = squares[:, None] + squares - 2 * (vectors.astype(np.float64) @ vectors.T.astype(np.float64))
    true = np.argwhere(np.triu(squared_distances <= 0.64, 1))
    common = set(map(tuple, pairs.tolist())) & set(map(tuple, true.tolist()))
    assert len(true) > 500
    assert len(common) == len(pairs) >= 0.99 * len(true)


# complete linkage


def link_by_loop(points: np.ndarray, bound: float) -> list[list[int]]:
    """Groups of points on a line: join the two groups that hold the nearest pair whenever they fit, by plain search."""
    groups = [[row] for row in range(len(points))]
    pairs = sorted((abs(points[a] - points[b]), a, b) for a in range(len(points)) for b in range(a + 1, len(points)))
    for distance, a, b in pairs:
        group, other_group = (next(group for group in groups if row in group) for row in (a, b))
        if distance <= bound and group is not other_group and np.ptp(points[group + other_group]) <= bound:
            groups = [rows for rows in groups if rows not in (group, other_group)] + [group + other_group]
    return sorted(sorted(group) for group in groups if len(group) > 1)


@given(st.lists(st.integers(0, 60), min_size=2, max_size=25))
def test_complete_linkage_is_that_of_a_plain_loop_and_never_chains(numbers: list[int]) -> None:
    points = np.array(numbers)
    pairs = sorted((abs(points[a] - points[b]), a, b) for a in range(len(points)) for b in range(a + 1, len(points)))
    near = np.array([pair[1:] for pair in pairs if pair[0] <= 5], np.int64).reshape(-1, 2)
    groups = group_by_complete_linkage(near, lambda rows, others: bool(np.ptp(points[rows + others]) <= 5))
    assert groups == link_by_loop(points, 5)
    assert all(np.ptp(points[group]) <= 5 for group in groups)


# not a match


def test_no_match_splits_a_group_and_survives_moves_and_a_change_of_model(indexed: Library, tmp_path: Path) -> None:
    def find_groups() -> list[set[int]]:
        return [set(g.photos) for g in drain(duplicates.find_duplicates(indexed, "near", turned=True, max_distance=2))]

    first, second, third = sorted(next(group for group in find_groups() if len(group) == 3))
    indexed.annotations.record_decision([(second, first)])
    for step in ("decided", "moved", "other model"):
        if step == "moved":
            (tmp_path / "photos").rename(tmp_path / "elsewhere")
            index_again(indexed, tmp_path / "elsewhere")
        if step == "other model":
            index_again(indexed, tmp_path / "elsewhere", "other")
            indexed.store.models.activate_model(Tiny("other").card.fingerprint)
        groups = find_groups()
        assert not any({first, second} <= group for group in groups), step
        assert {first, third} in groups or {second, third} in groups, step
    indexed.annotations.record_decision([(first, second)], None)
    assert {first, second, third} in find_groups()


# the command


def test_command_lists_groups_and_remembers_what_is_no_match(home: Path, tmp_path: Path, tell: Tell) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, path in enumerate(sorted((ROOT / "assets" / "sample").glob("*/*.png"))[::12]):
        shutil.copy(path, folder / f"{number}.png")
    shutil.copy(folder / "3.png", folder / "3 copy.png")
    os.utime(folder / "3 copy.png", (1, 1))
    decode_photo((folder / "1.png").read_bytes(), 1000).image.save(folder / "1 small.jpg", quality=60)
    assert tell(home, "index", folder).code == 0
    completed = tell(home, "duplicates", "--kind", "copies", "--json")
    assert (completed.code, completed.objects()[0]["stage"]) == (0, "compare")
    result: dict[str, Any] = completed.result()
    assert (result["result"], result["kind"]) == ("duplicates", "copies")
    (group,) = result["groups"]
    assert [photo["distance"] for photo in group["photos"]] == [0, 0]
    assert Path(group["photos"][0]["path"]).name == "3 copy.png"
    (near,) = tell(home, "duplicates", "--kind", "near", "--json").result()["groups"]
    assert [Path(photo["path"]).name for photo in near["photos"]] == ["1.png", "1 small.jpg"]
    completed = tell(home, "duplicates", "--not-a-match", folder / "1.png", folder / "1 small.jpg")
    assert (completed.code, completed.out.count("\n")) == (0, 1)
    assert tell(home, "duplicates", "--kind", "near", "--json").result()["groups"] == []
    assert tell(home, "duplicates", "--kind", "alike").code == 0
    (pair,) = tell(home, "duplicates", "--no-matches", "--json").result()["groups"]
    assert {Path(photo["path"]).name for photo in pair["photos"]} == {"1.png", "1 small.jpg"}
    assert max(photo["distance"] for photo in pair["photos"]) == near["photos"][1]["distance"]
    completed = tell(home, "duplicates", "--matches-again", folder / "1 small.jpg", folder / "1.png")
    assert (completed.code, completed.out.count("\n")) == (0, 1)
    assert tell(home, "duplicates", "--kind", "near", "--json").result()["groups"] == [near]
    assert tell(home, "duplicates", "--no-matches", "--json").result()["groups"] == []
    completed = tell(home, "duplicates", "--matches-again", folder / "1 small.jpg", folder / "1.png")
    assert (completed.code, len(completed.err.splitlines())) == (2, 1) and "not remembered" in completed.err
    completed = tell(home, "duplicates", "--no-matches", "--matches-again", folder / "1.png", folder / "3.png")
    assert (completed.code, len(completed.err.splitlines())) == (2, 1) and "Choose one of" in completed.err


def test_command_refuses_what_is_no_pair_of_photos_in_a_sentence(
    home: Path, prepared: Any, tmp_path: Path, tell: Tell
) -> None:
    soft(1).save(tmp_path / "outside.png")
    known = prepared.photos / "a" / "0000.png"
    for path in (tmp_path / "outside.png", tmp_path / "none.png", known):
        completed = tell(home, "duplicates", "--not-a-match", known, path)
        assert (completed.code, len(completed.err.splitlines())) == (2, 1), completed
        if path.name == "none.png":
            assert completed.err == f"There is no file {path}.\n"
