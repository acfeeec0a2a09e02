"""The window, closed while it indexes: python -m tests.support.closed_at_work FOLDER MILLISECONDS

Indexes FOLDER and closes that long after the first photos are in. Prints the time of closing by the system's clock.
"""

import sys
import time
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from retrieval_app import app as application
from retrieval_app.window.main_window import MainWindow

LOOK_MS = 20


def drive(window: MainWindow, folder: Path, milliseconds: int) -> QTimer:
    """Start the work as soon as the library is open, and close the window in the middle of it."""
    job, started = window.session.job, list[bool]()

    def close() -> None:
        print(time.time(), flush=True)
        window.close()

    def look() -> None:
        started.append(job.state is not None)
        is_over = job.state is None and any(started)  # refused, or done already
        if is_over or (job.state is not None and job.state.progress.stage == "embed"):
            timer.stop()
            QTimer.singleShot(milliseconds, close)

    timer = QTimer(interval=LOOK_MS)
    timer.timeout.connect(look)
    timer.start()
    QTimer.singleShot(0, lambda: job.index_folders([folder]))
    return timer


def main(folder: Path, milliseconds: int) -> int:
    """Run the program as a user does, with somebody at the window."""
    build, kept = application.build_application, []

    def build_driven(argv: list[str]) -> tuple[QApplication, MainWindow]:
        app, window = build(argv)
        kept.append(drive(window, folder, milliseconds))
        return app, window

    application.build_application = build_driven
    return application.main(["lookalike"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
