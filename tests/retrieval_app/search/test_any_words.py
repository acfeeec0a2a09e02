"""A library whose model is one half of a pair is asked in any words from the field of the filter."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from indexer.library import Library
from tests.support.commands import lookalike
from tests.support.open_windows import open_window
from tests.support.trained_pair import KINDS, make_pair, make_pair_model, save_drawings
from tests.support.window_waits import wait_for

EACH = 3


def test_whatever_is_typed_is_looked_for(
    home: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, qtbot: QtBot
) -> None:
    model = make_pair_model(tmp_path_factory)  # which leaves a copy in this home if it is made only now
    shutil.copytree(model, home / "models" / model.name, dirs_exist_ok=True)
    save_drawings(tmp_path / "photos", EACH)
    pair = make_pair(tmp_path_factory)
    assert lookalike(home, "index", tmp_path / "photos", "--labelled", "--model", pair).code == 0
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) == EACH * len(KINDS))
        QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        bar = window.search_page.results.filter_bar
        wait_for(qtbot, lambda: bar.label_field.count() == 1 + len(KINDS))
        QTest.keyClicks(bar.name_field, "blue sea")  # no word of the built-in model's
        assert bar.words_button.text() == "Pictures of blue sea"
        QTest.mouseClick(bar.words_button, Qt.MouseButton.LeftButton)
        wait_for(
            qtbot, lambda: window.session.search.conditions.words == "blue sea" and not window.session.search.is_running
        )
        with Library.open(home / "default.library") as library:
            first = library.load_photos(window.session.search.listing.ids[:EACH].tolist())
        assert [photo.label for photo in first] == ["blue sea"] * EACH
