"""Commands speak whole JSON or plain text, refuse bad input in one sentence, and stop when they are asked to."""

import json
import os
import pty
import shutil
import signal
import subprocess
import termios
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from indexer.cli.terminal import STOPPED_BY_USER
from indexer.library import Library
from indexer.search.results import FactFields
from tests.support.commands import Said, Tell, command, environment, lookalike
from tests.support.trees import paint, paint_many, snapshot

INDEX_KEYS = {"result", "files", "photos", "embedded", "moved", "missing", "failed", "seconds"}
SEARCH_KEYS = {"result", "engine", "recall_at_10", "seconds", "hits"}
HIT_KEYS = {
    "rank",
    "id",
    "offline",
    "labelled_by",
    "labelled_at",
    "path",
    "copies",
    "distance",
    "points",
    "probability",
    "rarity",
    "likeness",
    "label",
    "width",
    "height",
}
EVALUATE_KEYS = {"result", "queries", "p_at_1", "r_precision", "map_at_r", "hit_at_k", "eer", "thresholds"}


def is_a_sentence(said: Said) -> bool:
    """Exit code 2, nothing on standard output, one line on standard error."""
    lines = said.err.splitlines()
    return said.code == 2 and said.out == "" and len(lines) == 1 and lines[0].endswith((".", "FOLDER", "all"))


# what is said


def test_index_says_each_step_and_the_result_as_json(home: Path, tmp_path: Path) -> None:
    paint_many(tmp_path / "more", 40, first=100)
    said = lookalike(home, "index", tmp_path / "more", "--json")
    assert (said.code, said.err) == (0, "")
    *steps, result = said.objects()
    assert all(step.keys() == {"stage", "done", "total", "note"} for step in steps)
    assert [step["done"] for step in steps if step["stage"] == "embed"] == [32, 40]
    assert result.keys() >= INDEX_KEYS
    assert [result[key] for key in ("result", "files", "photos", "embedded", "moved", "missing")] == [
        *("index", 100, 100, 40, 0, 0)
    ]
    assert result["failed"][0].keys() == {"path", "reason"}


def test_what_is_left_out_is_told_and_taken_back(home: Path, tell: Tell, tmp_path: Path) -> None:
    root = tmp_path / "more"
    paint(root / "keep" / "a.png", 900)
    paint(root / "private" / "b.png", 901)
    paint(root / "private" / "c.png", 902)
    (root / "d.psd").write_bytes(b"8BPS")
    said = tell(home, "index", root, "--exclude", "private", "--json").result()
    assert (said["photos"], said["embedded"]) == (61, 1)
    passed = {"excluded": 1, "linked": 0, "not_entered": 0, "too_deep": 0, "not_read": {".psd": 1}}
    assert said["passed_over"] == passed
    info = tell(home, "info", "--json").result()
    assert (info["roots"][-1]["exclusions"], info["passed_over"]) == (["private"], passed)
    text = tell(home, "info").out
    assert "left out: private" in text
    assert "Passed over: 1 file or folder left out, 1 picture of kinds that are not read (.psd 1)" in text
    refused = tell(home, "index", root, "--include-again", "other")
    assert is_a_sentence(refused), refused
    back = tell(home, "index", root, "--include-again", "private").out
    assert "63 photos" in back and "Passed over: 1 picture of kinds" in back
    assert tell(home, "info", "--json").result()["roots"][-1]["exclusions"] == []


def test_index_again_is_exit_code_0_though_a_file_failed_before(home: Path, tell: Tell) -> None:
    said = tell(home, "index", "--json")
    assert (said.code, said.result()["embedded"], len(said.result()["failed"])) == (0, 0, 1)


def test_index_of_a_new_bad_file_is_exit_code_1(home: Path, tell: Tell, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "bad.png").write_text("Dear diary, again")
    said = tell(home, "index", tmp_path / "more")
    assert said.code == 1
    assert f"{tmp_path}/more/bad.png: is not a picture" in said.out


def test_search_says_hits_as_json(home: Path, prepared: Any, tell: Tell) -> None:
    photo = prepared.photos / "a" / "0003.png"
    said = tell(home, "search", photo, "-k", "7", "--json")
    assert (said.code, said.err) == (0, "")
    (result,) = said.objects()
    assert result.keys() >= SEARCH_KEYS
    assert (result["result"], result["engine"]) == ("search", "annoy")
    assert all(hit.keys() == HIT_KEYS | set(FactFields._fields) for hit in result["hits"])
    first = {"rank": 1, "path": str(photo), "copies": 0, "distance": 0.0}
    probability = result["hits"][0]["probability"]
    first |= {"probability": probability, "rarity": None, "likeness": "same", "label": "a"}
    assert result["hits"][0].items() >= first.items()
    assert 0 < probability <= 1
    distances = [hit["distance"] for hit in result["hits"]]
    assert distances == sorted(distances)


def test_exact_search_says_so(home: Path, prepared: Any, tell: Tell) -> None:
    result = tell(home, "search", prepared.photos / "a" / "0003.png", "--exact", "--json").result()
    assert (result["engine"], result["recall_at_10"]) == ("exact", 1.0)


def _same_picture(photo: Path, out: Path) -> Path:
    """The pixels of a photo as another file content."""
    with Image.open(photo) as image:
        image.save(out)
    return out


def test_search_with_a_picture_from_outside_and_one_to_be_unlike(home: Path, prepared: Any, tell: Tell) -> None:
    outside = _same_picture(prepared.photos / "a/0006.png", home.parent / "outside.bmp")
    hits = tell(home, "search", outside, "--json").result()["hits"]
    assert (Path(hits[0]["path"]).name, hits[0]["distance"] < 0.1) == ("0006.png", True)
    unlike = tell(home, "search", outside, "--not", hits[1]["path"], "--json").result()["hits"]
    assert unlike[0]["distance"] > hits[0]["distance"]


def test_search_in_the_terminal_shows_rank_distance_label_and_path(home: Path, prepared: Any, tell: Tell) -> None:
    photo = prepared.photos / "b" / "0004.png"
    said = tell(home, "search", photo)
    assert said.out.splitlines()[0].split() == ["1", "0.000", "same", "b", str(photo)]
    assert "of the true ten" in said.out.splitlines()[-1]


def test_contact_sheet_is_written_beside_no_photo(home: Path, prepared: Any, tell: Tell, tmp_path: Path) -> None:
    photo, before = prepared.photos / "a" / "0003.png", snapshot(prepared.photos)
    assert tell(home, "search", photo, "--sheet", tmp_path / "sheet.png").code == 0
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    outside = paint(tmp_path / "outside.png", 6)
    for place in (photo, prepared.photos / "sheet.png", outside):
        assert is_a_sentence(tell(home, "search", photo, outside, "--sheet", place)), place
    assert snapshot(prepared.photos) == before


def test_evaluate_says_figures_as_json(home: Path, prepared: Any, tell: Tell) -> None:
    said = tell(home, "evaluate", prepared.photos, "--json")
    assert (said.code, said.err) == (0, "")
    result = said.result()
    assert result.keys() >= EVALUATE_KEYS
    assert (result["queries"], result["failed"], result["hit_at_k"].keys()) == (60, 1, {"1", "5", "10"})
    assert all(0 <= result[key] <= 1 for key in ("p_at_1", "r_precision", "map_at_r", "eer"))


def test_evaluate_raw_pixels_needs_no_model(tmp_path: Path, tell: Tell) -> None:
    for number in range(8):
        paint(tmp_path / "classes" / "ab"[number % 2] / f"{number}.png", number)
    shutil.copy(tmp_path / "classes/a/0.png", tmp_path / "classes/a/copy.png")
    result = tell(tmp_path / "home", "evaluate", tmp_path / "classes", "--model", "pixels", "--json").result()
    assert (result["queries"], result["classes"], result["copies"]) == (8, 2, 1)


def test_info_failed_roots_and_doctor_speak_json(home: Path, prepared: Any, tell: Tell) -> None:
    info = tell(home, "info", "--json").result()
    assert (info["photos"], info["files"], info["failed"], info["dim"]) == (60, 60, 1, 1280)
    assert list(info["precisions"].values()) == [60]
    assert info["agreement"]["fp32"] > 0.9999
    if "bf16" in info["precisions"]:
        assert 0.98 < info["agreement"]["bf16"] <= info["agreement"]["bf16_mean"] < 1
        found = info["agreement"]["found"]
        assert found["pictures"] == 248
        assert 0 < abs(found["fp32"] - found["bf16"]) < 0.02
        assert "bf16 was measured on" in tell(home, "info").out
    failed = tell(home, "failed", "--json").result()["failed"]
    assert failed == [
        {"path": f"{prepared.photos}/a/bad.png", "reason": "is not a picture in a format Lookalike reads"}
    ]
    roots = tell(home, "roots", "--json").result()["roots"]
    expected = {"path": str(prepared.photos), "state": "online", "labelled": True, "other_drive": False}
    assert roots == [expected]
    assert tell(home, "doctor", "--json").result()["home"] == str(home)


@pytest.mark.parametrize("words", [("info",), ("failed",), ("roots",), ("doctor",), ("check",), ("index",)])
def test_every_command_speaks_plain_text_too(home: Path, tell: Tell, words: tuple[str, ...]) -> None:
    said = tell(home, *words)
    assert (said.code, said.err) == (0, "")
    assert said.out


def test_progress_is_drawn_in_a_terminal(home: Path, tmp_path: Path) -> None:
    paint_many(tmp_path / "more", 3, first=100)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (25, 80))
    with subprocess.Popen(
        command("index", tmp_path / "more"), env=environment(home), stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        os.close(theirs)
        drawn = b""
        try:
            while part := os.read(ours, 4096):
                drawn += part
        except OSError:  # how a terminal ends
            pass
        os.close(ours)
    assert process.returncode == 0
    assert b"embed" in drawn
    assert b"Traceback" not in drawn


# which library


def test_library_is_found_by_the_folder_it_holds(home: Path, tell: Tell, tmp_path: Path) -> None:
    photo = paint(tmp_path / "holiday" / "0.png", 500)
    named = home / "holiday.library"
    shutil.copytree(home / "default.library" / "models", named / "models")
    assert tell(home, "index", tmp_path / "holiday", "--library", named).code == 0
    (tmp_path / "link").symlink_to(tmp_path / "holiday")
    for way in (photo, tmp_path / "link" / "0.png", tmp_path / "holiday" / ".." / "holiday" / "0.png"):
        assert len(tell(home, "search", way, "--json").result()["hits"]) == 1, way
    assert tell(home, "index", tmp_path / "link", "--json").result()["files"] == 1
    assert tell(home, "info", "--json").result()["files"] == 60  # the default library is as it was


# what is refused


@pytest.mark.parametrize(
    "words",
    [
        ["index", "{tmp}/nowhere"],
        ["index", "{tmp}/bad.png"],
        ["index", "{photos}", "{tmp}/nowhere"],
        ["index", "{home}/default.library"],
        ["index", "{photos}", "--library", "{photos}"],
        ["index", "{photos}", "--library", "{tmp}/flat"],
        ["index", "{photos}", "--library", "{tmp}/bad.png"],
        ["index", "--library", "{tmp}/nowhere"],
        ["index", "{photos}", "--weights", "{tmp}/nowhere"],
        ["index", "{photos}", "--weights", "{tmp}/bad.png"],
        ["index", "{photos}", "--model", "{tmp}/flat"],
        ["index", "{photos}", "--runtime", "magic"],
        ["index", "{photos}", "--no-such-option"],
        ["search"],
        ["search", "{tmp}/nowhere.png"],
        ["search", "{tmp}/bad.png"],
        ["search", "{photos}"],
        ["search", "{photo}", "--library", "{tmp}/nowhere"],
        ["search", "{photo}", "--not", "{tmp}/bad.png"],
        ["search", "{photo}", "--not", "{photo}", "--not", "{tmp}/nowhere.png"],
        ["search", "{photo}", "-k", "0"],
        ["search", "{photo}", "-k", "many"],
        ["search", "{photo}", "--sheet", "{tmp}/sheet.txt"],
        ["search", "{photo}", "--sheet", "{tmp}/nowhere/sheet.png"],
        ["evaluate"],
        ["evaluate", "{tmp}/nowhere"],
        ["evaluate", "{tmp}/flat", "--model", "pixels"],
        ["evaluate", "{tmp}/alone", "--model", "pixels"],
        ["evaluate", "{tmp}/unreadable", "--model", "pixels"],
        ["evaluate", "{photos}", "--model", "{tmp}/flat"],
        ["roots", "--move", "{tmp}/nowhere", "{tmp}"],
        ["roots", "--move", "{photos}", "{tmp}/nowhere"],
        ["roots", "--move", "{photos}", "{photos}"],
        ["roots", "--move", "{photos}", "{home}/default.library/models"],
        ["forget"],
        ["forget", "{photos}", "--missing"],
        ["forget", "{tmp}/nowhere", "--yes"],
        ["info", "--library", "{tmp}/flat"],
        ["check", "--library", "{tmp}/text.library"],
        ["info", "--library", "{tmp}/\x1b[31m\nred"],
        ["sample", "no-such-sample", "{tmp}/out"],
        ["no-such-command"],
        [],
    ],
)
def test_bad_input_is_a_sentence_and_changes_nothing(
    prepared: Any, tell: Tell, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "bad.png").write_text("Dear diary")
    paint(tmp_path / "flat" / "0.png", 0)
    for number in range(2):
        paint(tmp_path / "alone" / str(number) / "0.png", number)
    (tmp_path / "unreadable" / "a").mkdir(parents=True)
    (tmp_path / "unreadable" / "a" / "bad.png").write_text("Dear diary")
    (tmp_path / "text.library").mkdir()
    (tmp_path / "text.library" / "library.sqlite").write_text("Dear diary" * 500)
    places = {"tmp": tmp_path, "home": prepared.home, "photos": prepared.photos}
    before = snapshot(prepared.photos), snapshot(tmp_path / "flat")
    said = tell(prepared.home, *(w.format(photo=prepared.photos / "a/0003.png", **places) for w in words))
    assert said.code == 2, said
    assert said.out.count('"result"') == 0
    assert len(said.err.splitlines()) == 1 or "\\x1b" in said.err, said
    assert "Traceback" not in said.err
    assert "\x1b" not in said.err
    assert said.err.strip()
    assert (snapshot(prepared.photos), snapshot(tmp_path / "flat")) == before
    with Library.open(prepared.home / "default.library") as library:
        assert len(library.store.files.list_roots()) == 1


def test_faults_reach_a_shell_as_exit_code_and_sentence(home: Path, tmp_path: Path) -> None:
    assert is_a_sentence(lookalike(home, "search", tmp_path / "nowhere.png"))
    assert is_a_sentence(lookalike(home, "index", tmp_path / "nowhere", "--json"))


def test_only_one_job_at_a_time(home: Path, tell: Tell) -> None:
    with Library.open(home / "default.library") as library, library.store.take_job_lock():
        said = lookalike(home, "index")
        assert is_a_sentence(said)
        assert "Another program is at work" in said.err
        assert tell(home, "info").code == 0


# stopping


def _until_embedding(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Read progress until a batch is committed and more are to come."""
    assert process.stdout is not None
    steps = []
    for line in process.stdout:
        steps.append(json.loads(line))
        if steps[-1]["stage"] == "embed":
            break
    return steps


# The second way in short: test_closing_the_window_ends_the_child.
@pytest.mark.parametrize("way", ["SIGINT", pytest.param("standard input closes", marks=pytest.mark.long)])
def test_index_stops_when_asked_and_the_next_run_goes_on(home: Path, tmp_path: Path, way: str) -> None:
    paint_many(tmp_path / "more", 320, first=1000)
    process = subprocess.Popen(
        command("index", tmp_path / "more", "--json", "--attached"),
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _until_embedding(process)
    if way == "SIGINT":
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(None) if way == "SIGINT" else process.communicate("")
    assert (process.returncode, err.strip()) == (130, STOPPED_BY_USER)
    assert '"result"' not in out
    with Library.open(home / "default.library") as library:
        kept = len(library.find_photo_ids()) - 60
    assert 32 <= kept < 320
    result = lookalike(home, "index", "--json").result()
    assert (result["files"], result["embedded"]) == (380, 320 - kept)


def test_reader_that_goes_away_is_no_fault(home: Path) -> None:
    process = subprocess.Popen(command("--help"), env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()


# odd names


def test_names_of_any_bytes_are_shown_harmlessly(home: Path, tell: Tell, tmp_path: Path) -> None:
    names = [b"new\nline.png", b"caf\xe9.png", b"\x1b[31mred.png", "\u202egnp.exe.png".encode(), b"<b>.png", b"-k.png"]
    folder = tmp_path / "o\x1bdd\n"
    for number, name in enumerate(names):
        paint(folder / os.fsdecode(name), 100 + number)
    (folder / "bad\x1b[2J\n.png").write_text("Dear diary")
    said = tell(home, "index", folder, "--json")
    assert said.result()["files"] == 66
    for words in (["failed"], ["roots"], ["info"], ["index"], ["search", folder / "\x1b[31mred.png", "-k", "66"]):
        plain, as_json = tell(home, *words), tell(home, *words, "--json")
        assert as_json.result()["result"] == words[0]
        for text in (plain.out, plain.err, as_json.out, as_json.err):
            assert all(character.isprintable() or character == "\n" for character in text), words
    assert "bad\\x1b[2J\\x0a.png" in tell(home, "failed").out
    assert is_a_sentence(tell(home, "search", folder / "bad\x1b[2J\n.png"))
