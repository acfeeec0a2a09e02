"""One photo after the other, each for a while from when it is sharp."""

from PySide6.QtCore import QObject, QTimer, Signal

INTERVALS = (2, 4, 8, 15, 30)  # seconds that can be chosen
DEFAULT_INTERVAL = 4


class SlideShow(QObject):
    """Asks for the next photo some seconds after the one before has been shown."""

    next_wanted = Signal()
    changed = Signal(bool)  # whether it runs

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.is_running = False
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.next_wanted)
        self.set_interval(DEFAULT_INTERVAL)

    def set_interval(self, seconds: float) -> None:
        """Show each photo for so many seconds from now on."""
        self._timer.setInterval(round(1000 * seconds))

    def start(self, *, is_ready: bool) -> None:
        """Begin; `is_ready` says whether the current photo is sharp."""
        self.is_running = True
        self.changed.emit(True)
        if is_ready:
            self._timer.start()

    def stop(self) -> None:
        """Stay at the current photo."""
        self._timer.stop()
        if self.is_running:
            self.is_running = False
            self.changed.emit(False)

    def hold_photo(self) -> None:
        """Wait, as another photo is being read."""
        self._timer.stop()

    def count_from_now(self) -> None:
        """Begin the time of the current photo, which is sharp now."""
        if self.is_running:
            self._timer.start()
