"""The Library of scripts gives what the rooms below give, takes pictures named in any way, and its views are safe."""

import html.parser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from indexer import Library, Query
from indexer.database.filters import Filter
from indexer.errors import LibraryError, LookalikeError
from indexer.library import Library as EngineLibrary
from indexer.matching.identification import identify_label
from indexer.scripting.notebook_views import MOST_PICTURES, PhotoList
from tests.support.trees import paint


class PictureTags(html.parser.HTMLParser):
    """The tags of a view, and the texts between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name == "src"]

    def handle_data(self, data: str) -> None:
        self.texts += [data.strip()] if data.strip() else []


@pytest.fixture
def opened(home: Path) -> Iterator[Library]:
    with Library.open(str(home / "default.library")) as library:
        yield library


def test_a_picture_may_be_named_in_any_way(opened: Library, prepared: Any) -> None:
    path = prepared.photos / "a" / "0003.png"
    photo = opened.search(path, k=1).hits[0].photo
    with Image.open(path) as image:
        queries = [path, str(path), photo, photo.id, Query((path,)), [str(path)], image.convert("RGB")]
    for query in queries:
        assert opened.search(query, k=3).hits[0].photo.id == photo.id
    both = opened.search([photo, prepared.photos / "b" / "0004.png"], k=3)
    with EngineLibrary.open(opened.folder) as engine:
        direct = engine.search(Query((path, prepared.photos / "b" / "0004.png")), k=3)
    assert both.hits == direct.hits


def test_questions_are_answered_as_by_the_rooms_below(opened: Library, prepared: Any) -> None:
    one, other = prepared.photos / "a" / "0003.png", prepared.photos / "b" / "0004.png"
    assert opened.verify(str(one), other) == opened.verify_pair(one, other)
    assert opened.identify(str(one)) == identify_label(opened, one)
    assert {photo.label for photo in opened.list_photos(Filter(label="b"))} == {"b"}
    assert len(opened.list_photos()) == 60
    assert opened.search_words("fabric", k=2).hits[0].rank == 1
    assert not opened.search_words("dog").hits  # no picture here is likelier one than chance
    with pytest.raises(LookalikeError, match="qwertz"):
        opened.search_words("qwertz")
    with pytest.raises(LookalikeError, match="no kind"):
        opened.duplicates("none")


def test_folders_are_indexed_labelled_and_searched_for_copies(opened: Library, tmp_path: Path) -> None:
    for name, seed in (("one", 101), ("two", 102), ("again", 101)):
        paint(tmp_path / "more" / f"{name}.png", seed)
    report = opened.index(str(tmp_path / "more"), exclude=["two.png"])
    assert (report.photos, report.embedded) == (61, 1)
    assert opened.label("owl", [str(tmp_path / "more" / "one.png")]) == 1
    assert opened.search(tmp_path / "more" / "again.png", k=1).hits[0].photo.label == "owl"
    (group,) = opened.duplicates()
    assert sorted(Path(file.decode()).name for file in group.files) == ["again.png", "one.png"]
    with pytest.raises(LibraryError, match="does not exist"):
        opened.index(tmp_path / "nowhere")
    with opened.store.take_job_lock(), Library.open(opened.folder) as second, pytest.raises(LookalikeError):
        second.index()


def test_answers_show_their_pictures(opened: Library, prepared: Any) -> None:
    shown = PictureTags(opened.search(prepared.photos / "a" / "0003.png", k=4)._repr_html_())
    assert shown.tags.count("img") == 4 and shown.texts[:3] == ["4 photos", "1   0.000", "a"]
    assert all(source.startswith("data:image/jpeg;base64,") for source in shown.sources)
    assert PictureTags(opened.search_words("fabric", k=3)._repr_html_()).tags.count("img") == 3
    (photo, *_) = opened.list_photos()
    many = PictureTags(PhotoList([photo] * (MOST_PICTURES + 5), opened.read_thumbnail)._repr_html_())
    assert (many.tags.count("img"), many.texts[0]) == (MOST_PICTURES, f"{MOST_PICTURES + 5} photos")


def test_a_view_escapes_names_and_says_why_a_picture_is_missing(opened: Library, tmp_path: Path) -> None:
    (photo, *_) = opened.list_photos()
    foreign = photo._replace(path=bytes(tmp_path / "<script>x.png"), label='<img src="x">', sha256=bytes(32))
    shown = PictureTags(PhotoList([foreign], opened.read_thumbnail)._repr_html_())
    assert "script" not in shown.tags and "img" not in shown.tags
    assert {"<script>x.png", '<img src="x">'} <= set(shown.texts)
    assert len(shown.texts) == 4  # the reason, too


def test_groups_are_shown_with_their_pictures(opened: Library, tmp_path: Path) -> None:
    for name in ("one", "again"):
        paint(tmp_path / "more" / f"{name}.png", 101)
    opened.index(tmp_path / "more")
    shown = PictureTags(opened.duplicates()._repr_html_())
    assert (shown.tags.count("img"), shown.texts[0]) == (1, "2 files")


def test_groups_of_alike_photos_are_shown_by_their_middles(opened: Library) -> None:
    found = opened.cluster("kmeans", 3)
    assert (len(found.middles), sum(found.count_photos())) == (3, 60)
    shown = PictureTags(found._repr_html_())
    assert (shown.tags.count("img"), shown.texts[0], shown.texts[1]) == (
        3,
        "3 groups",
        f"{max(found.count_photos())} photos",
    )
    with pytest.raises(LookalikeError, match="no method"):
        opened.cluster("none")


def test_a_library_is_made_from_a_name_of_text(tmp_path: Path) -> None:
    with Library.create(str(tmp_path / "new.library")) as library:
        assert library.folder == tmp_path / "new.library"
    with pytest.raises(LibraryError, match="There is no library"):
        Library.open(str(tmp_path / "other.library"))
