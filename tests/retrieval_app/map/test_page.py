"""The map page is used as a user does; its layouts come from the real child processes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPolygonF, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from indexer.clustering.photo_clusters import load_clusters, measure_agreement
from indexer.library import Library
from indexer.progress import drain
from indexer.reports.palette import CLASS_COLOURS
from indexer.reports.photo_map import LAYOUT_METHODS, MapLayout, update_layout
from retrieval_app.map import dot_painting
from retrieval_app.map.areas import DrawnArea
from retrieval_app.map.dot_painting import DotColours, MapDots, draw_dots
from retrieval_app.map.map_state import COLOURINGS, MapScene, PhotoClasses, build_scene
from retrieval_app.map.page import TOOLS
from retrieval_app.map.thumbnails import CELL_SIDE, arrange_cells, find_cell
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES
from tests.support.index_runs import index_drawings
from tests.support.library_copies import copy_library
from tests.support.open_windows import open_window
from tests.support.window_waits import wait_for

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
EACH = 12


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of three classes that has kept both layouts. Copy it, never change it."""
    folder = index_drawings(tmp_path_factory.mktemp("map"), EACH, labelled=True)
    with Library.open(folder) as library:
        for method in LAYOUT_METHODS:
            drain(update_layout(library, method))
    return folder


@contextmanager
def open_filled_window(qtbot: QtBot) -> Iterator[MainWindow]:
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) == EACH * len(CLASSES))
        yield window


@pytest.fixture
def mine(laid_out: Path, home: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window on that library, with the search page shown."""
    copy_library(laid_out, home / "default.library", links_models=True)
    with open_filled_window(qtbot) as window:
        yield window


def to_map(window: MainWindow, qtbot: QtBot, *, with_pictures: bool = False) -> None:
    """Show the map page and wait until both layouts are there."""
    window.page_stack.show_page("Map")
    state = window.map_page.photo_map
    wait_for(qtbot, lambda: state.stored_maps is not None and len(state.stored_maps.scenes) == 2)
    assert window.map_page.map_view.scene is not None
    window.map_page.picture_box.setChecked(with_pictures)


def spot(window: MainWindow, row: int) -> QPoint:
    x, y = window.map_page.map_view.dot_positions()[row].tolist()
    return QPoint(round(x), round(y))


def test_the_first_state_invites_a_folder(empty_window: MainWindow) -> None:
    empty_window.page_stack.show_page("Map")
    assert empty_window.map_page.invitation.isVisible()
    assert empty_window.focusWidget() is empty_window.map_page.invitation.offer


@pytest.mark.long
def test_principal_components_come_first_and_neighbourhoods_follow(laid_out: Path, home: Path, qtbot: QtBot) -> None:
    shutil.copytree(laid_out, home / "default.library", ignore=shutil.ignore_patterns("layouts", "*-wal", "*-shm"))
    with open_filled_window(qtbot) as window:
        seen: list[str] = []
        state = window.map_page.photo_map
        state.changed.connect(lambda: seen.append(scene.method) if (scene := state.current_scene()) else None)
        to_map(window, qtbot)
        assert seen[0] == "pca" and seen[-1] == "tsne"
        scene = window.map_page.map_view.scene
        assert scene is not None
        assert sorted(scene.ids.tolist()) == sorted(window.session.search.listing.ids.tolist())
        assert sorted(scene.names) == sorted(CLASSES)
        window.map_page.method_box.setCurrentIndex(1)
        assert window.map_page.map_view.scene is not None and window.map_page.map_view.scene.method == "pca"


def test_a_kept_map_is_shown_without_making_it_again(mine: MainWindow, qtbot: QtBot) -> None:
    asked: list[object] = []
    mine.map_page.photo_map.map_job.state_changed.connect(lambda: asked.append(mine.map_page.photo_map.map_job.state))
    to_map(mine, qtbot)
    assert mine.map_page.map_view.scene is not None and mine.map_page.map_view.scene.method == "tsne"
    assert not asked


def points_at_photo(window: MainWindow, row: int) -> bool:
    """Move the pointer away and onto a dot; whether the view has seen that, which takes an exposed window."""
    view = window.map_page.map_view
    QTest.mouseMove(view, QPoint(1, 1))
    QTest.mouseMove(view, spot(window, row))
    return view.current is not None


def test_the_photo_under_the_pointer_is_shown_and_a_click_finds_similar(mine: MainWindow, qtbot: QtBot) -> None:
    to_map(mine, qtbot)
    view = mine.map_page.map_view
    wait_for(qtbot, lambda: points_at_photo(mine, 5))
    assert view.scene is not None and view.current is not None
    meant = int(view.scene.ids[view.current])
    assert np.abs(view.dot_positions()[view.current] - view.dot_positions()[5]).max() <= 1  # dots may lie on each other
    QTest.mouseClick(view, LEFT, pos=spot(mine, 5))
    wait_for(qtbot, mine.search_page.isVisible)
    assert mine.session.search.query_photo_id == meant


def test_arrows_go_from_dot_to_dot_and_enter_finds_similar(mine: MainWindow, qtbot: QtBot) -> None:
    to_map(mine, qtbot)
    view = mine.map_page.map_view
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Right)
    first = view.current
    assert first is not None and view.scene is not None
    for _ in range(len(view.scene.ids)):
        before = view.current
        QTest.keyClick(view, Qt.Key.Key_Left)
        assert view.current is not None and before is not None
        assert view.current == before or view.dot_positions()[view.current][0] < view.dot_positions()[before][0]
    QTest.keyClick(view, Qt.Key.Key_Return)
    wait_for(qtbot, mine.search_page.isVisible)
    assert mine.session.search.query_photo_id == int(view.scene.ids[view.current])


def test_the_wheel_zooms_about_the_pointer_a_drag_moves_and_home_shows_everything(
    mine: MainWindow, qtbot: QtBot
) -> None:
    to_map(mine, qtbot)
    view = mine.map_page.map_view
    whole, held = view.dot_positions().copy(), spot(mine, 3)
    QApplication.sendEvent(
        view,
        QWheelEvent(
            QPointF(held),
            QPointF(held),
            QPoint(),
            QPoint(0, 240),
            Qt.MouseButton.NoButton,
            NONE,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )
    larger = view.dot_positions().copy()
    assert np.abs(larger[3] - whole[3]).max() < 2
    assert np.ptp(larger, axis=0) == pytest.approx(np.ptp(whole, axis=0) * 1.25**2, rel=1e-3)
    QTest.mousePress(view, LEFT, pos=QPoint(40, 40))
    QTest.mouseMove(view, QPoint(50, 70))
    QTest.mouseMove(view, QPoint(90, 60))
    QTest.mouseRelease(view, LEFT, pos=QPoint(90, 60))
    assert view.dot_positions() - larger == pytest.approx(np.broadcast_to([50, 20], larger.shape), abs=0.5)
    assert mine.map_page.isVisible()  # a drag chooses nothing
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert view.dot_positions() == pytest.approx(whole, abs=0.01)


def test_classes_are_ordered_by_size_with_their_middles() -> None:
    points = np.array([[0, 0], [2, 0], [9, 9], [4, 1], [5, 5]], np.float32)
    made = MapLayout(np.array([3, 4, 5, 6, 7]), points, "pca")
    scene = build_scene(made, PhotoClasses({3: "b", 4: "b", 6: "b", 5: "a"}))
    assert list(scene.names) == ["b", "a"]
    assert scene.classes.tolist() == [0, 0, 1, 0, -1]
    assert scene.middles.tolist() == [[2, 0], [9, 9]]
    bare = build_scene(made, PhotoClasses({}))
    assert (list(bare.names), bare.classes.tolist(), bare.middles.shape) == ([], [-1] * 5, (0, 2))


@pytest.mark.parametrize("few", [0, 100], ids=["set as pixels", "painted"])
def test_every_dot_has_the_colour_of_its_class(few: int, qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dot_painting, "MAX_PAINTED_DOTS", few)
    places = np.array([[20, 20], [60, 20], [20, 60], [199.9, 99.9], [500, 5], [-3, 5]], np.float32)
    classes = np.array([0, 1, -1, 2, 0, 0])
    selected = np.zeros(len(places), np.bool_)
    image = draw_dots(MapDots(places, classes, selected), QSize(200, 100), DotColours("#ffffff", "#808080", "#00ff00"))
    for (x, y), colour in zip(
        places[:4].astype(int).tolist(), [*CLASS_COLOURS[:2], "#808080", CLASS_COLOURS[2]], strict=True
    ):
        seen, wanted = image.pixelColor(x, y), QColor(colour)
        assert abs(seen.hue() - wanted.hue()) <= 3 and seen != QColor("#ffffff")
    assert image.pixelColor(100, 50) == QColor("#ffffff")


def test_a_lasso_selects_what_lies_in_it() -> None:
    random = np.random.default_rng(0)
    points = random.uniform(0, 100, (2_000, 2)).astype(np.float32)
    area = DrawnArea(QPointF(50, 50), is_lasso=True)
    corners = random.uniform(0, 100, (12, 2))  # it crosses itself
    for x, y in corners.tolist():
        area.extend_to(QPointF(x, y))
    polygon = QPolygonF([QPointF(50, 50), *(QPointF(x, y) for x, y in corners.tolist())])
    expected = [
        row
        for row, (x, y) in enumerate(points.tolist())
        if polygon.containsPoint(QPointF(x, y), Qt.FillRule.OddEvenFill)
    ]
    assert area.find_rows(points).tolist() == expected
    assert 100 < len(expected) < 1_900


def test_thumbnails_cover_no_other_and_a_larger_map_has_more() -> None:
    points = np.random.default_rng(0).uniform(0, 600, (500, 2)).astype(np.float32)
    origin = np.array([7, -3], np.float32)
    cells = arrange_cells(points, origin, (600, 600))
    places = {(cell.left, cell.top) for cell in cells}
    assert len(places) == len(cells) and len({cell.row for cell in cells}) == len(cells)
    assert all((left - 7) % CELL_SIDE == 0 and (top + 3) % CELL_SIDE == 0 for left, top in places)
    for cell in cells:
        x, y = points[cell.row]
        assert cell.left <= x < cell.left + CELL_SIDE and cell.top <= y < cell.top + CELL_SIDE
        assert find_cell(cells, float(x), float(y)) == cell
    assert len(arrange_cells(points * 4, origin * 4, (2_400, 2_400))) > 2 * len(cells)
    assert {cell.row for cell in arrange_cells(points + 30, origin + 30, (630, 630))} == {cell.row for cell in cells}


def drag(window: MainWindow, *places: QPoint, held: Qt.KeyboardModifier = NONE) -> None:
    view = window.map_page.map_view
    QTest.mousePress(view, LEFT, held, places[0])
    for place in places[1:]:
        QTest.mouseMove(view, place)
    QTest.mouseRelease(view, LEFT, held, places[-1])


def test_what_is_selected_on_the_map_is_what_actions_take(mine: MainWindow, qtbot: QtBot) -> None:
    to_map(mine, qtbot)
    view, actions = mine.map_page.map_view, mine.search_page.photo_actions
    assert view.scene is not None
    positions, ids = view.dot_positions(), view.scene.ids
    middle = view.width() / 2
    left, right = ids[positions[:, 0] < middle].tolist(), ids[positions[:, 0] > middle].tolist()
    top, bottom = QPoint(1, 1), QPoint(round(middle), view.height() - 1)
    drag(mine, top, QPoint(30, 30), bottom, held=Qt.KeyboardModifier.ShiftModifier)
    assert sorted(view.selection.list_ids()) == sorted(left) == sorted(actions.list_ids())
    assert f"{len(left)} selected" in mine.map_page.status_label.text()
    assert mine.menus.find_action("Label…").isEnabled()
    mine.map_page.tool_box.setCurrentIndex(list(TOOLS).index("lasso"))
    far = view.width() - 1
    corners = [QPoint(far, 1), QPoint(far, view.height() - 1), QPoint(round(middle), view.height() - 1)]
    drag(mine, QPoint(round(middle), 1), *corners, held=Qt.KeyboardModifier.ControlModifier)
    assert sorted(view.selection.list_ids()) == sorted(left + right)
    mine.menus.find_action("Take the label back").trigger()
    wait_for(qtbot, lambda: mine.session.changes.canUndo() and mine.session.library.writer.is_idle())
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert not view.selection.count and mine.page_stack.is_showing("Map")
    drag(mine, QPoint(round(middle), 1), *corners)
    assert sorted(view.selection.list_ids()) == sorted(right)
    mine.page_stack.show_page("Search")
    assert set(actions.list_ids()) != set(right)  # those of the page that is shown


@pytest.mark.long
def test_photos_are_coloured_by_folder_and_by_groups_that_are_made_for_it(mine: MainWindow, qtbot: QtBot) -> None:
    to_map(mine, qtbot, with_pictures=True)
    page, view = mine.map_page, mine.map_page.map_view

    def colour_by(key: str) -> MapScene:
        page.colour_box.setCurrentIndex(list(COLOURINGS).index(key))
        maps = page.photo_map
        wait_for(qtbot, lambda: maps.stored_maps is not None and maps.stored_maps.colouring == key)
        wait_for(qtbot, lambda: maps.stored_maps is not None and maps.stored_maps.has_classes)
        assert view.scene is not None
        return view.scene

    assert sorted(colour_by("folder").names) == sorted(CLASSES)
    assert len(colour_by("taken").names) == 1  # the year of the files
    grouped = colour_by("kmeans")
    assert (grouped.classes >= 0).all() and len(grouped.names) > 1
    with Library.open(mine.session.library.folder) as library:
        clusters = load_clusters(library)
        assert clusters is not None
        agreement = measure_agreement(clusters, library.annotations.read_labels(library.model_id))
    assert agreement.labelled == len(grouped.ids) and agreement.purity is not None
    matching = round(agreement.purity * agreement.labelled)
    assert f"{matching} have the label of most in their group" in page.status_label.text()
    assert clusters is not None
    assert sorted(np.bincount(grouped.classes).tolist()) == sorted(clusters.count_photos())
    wait_for(qtbot, mine.tiles.is_idle)
    shown = view.list_cells()
    assert 0 < len(shown) <= len(grouped.ids)
    view.selection.select_all()
    view.grab()
    row = shown[0].row
    assert view.row_at(QPointF(shown[0].left + 5, shown[0].top + 5)) == row


def test_what_is_drawn_is_scaled_while_the_map_is_zoomed_and_drawn_anew_when_it_rests(
    mine: MainWindow, qtbot: QtBot
) -> None:
    to_map(mine, qtbot, with_pictures=True)
    view = mine.map_page.map_view
    wait_for(qtbot, mine.tiles.is_idle)
    view.grab()
    drawn, marks = view.list_cells(), view.list_marks(view.scene) if view.scene else []
    cell = drawn[len(drawn) // 2]
    middle = QPointF(cell.left + CELL_SIDE / 2, cell.top + CELL_SIDE / 2)
    corner = QPointF(cell.left + 2, cell.top + 2)
    for factor in (1.1, 1.1, 1 / 1.21, 0.9):  # one after the other, before it rests
        view.zoom(factor, middle)
        view.grab()
        assert view.list_cells() is drawn and view.scene is not None and view.list_marks(view.scene) is marks
        assert view.row_at(middle) == cell.row
    assert view.row_at(middle + (corner - middle) * 0.9) == cell.row
    wait_for(qtbot, lambda: view.list_cells() is not drawn)
    for _ in range(4):  # a gap at the edge, or twice the size, is drawn at once
        drawn = view.list_cells()
        view.grab()
        view.zoom(0.5)
        assert view.list_cells() is not drawn
