"""`lookalike duplicates`: groups of photos that are there more than once, and decisions that two are no match."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from indexer.cli.options import DISTANCE_NUMBER, FILE_PATH, attached_option, json_option, library_option
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.commands.duplicate_removal import (
    REMOVAL_OPTIONS,
    RemovalRequest,
    SpokenOptions,
    run_with_groups,
    run_without_groups,
)
from indexer.database.annotations import NO_MATCH
from indexer.duplicates.duplicate_groups import DUPLICATE_KINDS, DuplicateGroup, find_duplicates
from indexer.duplicates.keep_rules import GroupFile
from indexer.duplicates.removal_plan import describe_groups
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.paths import make_uri, show_path
from indexer.places import find_library
from indexer.progress import Progress, Steps
from indexer.search.examples import find_photo_id
from indexer.wording import count_noun, format_number, tr


def add_removal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate the command with REMOVAL_OPTIONS; they arrive as the fields of a RemovalRequest."""
    for option in reversed(REMOVAL_OPTIONS):
        command = option(command)
    return command


@click.command("duplicates")
@library_option
@click.option("--kind", type=click.Choice(list(DUPLICATE_KINDS)), default="copies", show_default=True)
@click.option("--max-distance", type=DISTANCE_NUMBER, help="In place of the library's own cut-off.")
@click.option("--turned", is_flag=True, help="Near copies also where one is turned by 90 degrees or mirrored.")
@click.option("--not-a-match", "pair", nargs=2, type=FILE_PATH, help="Remember that these two photos are no match.")
@click.option("--matches-again", "again", nargs=2, type=FILE_PATH, help="Take that back of these two photos.")
@click.option("--no-matches", "listing", is_flag=True, help="List the pairs that are remembered as no match.")
@add_removal_options
@json_option
@attached_option
def duplicates_command(
    *,
    library: Path | None,
    kind: str,
    max_distance: float | None,
    turned: bool,
    pair: tuple[Path, Path] | None,
    again: tuple[Path, Path] | None,
    listing: bool,
    as_json: bool,
    attached: bool,
    **removal_fields: Any,
) -> int:
    """List photos that are there more than once: exact copies, near copies, look-alikes, blanks."""
    if sum(map(bool, (pair, again, listing))) > 1:
        raise click.UsageError(tr("Choose one of --not-a-match, --matches-again and --no-matches."))
    request, spoken = RemovalRequest(**removal_fields), SpokenOptions(as_json, attached)
    request.check()
    named = pair or again
    with Library.open(library or find_library(named[0] if named else None)) as opened:
        if named:
            _record_decision(opened, named, no_match=bool(pair), as_json=as_json)
            return 0
        if request.needs_no_groups:
            return run_without_groups(opened, request, spoken)
        steps = (
            _list_no_matches(opened)
            if listing
            else find_duplicates(opened, kind, turned=turned, max_distance=max_distance)
        )
        groups = follow_steps(steps, as_json=as_json, attached=attached)
        if request.keep:
            return run_with_groups(opened, groups, request, spoken)
        described_groups = _describe_groups(opened, groups)
    if as_json:
        kind = NO_MATCH if listing else kind
        print_result("duplicates", {"kind": kind, "groups": [{"photos": entries} for entries in described_groups]})
    else:
        _print_groups(described_groups)
    return 0


def _record_decision(library: Library, pair: tuple[Path, Path], *, no_match: bool, as_json: bool) -> None:
    """Record that two photos are no match, or take that back, and print it.

    Raises LookalikeError where they are one photo, or where there is nothing to take back.
    """
    first, second = sorted(_find_photo_id(library, path) for path in pair)
    if first == second:
        raise LookalikeError("These two are the same photo: their contents are equal.")
    if not no_match and (first, second) not in library.annotations.read_decisions():
        raise LookalikeError(
            "These two were not remembered as no match; lookalike duplicates --no-matches lists who is."
        )
    library.annotations.record_decision([(first, second)], NO_MATCH if no_match else None)
    if as_json:
        print_result("duplicates", {"kind": NO_MATCH if no_match else "match", "groups": []})
    else:
        forgotten = tr("Forgotten: these two may stand in one group again.")
        print_line(tr("Remembered: these two never stand in one group again.") if no_match else forgotten)


def _list_no_matches(library: Library) -> Steps[list[DuplicateGroup]]:
    """The pairs of shown photos that are recorded as no match, each as a group with its distance."""
    pairs = sorted(library.annotations.read_decisions())
    yield Progress("compare", 0, len(pairs))
    shown_ids = set(library.find_photo_ids().tolist())
    shown_pairs = [pair for pair in pairs if shown_ids.issuperset(pair)]
    vectors = {photo: library.embed_example(photo) for pair in shown_pairs for photo in pair}
    return [
        DuplicateGroup(NO_MATCH, pair, (0.0, float(np.linalg.norm(vectors[pair[0]] - vectors[pair[1]]))), ())
        for pair in shown_pairs
    ]


def _find_photo_id(library: Library, path: Path) -> int:
    photo = find_photo_id(path, library.store)
    if not photo:
        raise LookalikeError("{path} is no photo of this library. Index its folder first.", path=show_path(path))
    return photo


def _describe_groups(library: Library, groups: list[DuplicateGroup]) -> list[list[dict[str, Any]]]:
    """The fields of each file of each group, with the distance of its photo to the first and its figures."""
    return [
        [_describe_file(group, file) for file in files]
        for group, files in zip(groups, describe_groups(library, groups), strict=True)
    ]


def _describe_file(group: DuplicateGroup, file: GroupFile) -> dict[str, Any]:
    distance = 0.0 if group.kind == "copies" else dict(zip(group.photos, group.distances, strict=True))[file.photo]
    fields = {"photo": file.photo, "path": show_path(file.path), "distance": round(distance, 6)}
    if group.kind == "copies":
        fields["link_of"] = show_path(file.link_of) if file.link_of else None
    figures = {"bytes": file.byte_count, "width": file.width, "height": file.height, "mtime_ns": file.mtime_ns}
    return fields | figures | {"uri": make_uri(file.path)}


def _print_groups(groups: list[list[dict[str, Any]]]) -> None:
    for entries in groups:
        for entry in entries:
            link = "  " + tr("(a link to {place})", place=entry["link_of"]) if entry.get("link_of") else ""
            print_line(f"{format_number(entry['distance'], '.3f')}  {entry['path']}{link}")
        print_line("")
    print_line(
        tr(
            "{groups} with {pictures}",
            groups=count_noun(len(groups), "group"),
            pictures=count_noun(sum(map(len, groups)), "picture"),
        )
    )


COMMANDS = [duplicates_command]
