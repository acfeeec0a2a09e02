"""Ranking by points in common (search --points): what shares points comes first, by their number."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from indexer.library import Library
from indexer.ranking.point_ranking import describe_points, search_by_points
from indexer.ranking.query_expansion import search_with_expansion
from indexer.ranking.search_request import RANK_POINTS, SearchRequest
from indexer.search.query import Query
from indexer.search.results import SearchResult
from retrieval_app.session.searching.photo_listing import find_ranked_photos
from tests.support.commands import ROOT, Tell

PHOTOGRAPHS = ROOT / "assets" / "photographs"
CASTLE = PHOTOGRAPHS / "castles" / "neuschwanstein-castle.webp"


def load_castle(left: float, right: float) -> Image.Image:
    """The castle between two fractions of its width."""
    with Image.open(CASTLE) as file:
        picture = file.convert("RGB")
    return picture.crop((round(left * picture.width), 0, round(right * picture.width), picture.height))


@pytest.fixture
def library(tmp_path: Path, tell: Tell, carried_model: None) -> Iterator[Library]:
    """Parts of one castle that overlap less and less with its left part, among other castles."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, left, right in (("most", 0.1, 0.8), ("half", 0.35, 1.0)):
        load_castle(left, right).save(photos / f"{name}.png")
    for path in sorted(CASTLE.parent.glob("*.webp")):
        if path != CASTLE:
            (photos / path.name).write_bytes(path.read_bytes())
    assert tell(tmp_path / "home", "index", photos, "--library", tmp_path / "x.library").code == 0
    with Library.open(tmp_path / "x.library") as library:
        yield library


def list_names(result: SearchResult) -> list[str]:
    return [Path(hit.photo.path.decode()).stem for hit in result.hits]


def test_what_shares_points_comes_first_and_the_rest_stays_in_order(library: Library) -> None:
    framed = ImageOps.expand(load_castle(0, 0.6), 250, "orange")
    refined, pointed = search_with_expansion(library, Query((framed,))), search_by_points(library, framed)
    assert list_names(refined)[0] == "mont-st-michel"  # so the frame misleads the model, and points do not
    assert list_names(pointed)[:2] == ["most", "half"]
    assert [name for name in list_names(refined) if name not in ("most", "half")] == list_names(pointed)[2:]
    assert [hit.rank for hit in pointed.hits] == list(range(1, len(refined.hits) + 1))
    assert {hit.photo.id: hit.distance for hit in pointed.hits} == {hit.photo.id: hit.distance for hit in refined.hits}
    most, half, *others = pointed.hits
    assert (most.points or 0) > (half.points or 0) > 7 >= max(hit.points or 0 for hit in others)
    assert describe_points(most) == f"{most.points} points in common"
    assert all(hit.points is None and describe_points(hit) == "" for hit in refined.hits)
    listing = find_ranked_photos(library, SearchRequest(Query((framed,)), ranking=RANK_POINTS)).full_listing
    assert listing.explain_photo(most.photo) == describe_points(most)
    assert list_names(search_by_points(library, framed, k=1)) == ["most"]


def test_the_command_ranks_so_and_refuses_several_pictures(library: Library, tell: Tell, tmp_path: Path) -> None:
    picture, where = tmp_path / "photos" / "half.png", ["--library", library.folder]
    said = tell(tmp_path / "home", "search", picture, "--points", "-k", "2", "--json", *where)
    assert said.result()["ranked_by"] == "points"
    assert said.result()["hits"][0]["points"] > 7
    said = tell(tmp_path / "home", "search", picture, "--points", "-k", "2", *where)
    assert "points in common)" in said.out
    said = tell(tmp_path / "home", "search", picture, picture.with_stem("most"), "--points", *where)
    assert (said.code, "looked for of one picture" in said.err) == (2, True)
