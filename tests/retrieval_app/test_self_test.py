"""An installation says of itself whether it works, and which part does not, in the sentence of that part."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from indexer.errors import LookalikeError
from retrieval_app.commands import lookalike_command
from retrieval_app.self_test import _run_child
from tests.support.commands import lookalike


def test_what_a_part_says_when_it_fails_is_said(tmp_path: Path) -> None:
    with pytest.raises(LookalikeError, match=r"nothing .*indexed|no library"):
        _run_child(tmp_path, "search", tmp_path / "nowhere.png")


def test_the_self_test_has_a_library_of_its_own(tmp_path: Path) -> None:
    said = CliRunner().invoke(lookalike_command, ["--self-test", "--library", str(tmp_path)])
    assert said.exit_code == 2 and "--self-test stands alone" in said.output


@pytest.mark.long
def test_this_installation_works(tmp_path: Path) -> None:
    said = lookalike(tmp_path, "--self-test")
    assert said.code == 0, said
    assert said.out.count("  ok  ") == 8 and said.out.endswith("All that was tried works.\n")
