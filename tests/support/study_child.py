"""A child process that writes like `lookalike study --json --out PAGE`, to test the window's side without trainings."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SPEAKS = """
import json, sys
from pathlib import Path
def say(stage, done, total, note="", **values):
    print(json.dumps({"stage": stage, "done": done, "total": total, "note": note, "values": values}), flush=True)
say("scan", 24, 24)
say("baselines", 0, 5, "raw pixels")
for training in ("classifier by cross-entropy, seed 0", "no views, seed 0", "gentle views, seed 0"):
    for step in (1, 2, 3):
        say("study", step, 3, training, loss=0.9 / step)
if sys.argv[1] == "-":
    sys.stdin.read()  # works on until it is told to stop
    sys.exit(130)
open(sys.argv[1]).read()  # a named pipe: waits until somebody has opened and closed its other end
print(json.dumps({"result": "study", **json.loads(sys.argv[3])}), flush=True)
Path(sys.argv[2]).write_text("<p>the study</p>")
print(json.dumps({"result": "page", "page": sys.argv[2], "study": json.loads(sys.argv[3])}), flush=True)
"""


def make_study_command(pipe: Path | None, page: Path, fields: Mapping[str, Any]) -> list[str]:
    """The command of a child that gives these fields once its pipe is let go, or works until stopped without a pipe."""
    if pipe is not None and not pipe.exists():
        os.mkfifo(pipe)
    return [sys.executable, "-c", SPEAKS, str(pipe or "-"), str(page), json.dumps(fields)]


def make_study_fields(seeds: int = 2) -> dict[str, Any]:
    """The fields of a study of two variants, the second of which does better."""

    def entry(name: str, value: float, gain: bool) -> dict[str, Any]:
        values = [value + 0.01 * seed for seed in range(seeds)]
        interval = {"low": value - 0.05, "high": value + 0.06, "mean": value + 0.005} if seeds > 1 else None
        fields = {"name": name, "p_at_1": values, "r_precision": values, "map_at_r": values, "interval": interval}
        return fields | {"eer": 0.1, "seconds": 2.5} | ({"gain": interval} if gain else {})

    return {
        "study": "augmentation",
        "folder": "/photos",
        "purpose": "images",
        "seeds": seeds,
        "epochs": 3,
        "steps": 3,
        "parts": {"train": 40, "validation": 12, "test": 12},
        "classes": 3,
        "unreadable": 0,
        "grouping": "64 photos, none of them a near copy or a frame of a burst of another.",
        "config": {},
        "baselines": [entry("raw pixels", 0.2, gain=False)],
        "entries": [entry("no views", 0.4, gain=True), entry("gentle views", 0.6, gain=True)],
    }
