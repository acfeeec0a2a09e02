"""Cutting off by likeness: the menu has the words of the tiles, and the rates that the pairs can show, or why not."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from safetensors.numpy import save_file

from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from indexer.statistics.calibration_measurement import calibrate_from_labels
from indexer.statistics.likeness import name_likeness
from retrieval_app.search.likeness_cut import OFFERED_FMRS, LikenessCutMenu, _make_fmr_choice
from retrieval_app.window.main_window import MainWindow
from tests.support.commands import Tell
from tests.support.drawings import CLASSES, draw
from tests.support.embedders import Tiny, tiny_card, write_card
from tests.support.open_windows import open_window
from tests.support.window_waits import wait_for, wait_for_signal


@pytest.fixture
def mine(home: Path, tmp_path: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window on 36 labelled pictures, the first of them the query: enough pairs for one rate in ten, no more."""
    for number in range(36):
        shape = list(CLASSES)[number % 3]
        (tmp_path / "photos" / shape).mkdir(parents=True, exist_ok=True)
        draw(shape, number).save(tmp_path / "photos" / shape / f"{number}.png")
    models = home / "default.library" / "models"
    write_card(models)
    save_file({"seen": np.zeros((0, 32), np.uint8)}, models / tiny_card().fingerprint / "model.safetensors")
    with Library(home / "default.library") as library:
        drain(index_library(library, [tmp_path / "photos"], Tiny(), labelled=True))
        library.store.models.activate_model(Tiny().card.fingerprint)
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) == 36)
        assert not window.search_page.results.cut_button.isVisible()  # nothing is there to be cut
        window.session.search.toggle_query_photo(int(window.session.search.listing.ids[0]))
        wait_for(qtbot, lambda: len(window.session.search.listing.hits) == 36)
        yield window


def offered(window: MainWindow, qtbot: QtBot) -> list[QAction]:
    """The lines of the menu beside the slider, once they have been measured."""
    menu = window.search_page.results.cut_button.menu()
    assert isinstance(menu, LikenessCutMenu)
    menu.aboutToShow.emit()
    wait_for(qtbot, lambda: bool(menu.choices.rates) and window.search_page.questions.is_idle())
    return [*menu.actions(), *menu.rate_menu.actions()]


def line(actions: list[QAction], share: str) -> QAction:
    return next(action for action in actions if share in action.text())


def test_a_rate_cuts_as_the_command_does(mine: MainWindow, qtbot: QtBot, home: Path, tell: Tell) -> None:
    picture = Path(mine.session.search.listing.hits[0].photo.path.decode())
    line(offered(mine, qtbot), "1 in 10 ").trigger()
    said = tell(home, "search", picture, "--max-fmr", "0.1", "-k", "100", "--json").result()["hits"]
    assert [hit.photo.path.decode() for hit in mine.session.search.listing.hits] == [hit["path"] for hit in said]
    assert 0 < len(said) < 36
    (chip,) = (one for one in mine.search_page.results.chip_row.findChildren(QPushButton) if not one.isHidden())
    assert "lets 1 in 10 pictures that differ in" in chip.text()
    line(offered(mine, qtbot), "All results").trigger()
    assert len(mine.session.search.listing.hits) == 36


def test_a_rate_that_cannot_be_shown_says_why(mine: MainWindow, qtbot: QtBot, home: Path) -> None:
    with Library.open(home / "default.library") as library, pytest.raises(LookalikeError) as refused:
        library.find_max_distance(0.001)
    thousandth = line(offered(mine, qtbot), "1 in 1,000 ")
    assert "cannot be shown" in thousandth.text()
    with wait_for_signal(qtbot, mine.session.notice_posted) as told:
        thousandth.trigger()
    assert told == [(str(refused.value),)]
    assert mine.session.search.conditions.max_distance is None


def test_a_word_cuts_where_the_tiles_stop_saying_it(mine: MainWindow, qtbot: QtBot) -> None:
    hits = mine.session.search.full_listing.hits
    line(offered(mine, qtbot), "Likely and better").trigger()
    levels = [name_likeness(hit) for hit in mine.session.search.listing.hits]
    assert 0 < len(levels) < len(hits)
    assert all(level is not None and level.strength >= 2 for level in levels)
    left_out = name_likeness(hits[len(levels)])
    assert left_out is not None and left_out.strength < 2


def test_the_menu_of_searching_leads_to_the_rates(mine: MainWindow) -> None:
    menu = mine.search_page.results.cut_menu
    assert menu.menuAction() in mine.menus.menus["Search"].actions() and menu.menuAction().isEnabled()
    mine.session.search.show_library()
    assert not menu.menuAction().isEnabled()


def test_every_rate_that_is_offered_is_held_on_the_pairs_it_was_measured_on() -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(40), 10)
    vectors = rng.normal(size=(40, 16))[codes] + 0.8 * rng.normal(size=(400, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    known = calibrate_from_labels(vectors, codes)
    strangers = [
        float(np.linalg.norm(vectors[one] - vectors[other]))
        for one in range(400)
        for other in range(one)
        if codes[one] != codes[other]
    ]
    for fmr in OFFERED_FMRS:
        limit = _make_fmr_choice(known, fmr)
        assert limit.distance is not None
        assert np.mean(np.array(strangers) < limit.distance) == pytest.approx(fmr, rel=0.02)
        assert f"False-match rate {fmr:g}" in limit.explanation
