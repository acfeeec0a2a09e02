"""The box on the query picture: dragged, changed by its handles, moved by keys, cleared; the search follows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRectF, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from indexer.search.query import CroppedExample, Query
from retrieval_app.widgets.crop_view import ARROW_STEP, HANDLES, CropView, move_box, resize_box
from retrieval_app.widgets.theme import Theme
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import draw

LEFT = Qt.MouseButton.LeftButton
SIDE, EDGE = 216, 8  # of the widget and of the ground around the picture: the picture is 200 px wide


@pytest.fixture
def crop(qapp: QApplication, qtbot: QtBot) -> Iterator[CropView]:
    """A square picture of 200 px at (8, 8)."""
    pixmap = QPixmap(400, 400)
    pixmap.fill(Qt.GlobalColor.white)
    widget = CropView(Theme(qapp, "light"), lambda: pixmap)
    qtbot.addWidget(widget)
    widget.resize(SIDE, SIDE)
    widget.show()
    yield widget


def at(x: float, y: float) -> QPoint:
    """A point of the widget from fractions of the picture."""
    return QPoint(round(EDGE + 200 * x), round(EDGE + 200 * y))


def drag(widget: CropView, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(widget, LEFT, pos=start)
    QTest.mouseMove(widget, (start + end) / 2)
    QTest.mouseMove(widget, end)
    QTest.mouseRelease(widget, LEFT, pos=end)


def box(widget: CropView) -> list[float]:
    assert widget.box is not None
    return [round(number, 2) for number in widget.box]


def test_a_drag_makes_a_box_and_tells_it_once_on_release(crop: CropView, qtbot: QtBot) -> None:
    told: list[object] = []
    crop.box_changed.connect(told.append)
    drag(crop, at(0.75, 0.5), at(0.25, 0.1))  # from any corner
    assert box(crop) == [0.25, 0.1, 0.5, 0.4]
    assert told == [crop.box]


def test_a_drag_beyond_the_picture_stops_at_its_edge(crop: CropView) -> None:
    drag(crop, at(0.5, 0.5), at(1.03, 1.03))
    assert box(crop) == [0.5, 0.5, 0.5, 0.5]


def test_a_slip_of_the_hand_makes_no_box(crop: CropView) -> None:
    told: list[object] = []
    crop.box_changed.connect(told.append)
    drag(crop, at(0.5, 0.5), at(0.52, 0.9))
    assert crop.box is None
    assert told == []


@pytest.mark.parametrize("handle", sorted(HANDLES))
def test_each_of_eight_handles_moves_its_own_sides(crop: CropView, handle: tuple[int, int]) -> None:
    crop.show_box((0.3, 0.3, 0.4, 0.4))
    middle = (0.5 + 0.2 * handle[0], 0.5 + 0.2 * handle[1])
    drag(crop, at(*middle), at(middle[0] + 0.1, middle[1] + 0.1))
    left, top = 0.3 + 0.1 * (handle[0] < 0), 0.3 + 0.1 * (handle[1] < 0)
    right, bottom = 0.7 + 0.1 * (handle[0] > 0), 0.7 + 0.1 * (handle[1] > 0)
    assert box(crop) == pytest.approx([left, top, right - left, bottom - top], abs=0.011)


def test_the_box_is_moved_by_its_middle_and_stays_within_the_picture(crop: CropView) -> None:
    crop.show_box((0.3, 0.3, 0.4, 0.4))
    drag(crop, at(0.45, 0.45), at(0.55, 0.4))
    assert box(crop) == [0.4, 0.25, 0.4, 0.4]
    drag(crop, at(0.55, 0.4), at(0.99, 0.4))
    assert box(crop) == [0.6, 0.25, 0.4, 0.4]


def test_arrow_keys_move_and_size_the_box_and_escape_clears_it(crop: CropView, qtbot: QtBot) -> None:
    crop.show_box((0.3, 0.3, 0.4, 0.4))
    crop.setFocus()
    with qtbot.waitSignal(crop.box_changed):
        QTest.keyClick(crop, Qt.Key.Key_Right)
        QTest.keyClick(crop, Qt.Key.Key_Up)
    assert box(crop) == pytest.approx([0.3 + ARROW_STEP, 0.3 - ARROW_STEP, 0.4, 0.4])
    QTest.keyClick(crop, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert box(crop) == pytest.approx([0.3 + ARROW_STEP, 0.3 - ARROW_STEP, 0.4, 0.4 + ARROW_STEP])
    with qtbot.waitSignal(crop.box_changed) as told:
        QTest.keyClick(crop, Qt.Key.Key_Escape)
    assert told.args == [None]
    assert crop.box is None


def test_a_handle_drawn_past_the_other_side_turns_the_box_over() -> None:
    assert resize_box(QRectF(0.3, 0.3, 0.25, 0.5), (1, 0), QPointF(-0.5, 0)) == QRectF(0.05, 0.3, 0.25, 0.5)
    assert move_box(QRectF(0.5, 0.5, 0.5, 0.5), QPointF(1, -1)) == QRectF(0.5, 0, 0.5, 0.5)


# In the window


def drawn(window: MainWindow, qtbot: QtBot) -> CropView:
    """The query picture, once it is there."""
    picture = window.search_page.query_panel.picture
    qtbot.waitUntil(lambda: not window.session.search.is_running and picture.load_pixmap() is not None, timeout=20_000)
    return picture


def crop_by_key(window: MainWindow, qtbot: QtBot) -> None:
    """Press C and wait for the results."""
    drawn(window, qtbot)
    before = window.session.search.listing
    QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_C)
    qtbot.waitUntil(
        lambda: window.session.search.listing is not before and not window.session.search.is_running, timeout=20_000
    )


def first(window: MainWindow) -> object:
    assert window.session.search.query is not None
    return window.session.search.query.positives[0]


def test_a_part_of_a_photo_of_the_library_is_a_query(window: MainWindow, qtbot: QtBot) -> None:
    photo = int(window.session.search.listing.ids[2])
    window.session.search.toggle_query_photo(photo)
    whole = [hit.distance for hit in window.session.search.listing.hits]
    crop_by_key(window, qtbot)
    cropped = first(window)
    assert isinstance(cropped, CroppedExample)
    assert cropped.example == photo
    assert [hit.distance for hit in window.session.search.listing.hits] != whole
    picture = window.search_page.query_panel.picture
    assert picture.box == cropped.box
    assert picture.hasFocus()
    QTest.keyClick(picture, Qt.Key.Key_Escape)
    assert window.session.search.query == Query((photo,))  # the box only; the next Escape goes back to the library
    QTest.keyClick(picture, Qt.Key.Key_Escape)
    assert window.session.search.query is None


def test_a_part_of_a_dropped_file_and_of_a_bitmap_are_queries(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    draw("bar", 40).save(tmp_path / "outside.png")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "outside.png"))])
    QGuiApplication.clipboard().setMimeData(data)
    window.input_opener.paste_clipboard()
    crop_by_key(window, qtbot)
    from_file = first(window)
    assert isinstance(from_file, CroppedExample)
    assert from_file.example == tmp_path / "outside.png"
    by_file = [hit.distance for hit in window.session.search.listing.hits]
    QGuiApplication.clipboard().setPixmap(QPixmap(str(tmp_path / "outside.png")))
    window.input_opener.paste_clipboard()
    crop_by_key(window, qtbot)
    from_bitmap = first(window)
    assert isinstance(from_bitmap, CroppedExample)
    assert [hit.distance for hit in window.session.search.listing.hits] == pytest.approx(by_file, abs=1e-3)


def test_a_crop_is_undone_and_stays_while_marks_change(window: MainWindow, qtbot: QtBot) -> None:
    photo, other = (int(photo) for photo in window.session.search.listing.ids[[2, 12]])
    window.session.search.toggle_query_photo(photo)
    crop_by_key(window, qtbot)
    part = first(window)
    window.session.search.mark_example(other, -1)
    assert window.session.search.query is not None
    assert window.session.search.query == Query((part,), (other,))  # type: ignore[arg-type]
    window.session.changes.undo()
    window.session.changes.undo()
    assert window.session.search.query == Query((photo,))
    assert window.search_page.query_panel.picture.box is None
