"""A proxy before a server that can fall silent: it takes all that comes and answers nothing, as a cut link does."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from tests.support.tls_proxy import serve_connections


class SilentProxy(NamedTuple):
    """The port of a proxy, and the switch by which it swallows what comes."""

    port: int
    is_silent: threading.Event


@contextmanager
def pass_on_until_silent(port: int) -> Iterator[SilentProxy]:
    """A proxy before the server at `port`."""
    is_silent = threading.Event()

    def pass_loudly(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if not is_silent.is_set():
                    target.sendall(data)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as server:
                threading.Thread(target=pass_loudly, args=(self.request, server), daemon=True).start()
                pass_loudly(server, self.request)

    with serve_connections(Handler) as proxy_port:
        yield SilentProxy(proxy_port, is_silent)
