"""Make docs/screenshots by driving the real window: python docs/make_screenshots.py

Works on copies of the sample pictures in a temporary folder, with a data directory of its own.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image, ImageOps
from PySide6.QtCore import QBuffer, QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMenu

from indexer.photos.samples import find_sample_folder
from retrieval_app.app import build_application
from retrieval_app.duplicates.found_groups import KIND_NAMES
from retrieval_app.library.page import WATCH_IDLE
from retrieval_app.map.map_state import MAP_METHODS
from retrieval_app.window.main_window import MainWindow

SCREENSHOTS = Path(__file__).parent / "screenshots"
WAIT_SECONDS = 180
LEFT = Qt.MouseButton.LeftButton


def main() -> None:
    """Every state, in light and dark."""
    SCREENSHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lookalike-") as scratch:
        os.environ["LOOKALIKE_HOME"] = str(Path(scratch) / "data")
        pictures, more, outside = make_pictures(Path(scratch))
        _, window = build_application(["lookalike"])
        window.theme.choose_theme("light")
        window.resize(1280, 800)
        window.show()
        show_states(window, pictures, more, outside)
        window.close()


def make_pictures(scratch: Path) -> tuple[Path, Path, Path]:
    """The sample; a large folder of its mirror images with three damaged files; a picture that is in neither."""
    pictures, more = scratch / "Pictures", scratch / "Scans"
    shutil.copytree(find_sample_folder(), pictures)
    for number, path in enumerate(sorted(pictures.rglob("*.png"))):
        place = more / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        image = on_white(path)
        for turn, turned in enumerate((ImageOps.mirror(image), ImageOps.flip(image), image.rotate(180))):
            turned.save(place / f"scan-{number:03d}-{turn}.png")
    (more / "half a download.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    (more / "letter.jpg").write_bytes(b"Dear Sir or Madam,")
    (more / "nothing.png").touch()
    outside = scratch / "seen in a catalogue.png"
    source = sorted((pictures / "flowers").glob("*.png"))[0]
    on_white(source).rotate(12, fillcolor="white").save(outside)
    source.unlink()
    return pictures, more, outside


def on_white(path: Path) -> Image.Image:
    """The picture, what is transparent in white."""
    image = Image.open(path).convert("RGBA")
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image).convert("RGB")


def show_states(window: MainWindow, pictures: Path, more: Path, outside: Path) -> None:
    """Go through the states one after the other."""
    session = window.session
    settle(window)
    save(window, "empty")
    with_theme(window, "dark", "empty-dark")
    session.job.index_folders([pictures], labelled=True)
    wait(lambda: session.job.state is not None and session.job.state.progress.stage == "prepare")
    save(window, "preparing")
    wait(lambda: session.job.state is None and not session.library.is_empty)
    settle(window)
    save(window, "library")
    with_theme(window, "dark", "library-dark")
    click(window, 3)
    settle(window)
    save(window, "results")
    with_theme(window, "dark", "results-dark")
    drop(window, outside)
    settle(window)
    save(window, "dropped-picture")
    window.resize(900, 600)
    settle(window)
    save(window, "small-window")
    window.resize(1280, 800)
    session.search.show_library()
    session.job.index_folders([more], labelled=True)
    before = len(session.search.listing.ids)
    wait(
        lambda: (
            session.job.state is not None
            and session.job.state.seconds_left is not None
            and session.job.state.progress.done > 99
        )
    )
    wait(lambda: session.job.state is None or len(session.search.listing.ids) > before)
    settle(window)
    save(window, "indexing")
    wait(lambda: session.job.state is None and bool(session.library.failures))
    window.search_page.results.grid.setFocus()
    QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_Right)
    settle(window)
    window.show_failures()
    save(window, "failures")
    for dialog in window.findChildren(QDialog):
        dialog.close()
    show_pages(window)


def show_pages(window: MainWindow) -> None:
    """The other pages, filled."""
    window.page_stack.show_page("Duplicates")
    save(window, "duplicates-first")
    duplicates = window.duplicates_page
    duplicates.kind_box.setCurrentIndex(list(KIND_NAMES).index("near"))
    duplicates.turned_box.setChecked(True)
    duplicates.look_invitation.offer.click()
    wait(lambda: duplicates.duplicates.found_groups is not None)
    duplicates.keep_button.click()
    save_both(window, "duplicates")
    duplicates.reject_button.click()
    wait(duplicates.rejected_pairs_button.isVisible)
    duplicates.rejected_pairs_button.click()
    settle(window)
    save(window, "no-matches")
    for dialog in window.findChildren(QDialog):
        dialog.close()
    window.page_stack.show_page("Map")
    wait(
        lambda: (
            window.map_page.photo_map.stored_maps is not None
            and len(window.map_page.photo_map.stored_maps.scenes) == len(MAP_METHODS)
        )
    )
    wait(lambda: window.map_page.photo_map.map_job.state is None)
    QTest.keyClick(window.map_page.map_view, Qt.Key.Key_Right)
    save_both(window, "map")
    window.page_stack.show_page("Library")
    window.library_page.watch_box.click()
    wait(lambda: window.library_page.watch_state.text() == WATCH_IDLE)
    save_both(window, "library-page")
    window.library_page.watch_box.click()


def save_both(window: MainWindow, name: str) -> None:
    """In light, in dark and in a small window."""
    settle(window)
    save(window, name)
    with_theme(window, "dark", f"{name}-dark")
    window.resize(900, 600)
    settle(window)
    save(window, f"{name}-small-window")
    window.resize(1280, 800)


def click(window: MainWindow, place: int) -> None:
    """Click a tile and wait for its results."""
    grid = window.search_page.results.grid
    QTest.mouseClick(grid.viewport(), LEFT, pos=grid.visualRect(grid.grid_model.index_at_place(place)).center())
    wait(lambda: window.session.search.listing.result is not None)


def drop(window: MainWindow, path: Path) -> None:
    """Drop a file onto the window and wait for its results."""
    before = window.session.search.listing
    data, copy, none = QMimeData(), Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    data.setUrls([QUrl.fromLocalFile(str(path))])
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(9, 9), copy, data, LEFT, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(9, 9), copy, data, LEFT, none))
    wait(lambda: window.session.search.listing is not before)


def wait(condition: Callable[[], bool]) -> None:
    """Let the window run until the condition holds."""
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > end:
            sys.exit("The window did not come to the state to be shown.")
        QTest.qWait(20)


def settle(window: MainWindow) -> None:
    """Let thumbnails and previews arrive."""
    window.grab()  # what is not painted is not asked for
    wait(window.tiles.is_idle)


def with_theme(window: MainWindow, choice: str, name: str) -> None:
    """The same state in another theme."""
    window.theme.choose_theme(choice)
    save(window, name)
    window.theme.choose_theme("light")


def save(window: MainWindow, name: str) -> None:
    """The window, with its open dialog, as a small PNG."""
    picture = window.grab()
    for dialog in window.findChildren(QDialog):
        if dialog.isVisible():
            lay_over(picture, dialog.grab())
    for menu in window.findChildren(QMenu):
        if menu.isVisible():
            lay_over(picture, menu.grab(), window.mapFromGlobal(menu.pos()))
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")
    image = Image.open(BytesIO(bytes(buffer.data().data()))).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(SCREENSHOTS / f"{name}.png", optimize=True)


def lay_over(picture: QPixmap, dialog: QPixmap, at: QPoint | None = None) -> None:
    """Draw the dialog into the picture: into its middle, or a menu where it stands."""
    place = QRect(at or QPoint(0, 0), dialog.size())
    if at is None:
        place.moveCenter(picture.rect().center())
    painter = QPainter(picture)
    painter.drawPixmap(place, dialog)
    painter.setPen(Qt.GlobalColor.gray)
    painter.drawRect(place.adjusted(0, 0, -1, -1))
    painter.end()


if __name__ == "__main__":
    main()
