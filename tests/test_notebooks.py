"""The notebooks of the documentation run from the first cell to the last, and what they call is there."""

import ast
import builtins
import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import nbclient
import nbformat
import pytest

from indexer import Library
from tests.support.commands import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def list_code(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert all(not cell.get("outputs") for cell in cells), "clear the outputs: they are those of one computer"
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def list_imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that are imported, with their modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def test_both_notebooks_are_there() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["course", "herbarium"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_names_of_a_notebook_are_there(notebook: Path) -> None:
    known = set(dir(builtins))
    for code in list_code(notebook):
        tree = ast.parse(code)
        for module, name in list_imported(tree):
            assert hasattr(importlib.import_module(module), name), f"{module} has no {name}"
        nodes = list(ast.walk(tree))
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "library":
                assert hasattr(Library, node.attr), f"a library has no {node.attr}"
        known |= {alias.asname or alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        known |= {name for _, name in list_imported(tree)}
        known |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        known |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        known |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        assert used <= known, used - known


@pytest.mark.long
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    nodes = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(
        nodes, timeout=None, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [output for cell in nodes.cells for output in cell.get("outputs", [])]
    shown = [output["data"].get("text/html", "") for output in outputs if "data" in output]
    assert sum(text.count("<img") for text in shown) >= 12
    assert not [output for output in outputs if output["output_type"] == "error"]
