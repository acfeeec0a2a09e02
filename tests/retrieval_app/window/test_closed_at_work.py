"""The window on a real display that is closed at work is gone at once, with its children, however often."""

import os
import statistics
import sys
import time
from pathlib import Path

import pytest

from tests.support.commands import environment, run_patiently
from tests.support.trees import paint_many
from tests.support.x_programs import start_x_server

CLOSES = max(3, round(50 * float(os.environ.get("LONG_SHARE", "1"))))
MOST_SECONDS = 2.0


def close_at_work(home: Path, photos: Path, milliseconds: int, variables: dict[str, str]) -> float:
    """Seconds from the closing of a window that indexes to the end of its process."""
    words = [sys.executable, "-m", "tests.support.closed_at_work", str(photos), str(milliseconds)]
    said = run_patiently(words, env=environment(home) | variables)
    end = time.time()
    assert said.code == 0, said.err
    assert said.err == ""
    return end - float(said.out.split()[-1])


@pytest.mark.long(minutes=5)
def test_a_window_closed_at_work_is_gone_in_two_seconds(tmp_path: Path, installed_model: Path) -> None:
    photos = paint_many(tmp_path / "photos", 2000, first=0)[0].parent
    took = []
    with start_x_server() as display:
        for number in range(CLOSES):
            home = tmp_path / f"home {number}"
            home.mkdir()
            variables = display | {"LOOKALIKE_MODELS": str(installed_model.parent)}
            took.append(close_at_work(home, photos, 37 * number % 1000, variables))
    print(f"{len(took)} closes: median {statistics.median(took):.2f} s, longest {max(took):.2f} s")
    assert statistics.median(took) < MOST_SECONDS, took
