"""Files that other programs hand over come into the window that is open, and only requests of this program do."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from PySide6.QtCore import QProcess
from PySide6.QtNetwork import QLocalSocket
from pytestqt.qtbot import QtBot

from indexer.database.filters import Filter
from indexer.own_process import build_command
from retrieval_app.commands import lookalike_command
from retrieval_app.window.main_window import MainWindow
from retrieval_app.window.running_window import HandedOverFiles, OpenRequest, hand_over, name_socket
from tests.support.window_waits import wait_for

LISTEN_FOR_EVER = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QObject
from retrieval_app.window.running_window import HandedOverFiles
app = QCoreApplication([])
parent = QObject()
print(HandedOverFiles(Path(sys.argv[1]), parent).start_listening(), flush=True)
time.sleep(600)
"""


def test_a_second_start_hands_its_picture_to_the_open_window(
    window: MainWindow, home: Path, photos_folder: Path, qtbot: QtBot
) -> None:
    window.receive_files(home)
    window.session.search.conditions.set_filter(Filter(orientation="portrait"))  # which would hide what is found
    picture = photos_folder / "disc" / "disc-1.png"
    second = QProcess()
    program, *arguments = build_command(str(picture))
    second.start(program, arguments)
    wait_for(qtbot, lambda: len(window.session.search.listing.hits) > 0)
    wait_for(qtbot, lambda: second.state() == QProcess.ProcessState.NotRunning)
    assert second.exitCode() == 0
    query = window.session.search.query
    assert query is not None and query.positives == (picture,)
    assert window.session.search.listing.hits[0].distance == 0
    assert window.session.search.conditions.photo_filter == Filter()


def test_a_library_that_is_handed_over_is_opened(window: MainWindow, home: Path, qtbot: QtBot) -> None:
    other = (home / "default.library").rename(home / "other.library")
    window.input_opener.open_request(OpenRequest((other,)))
    wait_for(qtbot, lambda: window.session.library.folder == other and not window.session.library.is_empty)


@pytest.mark.parametrize(
    "message", [b"hello\n", b"[]\n", b'{"paths": ["relative"], "asks_for_folder": false}\n', b"\xff\n"]
)
def test_what_is_no_request_ends_the_connection(
    empty_window: MainWindow, home: Path, message: bytes, qtbot: QtBot
) -> None:
    empty_window.receive_files(home)
    socket = QLocalSocket()
    socket.connectToServer(name_socket(home))
    assert socket.waitForConnected()
    socket.write(message)
    wait_for(qtbot, lambda: socket.state() == QLocalSocket.LocalSocketState.UnconnectedState)
    assert socket.readAll().isEmpty()


def test_what_a_killed_window_left_stops_nobody(empty_window: MainWindow, home: Path, qtbot: QtBot) -> None:
    killed = subprocess.Popen([sys.executable, "-c", LISTEN_FOR_EVER, str(home)], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None and killed.stdout.readline() == "True\n"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    assert not hand_over(OpenRequest(), home)
    empty_window.receive_files(home)
    assert empty_window.handed_over_files is not None
    assert not HandedOverFiles(home, empty_window).start_listening()  # it is the first one's now


def test_the_name_of_a_file_means_open_and_any_other_word_a_command(tmp_path: Path) -> None:
    context = lookalike_command.make_context("lookalike", ["--help"], resilient_parsing=True)
    (tmp_path / "a.jpg").touch()
    name, command, rest = lookalike_command.resolve_command(context, [str(tmp_path / "a.jpg"), "b.jpg"])
    assert (name, command) == ("open", lookalike_command.commands["open"])
    assert rest == [os.fspath(tmp_path / "a.jpg"), "b.jpg"]
    assert lookalike_command.resolve_command(context, ["index", "x"])[0] == "index"
    with pytest.raises(click.UsageError, match=r"no file nowhere\.jpg"):
        lookalike_command.resolve_command(context, ["nowhere.jpg"])
