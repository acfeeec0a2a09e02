"""All doors say the same about the same pair: tile, details, comparison, cut menu, command line and JSON."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from safetensors.numpy import save_file

from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from indexer.search.query import Query
from indexer.search.results import Hit
from indexer.statistics.likeness import describe_likeness, find_level_cuts, find_likeness_word
from retrieval_app.search.likeness_cut import list_cut_choices
from retrieval_app.widgets.distance_band import compute_distance_band
from retrieval_app.window.main_window import MainWindow
from tests.support.commands import Tell
from tests.support.embedders import Tiny, tiny_card, write_card
from tests.support.seen_large import get_viewer, look_large, press_key, wait_until_sharp
from tests.support.window_waits import wait_for


def show_hit(window: MainWindow, qtbot: QtBot, place: int) -> Hit:
    """Go to a result and compare it with the query; the hit."""
    window.search_page.results.grid.go_to(place)
    window.grab()
    look_large(window, place)
    press_key(Qt.Key.Key_T)
    wait_until_sharp(window, qtbot)
    return window.session.search.listing.hits[place]


def test_every_door_of_the_window_says_what_the_commands_say(
    window: MainWindow, qtbot: QtBot, home: Path, tell: Tell
) -> None:
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[2]))
    wait_for(qtbot, lambda: window.session.search.listing.result is not None)
    query = Path(window.session.search.listing.hits[0].photo.path.decode())
    found = tell(home, "search", query, "-k", "24", "--json").result()["hits"]
    words = set()
    for place in (0, 1, 12, 23):
        hit = show_hit(window, qtbot, place)
        sentence, word = describe_likeness(hit), find_likeness_word(hit)
        band = compute_distance_band(hit)
        assert band is not None and band.word == word
        grid = window.search_page.results.grid
        assert get_viewer(window).stage.strip.verdict.text() == sentence
        assert sentence in [label.text() for label in window.search_page.details.findChildren(QLabel)]
        tip = grid.model().data(grid.model().index(place, 0), Qt.ItemDataRole.ToolTipRole)
        assert tip.startswith(sentence)
        verified = tell(home, "verify", query, Path(hit.photo.path.decode()), "--json").result()
        assert (verified["likeness"], verified["sentence"]) == (word, sentence)
        said = tell(home, "verify", query, Path(hit.photo.path.decode())).out
        assert said.startswith(f"{sentence}\n")
        assert found[place]["likeness"] == word
        explained = tell(home, "explain", query, Path(hit.photo.path.decode()), "--json").result()
        assert explained["likeness"] == word
        words.add(word)
        press_key(Qt.Key.Key_Escape)
    assert {"same", "perhaps"} <= words
    listed = tell(home, "search", query, "-k", "1").out
    assert f"0.000  {found[0]['likeness']}" in listed
    with Library.open(home / "default.library") as library:
        cuts = list_cut_choices(library).levels
        assert cuts == find_level_cuts(library.load_calibration().interpret_distance)
    for hit in window.session.search.listing.hits[1:]:
        within = [cut.level.word for cut in cuts if hit.distance <= cut.distance]
        assert find_likeness_word(hit) == (within[0] if within else "different")


def test_without_labels_the_commands_agree_too(photos_folder: Path, home: Path, tell: Tell) -> None:
    models = home / "default.library" / "models"
    write_card(models)
    save_file({"seen": np.zeros((0, 32), np.uint8)}, models / tiny_card().fingerprint / "model.safetensors")
    with Library(home / "default.library") as library:
        drain(index_library(library, [photos_folder], Tiny()))
        library.store.models.activate_model(Tiny().card.fingerprint)
        query = photos_folder / "disc" / "disc-0.png"
        hits = library.search(Query((query,)), k=24).hits
    words = [find_likeness_word(hit) for hit in hits]
    assert words[0] == "same" and set(words[1:]) <= {"very close", "close", "loose", "no closer than chance"}
    for hit in (hits[0], hits[1], hits[-1]):
        verified = tell(home, "verify", query, Path(hit.photo.path.decode()), "--json").result()
        assert (verified["likeness"], verified["sentence"]) == (find_likeness_word(hit), describe_likeness(hit))
