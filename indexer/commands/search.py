"""`lookalike search` ranks a library's photos by pictures; `lookalike searches` lists the searches saved by name."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from indexer.cli.filter_options import FILTER_OPTIONS
from indexer.cli.options import (
    DISTANCE_NUMBER,
    FILE_PATH,
    SHARE_NUMBER,
    FiniteNumber,
    json_option,
    library_option,
    overwrite_option,
    require_output,
)
from indexer.cli.terminal import print_hits, print_line, print_result, print_search_time
from indexer.commands.word_search import answer_word_search, build_word_search
from indexer.database.filters import build_filter
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import find_library
from indexer.ranking.label_ranking import describe_labels
from indexer.ranking.point_ranking import describe_points
from indexer.ranking.rankings import run_search
from indexer.ranking.saved_searches import forget_search, list_saved_searches, load_search, save_search
from indexer.ranking.search_request import (
    RANK_COPIES,
    RANK_LABELS,
    RANK_NEAREST,
    RANK_POINTS,
    RANK_REFINED,
    SearchRequest,
)
from indexer.reports.contact_sheet import write_sheet
from indexer.reports.result_fields import list_search_fields
from indexer.search.query import CropBox, CroppedExample, Query, QueryExample
from indexer.search.results import SearchResult
from indexer.statistics.likeness import find_likeness_word
from indexer.wording import count_noun, format_number, tr

RANKING_FLAGS = {
    "near_copies": RANK_COPIES,
    "refining": RANK_REFINED,
    "by_points": RANK_POINTS,
    "by_labels": RANK_LABELS,
}
WEIGHT_NUMBER = FiniteNumber(max=1_000_000)  # Query refuses what is not above 0

QUERY_OPTIONS = [
    click.argument("images", nargs=-1, type=FILE_PATH),
    click.option("--not", "unlike", multiple=True, type=FILE_PATH, help="A picture the results should not be like."),
    click.option(
        "--weight", "weights", multiple=True, type=WEIGHT_NUMBER, help="One for each IMAGE, in the same order."
    ),
    click.option("--crop", metavar="X,Y,W,H", help="Only this part of the first IMAGE, in its pixels when upright."),
    *FILTER_OPTIONS,
    click.option("--max-distance", type=DISTANCE_NUMBER, help="Only hits at most this far away."),
    click.option(
        "--max-fmr", type=SHARE_NUMBER, help="Only hits so near that at most this share of strangers would be."
    ),
]


def add_query_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command with QUERY_OPTIONS; they arrive as arguments named like the parameters of `_build_search`."""
    for option in reversed(QUERY_OPTIONS):
        command = option(command)
    return command


@click.command("search")
@add_query_options
@click.option("--saved", "name", help="Ask again what was saved under this name.")
@click.option("--save", "keep", help="Keep what is asked under this name.")
@library_option
@click.option("-k", "count", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Results.")
@click.option("--exact", is_flag=True, help="Compare with every photo instead of the index's candidates.")
@click.option("--near-copies", is_flag=True, help="First what the IMAGE is a changed copy of: cut, turned, framed ...")
@click.option("--refine", "refining", is_flag=True, help="Rank the nearest by a second look: slower, mostly better.")
@click.option(
    "--points", "by_points", is_flag=True, help="First what shares points with the IMAGE: the very same thing."
)
@click.option("--by-labels", is_flag=True, help="Rank by what the library's labels teach; nothing is installed.")
@click.option("--words", default="", metavar="TEXT", help="What the photo shows, in words; alone or with IMAGEs.")
@click.option("--not-words", default="", metavar="TEXT", help="What the photo should not show.")
@click.option("--sheet", type=FILE_PATH, help="Also write a contact sheet: .png, .jpg, .webp or .html.")
@overwrite_option
@json_option
def search_command(
    *,
    name: str | None,
    keep: str | None,
    library: Path | None,
    count: int,
    exact: bool,
    sheet: Path | None,
    overwrite: bool,
    as_json: bool,
    **query_fields: Any,
) -> None:
    """Rank the library's photos by how much they look like the IMAGEs, or by what they show in words."""
    folder = library or find_library(query_fields["images"][0] if query_fields["images"] else None)
    words, ranking = (query_fields.pop("words"), query_fields.pop("not_words")), _take_ranking(query_fields)
    if any(words):
        _refuse_beside_words(name, sheet, exact, ranking)
    else:
        _require_question(name, ranking, query_fields)
    with Library.open(folder) as opened:
        if name is not None:
            search = load_search(opened, name)
        elif any(words):
            search = build_word_search(words, query_fields)
        else:
            search = _build_search(opened, ranking=ranking or RANK_NEAREST, **query_fields)
        if search.words:
            _refuse_beside_words(sheet, exact)
            answer_word_search(opened, search, count, as_json=as_json)
            _keep_search(opened, keep, search)
            return
        queries = _select_files(search.query.positives)
        if sheet is not None:
            pictures = (*queries, *_select_files(search.query.negatives))
            require_output(sheet, library=opened.folder, pictures=pictures, overwrite=overwrite)
        result = run_search(opened, search, count, exact=exact)
        _keep_search(opened, keep, search)
        if sheet is not None:
            write_sheet(sheet, list(queries), result.hits)
    if as_json:
        print_result("search", list_search_fields(result, search.ranking))
    else:
        _print_hits(result, sheet)


def _keep_search(library: Library, name: str | None, search: SearchRequest) -> None:
    if name is not None:
        save_search(library, name, search)


def _take_ranking(options: dict[str, Any]) -> str | None:
    """The one ranking that is wanted, None where none is; its flags are taken out of the options."""
    chosen = [ranking for flag, ranking in RANKING_FLAGS.items() if options.pop(flag)]
    if len(chosen) > 1:
        raise click.UsageError(tr("--refine, --near-copies, --points and --by-labels are ways to rank: choose one."))
    return chosen[0] if chosen else None


def _require_question(name: str | None, ranking: str | None, query_fields: Mapping[str, Any]) -> None:
    """UsageError unless pictures or the name of a saved search are given, with options that go together."""
    if (name is None) != bool(query_fields["images"]):
        raise click.UsageError(tr("Name pictures to look like, --words, or a search with --saved."))
    if ranking == RANK_LABELS and query_fields["max_fmr"] is not None:
        raise click.UsageError(
            tr("--max-fmr is about distances without labels: bound those of --by-labels by distance.")
        )
    if name is not None and (ranking or any(value not in (None, ()) for value in query_fields.values())):
        raise click.UsageError(tr("A saved search brings what it asks along: leave the other options out."))


def _refuse_beside_words(*options: object) -> None:
    """UsageError where one of the options is given."""
    if any(options):
        raise click.UsageError(tr("Words go with pictures and filters, and with no other option of a search."))


def _build_search(
    library: Library,
    *,
    ranking: str,
    images: tuple[Path, ...],
    unlike: tuple[Path, ...],
    weights: tuple[float, ...],
    crop: str | None,
    max_distance: float | None,
    max_fmr: float | None,
    **filter_fields: Any,
) -> SearchRequest:
    """The search that the options ask for; `filter_fields` are the fields of a Filter.

    Of two bounds of the distance, the smaller holds.
    """
    first: QueryExample = images[0] if crop is None else CroppedExample(images[0], _parse_box(crop))
    bounds = [] if max_distance is None else [max_distance]
    bounds += [] if max_fmr is None else [library.find_max_distance(max_fmr)]
    return SearchRequest(
        Query((first, *images[1:]), unlike, weights), build_filter(filter_fields), min(bounds, default=None), ranking
    )


def _parse_box(crop: str) -> CropBox:
    """The box of --crop in pixels: left, top, width, height. Raises UsageError where it is none."""
    try:
        left, top, width, height = map(float, crop.split(","))
    except ValueError:
        raise click.UsageError(tr("--crop takes X,Y,W,H in pixels, not {crop!r}.", crop=crop)) from None
    if not all(map(math.isfinite, (left, top, width, height))) or width < 2 or height < 2:
        raise click.UsageError(tr("--crop needs a width and a height of at least two pixels."))
    return left, top, width, height


def _select_files(examples: Sequence[QueryExample]) -> tuple[Path, ...]:
    """The files among the examples, those of cropped ones included."""
    uncropped = (example.example if isinstance(example, CroppedExample) else example for example in examples)
    return tuple(example for example in uncropped if isinstance(example, Path))


def _print_hits(result: SearchResult, sheet: Path | None) -> None:
    likenesses = [tr(find_likeness_word(hit) or "") for hit in result.hits]
    width = max(map(len, likenesses), default=0)
    lines = []
    for hit, likeness in zip(result.hits, likenesses, strict=True):
        label = f"  {hit.photo.label}" if hit.photo.label else ""
        figures = f"{format_number(hit.distance, '.3f')}  {likeness:<{width}}"
        copies = f"  (+{count_noun(hit.photo.copies, 'copy', 'copies')})" if hit.photo.copies else ""
        points = f"  ({said})" if (said := describe_points(hit)) else ""
        lines.append(f"{hit.rank:>4}  {figures}{label:<18}  {show_path(hit.photo.path)}{copies}{points}")
    print_hits(lines, notice=result.notice, otherwise=tr("There is no photo, or none near enough passes the filter."))
    comparison_note = (
        tr("compared with every photo")
        if result.engine == "exact"
        else tr("finds {recall:.1%} of the true ten nearest", recall=result.recall_at_10)
    )
    if result.taught_by is not None:
        print_line(tr("Ranked by {labels}; nothing is installed.", labels=describe_labels(result.taught_by)))
    print_search_time(len(result.hits), result.seconds, comparison_note)
    if sheet is not None:
        print_line(tr("Contact sheet: {sheet}", sheet=show_path(sheet)))


@click.command("searches")
@click.option("--forget", "name", help="Forget the search saved under this name.")
@library_option
@json_option
def searches_command(name: str | None, library: Path | None, as_json: bool) -> None:
    """List the saved searches; ask one again with search --saved NAME."""
    with Library.open(library or find_library()) as opened:
        if name is not None:
            forget_search(opened, name)
        saved_names = list_saved_searches(opened)
    if as_json:
        print_result("searches", {"searches": saved_names})
        return
    for saved_name in saved_names:
        print_line(saved_name)
    print_line(count_noun(len(saved_names), "saved search", "saved searches"))


COMMANDS = [search_command, searches_command]
