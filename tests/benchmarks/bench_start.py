"""How long the window takes from the start of its process to its first paint, as multiples of a bare Qt window.

A bare window is a QMainWindow of the same size with nothing in it. `window` is the window alone, as the application
puts it together; `command` is `lookalike` as it is typed. Each start is a process of its own with compiled files, one
of each kind after the other, so that a busy machine slows all alike; the medians of the pairs are printed, of the
processor time, which a busy machine changes least, and of the clock.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple

PROMISED = 2.5
HEAD = """
import builtins
plain_import = builtins.__import__
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
builtins.__import__ = plain_import
import os, sys
class End(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, lambda: os._exit(0))
        return False
end = End()
"""
SHOW = """
window.resize(1280, 800)
window.installEventFilter(end)
window.show()
app.exec()
"""
STARTS = {
    "bare": HEAD + "app = QApplication([])\nwindow = QMainWindow()" + SHOW,
    "window": HEAD
    + """
from retrieval_app.plain_imports import import_qt, postpone_numpy
import_qt()
postpone_numpy()
from retrieval_app.app import build_application
app, window = build_application(['lookalike'])
"""
    + SHOW,
    "command": HEAD
    + """
from PySide6.QtCore import QCoreApplication
plain_exec = QApplication.exec
def watch_windows(*arguments):
    for window in QApplication.topLevelWidgets():
        if isinstance(window, QMainWindow):
            window.installEventFilter(end)
    return plain_exec()
QApplication.exec = watch_windows
sys.argv = ["lookalike"]
from retrieval_app.cli import main
main()
""",
}


class StartTime(NamedTuple):
    """Seconds of the processor and by the clock."""

    processor: float
    clock: float


def main(arguments: Sequence[str] = ()) -> None:
    repeats = int(arguments[0]) if arguments else 7
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "LOOKALIKE_HOME": home, "QT_QPA_PLATFORM": "offscreen"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for code in STARTS.values():  # which compiles the files
            measure_start(code, environment)
        times = [{name: measure_start(code, environment) for name, code in STARTS.items()} for _ in range(repeats)]
    for name in ("window", "command"):
        processor = statistics.median(row[name].processor / row["bare"].processor for row in times)
        clock = statistics.median(row[name].clock / row["bare"].clock for row in times)
        kept = "kept" if processor <= PROMISED else "EXCEEDED"
        print(f"{name}: {processor:.2f} bare windows by the processor, {clock:.2f} by the clock; {PROMISED:g}: {kept}")


def measure_start(code: str, environment: dict[str, str]) -> StartTime:
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    return StartTime(usage.ru_utime + usage.ru_stime, time.perf_counter() - start)


if __name__ == "__main__":
    main(sys.argv[1:])
