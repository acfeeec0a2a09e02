"""Long work as data: a generator of Progress that returns its result.

To cancel it, stop iterating: the generator's `finally:` leaves the disk consistent. The command line prints the
progress, the window reads it as JSON lines from a child process, tests drain it.
"""

from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeVar

Result = TypeVar("Result")


class Progress(NamedTuple):
    """How far one stage of the work is: `done` of `total` (0 while that is not known), with a note for the user.

    `values` are figures by name to be drawn as curves: the loss of a step, the MAP@R of an epoch.
    """

    stage: str
    done: int
    total: int
    note: str = ""
    values: Mapping[str, float] = MappingProxyType({})


Steps = Generator[Progress, None, Result]


def drain(steps: Steps[Result]) -> Result:
    """Run the steps to their end and return their result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Result = stop.value
            return result
