"""Where the program starts: the `lookalike` command, or the one module that a frozen program's child is to run."""

import os
import sys

# Before numpy is imported: on cores that decoding and the network keep busy, its second thread mostly waits and spins,
# and a projection took seven times the processor time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from indexer.own_process import run_child_module


def main() -> None:
    """Run the command line and end the process."""
    if run_child_module():
        return
    from indexer.cli.terminal import run_command  # noqa: PLC0415  # a child that runs one module needs no commands
    from retrieval_app.commands import lookalike_command  # noqa: PLC0415

    sys.exit(run_command(lookalike_command.main))


if __name__ == "__main__":
    main()
