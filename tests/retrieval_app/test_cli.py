"""However the program is started or stopped, it says one sentence or nothing, never a traceback."""

import os
import sys
from pathlib import Path

import pytest

from tests.support.commands import command, environment, run_patiently
from tests.support.trees import paint

CLOSED = 'exec "$@" {}'
STOPPED_WHILE_LOADING = """
import sys
from importlib.abc import MetaPathFinder
from retrieval_app.cli import main
class Interrupt(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == stopped_at:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
stopped_at = sys.argv.pop(1)
main()
"""


@pytest.mark.parametrize("module", ["indexer.cli", "click", "retrieval_app.commands", "training.commands"])
def test_interrupt_while_the_commands_are_loaded_is_one_word(tmp_path: Path, module: str) -> None:
    said = run_patiently([sys.executable, "-c", STOPPED_WHILE_LOADING, module, "train"], env=environment(tmp_path))
    assert said == (130, "", "Stopped.\n")


@pytest.mark.skipif(os.name == "nt", reason="no shell of this kind")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["roots"], 2)])
def test_closed_output_is_no_fault(tmp_path: Path, closed: str, words: list[str], code: int) -> None:
    shell = ["sh", "-c", CLOSED.format(closed), "sh", *command(*words)]
    said = run_patiently(shell, env=environment(tmp_path))
    assert said.code == code
    assert "Traceback" not in said.out + said.err


def test_program_without_docstrings_and_assertions_indexes_and_finds(tmp_path: Path, carried_model: None) -> None:
    photo = paint(tmp_path / "photos" / "0.png", 0)
    for number in range(1, 4):
        paint(tmp_path / "photos" / f"{number}.png", number)
    env = environment(tmp_path / "home") | {"PYTHONOPTIMIZE": "2"}
    said = run_patiently(command("index", tmp_path / "photos"), env=env)
    assert (said.code, "Traceback" in said.err) == (0, False), said
    said = run_patiently(command("search", photo, "--json"), env=env)
    assert (said.code, said.err) == (0, "")
    assert said.result()["hits"][0]["path"] == str(photo)
