"""The system is given pictures that are pictures, and nothing that a foreign library only calls so."""

import os
from pathlib import Path

import pytest

from retrieval_app.session import system_open
from retrieval_app.session.system_open import open_path, open_picture


class Listener:
    """A session as far as opening needs it: it collects what is posted."""

    def __init__(self) -> None:
        self.posted: list[str] = []
        self.notice_posted = self

    def emit(self, sentence: str) -> None:
        self.posted.append(sentence)


def make(folder: Path, kind: str) -> Path:
    """Something at a path that a library may name."""
    path = folder / "x.jpg"
    if kind == "picture":
        path.write_bytes(b"picture")
    elif kind == "link to a picture":
        (folder / "real.png").write_bytes(b"picture")
        path.symlink_to("real.png")
    elif kind == "program":
        path = folder / "x.desktop"
        path.write_text("[Desktop Entry]")
    elif kind == "link to a program":
        (folder / "x.desktop").write_text("[Desktop Entry]")
        path.symlink_to("x.desktop")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("kind", "given", "reason"),
    [
        ("picture", "x.jpg", ""),
        ("link to a picture", "real.png", ""),
        ("program", "", "x.desktop is not opened, as it is no picture file."),
        ("link to a program", "", "x.jpg is not opened, as it is no picture file."),
        ("folder", "", "x.jpg is not opened, as it is no picture file."),
        ("pipe", "", "x.jpg is not opened, as it is no picture file."),
        ("nothing", "", "x.jpg cannot be opened, as it is not there."),
    ],
)
def test_only_regular_picture_files_are_given_to_the_system(
    tmp_path: Path, opened_paths: list[str], kind: str, given: str, reason: str
) -> None:
    session = Listener()
    open_picture(session, os.fsencode(make(tmp_path, kind)))  # type: ignore[arg-type]
    assert opened_paths == ([str(tmp_path / given)] if given else [])
    assert session.posted == ([reason] if reason else [])


@pytest.mark.parametrize("path", [b"//server/share/x.jpg", b"//server/share"])
def test_path_on_another_computer_is_not_asked_for(opened_paths: list[str], path: bytes) -> None:
    session = Listener()
    open_path(session, path)  # type: ignore[arg-type]
    open_picture(session, path)  # type: ignore[arg-type]
    assert opened_paths == []
    assert len(session.posted) == 2
    assert system_open.explain_unfit_picture(path)
