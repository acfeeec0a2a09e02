"""The watch and the jobs of the window, with their real children: they make way for each other and outlive crashes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from indexer.library import Library
from retrieval_app.session.session import Session
from retrieval_app.workers.child_process import ChildProcess
from tests.support.drawings import CLASSES, EACH, draw
from tests.support.open_windows import open_window
from tests.support.window_waits import wait_for, wait_for_signal

SHOWN = EACH * len(CLASSES)
FAULTS = Path(__file__).parents[2] / "faults"
KILLED = """
import os, signal, sys
if "retrieval_app.cli" in sys.orig_argv:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def session(folder: Path, qtbot: QtBot) -> Iterator[Session]:
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) == SHOWN)
        yield window.session


def children(session: Session) -> list[ChildProcess]:
    return [job for job in session.findChildren(ChildProcess) if job.is_running()]


def test_what_is_written_into_a_watched_folder_appears_by_itself(session: Session, folder: Path, qtbot: QtBot) -> None:
    session.job.watch_folders(True)
    draw("disc", 77).save(folder / "disc" / "new.png")
    wait_for(qtbot, lambda: len(session.search.listing.ids) == SHOWN + 1)
    (folder / "disc" / "new.png").unlink()
    wait_for(qtbot, lambda: len(session.search.listing.ids) == SHOWN)
    session.job.watch_folders(False)
    wait_for(qtbot, lambda: not children(session))


def test_the_wish_to_watch_is_kept_with_its_library(session: Session, folder: Path, home: Path, qtbot: QtBot) -> None:
    session.job.watch_folders(True)
    wait_for(qtbot, lambda: kept(home))
    session.library.switch_to(home / "other.library")
    assert not session.job.watch.wanted
    wait_for(qtbot, lambda: not children(session))
    session.library.switch_to(home / "default.library")
    wait_for(qtbot, lambda: session.job.watch.wanted and len(children(session)) == 1)


def kept(home: Path) -> bool:
    with Library.open(home / "default.library") as library:
        return library.store.models.read_setting("watched") is True


def test_the_watch_makes_way_for_a_job_and_comes_back(session: Session, folder: Path, qtbot: QtBot) -> None:
    at_once: list[int] = []
    session.job.changed.connect(lambda: at_once.append(len(children(session))))
    session.job.watch_folders(True)
    draw("disc", 77).save(folder / "disc" / "new.png")
    wait_for(qtbot, lambda: session.job.watch.state is not None)  # it is at work itself
    with wait_for_signal(qtbot, session.notice_posted) as said:
        session.job.rescan_folders()
        assert session.job.state is not None
    assert said[0][0].startswith("Indexed in ")
    assert len(children(session)) == 1
    assert max(at_once) == 1
    draw("disc", 78).save(folder / "disc" / "newer.png")
    wait_for(qtbot, lambda: len(session.search.listing.ids) == SHOWN + 2)


def test_a_job_that_is_cancelled_before_the_watch_has_made_way_never_starts(
    session: Session, folder: Path, qtbot: QtBot
) -> None:
    session.job.watch_folders(True)
    with wait_for_signal(qtbot, session.notice_posted) as said:
        session.job.rescan_folders()
        session.job.cancel_job()
    assert "stopped" in said[0][0]
    assert session.job.state is None
    wait_for(qtbot, lambda: len(children(session)) == 1)
    assert session.job.watch.wanted


@pytest.mark.long
def test_a_picture_that_makes_the_run_crash_costs_that_picture_only(
    session: Session, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FAULTS), prepend=os.pathsep)
    breaking(folder / "disc" / "breaks.png")
    draw("disc", 79).save(folder / "disc" / "sound.png")
    with wait_for_signal(qtbot, session.notice_posted) as said:
        session.job.rescan_folders()
    assert said[0][0].endswith("The work had stopped unexpectedly, and went on by itself.")
    wait_for(qtbot, lambda: len(session.search.listing.ids) == SHOWN + 1)
    reasons = {failure.path.rpartition(b"/")[2]: failure.reason for failure in session.library.failures}
    assert reasons[b"breaks.png"] == "made the decoder crash"


def breaking(path: Path) -> None:
    """A picture that the children cannot decode without a crash."""
    draw("disc", 78).save(path)
    path.write_bytes(path.read_bytes() + b"crash")


@pytest.mark.long
def test_the_watch_outlives_a_picture_that_makes_it_crash(
    session: Session, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FAULTS), prepend=os.pathsep)
    before = len(session.library.failures)
    breaking(folder / "disc" / "breaks.png")
    session.job.watch_folders(True)
    wait_for(qtbot, lambda: len(session.library.failures) == before + 1)
    assert session.job.watch.wanted
    assert children(session)


def test_work_that_crashes_again_and_again_ends_with_a_sentence(
    session: Session, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(KILLED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with wait_for_signal(qtbot, session.trouble_changed, accepts=bool) as said:
        session.job.rescan_folders()
    assert "once more" in said[0][0].sentence
    assert said[0][0].button_text == "Try again"
    assert session.job.state is None
    with wait_for_signal(qtbot, session.trouble_changed, accepts=bool) as said:
        session.job.watch_folders(True)
    assert said[0][0].sentence.startswith("The folders are no longer watched.")
    assert said[0][0].button_text == "Watch again"
    assert not session.job.watch.wanted
