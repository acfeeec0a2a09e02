"""A hub of models on this computer: a few files of repositories, served as the real one serves them, in parts too."""

import hashlib
import importlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

COMMIT = "c" * 40


class ServedHub(NamedTuple):
    """Its address, its files by "owner/name/file" (what it tells of a repository by "api/models/owner/name"), and the
    ranges that were asked for, one a request for a file."""

    address: str
    files: dict[str, bytes]
    ranges: list[str]


@contextmanager
def serve_hub(files: dict[str, bytes], *, parts: bool = True) -> Iterator[ServedHub]:
    """A hub with these files, for the length of the block; without `parts` it ignores which part is asked for."""
    ranges: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            found = re.fullmatch(r"/(.+)/resolve/[^/]+/(.+)", self.path)
            data = files.get(f"{found[1]}/{found[2]}") if found else files.get(self.path[1:], b"")
            if data is None:
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            wanted = self.headers.get("Range", "")
            start = int(wanted[6:-1]) if with_body and parts and wanted else 0
            if with_body:
                ranges.append(wanted)
            self.send_response(206 if start else 200)
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            if with_body:
                self.wfile.write(data[start:])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        yield ServedHub(f"http://127.0.0.1:{server.server_address[1]}", files, ranges)
    finally:
        server.shutdown()
        server.server_close()


def point_to_hub(monkeypatch: pytest.MonkeyPatch, address: str, cache: Path) -> None:
    """Let the hub's client ask this address in place of the real hub, and keep what it gets in this folder."""
    hub = importlib.import_module("huggingface_hub")
    constants = hub.constants
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(hub.hf_api.api, "endpoint", address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
