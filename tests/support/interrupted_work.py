"""Work that is interrupted by Ctrl-C at a chosen place: python -m tests.support.interrupted_work PLACE.

Prints to standard error which exception the work has seen.

A process of its own: where a network has run in wide registers, a signal frame no longer fits the stack that a fault
handler, such as a test runner's, sets aside for signals.
"""

import contextlib
import signal
import sys
from collections.abc import Iterator, Mapping

from indexer.cli.terminal import WorkStopped, follow_steps
from indexer.progress import Progress, Steps


class _Struck(Mapping[str, float]):
    """Values of a progress that raise the signal while they are printed."""

    def __getitem__(self, key: str) -> float:
        return 1.0

    def __iter__(self) -> Iterator[str]:
        signal.raise_signal(signal.SIGINT)
        return iter(("loss",))

    def __len__(self) -> int:
        return 1


class _Dying:
    """Raises the signal as it ends."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def in_the_work() -> Steps[None]:
    yield Progress("work", 0, 9)
    signal.raise_signal(signal.SIGINT)


def while_it_is_shown() -> Steps[None]:
    for done in range(9):
        yield Progress("work", done, 9, values=_Struck())


def where_it_is_lost() -> Steps[None]:
    with contextlib.suppress(KeyboardInterrupt):  # as a library may
        signal.raise_signal(signal.SIGINT)
    for done in range(9):
        yield Progress("work", done, 9)


def where_python_drops_it() -> Steps[None]:
    for done in range(9):
        _Dying()
        yield Progress("work", done, 9)


PLACES = {place.__name__: place for place in (in_the_work, while_it_is_shown, where_it_is_lost, where_python_drops_it)}


def work(place: str) -> Steps[None]:
    try:
        yield from PLACES[place]()
    except BaseException as end:
        print("told", type(end).__name__, file=sys.stderr)
        raise


if __name__ == "__main__":
    with contextlib.suppress(WorkStopped):
        follow_steps(work(sys.argv[1]), as_json=True)
        print("not stopped", file=sys.stderr)
