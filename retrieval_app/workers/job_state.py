"""How a child process is doing: its last progress, how fast its stage goes and how long that still takes."""

import time
from collections import deque
from typing import NamedTuple

from indexer.progress import Progress

RATE_WINDOW_SECONDS = 15.0  # the rate is that of the last seconds, as photos differ in size from folder to folder


class JobState(NamedTuple):
    """How a running job is doing."""

    progress: Progress
    rate: float | None = None  # items a second
    seconds_left: float | None = None  # to the end of the stage
    stopping: bool = False


STARTING = JobState(Progress("start", 0, 0))  # before the first progress


class RateEstimator:
    """How fast a stage goes and how long it still takes, from the progress of its last seconds."""

    def __init__(self) -> None:
        self._stage = ""
        self._recent: deque[tuple[float, Progress]] = deque()

    def measure_state(self, progress: Progress, *, stopping: bool) -> JobState:
        """Take a progress that was made just now; the state of the job with it."""
        self.add_progress(progress, time.monotonic())
        return JobState(progress, self.items_per_second, self.seconds_left, stopping)

    def add_progress(self, progress: Progress, now: float) -> None:
        """Take a progress that was made at the time `now`, in seconds; another stage starts the measurement anew."""
        if progress.stage != self._stage:
            self._stage = progress.stage
            self._recent.clear()
        self._recent.append((now, progress))
        while len(self._recent) > 2 and now - self._recent[0][0] > RATE_WINDOW_SECONDS:
            self._recent.popleft()

    @property
    def items_per_second(self) -> float | None:
        """Items a second; None until the stage has taken a second and one more item is done."""
        if len(self._recent) < 2:
            return None
        (start, first), (end, last) = self._recent[0], self._recent[-1]
        is_measurable = end - start >= 1 and last.done > first.done
        return (last.done - first.done) / (end - start) if is_measurable else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end of the stage; None while there is no rate, or where the total is not known."""
        rate = self.items_per_second
        if rate is None or not self._recent[-1][1].total:
            return None
        last = self._recent[-1][1]
        return max(0, last.total - last.done) / rate
