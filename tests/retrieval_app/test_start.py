"""What the start of the window leaves alone, up to its first paint: a child lists the modules it has imported.

Pages, dialogs, training and the engine are loaded when they are wanted, or by a thread once the window is seen.
"""

import importlib
import os
import sys
from pathlib import Path

import pytest

from retrieval_app.commands import COMMAND_MODULES
from tests.support.commands import run_patiently
from tests.support.library_copies import copy_library

START = """
import builtins
import gc
import sys
from retrieval_app.plain_imports import import_qt, postpone_numpy
plain_import = builtins.__import__
import_qt()
assert builtins.__import__ is plain_import
assert not gc.isenabled()
postpone_numpy()
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
    *("numpy._core", "hashlib", "socket", "pickle", "logging.handlers", "retrieval_app.search.filter_bar"),
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


def test_numpy_that_was_postponed_is_read_once_by_whichever_thread_asks_first() -> None:
    code = """
import sys, threading
from retrieval_app.plain_imports import postpone_numpy, read_numpy
postpone_numpy()
import numpy as np
import numpy
assert np is numpy and "numpy._core" not in sys.modules
gate = threading.Barrier(4)
sums = []
def use():
    gate.wait()
    sums.append(int(np.arange(5).sum()))
threads = [threading.Thread(target=use) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert sums == [10] * 4, sums
read_numpy()
postpone_numpy()
import numpy.linalg
assert numpy.linalg.norm([3, 4]) == 5 and sys.modules["numpy"] is np
print(type(np).__name__)
"""
    said = run_patiently([sys.executable, "-W", "error", "-c", code])
    assert said.out.split() == ["module"], said.err


def test_a_command_loads_none_of_the_others_and_is_named_with_its_module() -> None:
    code = "from retrieval_app import commands; commands.load_command('info'); import sys; print(*sys.modules)"
    modules = run_patiently([sys.executable, "-c", code]).out.split()
    assert [name for name in modules if name in COMMAND_MODULES] == ["indexer.commands.maintenance"]
    for module, names in COMMAND_MODULES.items():
        listed = importlib.import_module(module).COMMANDS
        assert sorted(command.name for command in listed) == list(names), module
