"""What the program says of itself: in a bundle also the licences of all that it brings along."""

import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from retrieval_app import __version__
from retrieval_app.help.keys_dialog import make_about_box


@pytest.mark.parametrize("frozen", [True, False])
def test_a_bundle_shows_the_licences_of_what_is_in_it(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frozen: bool
) -> None:
    (tmp_path / "THIRD-PARTY-LICENCES").write_bytes(b"Annoy\nApache-2.0\n\xff")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "lookalike"))
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    parent = QWidget()
    qtbot.addWidget(parent)
    box = make_about_box(parent)
    assert __version__ in box.text()
    assert box.detailedText() == ("Annoy\nApache-2.0\n\ufffd" if frozen else "")
    assert ("sbom.cdx.json" in box.informativeText()) is frozen


def test_a_bundle_without_that_file_says_the_rest(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "lookalike"))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    parent = QWidget()
    qtbot.addWidget(parent)
    assert make_about_box(parent).detailedText() == ""
