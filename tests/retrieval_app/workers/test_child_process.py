"""Child processes are tested with real ones: small Python programs that speak JSON lines."""

import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from indexer.progress import Progress
from retrieval_app.workers import child_process
from retrieval_app.workers.child_process import ChildProcess, JobEnd
from tests.support.window_waits import wait_for_signal

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
    with wait_for_signal(qtbot, job.ended) as ended:
        pass
    return ended[0][0], seen


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
    with wait_for_signal(qtbot, job.ended) as ended:
        pass
    assert "could not be started" in ended[0][0].sentence


def test_cancelling_closes_the_childs_input(qtbot: QtBot) -> None:
    job = ChildProcess([sys.executable, "-c", LISTENS])
    with wait_for_signal(qtbot, job.progressed):
        pass
    with wait_for_signal(qtbot, job.ended) as ended:
        job.cancel()
    assert ended[0][0] == JobEnd(None, "", True)


def test_a_child_that_does_not_listen_is_ended(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "GRACE_MS", 100)
    job = ChildProcess([sys.executable, "-c", DEAF])
    with wait_for_signal(qtbot, job.progressed):
        pass
    with wait_for_signal(qtbot, job.ended) as ended:
        job.cancel()
    assert ended[0][0].cancelled


@pytest.mark.parametrize("program", [LISTENS, DEAF], ids=["listens", "deaf"])
def test_closing_a_job_leaves_no_child(qtbot: QtBot, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "GRACE_MS", 100)
    job = ChildProcess([sys.executable, "-c", program])
    with wait_for_signal(qtbot, job.progressed):
        pass
    job.close()
    assert not job.is_running()
