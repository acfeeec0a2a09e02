"""A picture that makes its decoder crash or hang costs that picture. The faults are real: Pillow aborts or sleeps."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import PhotoError
from indexer.photos.decoding import DecodedPhoto, decode_photo
from indexer.photos.journal import IDLE_FACTOR, SLOT_BYTES, DecodingJournal, start_work_clock
from indexer.photos.sandbox import decode_in_child
from tests.support.commands import ROOT, Said, command, environment, run_patiently
from tests.support.pictures import CASES
from tests.support.trees import paint, paint_many

FAULTS = ROOT / "tests" / "faults"


def index(home: Path, *words: str | Path) -> Said:
    """`lookalike index --json` with a Pillow that breaks on marked contents."""
    env = environment(home)
    env["PYTHONPATH"] = os.pathsep.join([str(FAULTS), env["PYTHONPATH"]])
    return run_patiently(command("index", *words, "--json"), env=env)


def mark(path: Path, fault: str, seed: int = 900) -> Path:
    """A picture of its own content that triggers a fault."""
    with paint(path, seed).open("ab") as file:
        file.write(fault.encode())
    return path


def journal_of(home: Path) -> Path:
    return home / "default.library" / "decoding.journal"


def test_crash_costs_that_one_file_and_only_once(home: Path, tmp_path: Path) -> None:
    paint_many(tmp_path / "more", 40, first=100)
    bad = mark(tmp_path / "more" / "0120a.png", "crash")
    first = index(home, tmp_path / "more")
    assert (first.code, '"result"' in first.out) == (-signal.SIGABRT, False)
    assert journal_of(home).exists()
    second = index(home, tmp_path / "more")
    assert (second.code, second.err) == (1, "")
    assert (second.result()["files"], second.result()["photos"]) == (100, 100)
    assert {"path": str(bad), "reason": "made the decoder crash"} in second.result()["failed"]
    assert not journal_of(home).exists()
    third = index(home)
    assert (third.code, third.result()["embedded"], len(third.result()["failed"])) == (0, 0, 2)


@pytest.mark.long
def test_each_of_several_crashing_files_costs_one_run_at_most(home: Path, tmp_path: Path) -> None:
    paint_many(tmp_path / "more", 150, first=100)
    bad = [mark(tmp_path / "more" / f"{place}a.png", "crash", 900 + place) for place in (100, 248)]
    runs = [index(home, tmp_path / "more")]
    while runs[-1].code == -signal.SIGABRT and len(runs) <= len(bad):
        runs.append(index(home, tmp_path / "more"))
    result = runs[-1].result()
    assert result["files"] == 210
    assert {failure["path"] for failure in result["failed"]} >= set(map(str, bad))


def test_hang_costs_that_one_file_within_one_command(home: Path, tmp_path: Path) -> None:
    paint_many(tmp_path / "more", 40, first=100)
    bad = mark(tmp_path / "more" / "0120a.png", "hang")
    said = index(home, tmp_path / "more")
    assert said.code == 1
    assert said.err == f"{bad} keeps its decoder busy for 1 s. It is tried alone next.\n"
    assert said.result()["files"] == 100
    assert said.result()["embedded"] == 40  # by the process that hung and by the one that went on
    lines = [json.loads(line) for line in said.out.splitlines()]
    embedding = [(line["done"], line["total"]) for line in lines if line.get("stage") == "embed"]
    assert embedding[-1] == (41, 41)
    assert {"path": str(bad), "reason": "took longer than 2 s to decode"} in said.result()["failed"]
    assert sum("result" in json.loads(line) for line in said.out.splitlines()) == 1
    assert not journal_of(home).exists()


@pytest.mark.long
def test_decoder_that_waits_is_given_up_too(home: Path, tmp_path: Path) -> None:
    bad = mark(tmp_path / "more" / "a.png", "wait")
    said = index(home, tmp_path / "more")
    assert (said.code, said.err) == (1, f"{bad} keeps its decoder busy for 1 s. It is tried alone next.\n")
    assert {"path": str(bad), "reason": "took longer than 2 s to decode"} in said.result()["failed"]


@pytest.mark.long
def test_hang_that_stops_the_whole_interpreter_ends_the_run_and_the_next_does_the_rest(
    home: Path, tmp_path: Path
) -> None:
    bad = mark(tmp_path / "more" / "a.png", "seize")
    paint_many(tmp_path / "more", 3, first=100)
    first = index(home, tmp_path / "more")
    assert (first.code, '"result"' in first.out) == (1, False)
    second = index(home)
    assert (second.code, second.result()["files"]) == (1, 63)
    assert {"path": str(bad), "reason": "took longer than 2 s to decode"} in second.result()["failed"]


# patience


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="no clock of a thread's own here")
def test_patience_is_by_the_work_of_the_thread_and_not_by_the_clock() -> None:
    start, worked = time.monotonic(), time.thread_time()
    measure_work = start_work_clock()
    threading.Event().wait(0.3)
    assert measure_work() <= max(time.thread_time() - worked, (time.monotonic() - start) / IDLE_FACTOR)
    assert IDLE_FACTOR >= 4
    used = time.thread_time()
    while time.thread_time() - used < 0.3:
        pass
    told: list[float] = []
    asking = threading.Thread(target=lambda: told.append(measure_work()))
    asking.start()
    asking.join()
    assert 0.3 <= told[0] <= max(time.thread_time() - worked, (time.monotonic() - start) / IDLE_FACTOR)


# the journal


def decoded(journal: DecodingJournal, path: Path) -> DecodedPhoto:
    return journal.decode(os.fsencode(path), path.read_bytes(), 8).picture


def test_journal_of_a_run_that_came_to_its_end_is_gone(tmp_path: Path) -> None:
    with DecodingJournal(tmp_path / "journal") as journal:
        decoded(journal, paint(tmp_path / "0.png", 0))
    assert not (tmp_path / "journal").exists()


def test_a_journal_longer_than_any_of_ours_is_not_read_and_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with DecodingJournal(path) as journal:
        assert journal.unfinished_paths == frozenset()
        assert path.stat().st_size == 0


def test_journal_names_who_was_in_a_decoder(tmp_path: Path) -> None:
    journal = DecodingJournal(tmp_path / "journal")
    with journal._record_decoding(b"/first"), journal._record_decoding(b"/sec\xff\nond"):
        with journal._record_decoding(b"/third"):
            pass
        late = DecodingJournal(tmp_path / "journal")
    assert late.unfinished_paths == {b"/first", b"/sec\xff\nond"}
    for each in (journal, late):
        each.__exit__(None, None, None)


def test_run_that_is_stopped_keeps_the_suspects_it_has_not_come_to(tmp_path: Path) -> None:
    (tmp_path / "journal").write_bytes(b"\x00\x04/bad".ljust(SLOT_BYTES, b"\0"))
    with pytest.raises(KeyboardInterrupt), DecodingJournal(tmp_path / "journal") as journal:
        decoded(journal, paint(tmp_path / "0.png", 0))
        raise KeyboardInterrupt
    with DecodingJournal(tmp_path / "journal") as journal:
        assert journal.unfinished_paths == {b"/bad"}


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xff" * 9000, b"\0" * 3 * SLOT_BYTES, b"Dear diary"])
def test_damaged_journal_harms_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal").write_bytes(content)
    with DecodingJournal(tmp_path / "journal") as journal:
        assert decoded(journal, paint(tmp_path / "0.png", 0)).width == 24


# alone


def test_suspect_that_is_innocent_gives_the_same_pixels(tmp_path: Path) -> None:
    data = paint(tmp_path / "0.png", 0, side=700).read_bytes()
    alone, here = decode_in_child(data, 300), decode_photo(data, 300)
    assert alone[1:] == here[1:] == (700, 700)
    assert np.array_equal(np.asarray(alone.image), np.asarray(here.image))


def test_suspect_that_is_damaged_gets_the_reason_it_would_get_anyhow(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.expected != "photo" and case.name.endswith(".jpg"))
    case.write(tmp_path / case.name)
    data = (tmp_path / case.name).read_bytes()
    with pytest.raises(PhotoError) as here:
        decode_photo(data, 8)
    with pytest.raises(PhotoError) as alone:
        decode_in_child(data, 8)
    assert (str(alone.value), alone.value.needs) == (str(here.value), here.value.needs)
