"""How a command's work is stopped by Ctrl-C: it is told, wherever that struck."""

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping

import pytest

from indexer.progress import Progress, Steps
from indexer.terminal import Stopped, follow


@pytest.fixture(autouse=True)
def _usual_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class _Struck(Mapping[str, float]):
    """Values that are interrupted while they are shown."""

    def __getitem__(self, key: str) -> float:
        return 1.0

    def __iter__(self) -> Iterator[str]:
        signal.raise_signal(signal.SIGINT)
        return iter(("loss",))

    def __len__(self) -> int:
        return 1


def in_the_work() -> Steps[None]:
    yield Progress("work", 0, 9)
    signal.raise_signal(signal.SIGINT)


def while_it_is_shown() -> Steps[None]:
    for done in range(9):
        yield Progress("work", done, 9, values=_Struck())


def where_it_is_lost() -> Steps[None]:
    with contextlib.suppress(KeyboardInterrupt):  # as in a destructor
        signal.raise_signal(signal.SIGINT)
    for done in range(9):
        yield Progress("work", done, 9)


@pytest.mark.parametrize("strike", [in_the_work, while_it_is_shown, where_it_is_lost])
def test_work_is_told_of_ctrl_c_wherever_it_strikes(strike: Callable[[], Steps[None]]) -> None:
    told: list[str] = []

    def work() -> Steps[None]:
        try:
            yield from strike()
        except BaseException as end:
            told.append(type(end).__name__)
            raise

    with pytest.raises(Stopped):
        follow(work(), as_json=True)
    assert told == ["KeyboardInterrupt"]
