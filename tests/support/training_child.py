"""A child process that writes like `lookalike train --json`, to test the window's side without a training."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SPEAKS = """
import json, sys
def say(stage, done, total, note="", **values):
    print(json.dumps({"stage": stage, "done": done, "total": total, "note": note, "values": values}), flush=True)
say("scan", 1, 24, "a.png")
say("test", 0, 6, "the pretrained model")
say("validate", 0, 2, epoch=0.0, map_at_r_head=0.30, map_at_r_backbone=0.31)
for step in (1, 2):
    say("train", step, 4, epoch=1.0, loss=0.2 / step, active=0.5)
say("validate", 1, 2, sys.argv[2], epoch=1.0, map_at_r_head=0.42, map_at_r_backbone=0.40)
say("train", 3, 4, epoch=2.0, loss=0.05, active=0.4)
if sys.argv[1] == "-":
    sys.stdin.read()  # works on until it is told to stop
    sys.exit(130)
open(sys.argv[1]).read()  # a named pipe: waits until somebody has opened and closed its other end
print(sys.argv[3], flush=True)
"""
REFUSES = "import sys; print('The disk is full.', file=sys.stderr); sys.exit(2)"


def speaking(pipe: Path | None, warning: str = "", result: dict[str, Any] | None = None) -> list[str]:
    """The command of a child that gives its result when `let_go` is called, or works until stopped without a pipe."""
    if pipe is not None:
        os.mkfifo(pipe)
    return [sys.executable, "-c", SPEAKS, str(pipe or "-"), warning, json.dumps(result)]


def refusing() -> list[str]:
    """The command of a child that ends with a sentence."""
    return [sys.executable, "-c", REFUSES]


def let_go(pipe: Path) -> None:
    """Let the child that waits at a pipe give its result."""
    pipe.open("w").close()


def make_figures(model: str, value: float) -> dict[str, Any]:
    """The figures of a model, all of them about this value."""
    hits = {"1": value, "5": value + 0.1, "10": value + 0.2}
    return {"model": model, "p_at_1": value, "r_precision": value, "map_at_r": value, "hit_at_k": hits}


def make_epoch(number: int) -> dict[str, Any]:
    """What an epoch has measured; before the first one nothing was learnt."""
    steps = dict.fromkeys(("loss", "active", "positive_distance", "negative_distance"), 0.5 if number else None)
    scores = {"map_at_r_head": 0.4, "map_at_r_backbone": 0.3}
    return {"epoch": number, **steps, **scores, "seconds": 1.0 * number, "spread": 0.9}


def make_example(paths: Sequence[str]) -> dict[str, Any]:
    """A query, the first picture, with five hits before and after."""
    same_class = [True, False, True, False, True]
    return {
        "query": paths[0],
        "label": "disc",
        "before": paths[1:6],
        "after": paths[2:7],
        "before_right": [not one for one in same_class],
        "after_right": same_class,
        "matches": 3,
    }


def said(checkpoint: Path, pictures: Sequence[Path], *, install: bool) -> dict[str, Any]:
    """The result of a training on these pictures, as the last line of the child has it."""
    return {
        "result": "train",
        "checkpoint": str(checkpoint),
        "before": make_figures("pretrained at 32 px", 0.4),
        "after": make_figures("fine-tuned", 0.5),
        "pixels": make_figures("raw pixels", 0.2),
        "pretrained": [
            make_figures("pretrained at 32 px", 0.4),
            make_figures("pretrained at 224 px, its own size", 0.35),
        ],
        "change": {"mean": 0.1, "low": 0.02 if install else -0.04, "high": 0.2, "over": "queries"},
        "change_p_at_1": {"mean": 0.1, "low": -0.01, "high": 0.15, "over": "queries"},
        "verdict": "install" if install else "refuse",
        "why": "MAP@R changes by +0.100.",
        "identification": {
            "before": {"identified": 0.4, "refused": 0.95, "photos": 12},
            "after": {"identified": 0.6, "refused": 0.95, "photos": 12},
        },
        "queries": 12,
        "classes": 2,
        "embedding": "head",
        "dim": 128,
        "best_epoch": 1,
        "epochs": [make_epoch(0), make_epoch(1), make_epoch(2)],
        "recipe": "Recipe quick, as you asked.",
        "thresholds": {"scope": "Thresholds hold for known classes only.", "thresholds": [], "new_classes": False},
        "stopped": "",
        "collapse": "",
        "examples": [make_example([str(path) for path in pictures])] * 5,
        "unreadable": [{"path": "x", "reason": "is empty"}],
        "parts": {"train": 40, "validation": 12, "test": 12},
        "seconds": 3.0,
        "config": {"loss": "triplet", "purpose": "images", "recipe": "quick", "image_size": 32, "miner": None},
        "source": "a network, fine-tuned on 40 pictures of 2 classes in /photos, triplet loss, all, for new images",
    }
