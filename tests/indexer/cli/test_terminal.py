"""Ctrl-C reaches the steps of a command as KeyboardInterrupt, wherever it strikes."""

import sys
from pathlib import Path

import pytest

from tests.support.commands import environment, run_patiently
from tests.support.interrupted_work import PLACES


@pytest.mark.parametrize("place", PLACES)
def test_work_is_told_of_ctrl_c_wherever_it_strikes(tmp_path: Path, place: str) -> None:
    words = [sys.executable, "-m", "tests.support.interrupted_work", place]
    said = run_patiently(words, env=environment(tmp_path))
    assert (said.code, said.err) == (0, "told KeyboardInterrupt\n")
