"""A photo seen large, driven as a user does: going on, zooming, moving, facts, parts, slides, and the way back."""

from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from indexer.library import Library
from indexer.search.query import CroppedExample, Query
from retrieval_app.viewer.passing_notice import PassingNotice
from retrieval_app.widgets.zoom_view import ZOOM_STEP, ZoomState
from retrieval_app.window.main_window import MainWindow
from tests.support.open_windows import open_window
from tests.support.seen_large import look_large, press_key, search_for, wait_until_sharp
from tests.support.window_waits import wait_for

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def test_space_looks_at_a_photo_at_once_and_arrows_go_on_and_escape_goes_back(window: MainWindow, qtbot: QtBot) -> None:
    grid, ids = window.search_page.results.grid, window.session.search.listing.ids
    window.grab()
    wait_for(qtbot, window.tiles.is_idle)  # the grid has its thumbnails
    viewer = look_large(window, 5)
    assert viewer.stage.pane.view.has_picture()  # with no event in between
    assert not viewer.stage.pane.is_settled
    wait_until_sharp(window, qtbot)
    assert viewer.list_ids() == [ids[5]]
    assert viewer.bar.place_label.text() == f"6 of {len(ids)}"
    photo = grid.grid_model.photo_at(5)
    assert photo is not None
    assert viewer.bar.name_label.text().encode() == photo.path.rsplit(b"/", 1)[1]
    image = viewer.stage.pane.view.grab().toImage()
    for key, place in (
        (Qt.Key.Key_Right, 6),
        (Qt.Key.Key_PageDown, 7),
        (Qt.Key.Key_Left, 6),
        (Qt.Key.Key_End, len(ids) - 1),
        (Qt.Key.Key_Right, len(ids) - 1),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Up, 0),
        (Qt.Key.Key_Down, 1),
    ):
        press_key(key)
        assert viewer.list_ids() == [ids[place]], key
        assert grid.current_place() == place
    wait_until_sharp(window, qtbot)
    assert viewer.stage.pane.view.grab().toImage() != image
    window.tiles._photos.clear()  # of a place that was never scrolled to nothing has been read
    press_key(Qt.Key.Key_End)
    assert viewer.list_ids() == [ids[-1]]
    assert viewer.bar.name_label.text() == ""
    wait_until_sharp(window, qtbot)
    last = grid.grid_model.photo_at(len(ids) - 1)
    assert last is not None
    assert viewer.bar.name_label.text().encode() == last.path.rsplit(b"/", 1)[1]
    press_key(Qt.Key.Key_Escape)
    assert not viewer.isVisible()
    assert window.focusWidget() is grid
    assert grid.current_place() == len(ids) - 1
    assert window.session.search.query is None


def test_the_place_of_the_grid_is_kept(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(900, 480)
    window.tool_bar.size_slider.setValue(window.tool_bar.size_slider.maximum())
    grid = window.search_page.results.grid
    bar, lengths = grid.verticalScrollBar(), [0]

    def is_laid_out() -> bool:
        lengths.append(bar.maximum())
        is_read = window.session.library.reader.is_idle() and window.tiles.is_idle()
        return is_read and grid.viewport().width() > 600 and len(lengths) > 8 and len(set(lengths[-8:])) == 1

    wait_for(qtbot, is_laid_out)
    grid.go_to(9, scroll=bar.maximum() // 2)
    before = bar.value()
    assert before > 0
    QTest.keyClick(grid, Qt.Key.Key_Space)
    wait_until_sharp(window, qtbot)
    press_key(Qt.Key.Key_Space)
    assert (bar.value(), grid.current_place()) == (before, 9)
    assert window.focusWidget() is grid


def test_wheel_and_keys_zoom_about_the_pointer_and_a_drag_moves(window: MainWindow, qtbot: QtBot) -> None:
    viewer = look_large(window, 2)
    wait_until_sharp(window, qtbot)
    view, query = viewer.stage.pane.view, window.session.search.query
    at = QPointF(view.width() / 2 + 80, view.height() / 2 - 60)

    def find_fraction() -> tuple[float, float]:
        target = view.find_picture_rect()
        return round((at.x() - target.x()) / target.width(), 6), round((at.y() - target.y()) / target.height(), 6)

    before = find_fraction()
    no_buttons, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    wheel = QWheelEvent(
        at, view.mapToGlobal(at), QPoint(), QPoint(0, 240), no_buttons, Qt.KeyboardModifier.NoModifier, phase, False
    )
    QApplication.sendEvent(view, wheel)
    assert abs(view.zoom_state.zoom - ZOOM_STEP**2) < 1e-9
    assert find_fraction() == before
    QTest.mouseMove(view, at.toPoint())
    press_key(Qt.Key.Key_Plus)
    assert find_fraction() == before
    press_key(Qt.Key.Key_1)
    assert abs(view.compute_scale() - 1) < 1e-6
    assert viewer.bar.zoom_label.text() == "100 %"
    press_key(Qt.Key.Key_0)
    assert view.zoom_state == ZoomState()
    for _ in range(4):
        press_key(Qt.Key.Key_Plus)
    press_key(Qt.Key.Key_Minus)
    zoomed = view.zoom_state
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    QTest.mouseMove(view, QPoint(260, 170))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(260, 170))
    assert view.zoom_state.x > zoomed.x
    assert view.zoom_state.y > zoomed.y
    moved = view.zoom_state
    press_key(Qt.Key.Key_Left, SHIFT)
    assert view.zoom_state.x < moved.x
    assert viewer.bar.place_label.text().startswith("3 of")  # Shift moves, and does not go on
    press_key(Qt.Key.Key_Right)
    assert view.zoom_state == ZoomState()
    assert window.session.search.query is query  # plus and minus were no marks


def test_facts_full_screen_and_slide_show(window: MainWindow, qtbot: QtBot) -> None:
    viewer = look_large(window, 3)
    wait_until_sharp(window, qtbot)
    press_key(Qt.Key.Key_I)
    photo = window.search_page.results.grid.grid_model.photo_at(3)
    assert photo is not None
    facts = dict(viewer.stage.facts_panel.facts)
    assert facts["File"] == viewer.bar.name_label.text()
    assert facts["Label"] == photo.label
    assert facts["Size"].startswith(f"{photo.width:,} x {photo.height:,} px")
    press_key(Qt.Key.Key_Right)
    wait_for(qtbot, lambda: viewer.stage.facts_panel.facts[0].value == viewer.bar.name_label.text() != facts["File"])
    press_key(Qt.Key.Key_I)
    assert not viewer.stage.facts_panel.isVisible()

    press_key(Qt.Key.Key_F)
    wait_for(qtbot, lambda: window.isFullScreen() and not window.status_line.isVisible())
    assert window.menuBar().height() == 0
    wait_for(qtbot, lambda: viewer.stage.pane.view.mapTo(window, QPoint()).y() == 0)
    viewer._bar_pause.timeout.emit()
    assert not viewer.bar.isVisible()
    QTest.mouseMove(viewer.stage.pane.view, QPoint(200, 300))
    QTest.mouseMove(viewer.stage.pane.view, QPoint(210, 300))
    assert viewer.bar.isVisible()
    window.session.notice_posted.emit("The picture is in the clipboard.")  # with no status line to tell it
    (notice,) = viewer.findChildren(PassingNotice)
    assert notice.isVisible() and notice.text() == "The picture is in the clipboard."
    assert viewer.rect().contains(notice.geometry())
    press_key(Qt.Key.Key_F)
    wait_for(qtbot, lambda: not window.isFullScreen() and window.status_line.isVisible())
    assert window.menuBar().height() > 0

    viewer.slide_show.set_interval(0.01)
    press_key(Qt.Key.Key_End)
    last = viewer.bar.place_label.text()
    press_key(Qt.Key.Key_S)
    wait_for(qtbot, lambda: viewer.bar.place_label.text().startswith("2 of"), progress=viewer.bar.place_label.text)
    assert last.startswith("24 of")  # after the last one came the first
    press_key(Qt.Key.Key_Escape)
    assert not viewer.slide_show.is_running
    assert viewer.isVisible()
    window.menus.find_action("Slide show").trigger()
    assert viewer.slide_show.is_running
    press_key(Qt.Key.Key_Space)
    press_key(Qt.Key.Key_Escape)
    assert not viewer.isVisible()


def test_the_interval_of_the_slide_show_is_remembered(window: MainWindow) -> None:
    window.viewer_opener.set_interval(8)
    assert window._settings.read_number("slide seconds", 0) == 8
    viewer = look_large(window, 0)
    assert viewer.slide_show._timer.interval() == 8_000


def test_a_part_is_chosen_and_found_with_the_seen_part_as_the_first_box(window: MainWindow, qtbot: QtBot) -> None:
    viewer = look_large(window, 4)
    wait_until_sharp(window, qtbot)
    press_key(Qt.Key.Key_C)
    assert viewer.crop_stage.crop_view.box == (0.2, 0.2, 0.6, 0.6)
    press_key(Qt.Key.Key_Escape)
    assert viewer.stage.isVisible()
    for _ in range(5):
        press_key(Qt.Key.Key_Plus)
    seen = viewer.stage.pane.view.find_seen_area()
    press_key(Qt.Key.Key_C)
    photo_id = viewer.list_ids()[0]
    box = viewer.crop_stage.crop_view.box
    assert box is not None
    assert box == (seen.x(), seen.y(), seen.width(), seen.height())
    press_key(Qt.Key.Key_Return)
    assert not viewer.isVisible()
    assert window.session.search.query == Query((CroppedExample(photo_id, box),))
    wait_for(qtbot, lambda: window.session.search.listing.result is not None)
    assert window.search_page.query_panel.picture.box == box


def test_actions_and_selection_mean_the_photo_that_is_seen(window: MainWindow, qtbot: QtBot, home: Path) -> None:
    grid = window.search_page.results.grid
    grid.selection.toggle_place(0)
    viewer = look_large(window, 7)
    photo_id = viewer.list_ids()[0]
    assert photo_id != grid.list_chosen_ids()[0]
    press_key(Qt.Key.Key_Space, CONTROL)
    assert grid.selection.includes(photo_id)
    assert not viewer.bar.selected_label.isHidden()
    press_key(Qt.Key.Key_Space, CONTROL)
    assert not grid.selection.includes(photo_id)

    press_key(Qt.Key.Key_C, CONTROL | SHIFT)
    wait_for(qtbot, lambda: viewer.bar.name_label.text() in QGuiApplication.clipboard().text())
    window.menus.find_action("Take the label back").trigger()
    wait_for(qtbot, window.session.library.writer.is_idle)
    with Library.open(home / "default.library") as library:
        assert library.load_photos([photo_id])[0].label != "changed"
    assert viewer.isVisible()
    assert window.menus.find_action("Undo").isEnabled()
    press_key(Qt.Key.Key_Z, CONTROL)
    wait_for(qtbot, window.session.library.writer.is_idle)
    assert not window.session.changes.canUndo()

    view = viewer.stage.pane.view
    middle = view.rect().center()
    QApplication.sendEvent(view, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, middle, view.mapToGlobal(middle)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    entries = {action.text(): action.isEnabled() for action in menu.actions()}
    menu.close()
    assert entries["Label…"]
    assert entries["More like this"]
    assert not window.menus.find_action("More like this").isShortcutVisibleInContextMenu()  # plus zooms here
    assert not entries["Compare"]  # there is no query

    window.menus.find_action("More like this").trigger()
    assert not viewer.isVisible()  # it is what is searched for now
    assert window.session.search.query_photo_id == photo_id


def test_a_mark_more_keeps_the_photo_in_view_and_a_new_query_closes(window: MainWindow, qtbot: QtBot) -> None:
    search_for(window, qtbot, 2)
    assert window.menus.find_action("Compare").isEnabled()
    viewer = look_large(window, 5)
    photo_id = viewer.list_ids()[0]
    window.menus.find_action("More like this").trigger()
    wait_for(qtbot, lambda: not window.session.search.is_running)
    qtbot.wait(1)
    query = window.session.search.query
    assert query is not None
    assert query.positives[1] == photo_id
    assert viewer.isVisible()
    assert viewer.list_ids() == [photo_id]
    press_key(Qt.Key.Key_H)  # left out: the next one comes in its place
    wait_for(qtbot, lambda: viewer.list_ids() not in ([photo_id], []))
    press_key(Qt.Key.Key_Return)
    assert not viewer.isVisible()
    assert window.session.search.query_photo_id is not None


def test_a_photo_is_drawn_away_from_where_it_is_seen_whole(window: MainWindow, qtbot: QtBot) -> None:
    viewer = look_large(window, 1)
    wait_until_sharp(window, qtbot)
    drawn: list[list[int]] = []
    viewer.drag_wanted.connect(drawn.append)
    view = viewer.stage.pane.view
    for _ in range(2):
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
        QTest.mouseMove(view, QPoint(340, 240))
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(340, 240))
        press_key(Qt.Key.Key_Plus)
    assert drawn == [viewer.list_ids()]


def test_a_file_that_is_gone_or_damaged_leaves_its_thumbnail_and_one_sentence(folder: Path, qtbot: QtBot) -> None:
    assert folder
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) > 0)
        look_at_missing_files(window, qtbot)


def look_at_missing_files(window: MainWindow, qtbot: QtBot) -> None:
    window.grab()
    wait_for(qtbot, window.tiles.is_idle)
    photo = window.search_page.results.grid.grid_model.photo_at(3)
    other = window.search_page.results.grid.grid_model.photo_at(4)
    assert photo is not None
    assert other is not None
    Path(photo.path.decode()).unlink()
    Path(other.path.decode()).write_bytes(Path(other.path.decode()).read_bytes()[:60])
    viewer = look_large(window, 3)
    wait_until_sharp(window, qtbot)
    name = Path(photo.path.decode()).name
    assert viewer.stage.pane.notice_label.text() == f"There is no file {photo.path.decode()}. This is its thumbnail."
    assert viewer.stage.pane.notice_label.isVisible()
    assert viewer.stage.pane.view.has_picture()
    lowest = viewer.stage.pane.notice_label.geometry()
    assert lowest.top() > 0.7 * viewer.stage.pane.view.height()  # not over the middle
    press_key(Qt.Key.Key_Right)
    wait_until_sharp(window, qtbot)
    assert viewer.stage.pane.notice_label.text().startswith(Path(other.path.decode()).name)
    assert name not in viewer.stage.pane.notice_label.text()
    press_key(Qt.Key.Key_Right)
    wait_until_sharp(window, qtbot)
    assert not viewer.stage.pane.notice_label.isVisible()


def test_another_page_takes_the_place_of_the_viewer(window: MainWindow) -> None:
    viewer = look_large(window, 0)
    window.menus.find_action("Duplicates page").trigger()
    assert not viewer.isVisible()
    window.menus.find_action("Search page").trigger()
    assert window.focusWidget() is window.search_page.results.grid
    assert window.menus.find_action("Look at it large").isEnabled()
    window.menus.find_action("Look at it large").trigger()
    assert viewer.isVisible()
    assert not window.menus.find_action("Filter…").isEnabled()  # it is of the grid
    window.menus.find_action("Search page").trigger()
    assert not viewer.isVisible()
