"""Drops are copies, whatever their source offers; a frame says what they will do; what other programs copy is read."""

import base64
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from retrieval_app.window.drop_and_paste import can_accept_drag, read_mime_data
from retrieval_app.window.main_window import MainWindow
from tests.support.window_waits import wait_for

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
COPY, MOVE, LINK = Qt.DropAction.CopyAction, Qt.DropAction.MoveAction, Qt.DropAction.LinkAction
HERE = QPoint(400, 300)


def make_data(*addresses: str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl(address) for address in addresses])
    return data


@pytest.mark.parametrize("offered", [COPY | MOVE, COPY | MOVE | LINK, COPY])
def test_a_drag_is_answered_as_a_copy_from_its_entry_to_its_drop(
    window: MainWindow, photos_folder: Path, offered: Qt.DropAction
) -> None:
    data = make_data(f"file://{photos_folder}/disc/disc-1.png")
    events: list[QDropEvent] = [
        QDragEnterEvent(HERE, offered, data, LEFT, NONE),
        QDragMoveEvent(HERE + QPoint(5, 5), offered, data, LEFT, NONE),
        QDropEvent(QPointF(HERE), offered, data, LEFT, NONE),
    ]
    for event in events:
        event.setDropAction(MOVE)  # as an X11 source proposes it
        QApplication.sendEvent(window, event)
        assert event.isAccepted()
        assert event.dropAction() == COPY
    assert window.session.search.query is not None


def test_a_drag_that_may_only_move_is_refused_and_a_link_is_a_link(window: MainWindow, photos_folder: Path) -> None:
    data = make_data(f"file://{photos_folder}/disc/disc-1.png")
    enter = QDragEnterEvent(HERE, MOVE, data, LEFT, NONE)
    QApplication.sendEvent(window, enter)
    assert not enter.isAccepted()
    for event in (
        QDragEnterEvent(HERE, MOVE | LINK, data, LEFT, NONE),
        QDropEvent(QPointF(HERE), MOVE | LINK, data, LEFT, NONE),
    ):
        QApplication.sendEvent(window, event)
        assert event.isAccepted()
        assert event.dropAction() == LINK
    assert window.session.search.query is not None


def test_a_frame_says_what_a_drop_will_do_until_it_is_over(window: MainWindow, photos_folder: Path) -> None:
    frame = window.drop_area.frame
    for data, sentence in (
        (make_data(f"file://{photos_folder}"), "Index this folder"),
        (make_data(f"file://{photos_folder}/disc/disc-1.png"), "Find what looks like this picture"),
        (
            make_data(*(f"file://{photos_folder}/disc/disc-{number}.png" for number in range(3))),
            "Find what looks like these 3 pictures",
        ),
    ):
        QApplication.sendEvent(window, QDragEnterEvent(HERE, COPY, data, LEFT, NONE))
        assert frame.isVisible()
        assert frame.sentence_label.text() == sentence
        QApplication.sendEvent(window, QDragLeaveEvent())
        assert not frame.isVisible()
    web = make_data("https://example.org/a.png")
    QApplication.sendEvent(window, QDragEnterEvent(HERE, COPY, web, LEFT, NONE))
    assert not frame.isVisible()


def test_no_text_field_of_the_window_takes_a_file(window: MainWindow) -> None:
    for page in ("Library", "Label", "Models", "Evaluate", "Map", "Duplicates", "Search"):
        window.page_stack.show_page(page)
    window.search_page.results.open_filter()
    fields = window.findChildren(QLineEdit)
    assert window.search_page.results.filter_bar.name_field in fields
    assert not any(field.acceptDrops() for field in fields)


@pytest.mark.parametrize("host", ["", "localhost"])
def test_addresses_are_read_byte_by_byte(tmp_path: Path, host: str) -> None:
    name = b"caf\xe9 #1 100%.png"
    path = Path(str(tmp_path)) / name.decode("utf-8", "surrogateescape")
    data = QMimeData()
    encoded = f"file://{host}{tmp_path}/caf%E9%20%231%20100%25.png\r\n"
    data.setData("text/uri-list", encoded.encode())
    assert read_mime_data(data).pictures == (path,)
    assert can_accept_drag(data)


def test_a_file_on_another_computer_is_passed_over(tmp_path: Path) -> None:
    assert read_mime_data(make_data(f"file://elsewhere{tmp_path}/a.png")).pictures == ()
    assert not can_accept_drag(make_data("https://example.org/a.png", f"file://elsewhere{tmp_path}/a.png"))


def make_clipboards(folder: Path) -> dict[str, QMimeData]:
    """The same two files as file managers put them into the clipboard, and as they are pasted from elsewhere."""
    paths = [folder / "a b.png", folder / "c.png"]
    addresses = [f"file://{folder}/a%20b.png", f"file://{folder}/c.png"]
    nautilus, old_nautilus, text_nautilus, dolphin, text, quoted = (QMimeData() for _ in range(6))
    nautilus.setData("x-special/gnome-copied-files", "\n".join(["copy", *addresses]).encode())
    nautilus.setText("\n".join(map(str, paths)))
    old_nautilus.setData("x-special/gnome-copied-files", "\n".join(["cut", *addresses]).encode() + b"\0")
    text_nautilus.setText("\n".join(["x-special/nautilus-clipboard", "copy", *addresses, ""]))
    dolphin.setData("text/uri-list", "\r\n".join(addresses).encode() + b"\r\n")
    dolphin.setData("application/x-kde-cutselection", b"0")
    dolphin.setText("\n".join(map(str, paths)))
    text.setText("\n".join(map(str, paths)) + "\n")
    quoted.setText("\n".join([f"'{paths[0]}'", addresses[1]]))
    file_managers = {"Nautilus": nautilus, "cut": old_nautilus, "Nautilus 3": text_nautilus, "Dolphin": dolphin}
    return file_managers | {"paths": text, "terminal": quoted}


@pytest.mark.parametrize("program", ["Nautilus", "cut", "Nautilus 3", "Dolphin", "paths", "terminal"])
def test_what_a_file_manager_or_a_terminal_has_copied_is_read(tmp_path: Path, program: str) -> None:
    for name in ("a b.png", "c.png"):
        (tmp_path / name).write_bytes(b"")
    received = read_mime_data(make_clipboards(tmp_path)[program])
    assert received.pictures == (tmp_path / "a b.png", tmp_path / "c.png")
    assert received.folders == ()


def test_a_sentence_is_not_taken_for_a_file(tmp_path: Path) -> None:
    data = QMimeData()
    data.setText(f"{tmp_path}\nis where I keep them")
    assert read_mime_data(data) == ((), ())


def test_a_pasted_path_is_the_query(window: MainWindow, qtbot: QtBot, photos_folder: Path) -> None:
    QGuiApplication.clipboard().setText(f"{photos_folder}/bar/bar-3.png")
    QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    wait_for(qtbot, lambda: window.session.search.listing.result is not None)
    assert window.session.search.listing.hits[0].distance == 0


def test_a_picture_of_a_browser_is_read_from_memory_and_nothing_is_fetched(photos_folder: Path) -> None:
    copied, inline, address = QMimeData(), QMimeData(), QMimeData()
    copied.setUrls([QUrl("https://example.org/a.png")])
    copied.setImageData(QImage(str(photos_folder / "bar" / "bar-3.png")))
    png = (photos_folder / "bar" / "bar-3.png").read_bytes()
    inline.setUrls([QUrl.fromEncoded(b"data:image/png;base64," + base64.b64encode(png))])
    address.setText("data:image/png;base64," + base64.b64encode(png).decode())
    for data in (copied, inline, address):
        assert can_accept_drag(data)
        (picture,) = read_mime_data(data).pictures
        assert not isinstance(picture, Path)
