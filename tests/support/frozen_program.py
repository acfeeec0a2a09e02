"""A stand-in for the program frozen into one executable: a script that starts where the frozen program starts."""

import sys
from pathlib import Path

PROGRAM = """#!{python}
import sys

sys.frozen, sys.executable = True, __file__
from retrieval_app.cli import main

main()
"""


def write_frozen_program(path: Path) -> Path:
    """Write the executable script; its children can be started by its own name only, as in a frozen program."""
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    return path
