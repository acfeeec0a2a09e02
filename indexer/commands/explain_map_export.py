"""The commands that look at a library or take something out of it: explain, map, export."""

from pathlib import Path
from typing import Any

import click
import numpy as np

from indexer.cli.options import attached_option, json_option, library_option, overwrite_option, require_output
from indexer.cli.terminal import emit, follow, say
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import find
from indexer.ranking.filter_options import filter_of, filter_options
from indexer.ranking.rankings import Search, ranked
from indexer.reports.contact_sheet import write_picture
from indexer.reports.export import export_hits, export_library, export_map, export_vectors, ids_path, require_form
from indexer.reports.heat_maps import explain, side_by_side
from indexer.reports.photo_map import METHODS, layout
from indexer.search.query import Query
from indexer.vectors import distances as engines
from indexer.wording import count_noun

FILE = click.Path(path_type=Path)


@click.command("explain")
@click.argument("first", type=FILE)
@click.argument("second", type=FILE)
@library_option
@click.option("--out", type=FILE, help="Write both pictures with their heat maps: .png, .jpg or .webp.")
@overwrite_option
@json_option
def explain_command(
    *, first: Path, second: Path, library: Path | None, out: Path | None, overwrite: bool, as_json: bool
) -> None:
    """Show which parts of two pictures match in the eyes of the model."""
    with Library.open(library or find(first)) as opened:
        if out is not None:
            require_output(out, library=opened.folder, pictures=(first, second), overwrite=overwrite)
        found = explain(opened, first, second)
        vectors = [opened.vector(picture) for picture in (first, second)]
    distance = float(engines.exact_distances(vectors[0][None], vectors[1])[0])
    if out is not None:
        write_picture(out, side_by_side(found))
    heats = {"first_heat": found.first_heat.tolist(), "second_heat": found.second_heat.tolist()}
    if as_json:
        emit("explain", {"distance": round(distance, 6), **heats, "out": None if out is None else show_path(out)})
        return
    say(f"Distance {distance:.3f}")
    for picture, heat in ((first, found.first_heat), (second, found.second_heat)):
        say(f"{show_path(picture)} matches most {_hottest(heat)}")
    say("Add --out PICTURE.png to see both with their heat maps." if out is None else f"Heat maps: {show_path(out)}")


def _hottest(heat: np.ndarray) -> str:
    """Where the hottest place of a heat map lies, in words."""
    if not heat.any():
        return "nowhere in particular"
    y, x = np.unravel_index(int(heat.argmax()), heat.shape)
    across, down = (x + 0.5) / heat.shape[1], (y + 0.5) / heat.shape[0]
    return f"{across:.0%} from the left and {down:.0%} from the top of its middle square"


@click.command("map")
@library_option
@click.option("--method", type=click.Choice(list(METHODS)), default="tsne", show_default=True)
@click.option("--out", type=FILE, help="Write the map: .csv, .json, or a picture of thumbnails as .png or .jpg.")
@overwrite_option
@json_option
@attached_option
def map_command(
    *, library: Path | None, method: str, out: Path | None, overwrite: bool, as_json: bool, attached: bool
) -> None:
    """Lay out the library's photos on a plane so that those that look alike lie together, and keep the map."""
    with Library.open(library or find()) as opened:
        if out is not None:
            require_form(out, "map")
            require_output(out, library=opened.folder, overwrite=overwrite)
        made = follow(layout(opened, method), as_json=as_json, attached=attached)
        if out is not None:
            export_map(out, opened, made)
    if as_json:
        emit("map", {"method": method, "photos": len(made.ids), "out": None if out is None else show_path(out)})
        return
    say(f"{count_noun(len(made.ids), 'photo is', 'photos are')} on the map.")
    if out is not None:
        say(f"Map: {show_path(out)}")


@click.command("export")
@click.argument("out", type=FILE)
@click.option("--what", type=click.Choice(["library", "hits", "vectors"]), default="library", show_default=True)
@click.option("--like", "images", multiple=True, type=FILE, help="With hits: a picture they should look like.")
@click.option("-k", "count", type=click.IntRange(1, 10_000), default=50, show_default=True, help="With hits: how many.")
@filter_options
@library_option
@overwrite_option
@json_option
def export_command(
    *,
    out: Path,
    what: str,
    images: tuple[Path, ...],
    count: int,
    library: Path | None,
    overwrite: bool,
    as_json: bool,
    **filtered: Any,
) -> None:
    """Write the library's photos, the hits of a search, or the embeddings into the file OUT.

    Photos and hits become .csv, .json, or a contact sheet as .html, .png, .jpg or .webp; embeddings become .npy, with
    the photos' ids in a second file beside it.
    """
    if bool(images) != (what == "hits"):
        raise click.UsageError("Name pictures with --like for --what hits, and only for that.")
    require_form(out, what)
    with Library.open(library or find(images[0] if images else None)) as opened:
        for place in [out, ids_path(out)] if what == "vectors" else [out]:
            require_output(place, library=opened.folder, pictures=images, overwrite=overwrite)
        search = Search(Query(images), filter_of(filtered))
        written = _export(opened, out, what, search, count, as_json=as_json)
    if as_json:
        emit("export", {"what": what, "photos": written, "out": show_path(out)})
    else:
        say(f"{count_noun(written, 'photo')} in {show_path(out)}")


def _export(library: Library, out: Path, what: str, search: Search, count: int, *, as_json: bool) -> int:
    """Write what is wanted; the number of photos written."""
    if what == "hits":
        hits = ranked(library, search, count).hits
        export_hits(out, [picture for picture in search.query.positives if isinstance(picture, Path)], hits)
        return len(hits)
    write = {"library": export_library, "vectors": export_vectors}[what]
    return follow(write(out, library, search.within), as_json=as_json)


COMMANDS = [explain_command, map_command, export_command]
