"""Make docs/screenshots by driving the real window: python docs/make_screenshots.py

Works on copies of the sample pictures in a temporary folder, with a data directory of its own.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image, ImageOps
from PySide6.QtCore import QBuffer, QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMenu

from indexer.photos.samples import find_photograph_folder
from retrieval_app.app import build_application
from retrieval_app.duplicates.found_groups import KIND_NAMES
from retrieval_app.library.page import WATCH_IDLE
from retrieval_app.map.map_state import MAP_METHODS
from retrieval_app.window.main_window import MainWindow
from tests.support.patience import Patience, read_other_cpu_ticks

SCREENSHOTS = Path(__file__).parent / "screenshots"
LEFT = Qt.MouseButton.LeftButton


def main() -> None:
    """Save a screenshot of every state, most of them in the light and the dark theme."""
    with open_window() as (window, scratch):
        show_states(window, *make_pictures(scratch))


@contextmanager
def open_window() -> Iterator[tuple[MainWindow, Path]]:
    """The window in the light theme, 1280 x 800 px, with a data directory of its own; and a folder for pictures."""
    SCREENSHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lookalike-") as scratch:
        os.environ["LOOKALIKE_HOME"] = str(Path(scratch) / "data")
        _application, window = build_application(["lookalike"])
        window.theme.choose_theme("light")
        window.resize(1280, 800)
        window.show()
        yield window, Path(scratch)
        window.close()


def copy_photographs(scratch: Path) -> Path:
    """A folder with the sample photographs in their classes."""
    return Path(shutil.copytree(find_photograph_folder(), scratch / "Pictures"))


def index_labelled(window: MainWindow, pictures: Path) -> None:
    """Index a folder of classes, and wait until its photos are shown."""
    window.session.job.index_folders([pictures], labelled=True)
    wait_until(lambda: window.session.job.state is None and not window.session.library.is_empty)


def make_pictures(scratch: Path) -> tuple[Path, Path, Path]:
    """Make the folders: the sample; many turned copies of it with three damaged files; a picture in neither folder."""
    pictures, more = copy_photographs(scratch), scratch / "Scans"
    for number, path in enumerate(sorted(pictures.rglob("*.webp"))):
        place = more / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        image = put_on_white(path)
        for turn, turned in enumerate((ImageOps.mirror(image), ImageOps.flip(image), image.rotate(180))):
            turned.save(place / f"scan-{number:03d}-{turn}.png")
    (more / "half a download.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    (more / "letter.jpg").write_bytes(b"Dear Sir or Madam,")
    (more / "nothing.png").touch()
    outside = scratch / "seen in a catalogue.png"
    source = sorted((pictures / "windmills").glob("*.webp"))[0]
    put_on_white(source).rotate(12, fillcolor="white").save(outside)
    source.unlink()
    return pictures, more, outside


def put_on_white(path: Path) -> Image.Image:
    """The picture with white in place of transparency."""
    image = Image.open(path).convert("RGBA")
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image).convert("RGB")


def show_states(window: MainWindow, pictures: Path, more: Path, outside: Path) -> None:
    """Save the states from the empty library to the last page."""
    show_first_library(window, pictures)
    show_results(window, outside)
    show_indexing(window, more)
    show_pages(window)


def show_first_library(window: MainWindow, pictures: Path) -> None:
    """Save the empty library, the preparation of the first indexing, and the photos."""
    session = window.session
    wait_for_pictures(window)
    save_window(window, "empty")
    save_in_theme(window, "dark", "empty-dark")
    session.job.index_folders([pictures], labelled=True)
    wait_until(lambda: session.job.state is not None and session.job.state.progress.stage == "prepare")
    save_window(window, "preparing")
    wait_until(lambda: session.job.state is None and not session.library.is_empty)
    wait_for_pictures(window)
    save_window(window, "library")
    save_in_theme(window, "dark", "library-dark")


def show_results(window: MainWindow, outside: Path) -> None:
    """Save the results for a clicked photo and for a dropped picture, the latter also in a small window."""
    window.search_page.results.grid.scrollToBottom()
    click_tile(window, len(window.session.search.listing.ids) - 2)  # a windmill
    wait_for_pictures(window)
    save_window(window, "results")
    save_in_theme(window, "dark", "results-dark")
    drop_file(window, outside)
    wait_for_pictures(window)
    save_window(window, "dropped-picture")
    window.resize(900, 600)
    wait_for_pictures(window)
    save_window(window, "small-window")
    window.resize(1280, 800)


def show_indexing(window: MainWindow, more: Path) -> None:
    """Save the indexing of a large folder half-way, and the files that could not be read."""
    session = window.session
    session.search.show_library()
    session.job.index_folders([more], labelled=True)
    before = len(session.search.listing.ids)
    wait_until(
        lambda: (
            session.job.state is not None
            and session.job.state.seconds_left is not None
            and session.job.state.progress.done > 99
        )
    )
    wait_until(lambda: session.job.state is None or len(session.search.listing.ids) > before)
    wait_for_pictures(window)
    save_window(window, "indexing")
    wait_until(lambda: session.job.state is None and bool(session.library.failures))
    window.search_page.results.grid.setFocus()
    QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_Right)
    wait_for_pictures(window)
    window.show_failures()
    save_window(window, "failures")
    for dialog in window.findChildren(QDialog):
        dialog.close()


def show_pages(window: MainWindow) -> None:
    """Save the pages Duplicates, Map and Library with contents."""
    window.page_stack.show_page("Duplicates")
    save_window(window, "duplicates-first")
    duplicates = window.duplicates_page
    duplicates.kind_box.setCurrentIndex(list(KIND_NAMES).index("near"))
    duplicates.turned_box.setChecked(True)
    duplicates.look_invitation.offer.click()
    wait_until(lambda: duplicates.duplicates.found_groups is not None)
    duplicates.keep_button.click()
    save_variants(window, "duplicates")
    duplicates.reject_button.click()
    wait_until(duplicates.rejected_pairs_button.isVisible)
    duplicates.rejected_pairs_button.click()
    wait_for_pictures(window)
    save_window(window, "no-matches")
    for dialog in window.findChildren(QDialog):
        dialog.close()
    show_map(window)
    window.page_stack.show_page("Library")
    window.library_page.watch_box.click()
    wait_until(lambda: window.library_page.watch_state.text() == WATCH_IDLE)
    save_variants(window, "library-page")
    window.library_page.watch_box.click()


def show_map(window: MainWindow) -> None:
    """Save the page Map once all its maps are laid out."""
    window.page_stack.show_page("Map")
    wait_until(
        lambda: (
            window.map_page.photo_map.stored_maps is not None
            and len(window.map_page.photo_map.stored_maps.scenes) == len(MAP_METHODS)
        )
    )
    wait_until(lambda: window.map_page.photo_map.map_job.state is None)
    QTest.keyClick(window.map_page.map_view, Qt.Key.Key_Right)
    save_variants(window, "map")


def save_variants(window: MainWindow, name: str) -> None:
    """Save a state in the light theme, in the dark one, and in a small window."""
    wait_for_pictures(window)
    save_window(window, name)
    save_in_theme(window, "dark", f"{name}-dark")
    window.resize(900, 600)
    wait_for_pictures(window)
    save_window(window, f"{name}-small-window")
    window.resize(1280, 800)


def click_tile(window: MainWindow, place: int) -> None:
    """Click a tile and wait for its results."""
    grid = window.search_page.results.grid
    QTest.mouseClick(grid.viewport(), LEFT, pos=grid.visualRect(grid.grid_model.index_at_place(place)).center())
    wait_until(lambda: window.session.search.listing.result is not None)


def drop_file(window: MainWindow, path: Path) -> None:
    """Drop a file onto the window and wait for its results."""
    before = window.session.search.listing
    data, copy, none = QMimeData(), Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    data.setUrls([QUrl.fromLocalFile(str(path))])
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(9, 9), copy, data, LEFT, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(9, 9), copy, data, LEFT, none))
    wait_until(lambda: window.session.search.listing is not before)


def wait_until(condition: Callable[[], bool]) -> None:
    """Let the window run until the condition holds; exit where nothing moves any more, however slow the computer is."""
    patience = Patience(read_other_cpu_ticks)
    while not condition():
        if patience.is_exhausted():
            sys.exit("The window did not come to the state to be shown.")
        QTest.qWait(20)


def wait_for_pictures(window: MainWindow) -> None:
    """Let the window run until all thumbnails and previews are read."""
    window.grab()  # only painted pictures are requested
    wait_until(window.tiles.is_idle)


def save_in_theme(window: MainWindow, choice: str, name: str) -> None:
    """Save the same state in another theme."""
    show_theme(window, choice)
    save_window(window, name)
    show_theme(window, "light")


def show_theme(window: MainWindow, choice: str) -> None:
    """Show the window in a theme; it is laid out and painted again in the next turns of the event loop."""
    window.theme.choose_theme(choice)
    wait_until(window.updatesEnabled)
    QTest.qWait(200)


def save_window(window: MainWindow, name: str) -> None:
    """Save the window with its open dialogs and menus as a small PNG."""
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
    """Draw a dialog into the middle of the picture, or a menu at its position."""
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
