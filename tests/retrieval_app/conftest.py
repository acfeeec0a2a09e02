"""A real library of small drawn pictures, indexed once with the real model, and the real window on a copy of it."""

import gc
import os

from indexer.models.model import load_model

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt is imported

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES, EACH, draw
from tests.support.library_copies import copy_library, find_written_links
from tests.support.made_once import make_once
from tests.support.open_windows import open_window
from tests.support.window_waits import wait_for


@pytest.fixture(autouse=True)
def garbage_collected_here() -> Iterator[None]:
    """Collect garbage between tests, in this thread: a reader thread that does it ends Qt objects of the window's
    thread, and may wait for ever for a lock that this one holds.
    """
    gc.disable()
    yield
    gc.collect(1)
    gc.enable()


@pytest.fixture(autouse=True)
def no_window_left() -> Iterator[None]:
    """Fail where a test leaves a window: each one makes every later window slower (tests/support/open_windows)."""
    yield
    assert not [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow)]


@pytest.fixture(autouse=True)
def no_shared_file_written() -> Iterator[None]:
    """Fail where a test writes into a file that the copies of a library share."""
    yield
    assert find_written_links() == []


@pytest.fixture
def opened_paths(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The local paths that the system was asked to open, in a browser or another program."""
    paths: list[str] = []

    def take(url: QUrl) -> bool:
        paths.append(url.toLocalFile())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", take)
    return paths


@pytest.fixture(scope="session")
def photos_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 pictures in three classes, and two files that are none. Read it, never change it."""
    return make_once(tmp_path_factory, "drawn-photos", _draw_photos)


def _draw_photos(folder: Path) -> None:
    for shape in CLASSES:
        (folder / shape).mkdir()
        for number in range(EACH):
            draw(shape, number).save(folder / shape / f"{shape}-{number}.png")
    (folder / "disc" / "<b>not< b> a picture.jpg").write_bytes(b"text")
    (folder / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")


@pytest.fixture(scope="session")
def indexed(photos_folder: Path, installed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of the pictures. Copy it, never change it."""

    def make(place: Path) -> None:
        folder = place / "default.library"
        shutil.copytree(installed_model, folder / "models" / installed_model.name)
        with Library.create(folder) as library:
            drain(index_library(library, [photos_folder], load_model(installed_model), labelled=True))

    return make_once(tmp_path_factory, "indexed", make) / "default.library"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of the test's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("LOOKALIKE_HOME", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path, photos_folder: Path, indexed: Path, home: Path) -> Path:
    """A folder of the test's own with the pictures of the library that the window will open."""
    folder = tmp_path / "photos"
    shutil.copytree(photos_folder, folder)
    copy_library(indexed, home / "default.library", links_models=True)
    with Library.open(home / "default.library") as library:
        library.store.files.move_root(library.store.files.list_roots()[0].id, os.fsencode(folder))
    return folder


@pytest.fixture
def empty_window(home: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window as it is at the very first start."""
    with open_window() as window:
        yield window


@pytest.fixture
def window(home: Path, indexed: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window on the indexed library, with the grid filled."""
    copy_library(indexed, home / "default.library", links_models=True)
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) == EACH * len(CLASSES))
        yield window
