"""The real window in the test's own process: opened, and deleted at the end, not only closed.

A new theme polishes every widget there is: the widgets of windows that were only closed made each further window
slower, up to tenfold.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtTest import QTest

from retrieval_app.app import build_application
from retrieval_app.window.main_window import MainWindow


@contextmanager
def open_window() -> Iterator[MainWindow]:
    """Show the window on the default library; close and delete it at the end of the block."""
    app, window = build_application(["lookalike"])
    window.show()
    QTest.qWaitForWindowExposed(window)
    for _ in range(2):  # the first paint, and the opening of the library that waits for it
        app.processEvents()
    try:
        yield window
    finally:
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
