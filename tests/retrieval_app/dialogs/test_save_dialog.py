"""The chosen format decides the suffix of a name that has none."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from retrieval_app.dialogs.save_dialog import ask_destination


def test_a_name_gets_the_suffix_of_the_chosen_format(qtbot: QtBot, tmp_path: Path) -> None:
    window, written = QWidget(), list[Path]()
    qtbot.addWidget(window)
    formats = {"Table (*.csv)": "csv", "Page (*.html)": "html"}
    ask_destination(window, "Export", tmp_path / "photos", formats, written.append)
    (dialog,) = window.findChildren(QFileDialog)
    assert dialog.defaultSuffix() == "csv"
    dialog.selectNameFilter("Page (*.html)")
    dialog.filterSelected.emit("Page (*.html)")
    dialog.selectFile(str(tmp_path / "photos"))
    dialog.accept()
    assert written == [tmp_path / "photos.html"]
