"""Do at set-up what the first `make test` would do once and keep: the model, compiled modules, the libraries' types.

    python .ci/prepare_tests.py

Nothing of it is believed unseen: the model is of the very code that made it, compiled modules and types are of sources
unchanged since. Mypy reads the libraries alone; what it says of this code it says in `make test`.
"""

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

OWN = ("indexer", "training", "retrieval_app", "tests")


def main() -> None:
    """Prepare all three; what a library's types lack is no matter here."""
    run_module("tests.support.ready_model")
    run_module("pytest", "--collect-only", "-qq", "-p", "no:cacheprovider")
    with tempfile.TemporaryDirectory() as folder:
        imports = Path(folder) / "libraries.py"
        imports.write_text("".join(f"import {name}\n" for name in sorted(list_libraries())), encoding="utf-8")
        run_module("mypy", str(imports))


def list_libraries() -> set[str]:
    """The names of the modules of others that this repository imports."""
    names: set[str] = set()
    for path in (path for package in OWN for path in Path(package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return {name for name in names if name.split(".")[0] not in OWN}


def run_module(*words: str) -> None:
    """Run a module of this Python quietly; what it finds wrong is told by `make test`."""
    subprocess.run([sys.executable, "-m", *words], check=False, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
