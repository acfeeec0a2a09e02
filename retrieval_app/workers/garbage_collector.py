"""What the window's process does with memory that it no longer needs: cycles are collected, blocks are given back."""

import ctypes
import gc
import sys

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 1000
# Bytes from which a block is mapped by itself. glibc begins with half of this, and raises it to the largest block that
# was ever freed, up to 32 MB: then decoded pictures lie between small blocks that stay, and their place stays too.
MAPPED_BYTES = 256 << 10
MOST_ARENAS = 2  # of memory for small blocks; glibc would make eight a processor core, each with gaps of its own


def give_back_freed_blocks() -> None:
    """Let the system have the memory of pictures as soon as they are freed, under glibc; call before any thread starts.

    Of 3,300 events in the window's storm 76 of 240 MiB were gaps between small blocks, with this 2 of 160.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(-3, MAPPED_BYTES)  # M_MMAP_THRESHOLD, which no longer moves once it is set
        mallopt(-8, MOST_ARENAS)  # M_ARENA_MAX


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
