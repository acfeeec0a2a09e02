"""Drags between the window and another program, as two processes on a real X server, moved by a real pointer."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.commands import ROOT
from tests.support.drag_peer import PLACE
from tests.support.library_copies import copy_library
from tests.support.x_programs import start_spoken, start_x_server

STEP_SECONDS = 0.3  # between two moves of the pointer: programs answer one before the next


@pytest.fixture
def environment(tmp_path: Path, indexed: Path) -> Iterator[dict[str, str]]:
    """A display of the test's own, and a home with a library."""
    copy_library(indexed, tmp_path / "home" / "default.library")
    home = {"LOOKALIKE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    with start_x_server() as display:
        yield os.environ | home | display


def drag(environment: dict[str, str], start: tuple[int, int], end: tuple[int, int]) -> None:
    """Press at a point, go to another in steps, and let go."""
    way = [
        (start[0] + (end[0] - start[0]) * step // 6, start[1] + (end[1] - start[1]) * step // 6) for step in range(7)
    ]
    near = [(start[0] + 6, start[1] + 6), (start[0] + 14, start[1] + 14)]
    actions = [["mousemove", *map(str, start), "mousedown", "1"]]
    actions += [["mousemove", *map(str, point)] for point in (*near, *way, (end[0] + 3, end[1] + 3))]
    for action in (*actions, ["mouseup", "1"]):
        subprocess.run(["xdotool", *action], env=environment, check=True)
        time.sleep(STEP_SECONDS)


@pytest.mark.long
def test_what_is_dragged_in_or_out_is_copied(environment: dict[str, str], photos_folder: Path) -> None:
    peer_middle = (PLACE[0] + PLACE[2] // 2, PLACE[1] + PLACE[3] // 2)
    dropped = str(photos_folder / "bar" / "bar-3.png")
    peer = [sys.executable, "-m", "tests.support.drag_peer"]
    with ExitStack() as stack:
        window = stack.enter_context(start_spoken([sys.executable, "-m", "tests.support.window_process"], environment))
        ready = window.wait_for_key("ready")
        with start_spoken([*peer, "target", ""], environment) as target:
            target.wait_for_key("ready")
            drag(environment, (int(str(ready["x"])), int(str(ready["y"]))), peer_middle)
            taken = target.wait_for_key("files")
            assert taken == {"possible": "DropAction.CopyAction", "action": "CopyAction", "files": [ready["file"]]}
        assert Path(str(ready["file"])).exists()
        source = stack.enter_context(start_spoken([*peer, "source", dropped], environment))
        source.wait_for_key("ready")
        drag(environment, peer_middle, (640, 400))
        assert source.wait_for_key("answer") == {"answer": "CopyAction"}  # though it proposed to move
        assert window.wait_for_key("frame") == {"frame": "Find what looks like this picture"}
        assert window.wait_for_key("query") == {"query": [dropped]}
