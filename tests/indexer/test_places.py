"""Nothing that a command writes costs the user a picture or a file, and no library stands in for another."""

from pathlib import Path
from typing import Any

import pytest

from indexer import places
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.places import require_safe_output
from tests.support.commands import Tell
from tests.support.trees import paint, snapshot


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A folder of pictures that no library knows."""
    paint(tmp_path / "other" / "neg.png", 700)
    paint(tmp_path / "other" / "hat.png", 701)
    return tmp_path / "other"


@pytest.fixture
def elsewhere(home: Path, tmp_path: Path) -> Path:
    """A photo folder of a library that lies outside the home folder, and another one of a library in it."""
    for library, root in ((tmp_path / "A.library", "far"), (home / "second.library", "near")):
        paint(tmp_path / root / "x.png", 702)
        with Library.create(library) as opened:
            opened.store.files.add_root(bytes(tmp_path.resolve() / root), labelled=False)
    return tmp_path / "A.library"


@pytest.mark.parametrize("name", ["neg.png", "hat.png"])
def test_a_sheet_never_takes_the_place_of_a_picture_of_a_saved_search(
    home: Path, prepared: Any, other: Path, tell: Tell, name: str
) -> None:
    asked = [other / "hat.png", "--not", other / "neg.png", "--crop", "0,0,12,12"]
    assert tell(home, "search", *asked, "--save", "s1").code == 0
    before = snapshot(other)
    for wish in ([], ["--overwrite"]):
        said = tell(home, "search", "--saved", "s1", "--sheet", other / name, *wish)
        assert (said.code, said.err) == (2, f"{other / name} is a picture you asked about. Choose another place.\n")
    assert snapshot(other) == before


@pytest.mark.parametrize(
    "words",
    [
        "search PHOTO --sheet OUT.png",
        "search PHOTO --sheet OUT.html",
        "export OUT.csv",
        "export OUT.npy --what vectors",
        "export OUT.png --what hits --like PHOTO",
        "explain PHOTO PHOTO --out OUT.png",
        "map --method pca --out OUT.png",
    ],
)
def test_a_file_that_is_there_is_replaced_only_where_that_is_asked_for(
    home: Path, prepared: Any, tell: Tell, tmp_path: Path, words: str
) -> None:
    photo, out = prepared.photos / "a/0003.png", tmp_path / "out"
    said = [word.replace("PHOTO", str(photo)).replace("OUT", str(out)) for word in words.split()]
    (place,) = [Path(word) for word in said if word.startswith(str(out))]
    for there in {place, out.with_name("out.ids.npy") if "vectors" in words else place}:
        there.write_text("dear diary")
        refused = tell(home, *said)
        assert (refused.code, there.read_text()) == (2, "dear diary"), refused
        assert f"{there} is there already" in refused.err and "--overwrite" in refused.err
        if there != place:
            continue
        assert tell(home, *said, "--overwrite").code == 0
        assert place.read_bytes() != b"dear diary"
        place.unlink()


def test_no_library_that_is_known_has_files_written_among_its_photos(
    home: Path, prepared: Any, elsewhere: Path, tell: Tell, tmp_path: Path
) -> None:
    photo = prepared.photos / "a/0003.png"
    before = snapshot(tmp_path / "near"), snapshot(tmp_path / "far")
    for words in (
        ["search", photo, "--sheet", tmp_path / "near" / "out.png"],
        ["export", tmp_path / "near" / "out.csv"],
        ["sample", "pictures", tmp_path / "near" / "new"],
        ["train", prepared.photos, "--out", tmp_path / "near" / "checkpoint"],
        ["train", "--library", elsewhere, "--out", tmp_path / "far" / "checkpoint"],
        ["export", tmp_path / "far" / "out.csv", "--library", elsewhere],
    ):
        said = tell(home, *words)
        assert said.code == 2, words
        assert "nothing is ever written" in said.err
    assert (snapshot(tmp_path / "near"), snapshot(tmp_path / "far")) == before


def test_a_folder_is_known_under_every_name_that_leads_to_it(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "none"))
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    library.store.files.add_root(bytes(tmp_path / "photos"), labelled=False)
    for out in ("photos/x.png", "link/x.png", "link/deep/x.png", "photos/deep/../x.png", "photos"):
        with pytest.raises(LookalikeError, match="nothing is ever written"):
            require_safe_output(tmp_path / out, library=library.folder)
    assert require_safe_output(tmp_path / "photos2", library=library.folder) == []


@pytest.fixture
def damaged(home: Path) -> Path:
    """The first library of the home by name holds garbage."""
    (home / "aaa.library").mkdir()
    (home / "aaa.library" / "library.sqlite").write_bytes(b"no database at all" * 400)
    return home / "aaa.library"


def test_a_damaged_library_does_not_keep_others_from_being_found(
    home: Path, prepared: Any, damaged: Path, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(tell(home, "search", prepared.photos / "a/0003.png", "-k", "3", "--json").result()["hits"]) == 3
    monkeypatch.setenv("LOOKALIKE_HOME", str(home))
    assert places.find_library(prepared.photos) == home / "default.library"


def test_a_damaged_library_is_named_where_its_folders_might_matter(
    home: Path, damaged: Path, tell: Tell, tmp_path: Path
) -> None:
    said = tell(home, "export", tmp_path / "out.csv")
    assert said.code == 0
    assert said.err.splitlines()[0].startswith(f"The library {damaged} cannot be read")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 61


@pytest.mark.parametrize("words", ["info", "forget --missing --yes", "doctor"])
def test_a_library_named_before_the_command_is_not_passed_over(
    home: Path, tmp_path: Path, tell: Tell, words: str
) -> None:
    for library in (home / "default.library", tmp_path / "nosuch.library"):
        said = tell(home, "--library", library, *words.split())
        assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1)
        assert "lookalike COMMAND --library" in said.err
