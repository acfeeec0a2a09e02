"""How commands speak: progress and results for people in a terminal, or one JSON object per line for programs.

Results go to standard output, progress bars and faults to standard error. Exit code 0: done; 1: the answer is no, or
files failed for the first time; 2: wrong usage, or refused with one sentence; 130: stopped; 141: nobody read on.
"""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

import click

from indexer.errors import DecoderStuck, LookalikeError
from indexer.own_process import INTERRUPTED_EXIT, RESTART_VARIABLE, build_restart_command, describe_missing_package
from indexer.paths import show_path
from indexer.progress import Progress, Steps
from indexer.wording import count_noun, tr

Result = TypeVar("Result")
STOPPED_BY_USER = tr("Stopped. What was done is kept; the next run goes on from there.")
CONTROL_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != ord("\n")}

REFUSED_EXIT = 2
BROKEN_PIPE_EXIT = 141  # and of one that ended as nobody read on (128 + SIGPIPE)


class WorkStopped(LookalikeError):
    """The user stopped the work; the text says what of it is kept."""


def print_line(message: str, *, error: bool = False) -> None:
    """Print a message; characters that the terminal cannot show, or would take as a command, are escaped."""
    stream = sys.stderr if error else sys.stdout
    encoding = stream.encoding or "utf-8"
    print(
        message.translate(CONTROL_ESCAPES).encode(encoding, "backslashreplace").decode(encoding),
        file=stream,
        flush=True,
    )


def print_hits(lines: Sequence[str], *, notice: str, otherwise: str) -> None:
    """Print the notice to standard error, then a line for each hit, or `otherwise` where there is none."""
    if notice:
        print_line(notice, error=True)
    for line in lines or [otherwise]:
        print_line(line)


def print_search_time(count: int, seconds: float, how: str) -> None:
    """Print how many results there are, how long it took, and how they were found."""
    print_line(
        tr("{results} in {seconds:.0f} ms, {how}", results=count_noun(count, "result"), seconds=seconds * 1000, how=how)
    )


def print_result(kind: str, fields: Mapping[str, Any]) -> None:
    """Print a result of this kind as one line of JSON. Raises LookalikeError where a field is no text and no number."""
    try:
        line = json.dumps({"result": kind, **fields})
    except TypeError as fault:
        raise LookalikeError(
            "The library holds values that no Lookalike has written ({fault}): it is damaged or foreign. "
            "`lookalike check` tells more.",
            fault=fault,
        ) from fault
    print(line, flush=True)


def follow_steps(steps: Steps[Result], *, as_json: bool, attached: bool = False) -> Result:
    """Run the steps to their end and return their result, showing the progress.

    With `attached`, they are stopped when standard input closes. However they end they are closed, so that their
    `finally:` has run. Ctrl-C reaches them as KeyboardInterrupt, wherever it struck, so that they can tell it from
    being closed. Raises WorkStopped where they were stopped in one of these ways.
    """
    input_closed, interrupted = threading.Event(), threading.Event()
    if attached:
        _lower_priority()
        threading.Thread(target=_wait_for_end_of_input, args=(input_closed,), daemon=True).start()
    _record_interrupts(interrupted)
    show_progress = _print_json_progress if as_json else _ProgressBars()
    last_progress = None
    try:
        while not input_closed.is_set():
            progress = next(steps)
            if progress != last_progress:  # steps that wait repeat themselves
                show_progress(progress)
                last_progress = progress
            if interrupted.is_set():
                raise KeyboardInterrupt
    except StopIteration as stop:
        result: Result = stop.value
        return result
    except KeyboardInterrupt:  # not left to click, which would print a new line for it
        with contextlib.suppress(KeyboardInterrupt, StopIteration):
            steps.throw(KeyboardInterrupt)  # where it has not ended them already
        raise WorkStopped(STOPPED_BY_USER) from None
    finally:
        steps.close()
        if isinstance(show_progress, _ProgressBars):
            show_progress.close()
    raise WorkStopped(STOPPED_BY_USER)


def _record_interrupts(interrupted: threading.Event) -> None:
    """Set the event at Ctrl-C, besides raising KeyboardInterrupt: Python drops one that is raised in a destructor.

    From then on nothing is printed of what Python drops, such as the file of an import that was cut off.
    """
    previous_handler = signal.getsignal(signal.SIGINT)
    if previous_handler is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        return

    def record_interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        sys.unraisablehook = lambda _dropped: None
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, record_interrupt)


def _lower_priority() -> None:
    """Give the window that started this process the cores first, so that it stays responsive."""
    if hasattr(os, "nice"):
        os.nice(5)


def _print_json_progress(progress: Progress) -> None:
    fields = progress._asdict()
    values = fields.pop("values")
    print(json.dumps(fields | ({"values": dict(values)} if values else {})), flush=True)


def _wait_for_end_of_input(event: threading.Event) -> None:
    with contextlib.suppress(OSError):  # it was closed before this process began
        while os.read(0, 4096):
            pass
    event.set()


class _ProgressBars:
    """Shows each stage of the progress as one tqdm bar."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""

    def __call__(self, progress: Progress) -> None:
        if progress.stage != self._stage:
            from tqdm import tqdm  # noqa: PLC0415 (the window starts with this module)

            self.close()
            self._stage = progress.stage
            self._bar = tqdm(desc=tr(progress.stage), total=progress.total or None, leave=False, disable=None)
        self._bar.total = progress.total or None
        self._bar.n = progress.done
        figures = [f"{name} {value:.4g}" for name, value in progress.values.items()]
        self._bar.set_postfix_str(" ".join([*figures, progress.note[-40:]]), refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()


# What indexing, searching and the window do without, by the name of the module: the package to install.
OPTIONAL_PACKAGES = {
    "torch": "torch",
    "torchvision": "torchvision",
    "timm": "timm",
    "pytorch_metric_learning": "pytorch-metric-learning",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "openTSNE": "openTSNE",
    "annoy": "annoy",
}


def run_command(command: Callable[..., Any], arguments: list[str] | None = None) -> int:
    """Run a click command, print every fault as one sentence to standard error, and return the exit code.

    Without `arguments` it takes those of this process, which is started anew where a decoder hangs.
    """
    try:
        return int(command(arguments, standalone_mode=False) or 0)
    except SystemExit as end:  # what click makes of a broken pipe, with 1, and of a shell that completes words, with 0
        return BROKEN_PIPE_EXIT if end.code else 0
    except (WorkStopped, KeyboardInterrupt, click.Abort) as end:
        print_line(str(end) if isinstance(end, WorkStopped) else tr("Stopped."), error=True)
        return INTERRUPTED_EXIT
    except click.exceptions.Exit as end:
        return end.exit_code
    except DecoderStuck as fault:
        print_line(str(fault), error=True)
        return REFUSED_EXIT if arguments is not None else restart_process()
    except (click.ClickException, LookalikeError, OSError, ModuleNotFoundError) as fault:
        print_line(_describe_fault(fault), error=True)
        return REFUSED_EXIT


def restart_process() -> NoReturn:
    """Replace this process by a new one with the same command line, as a thread that hangs cannot be ended.

    Where the system has exec, process number, standard input and terminal stay; on Windows this process waits for the
    new one.
    """
    command = build_restart_command()
    os.environ[RESTART_VARIABLE] = "1"
    if sys.platform == "win32":  # there, exec lets the caller believe that the command has ended
        os._exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)


def _describe_fault(fault: Exception) -> str:
    """A fault that the user can do something about, as a sentence."""
    if isinstance(fault, click.ClickException):
        return fault.format_message()
    if isinstance(fault, ModuleNotFoundError):
        package = OPTIONAL_PACKAGES.get((fault.name or "").partition(".")[0])
        if package is None:  # a bug
            raise fault
        return describe_missing_package(package)
    if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT) and fault.filename:
        place = show_path(Path(os.fsdecode(fault.filename)))
        return tr("The disk is full on which {place} lies. Make room there.", place=place)
    return tr("The system refused: {fault}.", fault=fault) if isinstance(fault, OSError) else str(fault)
