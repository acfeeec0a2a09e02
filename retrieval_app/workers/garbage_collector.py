"""Python's collection of reference cycles, kept to the window's own thread."""

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 1000


class GarbageCollector(QObject):
    """Collects reference cycles in the thread that made it: each second in which enough was allocated.

    Python would collect in whichever thread allocates next. A cycle that holds Qt objects would then be destroyed by a
    reader, which holds a lock of Qt and waits for the interpreter, while the window's thread holds the interpreter and
    waits for that lock: for ever.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()  # modules and classes, which stay: no collection looks at them again
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self.collect_due)
        self._timer.start()

    def collect_due(self) -> None:
        """Collect the oldest generation whose threshold is passed, and the younger ones with it, as Python would."""
        due = [
            generation
            for generation, (count, threshold) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True))
            if count > threshold
        ]
        if due:
            gc.collect(due[-1])

    def end(self) -> None:
        """Leave collection to Python again."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
