"""Modules loaded at the usual speed after Qt: PySide reads and searches the source of each otherwise."""

import builtins
import importlib


def import_qt() -> None:
    """Load Qt, and leave Python's import as it was.

    PySide puts one of its own in its place, for the sake of a syntax that nothing here uses (`from __feature__`): of
    the window's start it took as much as a third of a bare window's.
    """
    plain_import = builtins.__import__
    importlib.import_module("PySide6.QtCore")
    builtins.__import__ = plain_import
