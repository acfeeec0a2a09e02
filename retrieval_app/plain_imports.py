"""How the window's start loads its libraries: Qt without PySide's import hook, numpy after the first paint."""

import builtins
import gc
import importlib
import importlib.util
import sys
import threading
from types import ModuleType


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


class PostponedModule(ModuleType):
    """A module that is imported by name alone, and read when something of it is used first, in whichever thread.

    Python's own LazyLoader reads it as soon as a second module imports it (Python 3.11), and not safely in two threads.
    """

    def __getattr__(self, name: str) -> object:
        """Read the module, whose attributes are not there yet."""
        values = vars(self)
        with values["reading_lock"]:
            if not values["is_being_read"]:
                values["is_being_read"] = True
                values["__loader__"].exec_module(self)
                self.__class__ = ModuleType  # type: ignore[assignment]  # a module like any other from now on
            elif type(self) is PostponedModule:  # the module asks itself, while it is read
                raise AttributeError(name)
        return getattr(self, name)


def postpone_numpy() -> None:
    """Let numpy be read when it is used: it takes half a bare window, and the first paint shows nothing of it."""
    spec = None if "numpy" in sys.modules else importlib.util.find_spec("numpy")
    if spec is not None:
        module = PostponedModule("numpy")
        values = {
            "reading_lock": threading.RLock(),
            "is_being_read": False,
            "__spec__": spec,
            "__loader__": spec.loader,
        }
        vars(module).update(values, __path__=spec.submodule_search_locations, __file__=spec.origin)
        sys.modules["numpy"] = module


def read_numpy() -> None:
    """Read numpy where that was postponed."""
    importlib.import_module("numpy").ndarray  # noqa: B018
