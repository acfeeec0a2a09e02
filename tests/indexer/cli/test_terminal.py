"""How a command's work is stopped by Ctrl-C: it is told, wherever that struck."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import environment
from tests.support.interrupted_work import PLACES


@pytest.mark.parametrize("place", PLACES)
def test_work_is_told_of_ctrl_c_wherever_it_strikes(tmp_path: Path, place: str) -> None:
    words = [sys.executable, "-m", "tests.support.interrupted_work", place]
    done = subprocess.run(words, env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "told KeyboardInterrupt\n")
