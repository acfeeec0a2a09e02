"""Photos of a folder are seen before it is indexed; what is no photo or hidden is not."""

import os
from pathlib import Path

from pytestqt.qtbot import QtBot

from retrieval_app.grid import folder_glance
from retrieval_app.grid.folder_glance import FolderGlance
from tests.support.drawings import draw
from tests.support.window_waits import wait_for


def test_the_first_photos_of_each_folder_are_shown_and_go_again(tmp_path: Path, qtbot: QtBot) -> None:
    for folder, names in {"a": ("1.png", "2.png"), "b": ("3.png",), ".hidden": ("4.png",)}.items():
        (tmp_path / folder).mkdir()
        for number, name in enumerate(names):
            draw("disc", number).save(tmp_path / folder / name)
    (tmp_path / "a" / "0.jpg").write_bytes(b"text")
    (tmp_path / "notes.txt").write_text("text")
    listed = [str(path.relative_to(tmp_path)) for path in folder_glance._list_candidates([tmp_path])]
    assert listed == [os.path.normpath(name) for name in ("a/0.jpg", "b/3.png", "a/1.png", "a/2.png")]
    glance = FolderGlance()
    qtbot.addWidget(glance)
    glance.show_folders([tmp_path])
    wait_for(qtbot, lambda: len(glance.photos) == 3)
    assert all(0 < label.pixmap().width() <= folder_glance.PHOTO_SIDE for label in glance.photos)
    glance.show_folders([])
    assert glance.photos == []
    glance.close_threads()
