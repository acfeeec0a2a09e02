"""An export is complete, harmless to the program that opens it, and never written among photos."""

import csv
import json
import os
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args, get_type_hints
from urllib.parse import unquote_to_bytes

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from indexer.reports.contact_sheet import (
    CELL_GAP,
    CELL_SIDE,
    COLUMN_COUNT,
    MAX_DRAWN_PHOTOS,
    MAX_LISTED_PHOTOS,
    SheetCell,
    write_cells,
)
from indexer.reports.export import (
    COLUMN_TYPES,
    HIT_COLUMNS,
    PHOTO_COLUMNS,
    ClusterRow,
    HitRow,
    MapRow,
    PhotoRow,
    export_library,
    export_vectors,
    write_csv,
    write_parquet,
)
from indexer.reports.picture_file import write_picture
from indexer.search.results import FactFields
from tests.support.commands import Tell
from tests.support.embedders import Tiny, write_card
from tests.support.index_runs import run_indexing
from tests.support.trees import paint
from tests.support.vectors import all_vectors, clustered, fill

ODD = [b"plain.png", b"=cmd('x').png", b"<script>alert(1)</script>.png", b"not-\xff-utf8.png", b'two\nlines,"q".png']


@pytest.fixture
def odd(library: Library, tmp_path: Path) -> Library:
    """A library of pictures and labels whose names a browser or a spreadsheet could take for code."""
    for number, name in enumerate(ODD):
        folder = tmp_path / "photos" / ("=1+1" if number % 2 else "<b>bold")
        paint(folder / os.fsdecode(name.replace(b"/", b"\\")), number)
    drain(index_library(library, [tmp_path / "photos"], Tiny(), labelled=True))
    return library


class Page(HTMLParser):
    """The tags of a page, and the sources of its pictures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_table_holds_every_photo_and_no_formula(odd: Library, tmp_path: Path) -> None:
    assert drain(export_library(tmp_path / "out.csv", odd)) == len(ODD)
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows].count("'=1+1") == 2
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    assert any("not-\\xff-utf8.png" in row["path"] for row in rows)
    assert all(row["path"].isprintable() for row in rows)
    stored = {photo.path for photo in odd.load_photos(odd.find_photo_ids().tolist())}
    assert {unquote_to_bytes(row["uri"].removeprefix("file://")) for row in rows} == stored  # to the byte
    assert {row["sha256"] for row in rows} == {
        photo.sha256.hex() for photo in odd.load_photos(odd.find_photo_ids().tolist())
    }


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\uff1d"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path: Path, start: str) -> None:
    write_csv(
        tmp_path / "out.csv", PhotoRow._fields, [PhotoRow(1, f"{start}1+1", None, 0, -3, 1, "00", False, "file:///x")]
    )
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert row["path"] == f"'{start}1+1"
    assert (row["width"], row["label"]) == ("-3", "")  # numbers are left alone


def test_parquet_holds_the_same_with_types(odd: Library, tmp_path: Path) -> None:
    drain(export_library(tmp_path / "out.json", odd))
    drain(export_library(tmp_path / "out.parquet", odd))
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.to_pylist() == json.loads((tmp_path / "out.json").read_text())
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["id"], types["path"], types["offline"], types["f_number"], types["iso"]) == (
        *("int64", "string", "bool", "double", "int64"),
    )


def test_a_column_of_parquet_has_the_type_of_its_field(tmp_path: Path) -> None:
    rows: tuple[type, ...] = (PhotoRow, HitRow, MapRow, ClusterRow, FactFields)
    hints = {name: hint for row in rows for name, hint in get_type_hints(row).items()}
    for name, hint in hints.items():
        (kind,) = {part for part in get_args(hint) or (hint,) if part is not type(None)}
        assert COLUMN_TYPES.get(name, str) is kind, name
    write_parquet(tmp_path / "none.parquet", ("id", "label"), [])
    assert str(pq.read_schema(tmp_path / "none.parquet").field("id").type) == "int64"


def test_vectors_in_parquet_are_those_of_npy(library: Library, tmp_path: Path) -> None:
    for number in range(5):
        paint(tmp_path / "photos" / f"{number}.png", number)
    run_indexing(library, Tiny(), tmp_path / "photos")
    write_card(library.models_folder)
    assert [drain(export_vectors(tmp_path / f"out{suffix}", library)) for suffix in (".npy", ".parquet")] == [5, 5]
    table = pq.read_table(tmp_path / "out.parquet")
    assert np.array_equal(np.array(table["vector"].to_pylist(), np.float32), np.load(tmp_path / "out.npy"))
    assert table["id"].to_pylist() == np.load(tmp_path / "out.ids.npy").tolist()
    assert sorted(Path(path).name for path in table["path"].to_pylist()) == [f"{number}.png" for number in range(5)]


def test_without_pyarrow_the_line_that_installs_it_is_said(
    odd: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(LookalikeError, match=r"pip install 'lookalike\[parquet\]'"):
        drain(export_library(tmp_path / "out.parquet", odd))
    assert not (tmp_path / "out.parquet").exists()


def test_json_holds_the_same(odd: Library, tmp_path: Path) -> None:
    drain(export_library(tmp_path / "out.json", odd))
    rows = json.loads((tmp_path / "out.json").read_text())
    assert [tuple(row) for row in rows] == [PHOTO_COLUMNS] * len(ODD)
    assert {row["label"] for row in rows} == {"=1+1", "<b>bold"}
    assert [row["id"] for row in rows] == odd.find_photo_ids().tolist()


def test_a_table_without_photos_has_its_columns(odd: Library, tmp_path: Path) -> None:
    assert drain(export_library(tmp_path / "out.csv", odd, Filter(label="none such"))) == 0
    assert (tmp_path / "out.csv").read_text() == ",".join(PHOTO_COLUMNS) + "\n"
    drain(export_library(tmp_path / "out.json", odd, Filter(label="none such")))
    assert json.loads((tmp_path / "out.json").read_text()) == []


def test_page_needs_no_other_file_and_obeys_no_name(odd: Library, tmp_path: Path) -> None:
    drain(export_library(tmp_path / "out.html", odd))
    page = Page((tmp_path / "out.html").read_text(encoding="utf-8"))
    assert page.tags.count("img") == len(ODD)
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert not {"script", "b"} & set(page.tags)
    assert "<script>alert(1)" in page.words  # as text
    assert "default-src 'none'" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_drawn_sheet_has_a_cell_for_each_photo(odd: Library, tmp_path: Path) -> None:
    drain(export_library(tmp_path / "out.png", odd))
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (COLUMN_COUNT * (CELL_SIDE + CELL_GAP) + CELL_GAP, 248)
        assert len(image.getcolors(1 << 20) or ()) > 20


def test_a_photo_that_cannot_be_read_is_said_so_on_the_page(tmp_path: Path) -> None:
    write_cells(tmp_path / "out.html", [SheetCell(os.fsencode(tmp_path / "gone.png"), "1   0.100", "cat")])
    page = Page((tmp_path / "out.html").read_text())
    assert "vanished" in page.words
    assert "img" not in page.tags


def test_sheets_that_would_be_too_large_are_a_sentence(tmp_path: Path) -> None:
    cell = SheetCell(b"/nowhere", "", "")
    for name, count in (("out.png", MAX_DRAWN_PHOTOS + 1), ("out.html", MAX_LISTED_PHOTOS + 1)):
        with pytest.raises(LookalikeError, match="at most"):
            write_cells(tmp_path / name, [cell] * count)
    with pytest.raises(LookalikeError, match=r"Choose a \.png"):
        write_picture(tmp_path / "out.webp", Image.new("1", (1, 20_000)))
    assert list(tmp_path.iterdir()) == []


def test_vectors_are_those_of_the_shown_photos_and_know_their_ids(tmp_path: Path) -> None:
    vectors = clustered(50)
    fill(tmp_path / "x.library", vectors)
    with Library.open(tmp_path / "x.library") as library:
        write_card(library.models_folder)
        library.store.files.set_state(1, [b"000007.jpg"], "missing")
        assert drain(export_vectors(tmp_path / "out.npy", library)) == 49
        ids, values = all_vectors(library)
    written, of = np.load(tmp_path / "out.npy"), np.load(tmp_path / "out.ids.npy")
    assert (written.dtype, of.dtype, written.shape) == (np.float32, np.int64, (49, 192))
    kept = [row for row in range(50) if row != 7]
    assert of.tolist() == [ids[row] for row in kept]
    assert np.array_equal(written, values[kept].astype(np.float32))


def test_command_writes_hits_in_every_form(home: Path, prepared: Any, tell: Tell, tmp_path: Path) -> None:
    photo = prepared.photos / "a/0003.png"
    found = tell(home, "search", photo, "-k", "5", "--json").result()["hits"]
    for suffix in ("csv", "json", "html", "png"):
        out = tmp_path / f"hits.{suffix}"
        said = tell(home, "export", out, "--what", "hits", "--like", photo, "-k", "5", "--json")
        assert said.code == 0, said
        assert said.result() == {"result": "export", "what": "hits", "photos": 5, "out": str(out)}
    rows = json.loads((tmp_path / "hits.json").read_text())
    assert [(row["rank"], row["path"], row["distance"]) for row in rows] == [
        (hit["rank"], hit["path"], hit["distance"]) for hit in found
    ]
    assert tuple(rows[0]) == HIT_COLUMNS
    assert (tmp_path / "hits.csv").read_text().count("\n") == 6
    assert Page((tmp_path / "hits.html").read_text()).tags.count("img") == 6


def test_command_writes_photos_in_the_order_asked_for(home: Path, prepared: Any, tell: Tell, tmp_path: Path) -> None:
    out = tmp_path / "photos.json"
    assert tell(home, "export", out, "--sort", "added", "--label", "a", "--json").code == 0
    ids = [row["id"] for row in json.loads(out.read_text())]
    assert ids == sorted(ids, reverse=True) != []
    said = tell(home, "export", tmp_path / "v.npy", "--what", "vectors", "--sort", "name")
    assert (said.code, "--sort is for --what library" in said.err) == (2, True)


def test_search_writes_its_sheet_as_a_page(home: Path, prepared: Any, tell: Tell, tmp_path: Path) -> None:
    out = tmp_path / "sheet.html"
    assert tell(home, "search", prepared.photos / "a/0003.png", "--sheet", out).code == 0
    assert Page(out.read_text()).tags.count("figure") == 11


@pytest.mark.parametrize(
    "words",
    [
        ["export", "{photos}/out.csv"],
        ["export", "{photos}/out.npy", "--what", "vectors"],
        ["export", "{tmp}/out.txt"],
        ["export", "{tmp}/out.csv", "--what", "vectors"],
        ["export", "{tmp}/nowhere/out.csv"],
        ["export", "{tmp}/out.csv", "--what", "hits"],
        ["export", "{tmp}/out.csv", "--like", "{photos}/a/0003.png"],
        ["explain", "{photos}/a/0003.png", "{photos}/a/bad.png"],
        ["explain", "{photos}/a/0003.png", "{tmp}/gone.png"],
        ["explain", "{photos}/a/0003.png", "{photos}/a/0006.png", "--out", "{photos}/out.png"],
        ["explain", "{photos}/a/0003.png", "{photos}/a/0006.png", "--out", "{tmp}/out.txt"],
    ],
)
def test_what_cannot_be_is_a_sentence_and_writes_nothing(
    home: Path, prepared: Any, tell: Tell, tmp_path: Path, words: list[str]
) -> None:
    before = sorted(prepared.photos.rglob("*"))
    said = tell(home, *(word.format(photos=prepared.photos, tmp=tmp_path) for word in words))
    assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1), said
    assert sorted(prepared.photos.rglob("*")) == before
    assert not list(tmp_path.glob("out*"))


def test_command_explains_two_pictures(home: Path, prepared: Any, tell: Tell, tmp_path: Path) -> None:
    pair = [prepared.photos / "a/0003.png", prepared.photos / "a/0006.png"]
    said = tell(home, "explain", *pair, "--out", tmp_path / "out.png", "--json")
    assert said.code == 0, said
    result = said.result()
    assert np.array(result["first_heat"]).shape == np.array(result["second_heat"]).shape == (7, 7)
    assert np.max(result["first_heat"]) == np.max(result["second_heat"]) == 1
    verified = tell(home, "search", pair[0], "-k", "60", "--json").result()["hits"]
    assert result["distance"] in [hit["distance"] for hit in verified if hit["path"] == str(pair[1])]
    with Image.open(tmp_path / "out.png") as image:
        assert image.width == image.height > 800
    assert "from the left" in tell(home, "explain", *pair).out
