"""`lookalike explain`, `map`, `cluster` and `export`: what a library shows, and what it gives to other programs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from indexer.cli.filter_options import add_filter_options
from indexer.cli.options import (
    FILE_PATH,
    attached_option,
    json_option,
    library_option,
    overwrite_option,
    require_output,
)
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.clustering.cluster_methods import CLUSTER_METHODS
from indexer.clustering.photo_clusters import (
    LabelAgreement,
    PhotoClusters,
    describe_agreement,
    measure_agreement,
    name_clusters,
    update_clusters,
)
from indexer.correspondences.matched_points import describe_points, draw_matched_points, match_examples
from indexer.database.filters import Filter, build_filter
from indexer.errors import LookalikeError
from indexer.exchange.projector_export import export_projector
from indexer.library import Library
from indexer.models.framing import SquareBox
from indexer.paths import show_path
from indexer.places import find_library
from indexer.ranking.photo_arrangement import PHOTO_ORDERS, PhotoArrangement, PhotoArranger
from indexer.ranking.rankings import run_search
from indexer.ranking.search_request import SearchRequest
from indexer.ranking.word_captions import caption_clusters
from indexer.reports.export import (
    export_clusters,
    export_hits,
    export_library,
    export_map,
    export_vectors,
    list_vector_files,
    require_suffix,
)
from indexer.reports.heat_maps import draw_side_by_side, explain_match
from indexer.reports.photo_map import LAYOUT_METHODS, update_layout
from indexer.reports.picture_file import BACKGROUND_COLOUR, write_picture
from indexer.search.query import Query
from indexer.statistics.likeness import LikenessPoint, describe_likeness, find_likeness_word
from indexer.vectors.distances import compute_exact_distances
from indexer.wording import count_noun, tr, tr_count


@click.command("explain")
@click.argument("first", type=FILE_PATH)
@click.argument("second", type=FILE_PATH)
@library_option
@click.option("--out", type=FILE_PATH, help="Write both pictures with their heat maps: .png, .jpg or .webp.")
@click.option("--points", is_flag=True, help="Find which point of one is which of the other; --out draws the lines.")
@overwrite_option
@json_option
def explain_command(
    *, first: Path, second: Path, library: Path | None, out: Path | None, points: bool, overwrite: bool, as_json: bool
) -> None:
    """Show which parts of two pictures match in the eyes of the model."""
    with Library.open(library or find_library(first)) as opened:
        if out is not None:
            require_output(out, library=opened.folder, pictures=(first, second), overwrite=overwrite)
        if points:
            _explain_points(opened, first, second, out, as_json=as_json)
            return
        explanation = explain_match(opened, first, second)
        vectors = [opened.embed_example(picture) for picture in (first, second)]
        distance = float(compute_exact_distances(vectors[0][None], vectors[1])[0])
        point = LikenessPoint(distance, *opened.load_calibration().interpret_distance(distance))
    if out is not None:
        write_picture(out, draw_side_by_side(explanation))
    heats = {"first_heat": explanation.first_heat.tolist(), "second_heat": explanation.second_heat.tolist()}
    squares = {"first_square": explanation.first_square, "second_square": explanation.second_square}
    if as_json:
        print_result(
            "explain",
            {"distance": round(distance, 6), "likeness": find_likeness_word(point)}
            | heats
            | squares
            | {"out": None if out is None else show_path(out)},
        )
        return
    print_line(" ".join(filter(None, (describe_likeness(point), tr("Distance {distance:.3f}", distance=distance)))))
    for picture, heat, square in (
        (first, explanation.first_heat, explanation.first_square),
        (second, explanation.second_heat, explanation.second_square),
    ):
        print_line(
            tr(
                "{picture} matches most {hottest_place}",
                picture=show_path(picture),
                hottest_place=_describe_hottest_place(heat, square),
            )
        )
    print_line(
        tr("Add --out PICTURE.png to see both with their heat maps.")
        if out is None
        else tr("Heat maps: {out}", out=show_path(out))
    )


def _explain_points(library: Library, first: Path, second: Path, out: Path | None, *, as_json: bool) -> None:
    """Print how many points agree, and draw them where `out` is a file."""
    matched = match_examples(library, first, second)
    points = matched.points
    if out is not None:
        write_picture(out, draw_matched_points(matched, BACKGROUND_COLOUR))
    if as_json:
        rows = np.column_stack([points.first, points.second, points.cosines]).round(4).tolist()
        print_result("explain", {"points": rows, "out": None if out is None else show_path(out)})
        return
    print_line(describe_points(points))
    if out is not None:
        print_line(tr("Points: {out}", out=show_path(out)))


def _describe_hottest_place(heat: np.ndarray, square: SquareBox) -> str:
    """The hottest place of a heat map (h, w) over a square of a picture in words, as shares of the picture's sides."""
    if not heat.any():
        return tr("nowhere in particular")
    y, x = np.unravel_index(int(heat.argmax()), heat.shape)
    across = square.left + (x + 0.5) / heat.shape[1] * square.width
    down = square.top + (y + 0.5) / heat.shape[0] * square.height
    return tr("{across:.0%} from the left and {down:.0%} from the top", across=across, down=down)


@click.command("map")
@library_option
@click.option("--method", type=click.Choice(list(LAYOUT_METHODS)), default="tsne", show_default=True)
@click.option("--out", type=FILE_PATH, help="Write the map: .csv, .json, or a picture of thumbnails as .png or .jpg.")
@overwrite_option
@json_option
@attached_option
def map_command(
    *, library: Path | None, method: str, out: Path | None, overwrite: bool, as_json: bool, attached: bool
) -> None:
    """Lay out the library's photos on a plane so that those that look alike lie together, and keep the map."""
    with Library.open(library or find_library()) as opened:
        if out is not None:
            require_suffix(out, "map")
            require_output(out, library=opened.folder, overwrite=overwrite)
        map_layout = follow_steps(update_layout(opened, method), as_json=as_json, attached=attached)
        if out is not None:
            export_map(out, opened, map_layout)
    if as_json:
        print_result(
            "map", {"method": method, "photos": len(map_layout.ids), "out": None if out is None else show_path(out)}
        )
        return
    print_line(tr_count(len(map_layout.ids), "{number:,} photo is on the map.", "{number:,} photos are on the map."))
    if out is not None:
        print_line(tr("Map: {out}", out=show_path(out)))


@click.command("cluster")
@library_option
@click.option("--method", type=click.Choice(list(CLUSTER_METHODS)), help="Else as the last time, at first kmeans.")
@click.option(
    "--number",
    type=click.IntRange(1, 10_000),
    help="With kmeans: how many groups. With density: photos in the smallest group. Else it is chosen.",
)
@click.option("--out", type=FILE_PATH, help="Write each photo and its group: .csv or .json.")
@overwrite_option
@json_option
@attached_option
def cluster_command(
    *,
    library: Path | None,
    method: str | None,
    number: int | None,
    out: Path | None,
    overwrite: bool,
    as_json: bool,
    attached: bool,
) -> None:
    """Group the library's photos by what looks alike, without any label, and keep the groups for the window."""
    if number == 1:
        raise LookalikeError("One group of everything, or groups of one photo, say nothing: a --number is 2 or more.")
    with Library.open(library or find_library()) as opened:
        if out is not None:
            require_suffix(out, "clusters")
            require_output(out, library=opened.folder, overwrite=overwrite)
        clusters = follow_steps(update_clusters(opened, method, number or 0), as_json=as_json, attached=attached)
        labels = opened.annotations.read_labels(opened.model_id)
        names = name_clusters(clusters, labels)
        agreement = measure_agreement(clusters, labels)
        captions = caption_clusters(opened, clusters, names)
        if out is not None:
            export_clusters(out, opened, clusters, names)
    if as_json:
        fields = {
            "method": clusters.method,
            "photos": len(clusters.ids),
            "groups": _list_groups(clusters, names, captions),
        }
        fields |= {"ungrouped": int((clusters.codes < 0).sum()), **agreement._asdict()}
        print_result("cluster", fields | {"out": None if out is None else show_path(out)})
        return
    _print_clusters(clusters, _join_captions(names, captions), agreement)
    if out is not None:
        print_line(tr("Groups: {out}", out=show_path(out)))


def _list_groups(clusters: PhotoClusters, names: Sequence[str], captions: Sequence[str]) -> list[dict[str, object]]:
    """The groups for JSON, largest first, each with the id of its middle photo, one without label with a word."""
    rows = zip(names, captions, clusters.count_photos(), clusters.middles.tolist(), strict=True)
    return [
        {"group": number, "label": name or None, "like": caption or None, "photos": count, "middle": middle}
        for number, (name, caption, count, middle) in enumerate(rows, 1)
    ]


def _join_captions(names: Sequence[str], captions: Sequence[str]) -> list[str]:
    """The names of the groups, in the place of a missing one the word for what is seen in it."""
    pairs = zip(names, captions, strict=True)
    return [
        name or (tr("no label of most, like {caption}", caption=caption) if caption else "") for name, caption in pairs
    ]


def _print_clusters(clusters: PhotoClusters, names: Sequence[str], agreement: LabelAgreement) -> None:
    for code, (name, count) in enumerate(zip(names, clusters.count_photos(), strict=True), 1):
        print_line(f"{code}: {name or tr('no label of most')}, {count_noun(count, 'photo')}")
    if alone := int((clusters.codes < 0).sum()):
        print_line(tr_count(alone, "{number:,} photo lies in no group.", "{number:,} photos lie in no group."))
    if sentence := describe_agreement(agreement):
        print_line(sentence)


@click.command("export")
@click.argument("out", type=FILE_PATH)
@click.option(
    "--what", type=click.Choice(["library", "hits", "vectors", "projector"]), default="library", show_default=True
)
@click.option("--like", "images", multiple=True, type=FILE_PATH, help="With hits: a picture they should look like.")
@click.option("-k", "count", type=click.IntRange(1, 10_000), default=50, show_default=True, help="With hits: how many.")
@click.option("--sort", type=click.Choice(list(PHOTO_ORDERS)), help="With library: the order of the photos.")
@add_filter_options
@library_option
@overwrite_option
@json_option
def export_command(
    *,
    out: Path,
    what: str,
    images: tuple[Path, ...],
    count: int,
    sort: str | None,
    library: Path | None,
    overwrite: bool,
    as_json: bool,
    **filter_fields: Any,
) -> None:
    """Write the library's photos, the hits of a search, or the embeddings into the file OUT.

    Photos and hits become .csv, .json, .parquet, or a contact sheet as .html, .png, .jpg or .webp; embeddings become
    .parquet, or .npy with the photos' ids in a second file beside it. With --what projector OUT is a new folder that
    TensorBoard's projector shows.
    """
    if bool(images) != (what == "hits"):
        raise click.UsageError(tr("Name pictures with --like for --what hits, and only for that."))
    if sort is not None and what != "library":
        raise click.UsageError(tr("--sort is for --what library."))
    if what != "projector":
        require_suffix(out, what)
    with Library.open(library or find_library(images[0] if images else None)) as opened:
        for place in list_vector_files(out) if what == "vectors" else [out]:
            require_output(place, library=opened.folder, pictures=images, overwrite=overwrite)
        search = SearchRequest(Query(images), build_filter(filter_fields))
        if sort is not None:
            photo_count = _write_sorted(opened, out, search.within, sort, as_json=as_json)
        else:
            photo_count = _write_export(opened, out, what, search, count, as_json=as_json)
    if as_json:
        print_result("export", {"what": what, "photos": photo_count, "out": show_path(out)})
    else:
        print_line(tr("{photos} in {out}", photos=count_noun(photo_count, "photo"), out=show_path(out)))


def _write_sorted(library: Library, out: Path, within: Filter | None, sort: str, *, as_json: bool) -> int:
    """Write the photos that pass the filter in an order of PHOTO_ORDERS; returns their number."""
    ids = library.find_photo_ids(within)
    arranged = PhotoArranger(library).arrange_photos(ids, PhotoArrangement(sort))
    if not len(ids):
        return follow_steps(export_library(out, library, within), as_json=as_json)
    return follow_steps(export_library(out, library, photo_ids=arranged.ids.tolist()), as_json=as_json)


def _write_export(library: Library, out: Path, what: str, search: SearchRequest, count: int, *, as_json: bool) -> int:
    """Write hits, photos or embeddings, by `what`; returns the number of photos written."""
    if what == "hits":
        hits = run_search(library, search, count).hits
        export_hits(out, [picture for picture in search.query.positives if isinstance(picture, Path)], hits)
        return len(hits)
    write = {"library": export_library, "vectors": export_vectors, "projector": export_projector}[what]
    return follow_steps(write(out, library, search.within), as_json=as_json)


COMMANDS = [explain_command, map_command, cluster_command, export_command]
