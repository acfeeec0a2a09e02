"""Labels are listed with the worst first, sorted by any heading, and opened; figures are written as files."""

import csv
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from indexer.errors import LookalikeError
from indexer.library import Library
from retrieval_app.evaluation.evaluation_export import write_report
from retrieval_app.evaluation.label_table import COLUMNS, LabelTable, list_findings
from retrieval_app.evaluation.mistakes_view import choose_shown_labels
from retrieval_app.widgets.theme import Theme
from tests.retrieval_app.evaluation.conftest import MeasuredLibrary

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def table(measured: MeasuredLibrary, qtbot: QtBot) -> LabelTable:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    Theme(app, "light")
    table = LabelTable()
    qtbot.addWidget(table)
    table.resize(700, 400)
    table.show_report(measured.report)
    table.show()
    qtbot.waitExposed(table)
    return table


def test_the_worst_label_comes_first_and_a_heading_sorts(table: LabelTable, measured: MeasuredLibrary) -> None:
    figures = [row.map_at_r for row in table.table_model.rows]
    assert figures == sorted(row.map_at_r for row in measured.report.labels)
    header = table.view.horizontalHeader()
    place = header.sectionPosition(0) + 20
    for _ in range(2):
        QTest.mouseClick(header.viewport(), LEFT, NONE, QPoint(place, header.height() // 2))
    names = [row.name for row in table.table_model.rows]
    assert names in (sorted(names), sorted(names, reverse=True))
    assert names != [row.name for row in sorted(measured.report.labels, key=lambda row: row.map_at_r)]
    assert len(COLUMNS) == table.table_model.columnCount()


def test_what_a_label_is_taken_for_is_counted(measured: MeasuredLibrary) -> None:
    report = measured.report
    for finding in list_findings(report):
        mistakes = Counter(
            report.names[query.found[0].label]
            for query in report.nearest
            if query.label == finding.place and query.found[0].label != finding.place
        )
        assert mistakes.get(finding.taken_for, 0) == finding.taken_count == max(mistakes.values(), default=0)


def test_enter_opens_a_label(table: LabelTable, qtbot: QtBot) -> None:
    table.view.setFocus()
    table.view.selectRow(2)
    wanted = table.table_model.rows[2].place
    with qtbot.waitSignal(table.opened) as opened:
        QTest.keyClick(table.view, Qt.Key.Key_Return)
    assert opened.args == [wanted]


def test_of_many_labels_those_with_the_most_mistakes_are_shown(measured: MeasuredLibrary) -> None:
    cells = measured.report.group_by_cell()
    mistakes: Counter[int] = Counter()
    for (own, found), queries in cells.items():
        if own != found:
            mistakes[own] += len(queries)
            mistakes[found] += len(queries)
    shown = choose_shown_labels(cells, 2)
    assert sorted(shown) == shown
    assert min(mistakes[place] for place in shown) >= max(mistakes[p] for p in mistakes if p not in shown)


def test_figures_are_written_as_json_and_csv_and_nothing_else(measured: MeasuredLibrary, tmp_path: Path) -> None:
    with Library.open(measured.folder) as library:
        for name in ("f.json", "f.csv"):
            assert name in write_report(library, tmp_path / name, measured.report)
        with pytest.raises(LookalikeError, match=r"\.json or \.csv"):
            write_report(library, tmp_path / "f.xls", measured.report)
        (tmp_path / "photos").mkdir()
        library.store.files.add_root(os.fsencode(tmp_path / "photos"), labelled=False)
        with pytest.raises(LookalikeError):
            write_report(library, tmp_path / "photos" / "f.json", measured.report)
    assert json.loads((tmp_path / "f.json").read_text())["p_at_1"] == measured.report.p_at_1.value
    rows = list(csv.DictReader((tmp_path / "f.csv").read_text().splitlines()))
    assert {row["name"]: float(row["map_at_r"]) for row in rows} == {
        row.name: row.map_at_r for row in measured.report.labels
    }
