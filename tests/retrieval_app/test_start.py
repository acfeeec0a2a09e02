"""What the start of the window leaves alone, up to its first paint: a child lists the modules it has imported.

Pages, dialogs, training and the engine are loaded when they are wanted, or by a thread once the window is seen.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.support.commands import run_patiently
from tests.support.library_copies import copy_library

START = """
import builtins
import gc
import sys
from retrieval_app.plain_imports import import_qt
plain_import = builtins.__import__
import_qt()
assert builtins.__import__ is plain_import
assert not gc.isenabled()
from retrieval_app.app import FirstPaint, build_application
app, window = build_application(["lookalike"])
painted = []
FirstPaint(window).done.connect(lambda: (painted.append(sorted(sys.modules)), app.quit()))
window.show()
app.exec()
window.close()
print(*painted[0], sep="\\n")
"""
LATE_MODULES = (
    *("torch", "timm", "openvino", "scipy", "sklearn", "pyqtgraph", "annoy", "safetensors", "PIL", "filelock"),
    "PySide6.QtNetwork",
    *("click", "tqdm", "importlib.metadata", "training", "indexer.library", "indexer.matching", "indexer.models"),
    *(
        "indexer.cli",
        "indexer.vectors",
        "retrieval_app.duplicates.page",
        "retrieval_app.map.page",
        "indexer.reports.export",
    ),
    *("retrieval_app.library.page", "retrieval_app.window.dialogs", "retrieval_app.fine_tuning.dialog"),
    *("retrieval_app.fine_tuning.training_job", "retrieval_app.actions.label_dialog", "indexer.reports.export"),
)


@pytest.mark.parametrize("has_library", [False, True], ids=["first start", "library"])
def test_the_first_paint_waits_for_nothing_that_can_come_later(
    has_library: bool, indexed: Path, tmp_path: Path
) -> None:
    if has_library:
        copy_library(indexed, tmp_path / "default.library")
    environment = {**os.environ, "LOOKALIKE_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    said = run_patiently([sys.executable, "-c", START], env=environment)
    modules = said.out.split()
    assert "retrieval_app.search.page" in modules, said.err
    assert [
        late for late in LATE_MODULES if late in modules or any(name.startswith(late + ".") for name in modules)
    ] == []


def test_the_command_that_opens_the_window_loads_no_other_command() -> None:
    code = "import sys; from retrieval_app.commands import lookalike_command; print(*sys.modules)"
    modules = run_patiently([sys.executable, "-c", code]).out.split()
    assert "retrieval_app.commands" in modules
    assert [name for name in modules if name.startswith(("training", "indexer.commands", "numpy", "PIL", "tqdm"))] == []
