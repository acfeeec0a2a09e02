"""Jobs are tested with real children: small Python programs that speak JSON lines."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from indexer.errors import LibraryError
from indexer.library import Library
from indexer.progress import Progress
from retrieval_app.workers import child_process
from retrieval_app.workers.child_process import ChildProcess, JobEnd, RateEstimator
from retrieval_app.workers.readers import LibraryReaders

SPEAKS = """
import json, sys
print("a stray print of some library")
print(json.dumps({"stage": "embed", "done": 1, "total": 2, "note": "a.jpg"}), flush=True)
print("{ not quite json", flush=True)
print(json.dumps({"result": "index", "files": 2}), flush=True)
"""
REFUSES = (
    "import sys; print('note', file=sys.stderr); print('There is no room on the disk.', file=sys.stderr); sys.exit(2)"
)
LISTENS = """
import json, sys
print(json.dumps({"stage": "embed", "done": 0, "total": 9}), flush=True)
sys.stdin.read()
"""
DEAF = LISTENS + "import signal\nwhile True: signal.pause()\n"
CRASHES = {
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "a bug": "raise TypeError('inner workings')",
    "ended by the system where it hung": "import os; os._exit(1)",
    "silent": "import sys; sys.exit(2)",
}
NOT_BY_ITSELF = ("killed", "ended by the system where it hung")


def end_of(qtbot: QtBot, program: str) -> tuple[JobEnd, list[Progress]]:
    seen: list[Progress] = []
    job = ChildProcess([sys.executable, "-c", program])
    job.progressed.connect(seen.append)
    with qtbot.waitSignal(job.ended, timeout=20_000) as ended:
        pass
    return ended.args[0], seen


def test_a_job_tells_its_progress_and_its_result(qtbot: QtBot) -> None:
    end, seen = end_of(qtbot, SPEAKS)
    assert seen == [Progress("embed", 1, 2, "a.jpg")]
    assert end == JobEnd({"result": "index", "files": 2}, "", False)


def test_a_refused_job_ends_with_its_last_sentence(qtbot: QtBot) -> None:
    end, _ = end_of(qtbot, REFUSES)
    assert end == JobEnd(None, "There is no room on the disk.", False)


@pytest.mark.parametrize("how", CRASHES)
def test_a_crashed_job_ends_with_a_sentence_and_no_traceback(qtbot: QtBot, how: str) -> None:
    end, _ = end_of(qtbot, CRASHES[how])
    stopped = "The work stopped unexpectedly. What was done is kept."
    assert end == JobEnd(None, stopped, cancelled=False, crashed=how in NOT_BY_ITSELF)


def test_a_command_that_is_not_there_ends_with_a_sentence(qtbot: QtBot, tmp_path: Path) -> None:
    job = ChildProcess([str(tmp_path / "nothing")])
    with qtbot.waitSignal(job.ended, timeout=20_000) as ended:
        pass
    assert "could not be started" in ended.args[0].sentence


def test_cancelling_closes_the_childs_input(qtbot: QtBot) -> None:
    job = ChildProcess([sys.executable, "-c", LISTENS])
    with qtbot.waitSignal(job.progressed, timeout=20_000):
        pass
    with qtbot.waitSignal(job.ended, timeout=20_000) as ended:
        job.cancel()
    assert ended.args[0] == JobEnd(None, "", True)


def test_a_child_that_does_not_listen_is_ended(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "GRACE_MS", 100)
    job = ChildProcess([sys.executable, "-c", DEAF])
    with qtbot.waitSignal(job.progressed, timeout=20_000):
        pass
    with qtbot.waitSignal(job.ended, timeout=20_000) as ended:
        job.cancel()
    assert ended.args[0].cancelled


@pytest.mark.parametrize("program", [LISTENS, DEAF], ids=["listens", "deaf"])
def test_closing_a_job_leaves_no_child(qtbot: QtBot, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "GRACE_MS", 100)
    job = ChildProcess([sys.executable, "-c", program])
    with qtbot.waitSignal(job.progressed, timeout=20_000):
        pass
    job.close()
    assert not job.is_running()


def test_the_pace_is_that_of_the_stage() -> None:
    pace = RateEstimator()
    assert pace.items_per_second is None and pace.seconds_left is None
    pace.add_progress(Progress("scan", 500, 0), now=0)
    pace.add_progress(Progress("embed", 0, 100), now=10)
    assert pace.items_per_second is None
    pace.add_progress(Progress("embed", 20, 100), now=14)
    assert pace.items_per_second == pytest.approx(5)
    assert pace.seconds_left == pytest.approx(16)


def test_a_first_batch_is_not_enough_to_tell_the_pace() -> None:
    pace = RateEstimator()
    pace.add_progress(Progress("embed", 0, 1000), now=5)
    pace.add_progress(Progress("embed", 64, 1000), now=5.1)
    assert pace.items_per_second is None and pace.seconds_left is None


def test_the_pace_forgets_what_is_long_ago() -> None:
    pace = RateEstimator()
    for second in range(100):
        pace.add_progress(Progress("embed", second, 1000), now=second)
    pace.add_progress(Progress("embed", 99 + 40, 1000), now=109)
    assert pace.items_per_second == pytest.approx((139 - 94) / 15)


@pytest.fixture
def library_folder(tmp_path: Path) -> Path:
    Library.create(tmp_path / "a.library").close()
    return tmp_path / "a.library"


@pytest.fixture
def readers(library_folder: Path, qtbot: QtBot) -> Iterator[LibraryReaders]:
    readers = LibraryReaders(1, limit=3)
    readers.open(library_folder)
    yield readers
    readers.close()


def test_questions_are_answered_in_another_thread(readers: LibraryReaders, qtbot: QtBot) -> None:
    with qtbot.waitSignal(readers.answered, timeout=20_000) as answered:
        readers.ask_question("who", lambda _: threading.get_ident())
    assert answered.args[0] == "who"
    assert answered.args[1] != threading.get_ident()


def test_the_newest_question_is_answered_first_and_the_oldest_are_dropped(
    readers: LibraryReaders, qtbot: QtBot
) -> None:
    order: list[str] = []
    readers.answered.connect(lambda key, _: order.append(key))
    started, go = threading.Event(), threading.Event()

    def wait(_library: Library) -> None:
        started.set()
        go.wait(20)

    readers.ask_question("first", wait)
    assert started.wait(20)
    for key in ("old", "older than wanted", "wanted", "newest"):
        readers.ask_question(key, lambda _: None)
    readers.drop_question("wanted")
    go.set()
    qtbot.waitUntil(lambda: len(order) == 3, timeout=20_000)
    assert order == ["first", "newest", "older than wanted"]


def test_answers_about_a_library_that_was_left_are_dropped(
    readers: LibraryReaders, library_folder: Path, qtbot: QtBot
) -> None:
    heard: list[str] = []
    readers.answered.connect(lambda key, _: heard.append(key))
    started, go = threading.Event(), threading.Event()

    def wait(_library: Library) -> None:
        started.set()
        go.wait(20)

    readers.ask_question("before", wait)
    assert started.wait(20)
    readers.open(library_folder)
    readers.ask_question("after", lambda _: None)
    go.set()
    qtbot.waitUntil(lambda: bool(heard), timeout=20_000)
    assert heard == ["after"]


def test_a_library_that_cannot_be_opened_is_told(readers: LibraryReaders, tmp_path: Path, qtbot: QtBot) -> None:
    readers.open(tmp_path / "none.library")
    with qtbot.waitSignal(readers.failed, timeout=20_000) as failed:
        readers.ask_question("any", lambda _: None)
    assert isinstance(failed.args[1], LibraryError)


def test_an_exception_is_handed_over(readers: LibraryReaders, qtbot: QtBot) -> None:
    with qtbot.waitSignal(readers.failed, timeout=20_000) as failed:
        readers.ask_question("any", lambda _: 1 / 0)
    assert isinstance(failed.args[1], ZeroDivisionError)


def test_closing_ends_the_threads(library_folder: Path, qtbot: QtBot) -> None:
    before = threading.active_count()
    readers = LibraryReaders(2)
    readers.open(library_folder)
    assert threading.active_count() == before + 2
    readers.close()
    assert threading.active_count() == before
