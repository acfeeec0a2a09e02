"""Where the window is put together: the application with its theme and log, the session, the window, fault reports."""

import argparse
import logging
import os
import sys
import threading
import traceback
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMessageLogContext, QObject, QTimer, QtMsgType, Signal, qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QWidget

from indexer.home.folders import find_chosen_folder, find_home_folder
from indexer.home.settings_file import HOME_KEY, find_settings_folder
from indexer.paths import show_path
from indexer.places import find_library, name_library
from indexer.wording import tr
from retrieval_app.language import translate_qt
from retrieval_app.plain_imports import read_numpy
from retrieval_app.session.session import Session
from retrieval_app.session.settings import WindowSettings
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.theme import Theme
from retrieval_app.window.main_window import MainWindow
from retrieval_app.window.running_window import OpenRequest, hand_over
from retrieval_app.workers.garbage_collector import GarbageCollector, give_back_freed_blocks

if TYPE_CHECKING:
    from retrieval_app.window.dialogs import ReportDialog
from retrieval_app.window.known_libraries import KnownLibraries, is_there

LOG = logging.getLogger("lookalike.window")
LOG_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class FirstPaint(QObject):
    """Tells when a widget has been painted for the first time: what takes longer than its start waits until then."""

    done = Signal()

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Tell of the first paint event; let every event pass."""
        if event.type() == QEvent.Type.Paint:
            self._widget.removeEventFilter(self)
            QTimer.singleShot(0, self, self.done.emit)
        return False


class FaultReporter(QObject):
    """Writes unexpected faults of any thread to the log and shows them in a dialog, one at a time."""

    reported = Signal(str)

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log
        self.dialog: ReportDialog | None = None
        self.reported.connect(self._show_dialog)

    def install_hooks(self) -> None:
        """Receive exceptions that nothing else catches, those in slots included, and the messages of Qt."""
        sys.excepthook = self._report_fault
        threading.excepthook = lambda args: self._report_fault(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )
        qInstallMessageHandler(_log_qt_message)

    def _report_fault(self, kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        report = "".join(traceback.format_exception(kind, fault, trace))
        LOG.error("%s", report)
        self.reported.emit(report)

    def _show_dialog(self, report: str) -> None:
        from retrieval_app.window.dialogs import ReportDialog  # most starts end without a fault

        if self.dialog is None or self.dialog.isHidden():
            if self.dialog is not None:
                self.dialog.deleteLater()
            self.dialog = ReportDialog(report, str(self._log), QApplication.activeWindow())
            self.dialog.open()


def _log_qt_message(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    LOG.log(LOG_LEVELS[kind], "Qt: %s", message)


def build_application(argv: list[str]) -> tuple[QApplication, MainWindow]:
    """The application and its window, which the caller shows.

    argv[0] is the program; arguments other than --library are for Qt.
    """
    options, for_qt = _make_parser().parse_known_args(argv[1:])
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication([*argv[:1], *for_qt])
    translate_qt(app)
    app.setApplicationName("lookalike")
    app.setApplicationDisplayName("Lookalike")
    settings = WindowSettings(find_settings_folder())
    theme = Theme(app, settings.read_text("theme", "system"))
    last = KnownLibraries(settings).find_last()
    folder = options.library or (last if last is not None and is_there(last) else find_library())
    session = Session(folder)
    with theme.hold_style_sheet():
        window = MainWindow(session, TileCache(session), theme, settings)
    session.setParent(window)
    first_paint = FirstPaint(window)
    for act in (read_numpy, session.library.show_folder):
        first_paint.done.connect(act)
    home = find_chosen_folder(HOME_KEY)
    if home is not None and home != find_home_folder():
        sentence = tr("The folder of your libraries is not there: {home}", home=show_path(home))
        session.report_trouble(sentence, tr("Settings…"), window.menus.find_action("Settings…").trigger)
    if options.library is None and last is not None and folder != last:
        sentence = tr(
            "The library {last} that was open last is not there: {last2}",
            last=name_library(last),
            last2=show_path(last),
        )
        session.report_trouble(sentence, tr("Try again"), partial(session.library.switch_to, last))
    return app, window


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lookalike", add_help=False)
    parser.add_argument("--library", type=Path)
    return parser


class LogFile(logging.Handler):
    """Writes to a file of bounded size that is opened for the first line: Python's kind of it loads sockets too."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        try:
            if self._file is None:
                from logging.handlers import RotatingFileHandler

                self._file = RotatingFileHandler(
                    self._path, maxBytes=1 << 20, backupCount=1, encoding="utf-8", errors="backslashreplace"
                )
                self._file.setFormatter(self.formatter)
            self._file.emit(record)
        except OSError:
            self.handleError(record)


def start_log_file(folder: Path) -> Path:
    """Write the program's log to a file of bounded size in the folder; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "lookalike.log"
    handler = LogFile(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("lookalike")
    log.addHandler(handler)
    log.setLevel(logging.INFO)  # for this program alone, whatever a library has set for all
    return path


def main(argv: list[str], request: OpenRequest | None = None) -> int:
    """Show the window until it is closed; returns the exit code.

    A window that is open already takes a `request`, and this process ends at once.

    A thread that still reads, in a system call or in native code, would keep the process: then it is ended at once, as
    all that was to be kept has been written.
    """
    folder = find_settings_folder()
    if request is not None and hand_over(request, folder):
        return 0
    give_back_freed_blocks()
    reporter = FaultReporter(start_log_file(folder))
    app, window = build_application(argv)
    reporter.install_hooks()
    window.show()
    FirstPaint(window).done.connect(partial(window.receive_files, folder))
    window.help_menu.show_first_tour()
    if request is not None:
        window.input_opener.open_request(request)
    GarbageCollector(app)
    code = app.exec()
    app.shutdown()  # hands on what was copied; left to Python's end, widget by widget, it takes a second
    if any(thread is not threading.main_thread() for thread in threading.enumerate()):
        logging.shutdown()
        os._exit(code)
    return code
