"""A proxy before a server that counts what comes from it, and can fall silent as a cut link does."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.support.tls_proxy import serve_connections


class WatchedProxy:
    """The port of a proxy, how many bytes have come from the server, and the switch by which it swallows all."""

    def __init__(self) -> None:
        self.port = self.received = 0
        self.is_silent = threading.Event()

    def pass_from_server(self, server: socket.socket, client: socket.socket) -> None:
        """Pass on and count what the server says, until one side ends."""
        with suppress(OSError):
            while data := server.recv(1 << 16):
                self.received += len(data)
                if not self.is_silent.is_set():
                    client.sendall(data)

    def pass_to_server(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what the client says, until one side ends."""
        with suppress(OSError):
            while data := client.recv(1 << 16):
                if not self.is_silent.is_set():
                    server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)


@contextmanager
def watch_connections(port: int) -> Iterator[WatchedProxy]:
    """A proxy before the server at `port`."""
    proxy = WatchedProxy()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as server:
                threading.Thread(target=proxy.pass_to_server, args=(self.request, server), daemon=True).start()
                proxy.pass_from_server(server, self.request)

    with serve_connections(Handler) as proxy.port:
        yield proxy
