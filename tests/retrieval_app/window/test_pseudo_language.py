"""Every sentence of the window goes through the seam of languages, has room where it is longer, and can be mirrored."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.commands import ROOT
from tests.support.library_copies import copy_library
from tests.support.pseudo_window import LANGUAGE, write_catalogue

# What no language changes: figures' names, names of languages and of the library, and where things lie.
NAMES = r"MAP@R|mAP|[\d.,]+ MB|English|Deutsch|default( ▾)?|bf16: \d+|.*default\.library.*|/.*|bar[-\w.]*"


def test_a_language_made_by_machine_is_seen_everywhere_uncut_and_from_the_right(
    tmp_path: Path, home: Path, indexed: Path
) -> None:
    copy_library(indexed, home / "default.library")
    write_catalogue(tmp_path / "catalogues")
    variables = {"LOOKALIKE_CATALOGUES": str(tmp_path / "catalogues"), "LOOKALIKE_LANGUAGE": LANGUAGE}
    said = subprocess.run(
        [sys.executable, "-m", "tests.support.pseudo_window"],
        env=os.environ | variables | {"PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        check=True,
        text=True,
    )
    found = json.loads(said.stdout)
    plain = [text for text in found["plain"] if not re.fullmatch(NAMES, text.replace("\u200b", ""))]
    assert (plain, found["cut"], found["mirrored"]) == ([], [], True)
