"""Programs on a real X server of their own, which say in lines of JSON what they do."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from tests.support.commands import ROOT
from tests.support.patience import Patience, read_tree_cpu_ticks


@contextmanager
def start_x_server(width: int = 1400, height: int = 1000) -> Iterator[dict[str, str]]:
    """A display without a window manager, as variables for the programs on it."""
    readable, writable = os.pipe()
    screen = ["-screen", "0", f"{width}x{height}x24"]
    words = ["Xvfb", "-displayfd", str(writable), *screen]
    with subprocess.Popen(words, pass_fds=[writable], stderr=subprocess.DEVNULL) as server:
        os.close(writable)
        with os.fdopen(readable) as said:
            display = said.readline().strip()
        try:
            yield {"DISPLAY": f":{display}", "QT_QPA_PLATFORM": "xcb"}
        finally:
            server.terminate()


class SpokenProcess:
    """A process that says in lines of JSON what it does."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said: list[dict[str, object]] = []
        assert process.stdout is not None
        self.reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self.reader.start()

    def _read(self, lines: IO[str]) -> None:
        self.said.extend(json.loads(line) for line in lines if line.startswith("{"))

    def wait_for_key(self, key: str, number: int = 1) -> dict[str, object]:
        """The first fact with this key, or the n-th, as soon as it is said."""
        patience = Patience(lambda: (len(self.said), read_tree_cpu_ticks(self.process.pid)))
        while True:
            found = [facts for facts in list(self.said) if key in facts]
            if len(found) >= number:
                return found[number - 1]
            assert not patience.is_exhausted() and self.process.poll() is None, (key, self.said[-3:])
            time.sleep(0.05)


@contextmanager
def start_spoken(words: Sequence[str], environment: dict[str, str]) -> Iterator[SpokenProcess]:
    """A program that is told to end at the end of the block; it may be spoken to as well."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, cwd=ROOT, env=environment, text=True, bufsize=1, **pipes) as process:  # type: ignore[call-overload]
        spoken = SpokenProcess(process)
        try:
            yield spoken
        finally:
            process.terminate()
            spoken.reader.join()
