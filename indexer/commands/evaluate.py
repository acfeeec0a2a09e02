"""`lookalike evaluate`: how well a model finds pictures of the same class, in a labelled folder or a library."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from indexer.cli.options import FOLDER_PATH, attached_option, json_option, runtime_option, weights_option
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.grouping.group_column import read_group_column
from indexer.grouping.photo_groups import count_groups, describe_own_hits, summarise_groups
from indexer.library import Library
from indexer.models.card import read_seen_hashes
from indexer.models.embedder import Embedder, defer_model
from indexer.models.installation import install_shared_model, parse_model_choice
from indexer.models.prepared import find_shared_folder
from indexer.places import find_library
from indexer.reports.evaluation import ModelEvaluation, evaluate_model
from indexer.reports.library_evaluation import LibraryEvaluation, evaluate_library
from indexer.reports.raw_pixels import RawPixelEmbedder
from indexer.wording import count_noun, format_number, tr


@click.command("evaluate")
@click.argument("folder", type=FOLDER_PATH, required=False)
@click.option(
    "--library",
    is_flag=False,
    flag_value="",
    help="A library's model on its labels instead; without DIR the usual one.",
)
@click.option(
    "--model", "name", help="A timm network's name, the folder of a checkpoint, or 'pixels' for the bare pictures."
)
@weights_option
@runtime_option
@click.option("--per-class", is_flag=True, help="Also the figures of each class.")
@click.option(
    "--class-level",
    type=click.IntRange(1, 2),
    default=1,
    help="Which level of sub-folders names the classes: 1, or 2 for trees as genus/species. [1]",
)
@click.option(
    "--groups",
    "groups_file",
    type=click.Path(path_type=Path),
    help="A CSV with the columns file and group (below FOLDER): photos of one group are no matches of each other.",
)
@json_option
@attached_option
def evaluate_command(
    *,
    folder: Path | None,
    library: str | None,
    name: str | None,
    weights: Path | None,
    runtime: str,
    per_class: bool,
    class_level: int,
    groups_file: Path | None,
    as_json: bool,
    attached: bool,
) -> None:
    """Measure how well a model finds the pictures of the same class; the sub-folders of FOLDER are the classes.

    Near copies and frames of one burst are told by their pixels, times and names; they are no matches of each other.
    """
    if (folder is None) == (library is None):
        raise click.UsageError(
            tr("Name a FOLDER whose sub-folders are classes, or --library to measure by its labels.")
        )
    if folder is None:
        if name or weights or groups_file or class_level > 1 or runtime != "auto":
            raise click.UsageError(tr("A --library is measured under the model it has: leave the other options out."))
        with Library.open(Path(library) if library else find_library()) as opened:
            found = follow_steps(evaluate_library(opened), as_json=as_json, attached=attached)
        _show_library_evaluation(found, per_class=per_class, as_json=as_json)
        return
    column = None if groups_file is None else read_group_column(groups_file, folder)
    with _open_standalone_model(name, weights, runtime, as_json=as_json) as (embedder, seen):
        steps = evaluate_model(folder, embedder, seen, class_level=class_level, group_column=column)
        result = follow_steps(steps, as_json=as_json, attached=attached)
    if as_json:
        print_result("evaluate", _evaluation_fields(result))
    else:
        _print_evaluation(embedder.card.name, result)
        if per_class:
            _print_classes(result)


@contextmanager
def _open_standalone_model(
    name: str | None, weights: Path | None, runtime: str, *, as_json: bool
) -> Iterator[tuple[Embedder, frozenset[bytes]]]:
    """A model outside any library, installed in the home folder, and the contents (sha256) that it was trained on."""
    if name == "pixels":
        yield RawPixelEmbedder(), frozenset()
        return
    folder = find_shared_folder()
    choice = parse_model_choice(name, weights)
    card = follow_steps(install_shared_model(choice), as_json=as_json)
    yield defer_model(card, folder, runtime), frozenset(map(bytes, read_seen_hashes(folder / card.fingerprint)))


def _evaluation_fields(result: ModelEvaluation) -> dict[str, Any]:
    return _shared_fields(result) | {
        "copies": result.copies,
        "ambiguous": result.ambiguous,
        "failed": len(result.failed),
        "remarks": list(result.remarks),
        "nmi": result.nmi,
    }


def _shared_fields(result: ModelEvaluation | LibraryEvaluation) -> dict[str, Any]:
    """What is said of a folder and of a library."""
    figures = result.retrieval
    return {
        "queries": figures.queries,
        "photos": result.photos,
        "classes": result.classes,
        "alone": figures.photos_without_match,
        "seen": result.seen,
        "groups": count_groups(result.groups),
        "burst_frames": result.groups.burst_frames,
        "near_copies": result.groups.near_copies,
        "nearest_in_group": figures.nearest_in_group,
        "p_at_1": figures.p_at_1,
        "r_precision": figures.r_precision,
        "map_at_r": figures.map_at_r,
        "mean_average_precision": result.mean_average_precision,
        "hit_at_k": {str(k): value for k, value in figures.hit_at_k.items()},
        "eer": result.verification.eer,
        "thresholds": [threshold._asdict() for threshold in result.verification.thresholds],
        "roc": [point._asdict() for point in result.roc],
        "histogram": result.histogram._asdict(),
        "per_class": [
            {"label": result.names[row.code], "photos": row.photos, "p_at_1": row.p_at_1, "map_at_r": row.map_at_r}
            for row in result.per_class
        ],
    }


def _library_fields(result: LibraryEvaluation) -> dict[str, Any]:
    """The fields of a library's evaluation: photos are named by their ids, labels by their places in `names`."""
    queries, ids, codes = result.retrieval.rows, result.ids, result.codes
    nearest = result.nearest
    return _shared_fields(result) | {
        "model": result.model,
        "fingerprint": result.fingerprint,
        "names": result.names,
        "labelled": result.labelled,
        "out_of_fold": result.out_of_fold,
        "matched": result.verification.matched,
        "mismatched": result.verification.mismatched,
        "intervals": {name: [interval.low, interval.high] for name, interval in result.intervals._asdict().items()},
        "rates": {name: [round(value, 6) for value in column] for name, column in result.rates._asdict().items()},
        "nearest": {
            "photo": ids[queries].tolist(),
            "label": codes[queries].tolist(),
            "found": ids[nearest.rows].tolist(),
            "found_label": codes[nearest.rows].tolist(),
            "distance": [round(distance, 6) for distance in nearest.distances.tolist()],
        },
        "hardest": [
            {
                "photo": int(ids[query.row]),
                "label": int(codes[query.row]),
                "found": ids[query.hits].tolist(),
                "found_label": codes[query.hits].tolist(),
                "distance": [round(distance, 6) for distance in query.distances],
            }
            for query in result.hardest
        ],
    }


def _print_evaluation(name: str, result: ModelEvaluation) -> None:
    _print_figures(name, result)
    figures = result.retrieval
    left_out = {
        tr("alone in their class"): figures.photos_without_match,
        tr("copies"): result.copies,
        tr("in two classes"): result.ambiguous,
        tr("seen in training"): result.seen,
        tr("unreadable"): len(result.failed),
    }
    _print_remarks(result, left_out, result.remarks)


def _show_library_evaluation(result: LibraryEvaluation, *, per_class: bool, as_json: bool) -> None:
    if as_json:
        print_result("evaluate", _library_fields(result))
        return
    _print_figures(result.model, result)
    left_out = {tr("alone in their class"): result.retrieval.photos_without_match}
    sampled = result.labelled - (0 if result.out_of_fold else result.seen) - result.photos
    remarks = []
    if result.out_of_fold:
        remarks.append(tr("The model has learned from these photos: each was measured under a map fitted without it."))
    else:
        left_out[tr("seen in training")] = result.seen
    if sampled:
        remarks.append(
            tr(
                "{sampled:,} more labelled photos were not drawn; among fewer photos finding is easier.",
                sampled=sampled,
            )
        )
    _print_remarks(result, left_out, remarks)
    if per_class:
        _print_classes(result)


def _print_figures(name: str, result: ModelEvaluation | LibraryEvaluation) -> None:
    figures = result.retrieval
    query_count = count_noun(figures.queries, "query", "queries")
    print_line(
        tr(
            "{name} on {photos:,} photos of {classes}, {query_count}",
            name=name,
            photos=result.photos,
            classes=count_noun(result.classes, "class", "classes"),
            query_count=query_count,
        )
    )
    hits = "  ".join(f"hit@{k} {format_number(value, '.3f')}" for k, value in figures.hit_at_k.items() if k > 1)
    print_line(
        tr(
            "P@1 {p_at_1:.3f}  R-precision {r_precision:.3f}  MAP@R {map_at_r:.3f}  {hits}",
            p_at_1=figures.p_at_1,
            r_precision=figures.r_precision,
            map_at_r=figures.map_at_r,
            hits=hits,
        )
    )
    nmi = f"  NMI {format_number(result.nmi, '.3f')}" if isinstance(result, ModelEvaluation) else ""
    print_line(
        tr("mAP {mean_average_precision:.3f}{nmi}", mean_average_precision=result.mean_average_precision, nmi=nmi)
    )
    if result.verification.eer is not None:
        print_line(tr("Same or different: equal error rate {eer:.3f}", eer=result.verification.eer))
    for threshold in result.verification.thresholds:
        print_line(
            tr(
                "  wrong {fmr:.1%} of the time, misses {fnmr:.1%}: distance {distance:.3f}",
                fmr=threshold.fmr,
                fnmr=threshold.fnmr,
                distance=threshold.distance,
            )
        )


def _print_remarks(
    result: ModelEvaluation | LibraryEvaluation, left_out: Mapping[str, int], remarks: Sequence[str]
) -> None:
    parts = [f"{format_number(count, ',')} {why}" for why, count in left_out.items() if count]
    if parts:
        print_line(tr("Left out: {parts}", parts=", ".join(parts)))
    own_hits = describe_own_hits(result.retrieval.queries, result.retrieval.nearest_in_group)
    for sentence in (summarise_groups(result.groups), own_hits, *remarks):
        if sentence:
            print_line(sentence)


def _print_classes(result: ModelEvaluation | LibraryEvaluation) -> None:
    """Print a table of the classes, the one with the lowest MAP@R first."""
    for row in sorted(result.per_class, key=lambda row: row.map_at_r):
        print_line(
            tr(
                "P@1 {p_at_1:.3f}  MAP@R {map_at_r:.3f}  {photos:>6,} photos  {name}",
                p_at_1=row.p_at_1,
                map_at_r=row.map_at_r,
                photos=row.photos,
                name=result.names[row.code],
            )
        )


COMMANDS = [evaluate_command]
