"""What is at work, told to the desktop: a bar on the program's icon, and a hint when a long work has ended.

The bar is the signal of launchers (wiki.ubuntu.com/Unity/LauncherAPI), which KDE's task bar, Ubuntu's dock and others
show. Where nobody listens, nothing comes of it.
"""

import os
import time
from collections.abc import Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

from retrieval_app.workers.work_list import Work, WorkList

LONG_WORK_SECONDS = 20.0
ENDLESS_WORK = "watch"
DESKTOP_ENTRY = "application://org.lookalike.Lookalike.desktop"
SESSION_BUS = "DBUS_SESSION_BUS_ADDRESS"  # without it the bus's library may start a bus of its own


class DesktopProgress(QObject):
    """Follows the list of works for the window that a widget is in."""

    def __init__(self, work: WorkList, shown_in: QWidget) -> None:
        super().__init__(shown_in)
        self._work = work
        self._shown_in = shown_in
        self._started: float | None = None
        self._share: float | None = None
        work.changed.connect(self._follow_works)

    def _follow_works(self) -> None:
        works = [work for work in self._work.works if work.kind != ENDLESS_WORK]
        if works and self._started is None:
            self._started = time.monotonic()
        elif not works and self._started is not None:
            if time.monotonic() - self._started >= LONG_WORK_SECONDS:
                QApplication.alert(self._shown_in.window())  # does nothing where the window is the active one
            self._started = None
        share = find_share(works)
        if share != self._share:
            self._share = share
            send_progress(share)


def find_share(works: Sequence[Work]) -> float | None:
    """How far the first work is that knows its end, 0 to 1 in hundredths; None where none does."""
    totals = (work.progress for work in works if work.progress.total)
    return next((round(progress.done / progress.total, 2) for progress in totals), None)


def send_progress(share: float | None) -> None:
    """Show a bar on the program's icon, or none."""
    if SESSION_BUS not in os.environ:
        return
    from PySide6.QtDBus import QDBusConnection, QDBusMessage

    message = QDBusMessage.createSignal("/org/lookalike/Lookalike", "com.canonical.Unity.LauncherEntry", "Update")
    message.setArguments([DESKTOP_ENTRY, {"progress": share or 0.0, "progress-visible": share is not None}])
    QDBusConnection.sessionBus().send(message)
