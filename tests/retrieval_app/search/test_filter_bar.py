"""Filter and cut-off, driven as a user does; the words that say what is shown."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QDate, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from indexer.database.filters import Filter
from indexer.library import Library
from indexer.paths import insert_break_points
from indexer.ranking.filter_wording import describe_conditions
from indexer.ranking.search_request import RANK_REFINED, SearchRequest
from indexer.ranking.word_ranking import WordIndex, parse_word_query
from indexer.search.query import Query
from indexer.search.results import Hit, Photo, SearchResult
from retrieval_app.search.results_view import describe_listing
from retrieval_app.session.searching.photo_listing import PhotoListing
from retrieval_app.widgets.distance_band import DistanceBand, compute_distance_band, describe_distance
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES, EACH
from tests.support.window_waits import wait_for

SHOWN = EACH * len(CLASSES)
CONTROL = Qt.KeyboardModifier.ControlModifier


def settle(window: MainWindow, qtbot: QtBot) -> None:
    quiet = window.search_page.questions
    wait_for(qtbot, lambda: not window.session.search.is_running and quiet.is_idle())


def open_filter(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_F, CONTROL)
    bar = window.search_page.results.filter_bar
    wait_for(qtbot, lambda: bar.label_field.count() == 1 + len(CLASSES))


def chips_shown(window: MainWindow) -> list[QPushButton]:
    row = window.search_page.results.chip_row
    return [chip for chip in row.findChildren(QPushButton) if not chip.isHidden()] if row.isVisible() else []


def hit(distance: float, probability: float | None = None, rarity: float | None = None) -> Hit:
    return Hit(1, Photo(1, b"/a.jpg", 0, None, 4, 3, b"", offline=False), distance, probability, rarity)


def test_a_label_narrows_the_library_and_its_chip_widens_it_again(window: MainWindow, qtbot: QtBot) -> None:
    open_filter(window, qtbot)
    field = window.search_page.results.filter_bar.label_field
    QTest.keyClicks(field, "disc")
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == EACH)
    assert window.session.search.conditions.photo_filter == Filter(label="disc")
    (chip,) = chips_shown(window)
    assert "label disc" in chip.text()
    QTest.mouseClick(chip, Qt.MouseButton.LeftButton)
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == SHOWN)
    assert chips_shown(window) == []
    assert field.currentText() == "Any label"


def test_names_are_found_while_they_are_typed(window: MainWindow, qtbot: QtBot) -> None:
    open_filter(window, qtbot)
    field = window.search_page.results.filter_bar.name_field
    assert field.hasFocus()
    QTest.keyClicks(field, "SQUA 0")
    with Library.open(window.session.library.folder) as library:
        wanted = library.find_photo_ids(Filter(named="SQUA 0")).tolist()
    assert 0 < len(wanted) < SHOWN
    wait_for(qtbot, lambda: window.session.search.listing.ids.tolist() == wanted)
    (chip,) = chips_shown(window)
    assert "named SQUA 0" in chip.text()
    QTest.mouseClick(chip, Qt.MouseButton.LeftButton)
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == SHOWN)
    assert field.text() == ""
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not window.search_page.results.filter_bar.isVisible()


def test_known_words_show_what_the_model_sees(window: MainWindow, qtbot: QtBot) -> None:
    open_filter(window, qtbot)
    bar = window.search_page.results.filter_bar
    QTest.keyClicks(bar.name_field, "sunset")
    assert not bar.words_button.isVisible()
    bar.name_field.selectAll()
    QTest.keyClicks(bar.name_field, "telephne")
    assert bar.words_button.text() == "Pictures of telephone?"
    bar.name_field.selectAll()
    QTest.keyClicks(bar.name_field, "a clock")
    assert bar.words_button.text() == "Pictures of a clock"
    with Library.open(window.session.library.folder) as library:
        wanted = [hit.photo.id for hit in WordIndex(library).answer_words(("clock", ""), SHOWN).hits]
    assert wanted
    QTest.mouseClick(bar.words_button, Qt.MouseButton.LeftButton)
    wait_for(qtbot, lambda: window.session.search.listing.ids.tolist() == wanted)
    wait_for(qtbot, lambda: ["pictures of a clock" in chip.text() for chip in chips_shown(window)] == [True])
    wait_for(qtbot, lambda: bool(window.search_page.results.grid.grid_model.explain_place(0)))
    show_reasons(window, qtbot, wanted[0], "clock: ")
    window.search_page.saved_searches.save_search("clocks")
    window.session.search.toggle_query_photo(wanted[0])
    settle(window, qtbot)
    query = Query((wanted[0],))
    with Library.open(window.session.library.folder) as library:
        fused = WordIndex(library).rank_with_pictures(parse_word_query("clock", ""), query, SHOWN).hits
    hits = window.session.search.listing.hits
    assert [(hit.photo.id, hit.distance) for hit in hits] == [(hit.photo.id, hit.distance) for hit in fused]
    assert {chip.text().split()[0] for chip in chips_shown(window)} == {"pictures"}
    assert not window.session.search.conditions.can_rank_by(RANK_REFINED)
    cut = sorted(hit.distance for hit in hits)[1]
    window.session.search.conditions.set_max_distance(cut)
    near = [hit.photo.id for hit in fused if hit.distance is not None and hit.distance <= cut]
    assert window.session.search.listing.ids.tolist() == near
    window.session.search.conditions.set_max_distance(None)
    window.session.search.move_in_history(-1)
    wait_for(qtbot, lambda: window.session.search.listing.ids.tolist() == wanted)
    QTest.mouseClick(chips_shown(window)[0], Qt.MouseButton.LeftButton)
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == SHOWN)
    window.search_page.saved_searches.open_search("clocks")
    wait_for(qtbot, lambda: window.session.search.listing.ids.tolist() == wanted)
    assert "pictures of a clock" in chips_shown(window)[0].text()


def show_reasons(window: MainWindow, qtbot: QtBot, photo_id: int, beginning: str) -> None:
    """Assert that tile, screen reader and details of a photo say why it is shown, by a phrase that begins so."""
    results = window.search_page.results
    place = window.session.search.listing.ids.tolist().index(photo_id)
    reason = results.grid.grid_model.explain_place(place)
    assert reason.startswith(beginning)
    assert reason in results.grid.grid_model.name_place(place)
    results.grid.go_to(place, scroll=0)
    details = window.search_page.details
    wait_for(qtbot, lambda: "Found by" in [label.text() for label in details.findChildren(QLabel)])
    facts = [label.text() for label in details.findChildren(QLabel)]
    assert facts[facts.index("Found by") + 1] == insert_break_points(reason)


def test_a_name_says_where_the_words_are(window: MainWindow, qtbot: QtBot) -> None:
    window.session.search.conditions.set_filter(Filter(named="SQUA 0"))
    wait_for(qtbot, lambda: not window.session.search.is_running)
    ids = window.session.search.listing.ids.tolist()
    wait_for(qtbot, lambda: window.search_page.results.grid.grid_model.photo_at(0) is not None)
    show_reasons(window, qtbot, ids[0], "SQUA: ")


def test_a_filtered_search_ranks_as_the_library_does(window: MainWindow, qtbot: QtBot, home: Path) -> None:
    window.session.search.conditions.set_filter(Filter(label="bar", orientation="landscape"))
    photo = int(window.session.search.listing.ids[0])
    window.session.search.toggle_query_photo(photo)
    settle(window, qtbot)
    with Library.open(home / "default.library") as library:
        wanted = library.search(Query((photo,)), within=Filter(label="bar", orientation="landscape"))
    assert window.session.search.listing.ids.tolist() == [hit.photo.id for hit in wanted.hits]
    assert {hit.photo.label for hit in wanted.hits} == {"bar"}
    assert window.session.search.listing.candidate_count == len(wanted.hits)


def test_a_folder_is_a_filter(window: MainWindow, qtbot: QtBot, photos_folder: Path) -> None:
    window.session.search.conditions.set_filter(Filter(under=photos_folder / "square"))
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == EACH)
    open_filter(window, qtbot)
    assert window.search_page.results.filter_bar.folder_field.currentText() == "square"


def test_a_span_of_days_is_a_filter(window: MainWindow, qtbot: QtBot) -> None:
    open_filter(window, qtbot)
    bar = window.search_page.results.filter_bar
    bar.date_field.setCurrentText("From … to …")
    assert bar.first_day.isVisible()
    bar.last_day.setDate(bar.first_day.date().addYears(-20))
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == 0)
    bar.date_field.setCurrentText("Last 7 days")
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == SHOWN)
    assert not bar.first_day.isVisible()


def test_escape_closes_the_fields_and_keeps_the_filter(window: MainWindow, qtbot: QtBot) -> None:
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[0]))
    open_filter(window, qtbot)
    window.session.search.conditions.set_filter(Filter(min_side=120))
    QTest.keyClick(window.search_page.results.filter_bar.label_field, Qt.Key.Key_Escape)
    assert not window.search_page.results.filter_bar.isVisible()
    assert window.session.search.query is not None
    assert window.session.search.conditions.photo_filter == Filter(min_side=120)
    wait_for(qtbot, lambda: len(chips_shown(window)) == 1)


def test_the_cut_off_shows_the_results_up_to_a_distance_at_once(window: MainWindow, qtbot: QtBot) -> None:
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[3]))
    settle(window, qtbot)
    distances = [hit.distance for hit in window.session.search.listing.hits]
    slider = window.search_page.results.cut_slider
    assert slider.isVisible()
    slider.setValue(round(100 * distances[5]))
    wait_for(qtbot, lambda: window.session.search.conditions.max_distance is not None)
    cut = window.session.search.conditions.max_distance
    assert cut is not None
    assert [hit.distance for hit in window.session.search.listing.hits] == [one for one in distances if one <= cut]
    assert 1 < len(window.session.search.listing.ids) < SHOWN
    slider.setValue(slider.maximum())
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == SHOWN)
    assert window.session.search.conditions.max_distance is None


def test_what_is_shown_is_said_in_words() -> None:
    ids = np.arange(24)
    result = SearchResult([hit(0.1)] * 24, "exact", 1.0, 0.0, "")
    assert describe_listing(PhotoListing(ids, candidate_count=24), None) == "24 photos"
    assert describe_listing(PhotoListing(ids, candidate_count=1200), None) == "24 of 1,200 photos"
    assert describe_listing(PhotoListing(ids, result, 1200), 0.62) == "24 of 1,200 photos nearer than 0.62"
    assert describe_listing(PhotoListing(ids, result, 1200), None) == "24 nearest of 1,200 photos"
    assert (
        describe_listing(PhotoListing(np.arange(200), result, 1200, has_more=True), 0.62)
        == "200 or more of 1,200 photos nearer than 0.62"
    )


@pytest.mark.parametrize(
    ("found", "word", "said"),
    [
        (
            hit(0.2, 0.97),
            DistanceBand("same", 0.97, "same"),
            "The same: of 100 pairs this close 97 are. Distance 0.200",
        ),
        (
            hit(0.2, 0.6),
            DistanceBand("likely", 0.6, "likely"),
            "Likely the same: of 100 pairs this close 60 are. Distance 0.200",
        ),
        (
            hit(0.2, 0.35),
            DistanceBand("perhaps", 0.35, "unlike"),
            "Perhaps the same: of 100 pairs this close 35 are. Distance 0.200",
        ),
        (
            hit(0.2, 0.01),
            DistanceBand("different", 0.01, "unlike"),
            "Different: of 100 pairs this close one is. Distance 0.200",
        ),
        (
            hit(0.2, None, 1000.0),
            DistanceBand("very close", 0.5, "same"),
            "Very close: of 1,000 random pairs one is this close. Distance 0.200",
        ),
        (hit(0.2), None, "Distance 0.200"),
    ],
)
def test_a_band_has_a_word_and_a_length(found: Hit, word: DistanceBand | None, said: str) -> None:
    assert compute_distance_band(found) == word
    assert describe_distance(found) == said


def test_every_condition_is_a_chip_that_takes_only_itself_away() -> None:
    day = datetime(2026, 3, 5)
    within = Filter("a", Path("/p/cats"), day, datetime(2026, 3, 8), 1000, "square")
    found = describe_conditions(within)
    words = [chip.text for chip in found]
    assert words == ["label a", "in cats", "taken 2026-03-05 to 2026-03-07", "at least 1,000 px", "square"]
    for chip in found:
        assert [other.text for other in describe_conditions(chip.without)] == [
            word for word in words if word != chip.text
        ]


@pytest.mark.parametrize(
    ("after", "before", "said"),
    [
        (None, datetime(2026, 3, 8), "taken until 2026-03-07"),
        (None, datetime(2026, 3, 8, 12, 30), "taken until 2026-03-08"),
        (datetime(2026, 3, 5, 9), datetime(2026, 3, 8, 0, 0, 1), "taken 2026-03-05 to 2026-03-08"),
        (None, datetime.min, "taken until 0001-01-01"),
        (datetime.min, datetime.max, "taken 0001-01-01 to 9999-12-31"),
    ],
)
def test_a_span_ends_with_the_last_day_of_which_something_passes(
    after: datetime | None, before: datetime, said: str
) -> None:
    assert [chip.text for chip in describe_conditions(Filter(after=after, before=before))] == [said]


def test_the_last_day_of_the_calendar_is_a_last_day(window: MainWindow, qtbot: QtBot) -> None:
    open_filter(window, qtbot)
    bar = window.search_page.results.filter_bar
    bar.date_field.setCurrentText("From … to …")
    bar.last_day.setDate(QDate(9999, 12, 31))
    assert window.session.search.conditions.photo_filter.before == datetime.max
    bar.first_day.setDate(QDate(1990, 1, 1))
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == SHOWN)
    assert "to 9999-12-31" in chips_shown(window)[0].text()


def test_a_search_saved_before_the_first_day_opens_in_the_window(window: MainWindow, qtbot: QtBot) -> None:
    window.session.search.repeat_search(
        SearchRequest(Query((int(window.session.search.listing.ids[0]),)), Filter(before=datetime.min), None)
    )
    settle(window, qtbot)
    assert len(window.session.search.listing.ids) == 0
    QTest.mouseClick(chips_shown(window)[0], Qt.MouseButton.LeftButton)
    settle(window, qtbot)
    assert len(window.session.search.listing.ids) == SHOWN
