"""The command line as a user has it: a process of its own, with a home of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Said(NamedTuple):
    """What a command said: exit code, standard output and error."""

    code: int
    out: str
    err: str

    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects of standard output, one per line; fails where a line is none."""
        return [json.loads(line) for line in self.out.splitlines()]

    def result(self) -> dict[str, Any]:
        """The last object."""
        return self.objects()[-1]


def environment(home: Path) -> dict[str, str]:
    """An environment with libraries in `home`, without a display, with one thread for each library of numbers."""
    keep = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    keep.pop("QT_QPA_PLATFORM", None)
    return keep | {"LOOKALIKE_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "COLUMNS": "80"}


def command(*words: str | Path) -> list[str]:
    """The words as a command line of this program."""
    return [sys.executable, "-m", "retrieval_app.cli", *(str(word) for word in words)]


def lookalike(home: Path, *words: str | Path, stdin: str = "") -> Said:
    """Run one command to its end."""
    done = subprocess.run(
        command(*words), env=environment(home), input=stdin, capture_output=True, text=True, timeout=170, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)
