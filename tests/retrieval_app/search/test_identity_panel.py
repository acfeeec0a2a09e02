"""What is it? The answer of `identify` beside the query, for that query only."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.matching.identification import IdentificationResult, LabelAlternative, describe_identity, identify_label
from indexer.paths import show_file_name
from indexer.progress import drain
from indexer.search.query import Query
from indexer.statistics.error_rates import ErrorRate
from retrieval_app.search.identity_panel import (
    NO_LABELS,
    IdentityPanel,
    describe_rates,
    describe_votes,
)
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES, EACH, draw
from tests.support.embedders import Tiny, write_card
from tests.support.open_windows import open_window
from tests.support.window_waits import wait_for

FOUND = IdentificationResult(
    "disc",
    0.612,
    ErrorRate(0.05, 0.02, 0.1),
    ErrorRate(0.83, 0.7, 0.9),
    [LabelAlternative("disc", 0.75, 0.4, 0.9), LabelAlternative("bar", 0.25, 0.7, 0.1)],
    "Measured so.",
)


def ask(window: MainWindow, qtbot: QtBot) -> IdentityPanel:
    """Press the key, as on a keyboard that has it without Shift."""
    QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_Question)
    answered(window, qtbot)
    return window.search_page.query_panel.identity


def answered(window: MainWindow, qtbot: QtBot) -> None:
    wait_for(qtbot, lambda: not window.session.search.is_running and window.search_page.questions.is_idle())


def test_the_answer_is_that_of_identify(window: MainWindow, qtbot: QtBot, home: Path, tmp_path: Path) -> None:
    draw("disc", 31).save(tmp_path / "new.png")
    assert not window.menus.find_action("What is it?").isEnabled()
    window.session.search.run_query(Query((tmp_path / "new.png",)))
    answered(window, qtbot)
    panel = ask(window, qtbot)
    with Library.open(home / "default.library") as library:
        found = identify_label(library, tmp_path / "new.png")
    assert panel.verdict.text() == describe_identity(found)
    assert (panel.votes.text(), panel.reasons.text()) == (describe_votes(found), describe_rates(found))
    assert panel.verdict.isVisible() and not panel.reasons.isVisible()
    QTest.mouseClick(panel.how_sure.button, Qt.MouseButton.LeftButton)
    assert panel.reasons.isVisible() and found.alternatives[0].label == "disc"


def test_another_query_takes_the_answer_away_even_one_that_is_still_to_come(window: MainWindow, qtbot: QtBot) -> None:
    first, other = (int(photo) for photo in window.session.search.listing.ids[[2, 20]])
    window.session.search.toggle_query_photo(first)
    panel = ask(window, qtbot)
    assert panel.verdict.text()
    window.session.search.toggle_query_photo(other)
    assert not panel.verdict.isVisible()
    answered(window, qtbot)
    panel.ask_button.click()
    assert panel.verdict.text() == "Asking the nearest…"
    window.session.search.toggle_query_photo(first)
    answered(window, qtbot)
    assert panel.verdict.text() == ""


def test_without_labels_a_sentence_says_what_to_do(
    photos_folder: Path, home: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    write_card(home / "default.library" / "models")
    with Library(home / "default.library") as library:
        drain(index_library(library, [photos_folder], Tiny()))
        library.store.models.activate_model(Tiny().card.fingerprint)
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) > 0)
        window.session.search.toggle_query_photo(int(window.session.search.listing.ids[0]))
        answered(window, qtbot)
        assert ask(window, qtbot).votes.text() == NO_LABELS


def test_the_answer_in_words() -> None:
    assert describe_votes(FOUND) == (
        "disc: 75 % of the vote, distance 0.400 (same)\nbar: 25 % of the vote, distance 0.700 (perhaps)"
    )
    assert describe_rates(FOUND) == (
        "Known is what is less than 0.612 times as far from its label as from the next one. "
        "Pictures of other things are taken for known 1 time in 20 "
        "(95 % interval 2 % to 10 %). Known ones are given their label 83 times in 100 (95 % interval 70 % to 90 %). A "
        "distance is the mean of those to the nearest three of a label. Measured so."
    )
    assert describe_identity(FOUND) == "disc."
    likely = FOUND._replace(best="disc", confidence=0.833)
    assert describe_identity(likely) == "Likely disc: of 100 such answers 83 are right."
    assert describe_identity(likely._replace(label=None)) == (
        "Unknown: nothing here is near enough. The nearest is disc."
    )
    unknown = describe_rates(FOUND._replace(threshold=None, fmr=None, identified=None))
    assert unknown.startswith("Everything counts as unknown")


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_vote_is_a_share(share: float) -> None:
    one = FOUND._replace(alternatives=[LabelAlternative("disc", share, 0.4, None)])
    assert f"disc: {share * 100:g} % of the vote" in describe_votes(one)


def labels_by_name(home: Path) -> dict[str, str]:
    """Name of file -> label of the photos that are shown and lie in the library's own folder."""
    with Library.open(home / "default.library") as library:
        labels = library.annotations.read_labels(library.model_id)
        photos = library.load_photos([int(photo) for photo in library.find_photo_ids()])
    own = [photo for photo in photos if b"default.enrolled" in photo.path]
    return {show_file_name(photo.path): labels.get(photo.id, "") for photo in own}


def test_pictures_from_outside_are_labelled_from_the_answer_one_after_the_other_and_that_is_undone(
    window: MainWindow, qtbot: QtBot, home: Path, tmp_path: Path
) -> None:
    draw("disc", 31).save(tmp_path / "seen.png")
    session, row = window.session, window.search_page.query_panel.identity.enrolment_row
    session.search.run_query(Query((tmp_path / "seen.png",)))
    answered(window, qtbot)
    assert not row.isVisible()
    panel = ask(window, qtbot)
    assert panel.verdict.text() and row.isVisible() and not row.label_edit.isVisible()
    QTest.mouseClick(row.accept_button, Qt.MouseButton.LeftButton)
    assert not row.isVisible() and session.job.state is not None
    session.search.run_query(Query((draw("disc", 32),)))  # pasted: it has no file
    answered(window, qtbot)
    ask(window, qtbot)
    QTest.mouseClick(row.new_button, Qt.MouseButton.LeftButton)
    QTest.keyClicks(row.label_edit, "moon")
    QTest.keyClick(row.label_edit, Qt.Key.Key_Return)
    wait_for(qtbot, lambda: session.job.state is None and session.library.writer.is_idle())
    found = labels_by_name(home)
    (pasted,) = found.keys() - {"seen.png"}
    assert found == {"seen.png": "disc", pasted: "moon"} and pasted.startswith("Pasted ")
    assert (tmp_path / "seen.png").exists()
    wait_for(qtbot, lambda: len(session.search.listing.ids) == EACH * len(CLASSES) + 2)
    assert session.changes.undoText() == "label a picture “moon”"
    session.changes.undo()
    wait_for(qtbot, session.library.writer.is_idle)
    assert labels_by_name(home) == {"seen.png": "disc"}
    session.changes.redo()
    wait_for(qtbot, session.library.writer.is_idle)
    assert labels_by_name(home) == found
