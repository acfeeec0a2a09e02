"""A storm of real keys, clicks, wheels and drags on two windows with one library: no crash, no fault, no growth."""

import os
import random
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.commands import ROOT
from tests.support.library_copies import copy_library
from tests.support.storm_window import SIZE
from tests.support.x_programs import SpokenProcess, start_spoken, start_x_server

EVENTS = max(4000, round(100_000 * float(os.environ.get("LONG_SHARE", "1"))))
PER_TURN = 150  # actions before the window is asked whether it still answers
KEYS = [*"abcdefgijklmnorstuvxyz0123456789", "space", "Return", "Tab", "Delete", "BackSpace", "Home", "End", "Prior"]
KEYS += ["Next", "Left", "Right", "Up", "Down", "F1", "F2", "F5", "F11", "Menu", "shift+Tab", "ctrl+a", "ctrl+c"]
KEYS += ["ctrl+v", "ctrl+z", "ctrl+f", "ctrl+i", "ctrl+plus", "ctrl+minus", "alt+Left", "alt+Right", "shift+Right"]
MOST_GROWTH = 1.1  # of memory, from the third quarter of the storm to the last; some pages are first met in the second
WARM_EVENTS = 50_000  # in a shorter storm the third quarter still fills the caches


def make_actions(draw: random.Random, left: int) -> Iterator[str]:
    """What is done to the window whose left edge is there, as words for xdotool."""
    for _ in range(PER_TURN):
        chance = draw.random()
        if chance < 0.5:
            yield from ("mousemove", str(left + draw.randrange(SIZE[0])), str(draw.randrange(SIZE[1])))
        if chance < 0.3:
            yield from ("click", draw.choices(["1", "3", "4", "5"], [6, 1, 2, 2])[0])
        elif chance < 0.33:
            yield from (
                "mousedown",
                "1",
                "mousemove_relative",
                "--",
                str(draw.randint(-200, 200)),
                "90",
                "mouseup",
                "1",
            )
        elif chance > 0.93:
            yield from ("key", "Escape")
        elif chance > 0.5:
            yield from ("key", draw.choice(KEYS))
    yield from ("key", "Escape", "key", "Escape")


def take_turn(window: SpokenProcess, number: int) -> dict[str, float]:
    """Give a window the keyboard, as soon as it has done all before, and return what it says of itself."""
    assert window.process.stdin is not None
    window.process.stdin.write("\n")
    return {key: float(str(value)) for key, value in window.wait_for_key("memory", number).items()}


@pytest.mark.long(minutes=8)
@pytest.mark.skipif(shutil.which("xdotool") is None or shutil.which("Xvfb") is None, reason="needs an X server")
def test_a_storm_of_events_breaks_nothing(tmp_path: Path, indexed: Path) -> None:
    home = tmp_path / "home"
    copy_library(indexed, home / "default.library")
    draw, told = random.Random(0), [list[dict[str, float]](), list[dict[str, float]]()]
    with ExitStack() as stack:
        display = stack.enter_context(start_x_server(2 * SIZE[0], SIZE[1]))
        own = {"LOOKALIKE_HOME": str(home), "HOME": str(home), "PYTHONPATH": str(ROOT)}
        environment = os.environ | own | display
        words = [sys.executable, "-X", "faulthandler", "-m", "tests.support.storm_window"]
        lefts = [number * SIZE[0] for number in range(2)]
        windows = [stack.enter_context(start_spoken([*words, str(left), "0"], environment)) for left in lefts]
        while sum(said[-1]["events"] if said else 0 for said in told) < EVENTS:
            for window, left, said in zip(windows, lefts, told, strict=True):
                said.append(take_turn(window, len(said) + 1))
                subprocess.run(["xdotool", *make_actions(draw, left)], env=environment, check=True)
        assert [window.process.poll() for window in windows] == [None, None]
    print(*(one for said in told for one in said[:: max(1, len(said) // 20)]), sep="\n")
    log = path.read_text() if (path := home / "lookalike.log").exists() else ""  # made with its first line
    assert "Traceback" not in log, log[-3000:]
    for said in told:
        quarter = len(said) // 4
        early, late = (
            statistics.median(one["memory"] for one in part)
            for part in (said[2 * quarter : 3 * quarter], said[-quarter:])
        )
        assert late < MOST_GROWTH * early or EVENTS < WARM_EVENTS, (early, late)
