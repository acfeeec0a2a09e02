"""`lookalike serve --mcp` speaks the Model Context Protocol, line by line, and listens nowhere."""

import base64
import json
import subprocess
from pathlib import Path
from typing import IO, Any

import pytest

from indexer.library import Library
from tests.support.commands import command, environment, start_patiently


class Conversation:
    """Requests of JSON-RPC, one a line, and their answers."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None and process.stdout is not None
        self._requests: IO[str] = process.stdin
        self._answers: IO[str] = process.stdout
        self._last = 0

    def ask(self, method: str, **parameters: Any) -> Any:
        self._last += 1
        self._send({"id": self._last, "method": method, "params": parameters})
        answer = json.loads(self._answers.readline())
        assert answer["id"] == self._last
        return answer["result"]

    def tell(self, method: str) -> None:
        self._send({"method": method})

    def call(self, tool: str, **arguments: Any) -> Any:
        return self.ask("tools/call", name=tool, arguments=arguments)

    def _send(self, fields: dict[str, Any]) -> None:
        self._requests.write(json.dumps({"jsonrpc": "2.0", **fields}) + "\n")
        self._requests.flush()


def count_network_sockets(pid: int) -> int:
    """How many sockets of IPv4 and IPv6 a process has."""
    numbers = {
        line.split()[9] for name in ("tcp", "tcp6", "udp", "udp6") for line in _read_lines(f"/proc/{pid}/net/{name}")
    }
    links = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]
    return sum(link.removeprefix("socket:[").rstrip("]") in numbers for link in links if link.startswith("socket:"))


def _read_lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="ascii").splitlines()[1:]


@pytest.mark.long
def test_an_assistant_finds_photos_and_sees_them(prepared: Any) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    words = command("serve", "--mcp")
    with start_patiently(words, env=environment(prepared.home), **pipes) as process:
        assistant = Conversation(process)
        told = assistant.ask(
            "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "test", "version": "1"}
        )
        assert (told["serverInfo"]["name"], "tools" in told["capabilities"]) == ("lookalike", True)
        assistant.tell("notifications/initialized")
        tools = {tool["name"]: tool for tool in assistant.ask("tools/list")["tools"]}
        assert set(tools) == {
            *(
                "search_by_words",
                "search_by_photo",
                "search_by_file",
                "describe_library",
                "describe_photo",
                "show_photo",
            )
        }
        assert all(tool["annotations"]["readOnlyHint"] and tool["description"] for tool in tools.values())
        assert assistant.call("describe_library")["structuredContent"]["photos"] == 60
        path = prepared.photos / "a" / "0003.png"
        found = assistant.call("search_by_file", path=str(path), count=2)["structuredContent"]["hits"]
        assert (found[0]["path"], found[0]["distance"], len(found)) == (str(path), 0.0, 2)
        near = assistant.call("search_by_photo", photo_id=found[0]["id"], count=2, label="b")["structuredContent"]
        assert [hit["label"] for hit in near["hits"]] == ["b", "b"]
        (picture,) = assistant.call("show_photo", photo_id=found[0]["id"])["content"]
        with Library.open(prepared.home / "default.library") as library:
            thumbnail = library.read_thumbnail(*library.load_photos([found[0]["id"]]))
        assert (picture["type"], base64.b64decode(picture["data"])) == ("image", thumbnail)
        for tool, arguments, sentence in (
            ("search_by_words", {"words": "qwertz"}, "qwertz"),
            ("search_by_file", {"path": "/etc/passwd"}, "/etc/passwd is not a picture"),
            ("search_by_file", {"path": "nowhere\0.png"}, "nowhere"),
            ("show_photo", {"photo_id": 10**30}, "no longer in the library"),
            ("search_by_photo", {"photo_id": 1, "count": 501}, "500"),
        ):
            refused = assistant.call(tool, **arguments)
            assert refused["isError"] and sentence in refused["content"][0]["text"], refused
        assert count_network_sockets(process.pid) == 0
        _, err = process.communicate()  # standard input ends, and with it the service
    assert (process.returncode, err) == (0, "")
