"""Forgetting says before exactly what goes, and never takes what the user said of photos unasked."""

import shutil
from pathlib import Path
from typing import Any

from indexer.library import Library
from tests.support.commands import Tell, command, environment, lookalike, start_patiently
from tests.support.trees import paint, paint_many, snapshot

NOTHING = {"result": "forget"} | dict.fromkeys(
    ("files", "photos", "labels", "decisions", "searches", "kept_photos", "kept_files"), 0
)


def test_forget_drops_a_folder_and_touches_no_picture(home: Path, prepared: Any, tell: Tell, tmp_path: Path) -> None:
    paint_many(tmp_path / "more", 3, first=100)
    tell(home, "index", tmp_path / "more")
    before = snapshot(prepared.photos), snapshot(tmp_path / "more")
    said = tell(home, "forget", tmp_path / "more", "--yes", "--json")
    assert said.code == 0
    assert said.result() == NOTHING | {"files": 3, "photos": 3}
    assert tell(home, "info", "--json").result()["photos"] == 60
    assert (snapshot(prepared.photos), snapshot(tmp_path / "more")) == before


def test_forget_asks_first(home: Path, prepared: Any) -> None:
    said = lookalike(home, "forget", prepared.photos, stdin="n\n")
    assert (said.code, said.out) == (0, "Nothing was forgotten.\n")
    assert "Forget the folder" in said.err
    said = lookalike(home, "forget", prepared.photos, "--json", stdin="n\n")
    assert (said.code, said.result()) == (0, NOTHING)
    with Library.open(home / "default.library") as library:
        assert len(library.find_photo_ids()) == 60


def test_forget_that_nobody_answers_says_so(home: Path, prepared: Any) -> None:
    said = lookalike(home, "forget", prepared.photos, stdin="")
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith("\nNothing was forgotten, as nobody answered. With --yes nobody is asked.\n")
    with Library.open(home / "default.library") as library:
        assert len(library.find_photo_ids()) == 60


def test_forget_stops_no_job_while_it_waits_for_an_answer(home: Path, prepared: Any) -> None:
    words = command("forget", prepared.photos)
    with start_patiently(words, env=environment(home), stdin=-1, stdout=-1, stderr=-1) as asking:
        assert asking.stderr is not None
        asked = ""
        while not asked.endswith("[y/N]: ") and (letter := asking.stderr.read(1)):
            asked += letter
        with Library.open(home / "default.library") as library, library.store.take_job_lock():
            out, err = asking.communicate("y\n")
    assert (asking.returncode, out) == (2, "")
    assert "Another program is at work" in err


def test_forget_missing_drops_what_is_gone(home: Path, tell: Tell, tmp_path: Path) -> None:
    paint_many(tmp_path / "more", 3, first=100)
    tell(home, "index", tmp_path / "more")
    (tmp_path / "more" / "0101.png").unlink()
    assert tell(home, "index", "--json").result()["missing"] == 1
    gone = str(tmp_path / "more" / "0101.png")
    assert tell(home, "missing", "--json").result() == {"result": "missing", "missing": [gone], "offline": []}
    assert tell(home, "missing").out.splitlines() == [gone, "1 file missing"]
    assert tell(home, "forget", "--missing", "--yes", "--json").result()["photos"] == 1
    assert tell(home, "missing").out == "0 files missing\n"
    assert tell(home, "index", "--json").result()["missing"] == 0


def label_three(home: Path, tell: Tell, folder: Path) -> None:
    """Three labelled photos, which a run then finds missing; two others of the folder are there."""
    paint_many(folder, 5, first=100)
    tell(home, "index", folder)
    assert tell(home, "label", "rex", *(folder / f"{number:04d}.png" for number in (100, 101, 102))).code == 0
    for number in (100, 101, 102):
        (folder / f"{number:04d}.png").rename(folder.parent / f"{number}.png")
    assert tell(home, "index", "--json").result()["missing"] == 3


def test_forget_missing_keeps_labelled_photos_and_says_so(home: Path, tell: Tell, tmp_path: Path) -> None:
    label_three(home, tell, tmp_path / "more")
    kept = NOTHING | {"kept_photos": 3, "kept_files": 3}
    assert tell(home, "forget", "--missing", "--yes", "--json").result() == kept
    said = tell(home, "forget", "--missing", "--yes")
    assert said.out.splitlines()[0] == "There is nothing to forget."
    assert said.out.splitlines()[1].startswith("3 photos and 3 missing files stay: you gave them a label")
    (tmp_path / "100.png").rename(tmp_path / "more" / "back.png")
    assert tell(home, "index", "--json").result()["embedded"] == 0
    assert tell(home, "search", tmp_path / "more" / "back.png", "--json").result()["hits"][0]["label"] == "rex"


def test_forget_missing_with_labels_takes_them_too_after_saying_how_many(
    home: Path, tell: Tell, tmp_path: Path
) -> None:
    label_three(home, tell, tmp_path / "more")
    going = NOTHING | {"files": 3, "photos": 3, "labels": 3}
    assert tell(home, "forget", "--missing", "--with-labels", "--preview", "--json").result() == going
    said = lookalike(home, "forget", "--missing", "--with-labels", stdin="y\n")
    assert "Forget 3 files, 3 photos with their embeddings and 3 labels? [y/N]" in said.err
    assert said.out.startswith("3 files, 3 photos with their embeddings and 3 labels forgotten.")
    assert tell(home, "missing").out == "0 files missing\n"


def test_other_pictures_at_the_same_names_cost_no_label(home: Path, tell: Tell, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    paint_many(folder, 3, first=100)
    tell(home, "index", folder)
    tell(home, "label", "rex", *folder.iterdir())
    for number in range(3):
        paint(folder / f"{100 + number:04d}.png", 200 + number, side=30)
    tell(home, "index")
    assert tell(home, "forget", "--missing", "--yes", "--json").result() == NOTHING | {"kept_photos": 3}
    shutil.rmtree(folder)
    paint_many(folder, 3, first=100)
    assert tell(home, "index", "--json").result()["embedded"] == 0
    hits = tell(home, "search", folder / "0101.png", "--label", "rex", "--json").result()["hits"]
    assert len(hits) == 3


def test_forgotten_folder_has_its_labels_again_when_it_is_indexed_again(home: Path, tell: Tell, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    paint_many(folder, 3, first=100)
    tell(home, "index", folder)
    tell(home, "label", "rex", folder / "0100.png")
    said = lookalike(home, "forget", folder, stdin="y\n")
    assert "1 photo stays: you gave" in said.err
    assert "Forget the folder" in said.err
    assert tell(home, "index", folder, "--json").result()["embedded"] == 2
    assert tell(home, "search", folder / "0100.png", "--json").result()["hits"][0]["label"] == "rex"
