"""The commands that ask a library for what looks alike: search, and searches for those kept by name."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from indexer.cli.options import (
    DISTANCE_NUMBER,
    SHARE_NUMBER,
    FiniteNumber,
    json_option,
    library_option,
    overwrite_option,
    require_output,
)
from indexer.cli.terminal import emit, say
from indexer.library import Hit, Library, SearchResult
from indexer.paths import show_path
from indexer.places import find
from indexer.ranking import rankings as ways
from indexer.ranking import saved_searches as saved
from indexer.ranking.filter_options import FILTERING, filter_of
from indexer.ranking.rankings import COPIES, NEAREST, REFINED, Search
from indexer.reports.contact_sheet import write_sheet
from indexer.search.query import Box, Cropped, Example, Query
from indexer.wording import count_noun

FILE = click.Path(path_type=Path)
WEIGHT = FiniteNumber(max=1_000_000)  # that it is above 0, the query says itself

ASKING = [
    click.argument("images", nargs=-1, type=FILE),
    click.option("--not", "unlike", multiple=True, type=FILE, help="A picture the results should not be like."),
    click.option("--weight", "weights", multiple=True, type=WEIGHT, help="One for each IMAGE, in the same order."),
    click.option("--crop", metavar="X,Y,W,H", help="Only this part of the first IMAGE, in its pixels when upright."),
    *FILTERING,
    click.option("--max-distance", type=DISTANCE_NUMBER, help="Only hits at most this far away."),
    click.option(
        "--max-fmr", type=SHARE_NUMBER, help="Only hits so near that at most this share of strangers would be."
    ),
]


def asking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what to ask; they arrive as the fields of `asked`."""
    for option in reversed(ASKING):
        command = option(command)
    return command


@click.command("search")
@asking_options
@click.option("--saved", "name", help="Ask again what was saved under this name.")
@click.option("--save", "keep", help="Keep what is asked under this name.")
@library_option
@click.option("-k", "count", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Results.")
@click.option("--exact", is_flag=True, help="Compare with every photo instead of the index's candidates.")
@click.option("--near-copies", is_flag=True, help="First what the IMAGE is a changed copy of: cut, turned, framed ...")
@click.option("--refine", "refining", is_flag=True, help="Rank the nearest by a second look: slower, mostly better.")
@click.option("--sheet", type=FILE, help="Also write a contact sheet: .png, .jpg, .webp or .html.")
@overwrite_option
@json_option
def search_command(
    *,
    name: str | None,
    keep: str | None,
    library: Path | None,
    count: int,
    exact: bool,
    near_copies: bool,
    refining: bool,
    sheet: Path | None,
    overwrite: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Rank the library's photos by how much they look like the IMAGEs."""
    if (name is None) != bool(asked["images"]):
        raise click.UsageError("Name pictures to look like, or a search with --saved.")
    way = _way(near_copies=near_copies, refining=refining)
    if name is not None and (way or any(value not in (None, ()) for value in asked.values())):
        raise click.UsageError("A saved search brings what it asks along: leave the other options out.")
    with Library.open(library or find(asked["images"][0] if asked["images"] else None)) as opened:
        search = saved.load(opened, name) if name is not None else _search(opened, way=way or NEAREST, **asked)
        queries = _files(search.query.positives)
        if sheet is not None:
            pictures = (*queries, *_files(search.query.negatives))
            require_output(sheet, library=opened.folder, pictures=pictures, overwrite=overwrite)
        result = ways.ranked(opened, search, count, exact=exact)
        if keep is not None:
            saved.save(opened, keep, search)
        if sheet is not None:
            write_sheet(sheet, list(queries), result.hits)
    if as_json:
        emit("search", _search_fields(result))
    else:
        _say_hits(result, sheet)


def _way(*, near_copies: bool, refining: bool) -> str | None:
    """The way that was asked for; None where none was."""
    if refining and near_copies:
        raise click.UsageError("--refine and --near-copies are two ways to rank: choose one.")
    return COPIES if near_copies else REFINED if refining else None


def _search(
    library: Library,
    *,
    way: str,
    images: tuple[Path, ...],
    unlike: tuple[Path, ...],
    weights: tuple[float, ...],
    crop: str | None,
    max_distance: float | None,
    max_fmr: float | None,
    **filtered: Any,
) -> Search:
    """What the options ask; `filtered` are the fields of a Filter."""
    first: Example = images[0] if crop is None else Cropped(images[0], _box(crop))
    bounds = [] if max_distance is None else [max_distance]
    bounds += [] if max_fmr is None else [library.max_distance_at(max_fmr)]
    return Search(Query((first, *images[1:]), unlike, weights), filter_of(filtered), min(bounds, default=None), way)


def _box(crop: str) -> Box:
    """The four numbers of --crop, in pixels."""
    try:
        left, top, width, height = map(float, crop.split(","))
    except ValueError:
        raise click.UsageError(f"--crop takes X,Y,W,H in pixels, not {crop!r}.") from None
    if not all(map(math.isfinite, (left, top, width, height))) or width < 2 or height < 2:
        raise click.UsageError("--crop needs a width and a height of at least two pixels.")
    return left, top, width, height


def _files(examples: Sequence[Example]) -> tuple[Path, ...]:
    """Those of the examples that are files."""
    whole = (one.example if isinstance(one, Cropped) else one for one in examples)
    return tuple(one for one in whole if isinstance(one, Path))


def _search_fields(result: SearchResult) -> dict[str, Any]:
    return {
        "engine": result.engine,
        "recall_at_10": result.recall_at_10,
        "seconds": round(result.seconds, 6),
        "notice": result.notice,
        "hits": [_hit_fields(hit) for hit in result.hits],
    }


def _hit_fields(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "path": show_path(hit.photo.path),
        "copies": hit.photo.copies,
        "distance": round(hit.distance, 6),
        "probability": hit.probability,
        "rarity": hit.rarity,
        "label": hit.photo.label,
    }


def _say_hits(result: SearchResult, sheet: Path | None) -> None:
    if result.notice:
        say(result.notice, error=True)
    for hit in result.hits:
        label = f"  {hit.photo.label}" if hit.photo.label else ""
        copies = f"  (+{count_noun(hit.photo.copies, 'copy', 'copies')})" if hit.photo.copies else ""
        say(f"{hit.rank:>4}  {hit.distance:.3f}{label:<18}  {show_path(hit.photo.path)}{copies}")
    if not result.hits:
        say("There is no photo, or none near enough passes the filter.")
    how = (
        "compared with every photo"
        if result.engine == "exact"
        else f"finds {result.recall_at_10:.1%} of the true ten nearest"
    )
    say(f"{count_noun(len(result.hits), 'result')} in {result.seconds * 1000:.0f} ms, {how}")
    if sheet is not None:
        say(f"Contact sheet: {show_path(sheet)}")


@click.command("searches")
@click.option("--forget", "name", help="Forget the search saved under this name.")
@library_option
@json_option
def searches_command(name: str | None, library: Path | None, as_json: bool) -> None:
    """List the saved searches; ask one again with search --saved NAME."""
    with Library.open(library or find()) as opened:
        if name is not None:
            saved.forget(opened, name)
        kept = saved.names(opened)
    if as_json:
        emit("searches", {"searches": kept})
        return
    for one in kept:
        say(one)
    say(count_noun(len(kept), "saved search", "saved searches"))


COMMANDS = [search_command, searches_command]
