"""`lookalike search` gives the hits of Library.search, refuses in one sentence, and saves searches by name."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from indexer.database.filters import Filter
from indexer.library import Library
from indexer.search.query import CroppedExample, Query
from tests.support.commands import Tell
from tests.support.trees import paint

SearchCase = tuple[list[str], dict[str, Any]]


def list_search_cases(photos: Path) -> list[SearchCase]:
    """Arguments of the command, and the arguments of Library.search that mean the same."""
    a, b, c = photos / "a/0003.png", photos / "b/0004.png", photos / "c/0005.png"
    outside = photos.parent / "outside.png"
    return [
        ([f"{a}"], {"query": Query((a,))}),
        ([f"{a}", f"{b}", "--not", f"{c}"], {"query": Query((a, b), (c,))}),
        ([f"{outside}", f"{b}", "--weight", "3", "--weight", "1"], {"query": Query((outside, b), weights=(3.0, 1.0))}),
        ([f"{outside}", "--crop", "12,0,12,24"], {"query": Query((CroppedExample(outside, (12, 0, 12, 24)),))}),
        ([f"{a}", "--label", "b"], {"query": Query((a,)), "within": Filter(label="b")}),
        ([f"{a}", "--under", f"{photos / 'c'}"], {"query": Query((a,)), "within": Filter(under=photos / "c")}),
        ([f"{a}", "--after", "2001-02-03"], {"query": Query((a,)), "within": Filter(after=datetime(2001, 2, 3))}),
        ([f"{a}", "--before", "2001-02-03"], {"query": Query((a,)), "within": Filter(before=datetime(2001, 2, 3))}),
        ([f"{a}", "--min-size", "25"], {"query": Query((a,)), "within": Filter(min_side=25)}),
        (
            [f"{a}", "--orientation", "square", "--exact"],
            {"query": Query((a,)), "within": Filter(orientation="square"), "exact": True},
        ),
        ([f"{a}", "--max-distance", "1.0"], {"query": Query((a,)), "max_distance": 1.0}),
    ]


@pytest.fixture
def outside(prepared: Any) -> Path:
    return paint(prepared.photos.parent / "outside.png", 500)


@pytest.mark.parametrize("case", range(11))
def test_command_and_python_give_the_same_ranks(
    home: Path, prepared: Any, outside: Path, tell: Tell, case: int
) -> None:
    words, meaning = list_search_cases(prepared.photos)[case]
    result = tell(home, "search", *words, "-k", "12", "--json").result()
    with Library.open(home / "default.library") as library:
        expected = library.search(k=12, **meaning)
    assert [(hit["rank"], hit["path"], hit["distance"]) for hit in result["hits"]] == [
        (hit.rank, os.fsdecode(hit.photo.path), round(hit.distance, 6)) for hit in expected.hits
    ]
    assert (result["engine"], result["recall_at_10"]) == (expected.engine, expected.recall_at_10)
    assert len(expected.hits) in ((0,) if case in (7, 8) else range(1, 13))


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "-1", "1e999", "much", ""])
@pytest.mark.parametrize(
    "words",
    [
        "search PHOTO --max-distance",
        "search PHOTO --max-fmr",
        "search PHOTO --weight",
        "search PHOTO --min-size",
        "search PHOTO -k",
        "verify PHOTO PHOTO --max-fmr",
        "verify PHOTO --label a --max-fmr",
        "identify PHOTO --max-fmr",
        "identify PHOTO -k",
        "duplicates --kind alike --max-distance",
        "export OUT.csv -k",
        "sample pictures OUT --per-class",
    ],
)
def test_number_that_makes_no_sense_is_refused_in_a_sentence(
    prepared: Any, tell: Tell, words: str, number: str
) -> None:
    named = [prepared.photos / "a/0003.png" if word == "PHOTO" else word for word in words.split()]
    said = tell(prepared.home, *named, number)
    assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1)
    assert named[-1].strip("-") in said.err


@pytest.mark.parametrize(("option", "number"), [("--max-fmr", "0"), ("--max-fmr", "1"), ("--weight", "0")])
def test_ends_of_a_range_that_make_no_sense_are_refused(prepared: Any, tell: Tell, option: str, number: str) -> None:
    said = tell(prepared.home, "search", prepared.photos / "a/0003.png", option, number)
    assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1)


@pytest.mark.parametrize("crop", ["nan,0,9,9", "0,0,inf,9", "0,0,-9,9", "0,0,9", "a,b,c,d", "1e308,0,1e308,9"])
def test_crop_that_makes_no_sense_is_refused(prepared: Any, tell: Tell, crop: str) -> None:
    said = tell(prepared.home, "search", prepared.photos / "a/0003.png", f"--crop={crop}")
    assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1)


def test_saved_search_is_asked_again_listed_and_forgotten(home: Path, prepared: Any, outside: Path, tell: Tell) -> None:
    words = [outside, "--crop", "0,0,20,20", "--not", prepared.photos / "b/0004.png", "--label", "a"]
    before = tell(home, "search", *words, "--max-distance", "1.5", "--save", "my search", "--json").result()["hits"]
    assert before
    assert tell(home, "search", "--saved", "my search", "--json").result()["hits"] == before
    assert tell(home, "searches").out.splitlines() == ["my search", "1 saved search"]
    assert tell(home, "searches", "--json").result() == {"result": "searches", "searches": ["my search"]}
    assert tell(home, "searches", "--forget", "my search", "--json").result()["searches"] == []
    for command in ("searches --forget", "search --saved"):
        said = tell(home, *command.split(), "my search")
        assert (said.code, said.out) == (2, "")
        assert "There is no saved search" in said.err


def test_sheet_of_a_saved_search_is_written(home: Path, prepared: Any, tell: Tell, tmp_path: Path) -> None:
    assert tell(home, "search", prepared.photos / "a/0003.png", "--save", "one").code == 0
    assert tell(home, "search", "--saved", "one", "--sheet", tmp_path / "sheet.png").code == 0
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--crop", "1,2,3"], "--crop takes X,Y,W,H"),
        (["--crop", "0,0,1,1"], "at least two pixels"),
        (["--crop", "0,0,nan,5"], "at least two pixels"),
        (["--crop", "500,500,50,50"], "lies in the crop"),
        (["--weight", "1", "--weight", "2"], "as many weights"),
        (["--weight", "-1"], "above 0"),
        (["--after", "yesterday"], "does not match the format"),
        (["--orientation", "diagonal"], "is not one of"),
        (["--saved", "x"], "Name pictures to look like, --words, or a search"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(prepared: Any, tell: Tell, words: list[str], sentence: str) -> None:
    said = tell(prepared.home, "search", prepared.photos / "a/0003.png", *words)
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1


def test_search_for_nothing_is_a_sentence(prepared: Any, tell: Tell) -> None:
    assert "Name pictures to look like" in tell(prepared.home, "search").err
    said = tell(prepared.home, "search", "--saved", "x", "--label", "cat")
    assert (said.code, "leave the other options out" in said.err) == (2, True)


def test_nothing_found_says_why(home: Path, prepared: Any, tell: Tell) -> None:
    said = tell(home, "search", prepared.photos / "a/0003.png", "--label", "no such")
    assert said.code == 0
    assert "There is no photo, or none near enough passes the filter." in said.out
