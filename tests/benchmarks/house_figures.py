"""The shape of a checkout as a table, beside an earlier one's: python -m tests.benchmarks.house_figures [FOLDER ...].

An earlier one: git worktree add /tmp/before COMMIT.
"""

import ast
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.support.commands import ROOT
from tests.test_architecture import PACKAGES, Definition, Named, length_of, words_of

LIMITS = ("C901", "PLR0913", "PLR0917", "PLR0915")  # complexity 8, arguments 5 (positional 5), statements 30


def read_definitions(folder: Path) -> Iterator[Named]:
    """Every function, method and class of the packages in a checkout."""
    for package in PACKAGES:
        for path in sorted((folder / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, Definition):
                    yield Named(path, node)


def is_annotated(named: Named) -> bool:
    """Whether a function says the type of each argument and of what it returns."""
    if isinstance(named.node, ast.ClassDef):
        return True
    given = named.node.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    types = [argument.annotation for argument in arguments if argument.arg not in ("self", "cls")]
    return None not in types and (named.node.returns is not None or named.node.name == "__init__")


def count_broken_limits(folder: Path) -> str:
    """How many functions ruff finds over each of LIMITS, whatever the project's own settings are."""
    options = ["--isolated", "--preview", "--output-format", "json", "--select", ",".join(LIMITS)]
    for settings in (
        "mccabe.max-complexity=8",
        "pylint.max-args=5",
        "pylint.max-positional-args=5",
        "pylint.max-statements=30",
    ):
        options += ["--config", f"lint.{settings}"]
    words = [sys.executable, "-m", "ruff", "check", *options, *(str(folder / package) for package in PACKAGES)]
    found = json.loads(subprocess.run(words, capture_output=True, text=True, check=False).stdout)
    counts = Counter(finding["code"] for finding in found)
    return ", ".join(f"{code} {counts[code]}" for code in LIMITS)


def count_arrows(folder: Path) -> str:
    """For each package, how many pairs of its boxes (rooms and loose modules) import one another."""
    return ", ".join(f"{package} {len(set(_find_arrows(folder, package)))}" for package in PACKAGES)


def _find_arrows(folder: Path, package: str) -> Iterator[tuple[str, str]]:
    for path in (folder / package).rglob("*.py"):
        box = path.relative_to(folder / package).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package:
                parts = (node.module or "").split(".")[1:]
                targets = parts[:1] or [alias.name for alias in node.names]
                yield from ((box, target) for target in targets if target != box)


def measure_house(folder: Path) -> dict[str, str]:
    """The lines of the table for one checkout, each with its figure."""
    named = list(read_definitions(folder))
    functions = [one for one in named if not isinstance(one.node, ast.ClassDef)]
    lengths = [length_of(one) for one in functions]
    classes = defaultdict(set)
    for one in named:
        if isinstance(one.node, ast.ClassDef):
            classes[one.node.name.lstrip("_")].add(one.path)
    words = [len(found) for one in named if (found := words_of(one.node.name))]
    files = [path for package in PACKAGES for path in (folder / package).rglob("*.py")]
    rooms = Counter(path.parent for path in files if path.stem not in ("__init__", "__main__"))
    loose = sum(rooms[folder / package] for package in PACKAGES)
    median, usual, longest = np.quantile(lengths, [0.5, 0.95, 1.0], method="lower")
    tests = [
        path.read_text(encoding="utf-8")
        for path in (folder / "tests").rglob("*.py")
        if path.name != Path(__file__).name
    ]
    return {
        "files, longest in lines": f"{len(files)}, {max(len(path.read_text().splitlines()) for path in files)}",
        "rooms, loose modules, most in a room": f"{len(rooms)}, {loose}, {max(rooms.values())}",
        "functions, median / 95 of 100 / longest": f"{len(functions)}, {median} / {usual} / {longest}",
        "annotated": f"{np.mean([is_annotated(one) for one in functions]):.1%}",
        "tests that mock": str(sum("unittest.mock" in text or "mocker" in text for text in tests)),
        "names of one word": f"{np.mean(np.array(words) == 1):.1%}",
        "class names in two modules": f"{sum(len(paths) > 1 for paths in classes.values())} of {len(classes)}",
        "arrows between boxes": count_arrows(folder),
        "functions over limits": count_broken_limits(folder),
    }


def main() -> None:
    """Print the table of the checkouts named on the command line, else of this one."""
    columns = [measure_house(folder) for folder in [*map(Path, sys.argv[1:])] or [ROOT]]
    for line in columns[0]:
        print("|", " | ".join([line, *(column[line] for column in columns)]), "|")


if __name__ == "__main__":
    main()
