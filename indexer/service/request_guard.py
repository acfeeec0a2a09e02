"""Who may ask the web service, and how much may be sent to it.

A page in a browser can send requests to this computer. It does not have the token; and a name that it makes point here
afterwards (DNS rebinding) is none that the service answers to: those are addresses in numbers, localhost, and the names
the user gave.
"""

import asyncio
import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from indexer.errors import LookalikeError

MAX_UPLOAD_BYTES = 64 << 20
UPLOAD_SECONDS = 60.0
PUBLIC_PATHS = ("/openapi.json",)
OWN_NAMES = ("localhost",)
SAFE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
}


class RequestRefused(LookalikeError):
    """A request that is not answered: the sentence and the HTTP status that says so."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class RequestGuard(BaseHTTPMiddleware):
    """Lets through what names this computer and has the token; every answer is not to be stored and not to be run."""

    def __init__(self, app: ASGIApp, token: str, names: Collection[str]) -> None:
        super().__init__(app)
        self._token = token
        self._names = {*OWN_NAMES, *(name.lower() for name in names)}

    async def dispatch(self, request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        """The answer to a request, or why there is none."""
        try:
            self._require_own_name(request.headers.get("host", ""))
            if request.url.path not in PUBLIC_PATHS:
                self._require_token(request.headers.get("authorization", ""))
        except RequestRefused as refusal:
            response: Response = build_refusal(refusal)
        else:
            response = await call_next(request)
        response.headers.update(SAFE_HEADERS)
        return response

    def _require_own_name(self, host: str) -> None:
        """Raise RequestRefused unless the Host header has an address in numbers or one of the names."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
            if name not in self._names:
                ipaddress.ip_address(name)
        except ValueError:
            raise RequestRefused(421, "This service is not asked by that name; --name allows one.") from None

    def _require_token(self, authorization: str) -> None:
        """Raise RequestRefused unless the header is `Bearer TOKEN`."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not secrets.compare_digest(token.strip().encode(), self._token.encode()):
            raise RequestRefused(401, "Send the token that lookalike serve has printed: Authorization: Bearer TOKEN")


def build_refusal(refusal: RequestRefused) -> JSONResponse:
    """The answer that says why there is none."""
    headers = {"www-authenticate": "Bearer"} if refusal.status == 401 else {}
    if refusal.status in (408, 413):  # what is still coming is not read
        headers["connection"] = "close"
    return JSONResponse({"error": str(refusal)}, refusal.status, headers)


async def read_upload(request: Request) -> bytes:
    """The body of a request. Raises RequestRefused where there is none, too much, or too slowly sent."""
    too_large = RequestRefused(413, f"A picture of at most {MAX_UPLOAD_BYTES >> 20} MiB can be sent.")
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > MAX_UPLOAD_BYTES:
        raise too_large
    data = bytearray()
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            async for part in request.stream():
                data += part
                if len(data) > MAX_UPLOAD_BYTES:
                    raise too_large
    except TimeoutError:
        raise RequestRefused(408, f"The picture was not there after {UPLOAD_SECONDS:.0f} seconds.") from None
    if not data:
        raise RequestRefused(400, "Send the content of a picture file as the body of the request.")
    return bytes(data)
