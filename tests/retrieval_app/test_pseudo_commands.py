"""Every sentence of the command line goes through the seam of languages: its help, its answers, what it refuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.commands import ROOT
from tests.support.library_copies import copy_library
from tests.support.pseudo_window import LANGUAGE, write_catalogue

# What no language changes: where things lie and what stands for a fact.
FACTS = r"[\d., ]*/.*"


def test_a_language_made_by_machine_is_seen_in_all_help_and_in_what_commands_print(
    tmp_path: Path, home: Path, indexed: Path
) -> None:
    copy_library(indexed, home / "default.library")
    write_catalogue(tmp_path / "catalogues")
    variables = {"LOOKALIKE_CATALOGUES": str(tmp_path / "catalogues"), "LOOKALIKE_LANGUAGE": LANGUAGE}
    said = subprocess.run(
        [sys.executable, "-m", "tests.support.pseudo_commands"],
        env=os.environ | variables | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )
    found = json.loads(said.stdout)
    assert found["help"] == []
    assert [line for line in found["lines"] if not re.fullmatch(FACTS, line.split(": ", maxsplit=1)[1])] == []
