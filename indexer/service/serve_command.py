"""`lookalike serve`: a library for other programs, over HTTP on this computer or for an assistant."""

import importlib
import ipaddress
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.cli.options import FILE_PATH, json_option, library_option
from indexer.cli.terminal import WorkStopped, print_line, print_result
from indexer.errors import LookalikeError
from indexer.own_process import describe_missing_package
from indexer.paths import show_path
from indexer.places import find_library
from indexer.wording import tr

if TYPE_CHECKING:
    from starlette.applications import Starlette

DEFAULT_PORT = 8765
LEAST_TOKEN_CHARACTERS = 16
MOST_CONNECTIONS = 32


@click.command("serve")
@click.option("--mcp", "for_assistant", is_flag=True, help="For an assistant on standard input, instead of HTTP.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0: a free one.")
@click.option("--name", "names", multiple=True, help="Another name of this computer by which it may be asked.")
@click.option("--token-file", type=FILE_PATH, help="A file with the token to ask for, instead of a new one each time.")
@library_option
@json_option
def serve_command(
    *,
    for_assistant: bool,
    host: str,
    port: int,
    names: tuple[str, ...],
    token_file: Path | None,
    library: Path | None,
    as_json: bool,
) -> None:
    """Let other programs search the library until Ctrl-C; nothing in it can be changed by them.

    Only this computer is listened to unless --host says otherwise, and only with the token that is printed.
    """
    folder = library or find_library()
    if for_assistant:
        _require_package("mcp", "lookalike[mcp]")
        from indexer.service.assistant_service import run_assistant_service  # noqa: PLC0415  # an extra

        run_assistant_service(folder)
        return
    _require_package("starlette", "lookalike[serve]")
    _require_package("uvicorn", "lookalike[serve]")
    token = secrets.token_urlsafe(32) if token_file is None else _read_token(token_file)
    from indexer.service.http_service import build_service  # noqa: PLC0415  # needs an extra

    service = build_service(folder, token, names)
    with _listen_on(host, port) as listener:
        _announce_service(listener, token if token_file is None else None, as_json=as_json)
        _run_server(service, listener)


def _require_package(module: str, extra: str) -> None:
    """Raise LookalikeError with the line that installs what the service needs where it is not there."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise LookalikeError(describe_missing_package(error.name or module, f"'{extra}'")) from error


def _read_token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise LookalikeError(
            "The token cannot be read from {path} ({error}).", path=show_path(path), error=error
        ) from error
    if len(token) < LEAST_TOKEN_CHARACTERS or not (token.isascii() and token.isprintable()) or " " in token:
        raise LookalikeError(
            "The token in {path} must be one word of at least {least} plain characters.",
            path=show_path(path),
            least=LEAST_TOKEN_CHARACTERS,
        )
    return token


def _listen_on(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises LookalikeError where that is not possible."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server((str(address[0]), port), family=family)
    except (OSError, UnicodeError) as error:
        raise LookalikeError(
            "Nothing can be listened to at {host}, port {port} ({error}). Another port: --port 0",
            host=host,
            port=port,
            error=error,
        ) from error


def _announce_service(listener: socket.socket, token: str | None, *, as_json: bool) -> None:
    """Print where the service is, and the token where it is a new one."""
    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if as_json:
        print_result("serve", {"address": address, "token": token})
    else:
        print_line(
            tr(
                "The library is served at {address}; {address}/openapi.json says how it is asked. Ctrl-C ends it.",
                address=address,
            )
        )
        if token is not None:
            print_line(tr("Token: {token}", token=token))
    if not ipaddress.ip_address(host).is_loopback:
        print_line(
            tr(
                "Other computers can ask too: who has the token sees the photos' names and small pictures. The "
                "connection is not encrypted."
            ),
            error=True,
        )


def _run_server(service: "Starlette", listener: socket.socket) -> None:
    import uvicorn  # noqa: PLC0415  # an extra

    config = uvicorn.Config(
        service,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=5,
        ws="none",
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:  # not left to click, which would print a new line for it
        raise WorkStopped("Stopped.") from None


COMMANDS = [serve_command]
