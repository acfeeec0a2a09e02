"""Import Qt without PySide's import hook, which reads and searches the source of every module loaded after it."""

import builtins
import gc
import importlib


def import_qt() -> None:
    """Load Qt, and leave Python's import as it was.

    PySide puts one of its own in its place, for the sake of a syntax that nothing here uses (`from __feature__`): of
    the window's start it took as much as a third of a bare window's. Nor are cycles looked for until the window is
    there and its GarbageCollector does it: a quarter of a bare window, for modules and classes that all stay.
    """
    gc.disable()
    plain_import = builtins.__import__
    importlib.import_module("PySide6.QtCore")
    builtins.__import__ = plain_import
