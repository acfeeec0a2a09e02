"""`lookalike serve` answers who has the token, from the library as it is, and refuses everything else in a sentence."""

import json
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
import uvicorn
from PIL import Image

from indexer.library import Library
from indexer.search.query import Query
from indexer.service import request_guard
from indexer.service.api_description import describe_api
from indexer.service.http_service import build_service
from tests.support.commands import Tell, command, environment, start_patiently
from tests.support.pictures import encoded, scene
from tests.support.trees import snapshot

TOKEN = "a-token-of-the-tests"


class Served(NamedTuple):
    """A service in this process: its port, and the library and the photos behind it."""

    port: int
    folder: Path
    photos: Path


class Reply(NamedTuple):
    """An answer: status, type of content, content."""

    status: int
    kind: str
    body: bytes

    def fields(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def served(prepared: Any) -> Iterator[Served]:
    folder = prepared.home / "default.library"
    app = build_service(folder, TOKEN, ["my-computer"])
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield Served(listener.getsockname()[1], folder, prepared.photos)
        server.should_exit = True
        thread.join()


def ask(served: Served, target: str, method: str = "GET", body: bytes | None = None, **headers: str | None) -> Reply:
    """Send a request with the token; a header that is None is left out."""
    given = {"Host": f"127.0.0.1:{served.port}", "Authorization": f"Bearer {TOKEN}"} | headers
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=60)) as connection:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            if value is not None:
                connection.putheader(name.replace("_", "-"), value)
        if body is not None and "Content_Length" not in headers:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Reply(response.status, response.getheader("content-type", ""), response.read())


def test_answers_are_those_of_the_library_and_as_described(served: Served) -> None:
    before = snapshot(served.photos), (served.folder / "library.sqlite").read_bytes()
    listed = ask(served, "/v1/photos?k=3&start=1&label=b").fields()
    assert listed["total"] == 20 and len(listed["photos"]) == 3
    photo = listed["photos"][0]
    found = ask(served, f"/v1/search?photo={photo['id']}&k=5").fields()
    words = ask(served, "/v1/search?words=dog&k=2")
    with Library.open(served.folder) as library:
        direct = library.search(Query((photo["id"],)), k=5)
        thumbnail = library.read_thumbnail(direct.hits[0].photo)
    assert [(hit["id"], hit["distance"]) for hit in found["hits"]] == [
        (hit.photo.id, round(hit.distance, 6)) for hit in direct.hits
    ]
    assert found["hits"][0]["path"] == photo["path"]
    assert ask(served, f"/v1/photos/{photo['id']}").fields() == photo
    shown = ask(served, f"/v1/photos/{photo['id']}/thumbnail")
    assert (shown.kind, shown.body) == ("image/jpeg", thumbnail)
    schemas = describe_api()
    for name, answer in (
        ("Library", ask(served, "/v1/library").fields()),
        ("Photos", listed),
        ("Photo", photo),
        ("Result", found),
        ("Result", words.fields()),
        ("Hit", found["hits"][1]),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": schemas["components"]}
        jsonschema.validate(answer, schema)
        assert set(answer) <= set(schemas["components"]["schemas"][name]["properties"]), name
    assert (snapshot(served.photos), (served.folder / "library.sqlite").read_bytes()) == before


def test_a_picture_that_is_sent_finds_itself_and_a_changed_one_its_like(served: Served) -> None:
    own = (served.photos / "a" / "0003.png").read_bytes()
    hits = ask(served, "/v1/search?k=2", "POST", own).fields()["hits"]
    assert (hits[0]["distance"], Path(hits[0]["path"]).name) == (0.0, "0003.png")
    with Image.open(BytesIO(own)) as picture:
        changed = encoded(picture.convert("RGB"), "BMP")
    hit = ask(served, "/v1/search?k=1", "POST", changed).fields()["hits"][0]
    assert Path(hit["path"]).name == "0003.png"


def test_the_description_is_open_and_names_every_address(served: Served) -> None:
    described = ask(served, "/openapi.json", Authorization=None).fields()
    assert described == describe_api()
    operations = {(method, path) for path, ways in described["paths"].items() for method in ways}
    assert operations == {
        ("get", "/v1/library"),
        ("get", "/v1/photos"),
        ("get", "/v1/photos/{id}"),
        ("get", "/v1/photos/{id}/thumbnail"),
        ("get", "/v1/search"),
        ("post", "/v1/search"),
    }


@pytest.mark.parametrize(
    "host", ["localhost:1", "127.0.0.1", "[::1]:80", "192.168.0.2", "My-Computer:99", "localhost."]
)
def test_own_names_are_answered(served: Served, host: str) -> None:
    assert ask(served, "/v1/library", Host=host).status == 200


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::1", "a@"]
)
def test_a_foreign_name_is_refused_before_the_token(served: Served, host: str) -> None:
    for target in ("/v1/library", "/openapi.json"):
        reply = ask(served, target, Host=host)
        assert (reply.status, list(reply.fields())) == (421, ["error"])


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer \xe9"]
)
def test_without_the_token_nothing_is_told(served: Served, header: str | None) -> None:
    for target in ("/v1/library", "/v1/photos/1/thumbnail", "/nothing", f"/v1/library?token={TOKEN}"):
        reply = ask(served, target, Authorization=header)
        assert reply.status == 401 and "Authorization: Bearer" in reply.fields()["error"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/../../etc/passwd", 404),
        ("/v1/photos/..%2f..%2fetc%2fpasswd", 404),
        ("/v1/photos/1/thumbnail/../../../x", 404),
        ("/v1/photos/-1", 404),
        ("/v1/photos/0", 404),
        ("/v1/photos/99999999999999999999999999", 404),
        ("/v1/photos/999/thumbnail", 404),
        ("/v1/search?photo=999", 404),
        ("/v1/search?photo=/etc/passwd", 400),
        ("/v1/search?photo=99999999999999999999", 400),
        ("/v1/search?photo=%D9%A1", 400),
        ("/v1/search", 400),
        ("/v1/search?photo=1&words=dog", 400),
        ("/v1/search?words=qwertz", 422),
        ("/v1/search?words=%00", 422),
        ("/v1/search?photo=1&k=0", 400),
        ("/v1/search?photo=1&k=501", 400),
        ("/v1/search?photo=1&photo=2", 400),
        ("/v1/search?photo=1&path=/etc/passwd", 400),
        ("/v1/photos?start=-1", 400),
        ("/v1/photos?k=" + "9" * 5000, 400),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(served: Served, target: str, status: int) -> None:
    reply = ask(served, target)
    assert (reply.status, reply.kind) == (status, "application/json")
    sentence = reply.fields()["error"]
    assert 10 < len(sentence) < 200 and "Traceback" not in sentence


def test_uploads_are_bounded_and_only_pictures(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_guard, "MAX_UPLOAD_BYTES", 1 << 20)
    assert ask(served, "/v1/search", "POST", b"", Content_Length="99999999999").status == 413
    chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    assert ask(served, "/v1/search", "POST", chunk * 2, Content_Length=None, Transfer_Encoding="chunked").status == 413
    assert ask(served, "/v1/search", "POST", b"").status == 400
    for content in (b"Dear diary", b"GIF89a", encoded(scene(), "PNG")[:200], b"<svg/>"):
        reply = ask(served, "/v1/search", "POST", content)
        assert reply.status == 422 and reply.fields()["error"].startswith("The picture ")
    assert ask(served, "/v1/photos", "POST", b"x").status == 405
    assert ask(served, "/v1/photos/1", "DELETE").status == 405
    assert ask(served, "/v1/library").status == 200


def test_a_picture_that_never_comes_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_guard, "UPLOAD_SECONDS", 0.1)
    assert ask(served, "/v1/search", "POST", b"half", Content_Length="900").status == 408


def test_the_command_says_where_and_ends_with_ctrl_c(prepared: Any) -> None:
    words = command("serve", "--port", "0", "--json")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start_patiently(words, env=environment(prepared.home), **pipes) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        host, _, port = said["address"].removeprefix("http://").partition(":")
        assert (said["result"], host, len(said["token"]) >= 43) == ("serve", "127.0.0.1", True)
        served = Served(int(port), prepared.home, prepared.photos)
        assert ask(served, "/v1/library", Authorization=f"Bearer {said['token']}").fields()["photos"] == 60
        assert ask(served, "/v1/library").status == 401
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "Stopped.\n")


def test_the_command_refuses_in_one_sentence(tell: Tell, prepared: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short")
    for words, sentence in (
        (["--library", tmp_path / "none"], "There is no library at"),
        (["--token-file", tmp_path / "token"], "one word of at least 16"),
        (["--token-file", tmp_path / "nowhere"], "cannot be read"),
        (["--host", "no such host"], "Nothing can be listened to"),
    ):
        said = tell(prepared.home, "serve", *words)
        assert (said.code, said.out) == (2, "") and sentence in said.err and said.err.count("\n") == 1


def test_without_the_extra_the_line_that_installs_it_is_said(
    tell: Tell, prepared: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("starlette", "mcp"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    said = tell(prepared.home, "serve")
    assert (said.code, said.err) == (2, said.err) and "pip install 'lookalike[serve]'" in said.err
    said = tell(prepared.home, "serve", "--mcp")
    assert said.code == 2 and "pip install 'lookalike[mcp]'" in said.err
