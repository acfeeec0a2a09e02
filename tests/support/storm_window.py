"""The whole program on a real display, for a storm of events: python -m tests.support.storm_window X Y

For each line that it reads it takes the keyboard, and says in JSON, as soon as it has come to it: how many events of
keyboard and pointer the display has sent it, and how much memory it holds (MiB). It cannot be quit from inside; the
system's own dialogs are as if cancelled, and nothing is handed to other programs.
"""

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractNativeEventFilter, QSocketNotifier
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QFileDialog

from retrieval_app import app as application
from retrieval_app.window.main_window import MainWindow

SIZE = (1280, 800)
INPUT_EVENTS = {*range(2, 9), 35}  # keys, buttons, motion, enter and leave; those of XInput (X11/X.h)


class EventCount(QAbstractNativeEventFilter):
    """Counts the events of keyboard and pointer that come from the display."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def nativeEventFilter(self, _kind: object, message: Any) -> tuple[bool, int]:
        """Count an event and let it pass; its first byte is its kind."""
        self.count += ctypes.string_at(int(message), 1)[0] & 0x7F in INPUT_EVENTS
        return False, 0


def read_memory() -> float:
    """MiB that this process holds, those shared with others left out."""
    resident, shared = map(int, Path("/proc/self/statm").read_text().split()[1:3])
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE") / 2**20


def drive(app: QApplication, window: MainWindow, place: tuple[int, int]) -> list[object]:
    """Answer each line, when the events before it are done; returns what must live on."""
    events = EventCount()
    app.installNativeEventFilter(events)
    window.closeEvent = lambda event: event.ignore()  # type: ignore[method-assign]
    window.setGeometry(*place, *SIZE)

    def answer() -> None:
        os.read(0, 1)
        window.setGeometry(*place, *SIZE)
        active = QApplication.activePopupWidget() or QApplication.activeModalWidget() or window
        active.activateWindow()
        print(json.dumps({"events": events.count, "memory": round(read_memory(), 1)}), flush=True)

    notifier = QSocketNotifier(0, QSocketNotifier.Type.Read)
    notifier.activated.connect(answer)
    return [events, notifier, answer]


def main() -> int:
    """Run the program as a user does."""
    for name, answer in {"getExistingDirectory": "", "getOpenFileName": ("", ""), "getSaveFileName": ("", "")}.items():
        setattr(QFileDialog, name, staticmethod(lambda *_, _answer=answer, **__: _answer))
    QFileDialog.getOpenFileNames = staticmethod(lambda *_, **__: ([], ""))  # type: ignore[method-assign]
    QFileDialog.exec = lambda _self: 0  # type: ignore[method-assign]
    QDesktopServices.openUrl = staticmethod(lambda _url: True)  # type: ignore[method-assign]
    build, kept = application.build_application, list[object]()

    def build_driven(argv: list[str]) -> tuple[QApplication, MainWindow]:
        app, window = build(argv)
        kept.extend(drive(app, window, (int(sys.argv[1]), int(sys.argv[2]))))
        return app, window

    application.build_application = build_driven
    return application.main(["lookalike"])


if __name__ == "__main__":
    sys.exit(main())
