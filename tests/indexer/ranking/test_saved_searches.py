"""A saved search, reopened, asks the same: whatever it was made of, after moves too, and damage is a sentence."""

import json
import math
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from indexer.ranking.changed_copies import search_changed_copies
from indexer.ranking.query_expansion import search_with_expansion
from indexer.ranking.rankings import run_search
from indexer.ranking.saved_searches import forget_search, list_saved_searches, load_search, save_search
from indexer.ranking.search_request import RANK_COPIES, RANK_NEAREST, RANK_REFINED, SearchRequest
from indexer.search.query import CroppedExample, Query
from tests.support.embedders import Tiny
from tests.support.trees import paint, paint_many

pytestmark = pytest.mark.usefixtures("engine")

RankedPhoto = tuple[int, float]


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[Library]:
    """A library of 30 small pictures with the tiny model."""
    paint_many(tmp_path / "photos", 30)
    with Library.create(tmp_path / "y.library") as library:
        drain(index_library(library, [tmp_path / "photos"], Tiny()))
        library.load_embedder = Tiny  # type: ignore[assignment, method-assign]  # the model for queries from outside
        yield library


def rank_by_distance(library: Library, search: SearchRequest) -> list[RankedPhoto]:
    """Photo ids and distances of a search, in order of distance whatever its ranking."""
    result = library.search(search.query, k=20, within=search.within, max_distance=search.max_distance)
    return [(hit.photo.id, hit.distance) for hit in result.hits]


def make_bitmap() -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (40, 60, 3), dtype=np.uint8))


def make_rich_search(library: Library, outside: Path) -> SearchRequest:
    """Everything that a search can be made of."""
    positives = (
        3,
        np.int64(5),
        outside,
        make_bitmap(),
        CroppedExample(7, (0.0, 0.0, 0.5, 1.0)),
        CroppedExample(make_bitmap(), (5, 5, 30, 30)),
    )
    negatives = (9, CroppedExample(outside, (0, 0, 12, 12)))
    within = Filter(
        under=Path(os.fsdecode(library.store.files.list_roots()[0].path)),
        after=datetime(2001, 2, 3, 4, 5, 6),
        before=datetime(2101, 1, 1),
        min_side=24,
        orientation="square",
    )
    return SearchRequest(Query(positives, negatives, (1.0, 2.0, 0.5, 1.0, 3.0, 1.0)), within, 1.4)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", [RANK_REFINED, RANK_COPIES])
def test_way_of_ranking_is_kept(pictures: Library, way: str) -> None:
    query = Query((CroppedExample(7, (0.0, 0.0, 0.5, 1.0)),))
    if way == RANK_REFINED:
        by_hand = search_with_expansion(pictures, query, k=20)
    else:
        by_hand = search_changed_copies(pictures, query.positives[0], k=20)
    before = [(hit.photo.id, hit.distance) for hit in by_hand.hits]
    assert before != rank_by_distance(pictures, SearchRequest(query))
    save_search(pictures, "this way", SearchRequest(query, ranking=way))
    result = run_search(pictures, load_search(pictures, "this way"), 20)
    assert [(hit.photo.id, hit.distance) for hit in result.hits] == before


@pytest.mark.parametrize("positives", [(), (3,)], ids=["alone", "with a picture"])
def test_words_are_kept(pictures: Library, positives: tuple[int, ...]) -> None:
    search = SearchRequest(Query(positives), Filter(label="cat"), words="bird -goldfinch")
    save_search(pictures, "birds", search)
    assert load_search(pictures, "birds") == search


def test_search_saved_before_ways_were_kept_is_by_distance(pictures: Library) -> None:
    pictures.annotations.save_search("old", SAVED_FIELDS | {"positives": [{"path": "a"}]})
    assert load_search(pictures, "old") == SearchRequest(Query((Path("a"),)), ranking=RANK_NEAREST)


def test_reopened_search_gives_the_same_ranks(pictures: Library, tmp_path: Path) -> None:
    outside = paint(tmp_path / os.fsdecode(b"out\xffside.png"), 77)
    search = make_rich_search(pictures, outside)
    before = rank_by_distance(pictures, search)
    assert 5 < len(before) <= 20
    save_search(pictures, "all of it", search)
    with Library.open(pictures.folder) as again:
        again.load_embedder = Tiny  # type: ignore[assignment, method-assign]
        reopened = load_search(again, "all of it")
        assert rank_by_distance(again, reopened) == before
        assert reopened.within == search.within
        assert (reopened.query.weights, reopened.max_distance) == (search.query.weights, search.max_distance)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16", "F"])
def test_bitmap_of_any_mode_is_kept_as_the_model_sees_it(pictures: Library, mode: str) -> None:
    bitmap = make_bitmap()
    image = bitmap.convert("L").convert("I").convert(mode) if mode in ("I;16", "F") else bitmap.convert(mode)
    search = SearchRequest(Query((image,)))
    save_search(pictures, "bitmap", search)
    assert rank_by_distance(pictures, load_search(pictures, "bitmap")) == rank_by_distance(pictures, search)


def test_photo_of_a_saved_search_is_known_by_its_content(pictures: Library, tmp_path: Path) -> None:
    before = [photo.path for photo in pictures.load_photos([3])]
    save_search(pictures, "third", SearchRequest(Query((3,))))
    for path in (tmp_path / "photos").iterdir():
        path.rename(path.with_name(f"moved {path.name}"))
    drain(index_library(pictures, [], Tiny()))
    hit = pictures.search(load_search(pictures, "third").query, k=1).hits[0]
    assert (hit.photo.id, hit.distance) == (3, 0)
    assert [hit.photo.path] != before


def test_saved_search_tells_what_is_gone(pictures: Library, tmp_path: Path) -> None:
    save_search(pictures, "gone", SearchRequest(Query((3, 4))))
    with pytest.raises(LookalikeError, match="no longer in the library"):
        save_search(pictures, "never there", SearchRequest(Query((999,))))
    Path(os.fsdecode(pictures.load_photos([3])[0].path)).unlink()
    drain(index_library(pictures, [], Tiny()))
    assert rank_by_distance(pictures, load_search(pictures, "gone"))  # missing is not forgotten
    pictures.store.forget_missing()
    assert rank_by_distance(pictures, load_search(pictures, "gone"))  # and stays as long as the search names it
    pictures.store.forget_missing(with_labels=True)
    with pytest.raises(LookalikeError, match="A photo of the saved search is no longer"):
        load_search(pictures, "gone")


def test_searches_are_listed_replaced_and_forgotten_by_name(pictures: Library) -> None:
    for name, photo in (("b", 1), ("a", 2), ("b", 3)):
        save_search(pictures, name, SearchRequest(Query((photo,))))
    assert list_saved_searches(pictures) == ["a", "b"]
    assert load_search(pictures, "b").query.positives == (3,)
    forget_search(pictures, "b")
    assert list_saved_searches(pictures) == ["a"]
    for use in (forget_search, load_search):
        with pytest.raises(LookalikeError, match="There is no saved search 'b'"):
            use(pictures, "b")
    with pytest.raises(LookalikeError, match="needs a name"):
        save_search(pictures, " ", SearchRequest(Query((1,))))


SAVED_FIELDS = {"positives": [{"photo": "00"}], "negatives": [], "weights": [], "within": None, "max_distance": None}


@pytest.mark.parametrize(
    "change",
    [
        {"positives": 3},
        {"positives": ["x"]},
        {"positives": [{}]},
        {"positives": [{"photo": "xyz"}]},
        {"positives": [{"photo": 7}]},
        {"positives": [{"png": "?"}]},
        {"positives": [{"png": "AAAA"}]},
        {"positives": [{"path": "x\0y"}]},
        {"positives": [{"path": "a", "box": [1, 2]}]},
        {"positives": [{"path": "a", "box": "....."}]},
        {"weights": ["heavy"]},
        {"within": {}},
        {"within": "cats"},
        {"max_distance": "far"},
        {"max_distance": 10**400},
        {"way": "sideways"},
        {"way": ["nearest"]},
        {"within": dict.fromkeys(("label", "under", "before", "after", "orientation")) | {"min_side": math.inf}},
        {"within": dict.fromkeys(("label", "under", "before", "min_side", "orientation")) | {"after": "yesterday"}},
        {"within": dict.fromkeys(("label", "under", "before", "min_side", "after")) | {"orientation": "diagonal"}},
    ],
)
def test_damaged_saved_search_is_a_sentence(pictures: Library, change: dict[str, object]) -> None:
    pictures.annotations.save_search("damaged", SAVED_FIELDS | {"positives": [{"path": "a"}]} | change)
    with pytest.raises(LookalikeError):
        rank_by_distance(pictures, load_search(pictures, "damaged"))
    pictures.annotations.save_search("damaged", json.loads("[]"))
    with pytest.raises(LookalikeError, match="is damaged"):
        load_search(pictures, "damaged")


@pytest.mark.parametrize("text", ["{no json", "[" * 100_000, "", 7])
def test_one_damaged_search_leaves_the_others_alone_and_can_be_forgotten(pictures: Library, text: object) -> None:
    save_search(pictures, "sound", SearchRequest(Query((3,))))
    pictures.store.database.execute_statement("INSERT INTO searches VALUES ('damaged', ?)", (text,))
    with pytest.raises(LookalikeError, match="'damaged' is damaged"):
        load_search(pictures, "damaged")
    assert load_search(pictures, "sound").query.positives == (3,)
    forget_search(pictures, "damaged")
    assert list_saved_searches(pictures) == ["sound"]


def test_a_name_that_is_no_unicode_is_not_taken_for_damage(pictures: Library) -> None:
    with pytest.raises(LookalikeError, match=r"Unicode text only, not 'x\\udcff'"):
        save_search(pictures, "x\udcff", SearchRequest(Query((3,))))
