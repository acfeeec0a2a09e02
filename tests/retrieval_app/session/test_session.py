"""The session on a real library, without a window: in which order its signals come, and how a search fails."""

from pathlib import Path

from pytestqt.qtbot import QtBot

from indexer.search.query import CroppedExample, Query
from retrieval_app.session.session import Session
from tests.support.window_waits import wait_for, wait_for_signal


def record_signals(session: Session) -> list[str]:
    """The names of the signals, in the order in which they are emitted from now on."""
    emitted: list[str] = []
    for name, signal in {
        "library closing": session.library.closing,
        "job": session.job.changed,
        "trouble": session.trouble_changed,
        "library": session.library.changed,
        "query": session.search.query_changed,
        "listing": session.search.listing_changed,
        "notice": session.notice_posted,
    }.items():
        signal.connect(lambda *_, name=name: emitted.append(name))
    return emitted


def test_another_library_is_told_as_library_then_query_then_listing(session: Session, home: Path) -> None:
    emitted = record_signals(session)
    session.library.switch_to(home / "other.library")
    assert emitted == ["library closing", "job", "trouble", "library", "query", "listing"]
    assert session.library.is_empty
    assert not len(session.search.listing.ids)


def test_a_library_that_has_changed_is_told_before_its_photos_are_listed(session: Session, qtbot: QtBot) -> None:
    emitted = record_signals(session)
    session.job.watch_folders(False)  # a commit
    wait_for(qtbot, lambda: "listing" in emitted)
    assert emitted == ["job", "library", "listing"]


def test_a_search_is_told_as_query_then_listing_and_again_when_it_is_done(session: Session, qtbot: QtBot) -> None:
    emitted = record_signals(session)
    session.search.toggle_query_photo(int(session.search.listing.ids[0]))
    assert emitted == ["trouble", "query", "listing"] and session.search.is_running
    wait_for(qtbot, lambda: not session.search.is_running)
    assert emitted == ["trouble", "query", "listing", "listing", "notice"]


def test_a_picture_that_cannot_be_read_ends_the_search_with_a_sentence(
    session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    emitted = record_signals(session)
    session.search.run_query(Query((tmp_path / "none.png",)))
    with wait_for_signal(qtbot, session.trouble_changed) as troubles:
        pass
    assert emitted == ["trouble", "query", "listing", "listing", "trouble"]
    assert "none.png" in troubles[0][0].sentence and troubles[0][0].button_text == "Back to the library"
    assert not session.search.is_running
    troubles[0][0].remedy()
    assert session.search.query is None


def test_a_bug_in_a_search_ends_it_and_is_raised_in_the_windows_thread(session: Session, qtbot: QtBot) -> None:
    crop_of_nothing = CroppedExample(None, (0, 0, 1, 1))  # type: ignore[arg-type]
    with qtbot.captureExceptions() as faults:
        session.search.run_query(Query((crop_of_nothing,)))
        wait_for(qtbot, lambda: bool(faults))
    assert not session.search.is_running


def test_a_search_that_was_left_says_nothing_when_it_fails(session: Session, tmp_path: Path, qtbot: QtBot) -> None:
    session.search.run_query(Query((tmp_path / "none.png",)))
    session.search.show_library()
    emitted = record_signals(session)
    wait_for(qtbot, session.library.reader.is_idle)
    session.job.watch_folders(False)
    wait_for(qtbot, lambda: "library" in emitted)  # commits are still looked for
    assert "trouble" not in emitted
