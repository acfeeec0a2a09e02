"""`lookalike libraries` and the window keep one list."""

import json
from pathlib import Path

from retrieval_app.session.settings import WindowSettings
from retrieval_app.window.known_libraries import KnownLibraries
from tests.support.commands import Tell


def test_libraries_are_made_renamed_and_taken_off_the_list_of_the_window(tell: Tell, tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert "There is no library yet" in tell(home, "libraries").out
    assert tell(home, "libraries", "make", "Holidays").code == 0
    assert tell(home, "libraries", "make", "Herbarium", "--in", elsewhere).code == 0
    holidays, herbarium = home / "Holidays.library", elsewhere / "Herbarium.library"
    assert KnownLibraries(WindowSettings(home)).list_folders() == [herbarium, holidays]

    said = tell(home, "libraries", "rename", "Herbarium", "Ferns & mosses")
    renamed = elsewhere / "Ferns & mosses.library"
    assert said.code == 0 and renamed.is_dir() and not herbarium.exists()
    assert KnownLibraries(WindowSettings(home)).find_last() == holidays  # as before
    assert tell(home, "libraries", "forget", holidays).code == 0
    assert KnownLibraries(WindowSettings(home)).list_folders() == [renamed]
    assert holidays.is_dir()
    listed = json.loads(tell(home, "libraries", "--json").out)
    assert listed == {
        "result": "libraries",
        "libraries": [{"name": "Ferns & mosses", "path": str(renamed), "there": True, "last": True}],
    }


def test_what_cannot_be_done_to_a_library_is_refused_in_a_sentence(tell: Tell, tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    for place in (("one",), ("two",), ("one", "--in", str(elsewhere))):
        assert tell(home, "libraries", "make", *place).code == 0
    refused: list[tuple[tuple[str, ...], str]] = [
        (("make", "one"), "is there already"),
        (("make", "../one"), "A library needs a name"),
        (("rename", "none", "other"), "There is no library none in the list"),
        (("rename", "one", "three"), "Several libraries are called one"),
        (("rename", "two", "one"), "is there already"),
    ]
    for words, sentence in refused:
        said = tell(home, "libraries", *words)
        assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
        assert sentence in said.err
