"""`lookalike labels`: labels out for other programs, and in from them."""

from pathlib import Path
from typing import Any

import click

from indexer.cli.filter_options import add_filter_options
from indexer.cli.options import FILE_PATH, json_option, library_option, overwrite_option, require_output
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.database.filters import build_filter
from indexer.errors import LookalikeError
from indexer.exchange.label_export import (
    LabelledPhoto,
    collect_labelled,
    export_class_folders,
    export_coco,
    export_fiftyone,
    export_sidecars,
    write_sidecars_beside,
)
from indexer.exchange.label_import import FoundLabels, apply_labels, read_label_table, read_sidecars
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import find_library
from indexer.progress import Steps
from indexer.wording import count_noun, tr

FORMATS = ("xmp", "folders", "links", "coco", "fiftyone")


@click.group("labels")
def labels_command() -> None:
    """Take labels out for other programs, or in from them."""


@labels_command.command("export")
@click.argument("out", type=FILE_PATH, required=False)
@click.option(
    "--as",
    "form",
    type=click.Choice(FORMATS),
    required=True,
    help="xmp: a sidecar for each photo; folders, links: a folder for each label, of copies or links; coco, fiftyone: "
    "one JSON file.",
)
@click.option(
    "--beside-photos",
    is_flag=True,
    help="With xmp, instead of OUT: write the sidecars beside the photos. What they hold already stays; the photos are "
    "not touched.",
)
@add_filter_options
@library_option
@overwrite_option
@json_option
def export_labels_command(
    *,
    out: Path | None,
    form: str,
    beside_photos: bool,
    library: Path | None,
    overwrite: bool,
    as_json: bool,
    **filter_fields: Any,
) -> None:
    """Write the labels of the library's photos into OUT, a new folder or file."""
    if beside_photos == (out is not None) or (beside_photos and form != "xmp"):
        raise click.UsageError(tr("Name a place OUT, or write sidecars with --as xmp --beside-photos."))
    with Library.open(library or find_library()) as opened:
        if out is not None:
            _require_new(out, form)
            require_output(out, library=opened.folder, overwrite=overwrite)
        photos = follow_steps(collect_labelled(opened, build_filter(filter_fields)), as_json=as_json)
        if not photos:
            raise LookalikeError("No photo has a label there, so nothing was written.")
        steps = write_sidecars_beside(photos) if out is None else _start_export(photos, opened, out, form)
        count = follow_steps(steps, as_json=as_json)
    place = show_path(out) if out is not None else None
    if as_json:
        print_result("labels-export", {"as": form, "photos": count, "out": place})
    else:
        print_line(
            tr("Labels of {photos} in {place}", photos=count_noun(count, "photo"), place=place)
            if place
            else tr("Labels of {photos} beside the photos", photos=count_noun(count, "photo"))
        )


@labels_command.command("import")
@click.argument("table", type=FILE_PATH, required=False)
@click.option("--sidecars", is_flag=True, help="Instead of TABLE: read the XMP sidecars beside the library's photos.")
@add_filter_options
@library_option
@json_option
def import_labels_command(
    *, table: Path | None, sidecars: bool, library: Path | None, as_json: bool, **filter_fields: Any
) -> None:
    """Give photos the labels of TABLE, a CSV file with the columns `path` and `label`, or of sidecars."""
    if sidecars == (table is not None):
        raise click.UsageError(tr("Name a TABLE, or read sidecars with --sidecars."))
    with Library.open(library or find_library()) as opened:
        if table is None:
            steps: Steps[FoundLabels] = read_sidecars(opened, build_filter(filter_fields))
            found = follow_steps(steps, as_json=as_json)
        else:
            found = read_label_table(table, opened)
        changed = apply_labels(opened, found.labels)
    if as_json:
        fields = {
            "labels": len(found.labels),
            "changed": changed,
            "left_out": dict(found.remarks),
            "sources": found.sources,
        }
        print_result("labels-import", fields)
        return
    if not found.sources:
        print_line(tr("No sidecar lies beside these photos.") if table is None else tr("The table has no rows."))
        return
    print_line(
        tr("{labels} read, {changed:,} of them new.", labels=count_noun(len(found.labels), "label"), changed=changed)
    )
    for sentence in found.describe_unused("sidecar" if table is None else "row"):
        print_line(sentence)


def _start_export(photos: list[LabelledPhoto], library: Library, out: Path, form: str) -> Steps[int]:
    """Write the labels in a form of FORMATS; returns the number of photos."""
    if form == "xmp":
        return export_sidecars(photos, library, out)
    if form in ("folders", "links"):
        return export_class_folders(photos, out, link=form == "links")
    return export_coco(photos, out) if form == "coco" else export_fiftyone(photos, out, library.name)


def _require_new(out: Path, form: str) -> None:
    """Refuse a folder that is there already: it may hold other things of the user."""
    if out.exists() and form in ("xmp", "folders", "links"):
        raise LookalikeError("{out} is there already. Choose another place.", out=show_path(out))


COMMANDS = [labels_command]
