"""The web service: which request gets which answer of the library, always in JSON but for thumbnails."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from indexer.database.filters import build_filter
from indexer.database.interface import MAX_INTEGER
from indexer.errors import LookalikeError
from indexer.service.api_description import FILTER_PARAMETERS, describe_api
from indexer.service.library_reader import MOST_RESULTS, LibraryReader, PhotoUnknown, ReaderThread, ResultPage
from indexer.service.request_guard import RequestGuard, RequestRefused, build_refusal, read_upload

Endpoint = Callable[[Request], Awaitable[Response]]
PAGE_PARAMETERS = ("k", *FILTER_PARAMETERS)


def build_service(folder: Path, token: str, names: Collection[str] = ()) -> Starlette:
    """The web application on a library: it is opened now, and closed when the server ends."""
    thread = ReaderThread(folder)

    @asynccontextmanager
    async def close_at_end(_: Starlette) -> AsyncIterator[None]:
        yield
        thread.close()

    return Starlette(
        routes=_list_routes(thread),
        middleware=[Middleware(RequestGuard, token=token, names=names)],
        exception_handlers={
            LookalikeError: _explain_fault,
            HTTPException: _explain_unknown,
            Exception: _hide_fault,
        },
        lifespan=close_at_end,
    )


def _list_routes(thread: ReaderThread) -> list[Route]:
    async def send_description(_: Request) -> Response:
        return JSONResponse(describe_api())

    async def send_library(_: Request) -> Response:
        return JSONResponse(await thread.answer(LibraryReader.describe_library))

    async def send_photos(request: Request) -> Response:
        page = _parse_page(request.query_params, ("start",))
        return JSONResponse(await thread.answer(LibraryReader.list_photos, page))

    async def send_photo(request: Request) -> Response:
        return JSONResponse(await thread.answer(LibraryReader.describe_photo, request.path_params["id"]))

    async def send_thumbnail(request: Request) -> Response:
        jpeg = await thread.answer(LibraryReader.read_thumbnail, request.path_params["id"])
        return Response(jpeg, media_type="image/jpeg")

    async def search_upload(request: Request) -> Response:
        page = _parse_page(request.query_params, ())
        data = await read_upload(request)
        return JSONResponse(await thread.answer(LibraryReader.search_by_content, data, page))

    return [
        Route("/openapi.json", send_description),
        Route("/v1/library", send_library),
        Route("/v1/photos", send_photos),
        Route("/v1/photos/{id:int}", send_photo),
        Route("/v1/photos/{id:int}/thumbnail", send_thumbnail),
        Route("/v1/search", _make_search(thread)),
        Route("/v1/search", search_upload, methods=["POST"]),
    ]


def _make_search(thread: ReaderThread) -> Endpoint:
    async def search_known(request: Request) -> Response:
        query = request.query_params
        page = _parse_page(query, ("photo", "words", "not_words"))
        if ("photo" in query) == ("words" in query or "not_words" in query):
            raise RequestRefused(400, "Ask for what looks like a photo=ID, or for what shows words=TEXT.")
        if "photo" in query:
            photo_id = _parse_number(query, "photo", 0, 1, MAX_INTEGER)
            return JSONResponse(await thread.answer(LibraryReader.search_by_photo, photo_id, page))
        texts = (query.get("words", ""), query.get("not_words", ""))
        return JSONResponse(await thread.answer(LibraryReader.search_by_words, *texts, page))

    return search_known


def _parse_page(query: QueryParams, others: Collection[str]) -> ResultPage:
    """The page that the parameters ask for. Raises RequestRefused for one that is unknown, twice there or no number."""
    known = (*PAGE_PARAMETERS, *others)
    for name in query:
        if name not in known:
            raise RequestRefused(400, f"There is no parameter {name!r} here, only {', '.join(known)}.")
        if len(query.getlist(name)) > 1:
            raise RequestRefused(400, f"The parameter {name} is there more than once.")
    within = build_filter({name: query.get(name) for name in FILTER_PARAMETERS})
    count = _parse_number(query, "k", ResultPage().limit, 1, MOST_RESULTS)
    return ResultPage(count, _parse_number(query, "start", 0, 0, MAX_INTEGER), within)


def _parse_number(query: QueryParams, name: str, default: int, least: int, most: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most):
        raise RequestRefused(400, f"{name} is a whole number from {least} to {most:,}, not {text[:40]!r}.")
    return int(text)


async def _explain_fault(_: Request, fault: Exception) -> Response:
    if isinstance(fault, RequestRefused):
        return build_refusal(fault)
    return JSONResponse({"error": str(fault)}, 404 if isinstance(fault, PhotoUnknown) else 422)


async def _explain_unknown(_: Request, fault: Exception) -> Response:
    status = fault.status_code if isinstance(fault, HTTPException) else 500
    headers: Any = getattr(fault, "headers", None)
    sentence = "There is nothing at this address." if status == 404 else "This address is not asked in this way."
    return JSONResponse({"error": f"{sentence} /openapi.json has all that are."}, status, headers)


async def _hide_fault(_: Request, fault: Exception) -> Response:
    return JSONResponse({"error": "This could not be answered; the terminal of the service says why."}, 500)
