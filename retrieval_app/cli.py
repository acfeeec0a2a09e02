"""Where the program starts: the `lookalike` command, or the one module that a frozen program's child is to run."""

import os
import signal
import sys

# Before numpy is imported: on cores that decoding and the network keep busy, its second thread mostly waits and spins,
# and a projection took seven times the processor time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from indexer.own_process import INTERRUPTED_EXIT, limit_cores, run_child_module
from indexer.wording import tr
from retrieval_app.language import choose_language, speak_english, speaks_to_programs


def main() -> None:
    """Run the command line and end the process; Ctrl-C, at any moment and even twice, prints one line at most."""
    try:
        _replace_closed_streams()
        limit_cores()
        if speaks_to_programs(sys.argv[1:]):
            speak_english()
        else:
            choose_language()
        if run_child_module():
            return
        code = _run_command_line()
    except KeyboardInterrupt:  # while the commands are loaded, or a fault is told
        print(tr("Stopped."), file=sys.stderr)
        code = INTERRUPTED_EXIT
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the interpreter's own end has nothing to tell
    sys.exit(code)


def _run_command_line() -> int:
    from indexer.cli.help_wording import translate_click  # a child that runs one module needs no commands
    from indexer.cli.terminal import run_command
    from retrieval_app.commands import lookalike_command

    translate_click()
    return run_command(lookalike_command.main)


def _replace_closed_streams() -> None:
    """Let what is printed go nowhere where this process was started with a closed output: Python has None there."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


if __name__ == "__main__":
    main()
