"""On a child's PYTHONPATH: Pillow breaks on contents that end in a marker, and nobody waits for it long."""

import ctypes
import hashlib
import os
import time

from PIL import ImageFile

from indexer.photos import journal, sandbox

journal.HANG_SECONDS = 1.0
journal.EXIT_SECONDS = 8.0
sandbox.TIME_LIMIT_SECONDS = 2

_load = ImageFile.ImageFile.load


def load(self):  # type: ignore[no-untyped-def]
    """Pillow's own, but for marked contents."""
    content = self.fp.getvalue() if self.fp else b""
    if content.endswith(b"crash"):
        os.abort()
    if content.endswith(b"hang"):
        while True:
            hashlib.sha256(bytes(1 << 20))  # works without Python's lock
    if content.endswith(b"wait"):
        time.sleep(3600)
    if content.endswith(b"seize"):
        ctypes.PyDLL(None).sleep(3600)  # keeps Python's lock
    return _load(self)


ImageFile.ImageFile.load = load  # type: ignore[method-assign]
