"""TLS for a PostgreSQL server: a proxy in front of it, as the packaged server is built without."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

ASK_FOR_TLS = bytes.fromhex("0000000804d2162f")  # the SSLRequest of PostgreSQL's protocol


class Certificate(NamedTuple):
    """The files of a certificate and of its key."""

    file: Path
    key: Path


@contextmanager
def serve_tls(port: int, certificate: Certificate) -> Iterator[int]:
    """The port of a proxy on this computer that takes TLS off for the server at `port`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)

    class TlsHandler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked = self.request.recv(len(ASK_FOR_TLS), socket.MSG_PEEK)
            client = self.request
            with suppress(OSError), ExitStack() as open_sockets:
                server = open_sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
                if asked == ASK_FOR_TLS:
                    client.recv(len(ASK_FOR_TLS))
                    client.sendall(b"S")
                    client = context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
                    open_sockets.enter_context(client)
                    client.do_handshake()
                there = threading.Thread(target=pass_on, args=(client, server), daemon=True)
                there.start()
                pass_on(server, client)

    with serve_connections(TlsHandler) as proxy_port:
        yield proxy_port


@contextmanager
def serve_connections(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    """The port at which each connection is handled in a thread of its own."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as proxy:
        proxy.daemon_threads = True
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield int(proxy.server_address[1])
        finally:
            proxy.shutdown()


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until one side ends."""
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
