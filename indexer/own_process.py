"""Command lines that start this program once more as a child process, also where it is frozen into one executable.

A frozen program (PyInstaller and its like set `sys.frozen`) is its own interpreter: `sys.executable` is the program
itself, which knows neither `-m` nor `-c`. A module that runs in a child of its own is therefore named by a hidden first
argument there, and only modules of a fixed list are run. Only this file reads `sys.executable`.

An interpreter is started with -P: -m and -c would otherwise import from the folder that the user is in, where a foreign
picture collection may hold a `numpy.py`.
"""

import importlib
import os
import sys
from pathlib import Path

from indexer.wording import tr

COMMAND_MODULE = "retrieval_app.cli"
CHILD_MODULES = ("indexer.photos.sandbox",)
"""Modules that may be run in a child of their own: each has a `main()` that reads its arguments from `sys.argv[1:]`."""

INTERRUPTED_EXIT = 130  # what a shell says of a program that Ctrl-C ended (128 + SIGINT)
CHILD_MODULE_OPTION = "--child-module"
CORES_VARIABLE = "LOOKALIKE_CORES"  # how many processor cores a command may use; all where it says nothing usable
RESTART_VARIABLE = "LOOKALIKE_RESTARTED"  # set for a process that goes on where one crashed or hung


def is_frozen() -> bool:
    """Whether the program is one executable with Python inside."""
    return bool(getattr(sys, "frozen", False))


def find_bundled_file(name: str) -> Path | None:
    """A file beside the program in its bundle; None where it is in no bundle, or none of that name lies there."""
    path = Path(sys.executable).with_name(name)
    return path if is_frozen() and path.is_file() else None


def describe_missing_package(package: str, wanted: str = "") -> str:
    """What is said where a command needs a package that is not there; `wanted` names all that are to be installed."""
    if is_frozen():
        return tr(
            "This needs the package {package}, which this edition of Lookalike does not bring. The full edition does.",
            package=package,
        )
    return tr(
        "This needs the package {package}, which is not installed. Install it: pip install {wanted}",
        package=package,
        wanted=wanted or package,
    )


def build_command(*arguments: str) -> list[str]:
    """The command line of `lookalike` with these arguments, for a child process."""
    program = [sys.executable] if is_frozen() else [sys.executable, "-Pm", COMMAND_MODULE]
    return [*program, *arguments]


def build_module_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of CHILD_MODULES with these arguments in a child process.

    Raises ValueError for any other module.
    """
    if module not in CHILD_MODULES:
        raise ValueError(f"{module} is not one of CHILD_MODULES")
    if is_frozen():
        return [sys.executable, CHILD_MODULE_OPTION, module, *arguments]
    # Not -m: where the module has been imported already (by a sitecustomize.py, say), it would be there twice.
    return [sys.executable, "-Pc", f"import {module} as child; child.main()", *arguments]


def count_cores() -> int:
    """The number of processor cores that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    cores = os.cpu_count() or 1
    return min(_read_wanted_cores() or cores, cores)


def limit_cores() -> None:
    """Let this process and its children use no more cores than CORES_VARIABLE says.

    Where the system cannot bind a process to cores (macOS, Windows), `count_cores` alone heeds it: the pools of
    threads are smaller, what the libraries start of their own is not.
    """
    wanted = _read_wanted_cores()
    if wanted and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:wanted])


def _read_wanted_cores() -> int:
    """What CORES_VARIABLE says, 0 where that is no number."""
    text = os.environ.get(CORES_VARIABLE, "")
    return int(text) if text.isdecimal() and len(text) < 5 else 0


def take_restart_mark() -> bool:
    """Whether this process was started by RESTART_VARIABLE to go on with another's work; told once."""
    return os.environ.pop(RESTART_VARIABLE, "") != ""


def build_restart_command() -> list[str]:
    """The command line that this process was started with."""
    return [sys.executable, *(sys.argv[1:] if is_frozen() else sys.orig_argv[1:])]


def run_child_module() -> bool:
    """Run the module of CHILD_MODULES that the first two arguments of this process name; whether they name one."""
    option_name, module = (*sys.argv[1:3], "", "")[:2]
    if option_name != CHILD_MODULE_OPTION or module not in CHILD_MODULES:
        return False
    del sys.argv[1:3]
    importlib.import_module(module).main()
    return True
