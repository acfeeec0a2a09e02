"""One window for the files that other programs hand over: a second start gives them to the window that is open.

The window listens on a local socket of the user, named by the home folder; nothing listens to the network. What is
said is a line of JSON, and the answer to it is one word.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalSocket

ANSWER_MS = 2000  # a window that does not answer for so long hangs, and another one is opened
MOST_BYTES = 1 << 20  # of one message
WORD_OF_RECEIPT = b"ok\n"


class OpenRequest(NamedTuple):
    """What a start of the program wants opened; with neither, just the window."""

    paths: tuple[Path, ...] = ()  # absolute
    asks_for_folder: bool = False  # whether the user is asked for a folder to index


def name_socket(home: Path) -> str:
    """The name of the socket of the windows whose settings lie in the home folder."""
    import hashlib  # only a window that is painted asks

    return "lookalike-" + hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]


def hand_over(request: OpenRequest, home: Path) -> bool:
    """Give a request to the window that is open; False where there is none that answers."""
    from PySide6.QtNetwork import QLocalSocket  # here and below: the window is seen before it listens

    socket = QLocalSocket()
    socket.connectToServer(name_socket(home))
    if not socket.waitForConnected(ANSWER_MS):
        return False
    message = {"paths": [str(path) for path in request.paths], "asks_for_folder": request.asks_for_folder}
    socket.write(json.dumps(message).encode("ascii") + b"\n")
    answered = socket.waitForReadyRead(ANSWER_MS) and socket.readAll().data() == WORD_OF_RECEIPT
    socket.close()
    return answered


class HandedOverFiles(QObject):
    """What later starts of the program hand to this window; the first window of a home folder receives it."""

    received = Signal(object)  # OpenRequest

    def __init__(self, home: Path, parent: QObject) -> None:
        from PySide6.QtNetwork import QLocalServer

        super().__init__(parent)
        self._name = name_socket(home)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._receive_connection)

    def start_listening(self) -> bool:
        """Receive from now on; False where another window does, which stays so."""
        if _is_answered(self._name):  # asked first: Qt puts its socket in the place of another one
            return False
        self._server.removeServer(self._name)  # left by a window that was killed
        return self._server.listen(self._name)

    def close(self) -> None:
        """Receive nothing more."""
        self._server.close()

    def _receive_connection(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(lambda socket=socket: self._read_message(socket))
            socket.disconnected.connect(socket.deleteLater)

    def _read_message(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() > MOST_BYTES:
                socket.abort()
            return
        request = _parse_message(bytes(socket.readLine(MOST_BYTES).data()))
        if request is None:
            socket.abort()
            return
        socket.write(WORD_OF_RECEIPT)
        socket.flush()
        self.received.emit(request)


def _is_answered(name: str) -> bool:
    from PySide6.QtNetwork import QLocalSocket

    socket = QLocalSocket()
    socket.connectToServer(name)
    return socket.waitForConnected(ANSWER_MS)


def _parse_message(line: bytes) -> OpenRequest | None:
    """The request of a message; None where it is none."""
    try:
        fields = json.loads(line.decode("ascii"))
        paths = tuple(Path(name) for name in fields["paths"])
        request = OpenRequest(paths, bool(fields["asks_for_folder"]))
    except (ValueError, TypeError, KeyError):
        return None
    return request if all(path.is_absolute() for path in paths) else None
