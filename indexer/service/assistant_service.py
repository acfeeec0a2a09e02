"""A library for an assistant: a server of the Model Context Protocol on standard input and output.

The assistant can look for photos and look at small pictures of them; it can change nothing. No address is listened on.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from indexer import __version__
from indexer.database.filters import build_filter
from indexer.errors import LookalikeError
from indexer.service.library_reader import MOST_RESULTS, LibraryReader, ReaderThread, ResultPage

Answer = TypeVar("Answer")
Count = Annotated[int, Field(ge=1, le=MOST_RESULTS, description="How many photos at most.")]
Label = Annotated[str | None, Field(description="Only photos with this label.")]
PhotoId = Annotated[int, Field(description="The id of a photo, as other tools give it.")]
Words = Annotated[str, Field(description="Common words for what a photo shows, such as: dog, beach, car.")]

INSTRUCTIONS = (
    "A library of the user's photos on this computer. Find photos by words, by the path of a picture file, or by the "
    "id of a photo; look at one with show_photo. Distances go from 0 (the same picture) to 2. Nothing can be changed."
)
READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def run_assistant_service(folder: Path) -> None:
    """Answer an assistant until standard input ends."""
    thread = ReaderThread(folder)
    try:
        build_assistant_service(thread).run("stdio")
    finally:
        thread.close()


def build_assistant_service(thread: ReaderThread) -> MCPServer[Any]:
    """The server with its tools on an open library."""
    server = MCPServer[Any]("lookalike", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING")
    for tool in (*_list_searches(thread), *_list_descriptions(thread)):
        server.add_tool(tool, annotations=READ_ONLY)
    return server


def _list_searches(thread: ReaderThread) -> list[Callable[..., Awaitable[Any]]]:
    async def search_by_words(words: Words, count: Count = 10, label: Label = None) -> dict[str, Any]:
        """Find the photos that show something named by words."""
        return await _ask(thread, LibraryReader.search_by_words, words, "", _make_page(count, label))

    async def search_by_photo(photo_id: PhotoId, count: Count = 10, label: Label = None) -> dict[str, Any]:
        """Find the photos that look most like a photo of the library."""
        return await _ask(thread, LibraryReader.search_by_photo, photo_id, _make_page(count, label))

    async def search_by_file(path: str, count: Count = 10, label: Label = None) -> dict[str, Any]:
        """Find the photos that look most like a picture file on this computer, named by its absolute path."""
        return await _ask(thread, LibraryReader.search_by_file, Path(path), _make_page(count, label))

    return [search_by_words, search_by_photo, search_by_file]


def _list_descriptions(thread: ReaderThread) -> list[Callable[..., Awaitable[Any]]]:
    async def describe_library() -> dict[str, Any]:
        """Say how many photos the library has and which folders they lie in."""
        return await _ask(thread, LibraryReader.describe_library)

    async def describe_photo(photo_id: PhotoId) -> dict[str, Any]:
        """Say what is known of a photo: its path, label, size, and when, where and with what it was taken."""
        return await _ask(thread, LibraryReader.describe_photo, photo_id)

    async def show_photo(photo_id: PhotoId) -> Image:
        """Show a small picture of a photo."""
        return Image(data=await _ask(thread, LibraryReader.read_thumbnail, photo_id), format="jpeg")

    return [describe_library, describe_photo, show_photo]


def _make_page(count: int, label: str | None) -> ResultPage:
    return ResultPage(count, within=build_filter({"label": label}))


async def _ask(thread: ReaderThread, ask: Callable[..., Answer], *arguments: Any) -> Answer:
    """The library's answer. Raises ToolError with its sentence where there is none."""
    try:
        return await thread.answer(ask, *arguments)
    except LookalikeError as fault:
        raise ToolError(str(fault)) from fault
