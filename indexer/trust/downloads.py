"""A file from the network: taken up where an earlier download was left, and believed only when its hash agrees."""

import contextlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from indexer import atomic
from indexer.progress import Progress, Steps
from indexer.trust.regular_file import hash_regular_file

PIECE_BYTES = 1 << 18
QUIET_SECONDS = 30.0  # a server that says nothing for so long is gone
UNFINISHED_SUFFIX = ".unfinished"


class RemoteFile(NamedTuple):
    """Where a file lies, its bytes, and its sha256 as 64 hex digits, None where the server does not say it."""

    url: str
    size: int
    sha256: str | None


class DownloadFailed(Exception):
    """The file could not be had whole; what has come stays for the next try."""


def fetch_file(remote: RemoteFile, target: Path, name: str) -> Steps[None]:
    """Download the file to `target`, which is not there yet; what came before the work was ended is not fetched again.

    DownloadFailed where the server ends early or sends another file than it said; OSError where it cannot be written.
    """
    unfinished = target.with_name(target.name + UNFINISHED_SUFFIX)
    target.parent.mkdir(parents=True, exist_ok=True)
    yield from _append_rest(remote, unfinished, name)
    if unfinished.stat().st_size != remote.size:
        raise DownloadFailed("the connection ended before the file did")
    if remote.sha256 is not None and hash_regular_file(unfinished, remote.size) != remote.sha256:
        atomic.remove_path(unfinished)
        raise DownloadFailed("the file that came is damaged")
    unfinished.replace(target)


def _append_rest(remote: RemoteFile, unfinished: Path, name: str) -> Steps[None]:
    done = unfinished.stat().st_size if unfinished.exists() else 0
    yield Progress("download", done, remote.size, name)
    if done == remote.size:
        return
    with _translate_network_faults():
        request = urllib.request.Request(remote.url, headers={"Range": f"bytes={done}-"} if done else {})
        with urllib.request.urlopen(request, timeout=QUIET_SECONDS) as answer:
            continued = answer.status == http.client.PARTIAL_CONTENT
            done = done if continued else 0
            with unfinished.open("ab" if continued else "wb") as file:
                for piece in _read_pieces(answer, remote.size - done):
                    file.write(piece)
                    done += len(piece)
                    yield Progress("download", done, remote.size, name)


def _read_pieces(answer: http.client.HTTPResponse, missing: int) -> Iterator[bytes]:
    """The bytes of an answer, at most as many as are missing."""
    while missing > 0 and (piece := answer.read(min(PIECE_BYTES, missing))):
        missing -= len(piece)
        yield piece


@contextlib.contextmanager
def _translate_network_faults() -> Iterator[None]:
    try:
        yield
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ValueError) as error:
        raise DownloadFailed(f"the server did not send it: {error}") from error
