"""`lookalike report` and `lookalike rename`: a training as a page to read and to keep, and what it is called."""

from pathlib import Path

import click

from indexer import atomic
from indexer.cli.options import FILE_PATH, FOLDER_PATH, attached_option, json_option, overwrite_option, require_output
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.errors import LookalikeError
from indexer.paths import show_path
from indexer.wording import tr
from training.judging.record import read_record, rename_checkpoint, require_checkpoint
from training.reports.report import REPORT_FILE, render_report


@click.command("report")
@click.argument("checkpoint", type=FOLDER_PATH)
@click.option("--out", type=FILE_PATH, help="The page to write, .html; else report.html in CHECKPOINT.")
@overwrite_option
@json_option
@attached_option
def report_command(*, checkpoint: Path, out: Path | None, overwrite: bool, as_json: bool, attached: bool) -> None:
    """Write what a training was worth as one HTML page: curves, figures, distances, mistakes; CHECKPOINT tells it."""
    require_checkpoint(checkpoint)
    place = require_page_path(out or checkpoint / REPORT_FILE, overwrite=overwrite or out is None)
    page = follow_steps(render_report(checkpoint), as_json=as_json, attached=attached)
    atomic.write_file(place, page)
    if as_json:
        print_result("report", {"page": str(place.absolute())})
    else:
        print_line(tr("Report: {place}", place=show_path(place)))


def require_page_path(out: Path, *photo_folders: Path, overwrite: bool) -> Path:
    """The path of a page to write, outside all photo folders; LookalikeError where no page can be written there."""
    if out.suffix.lower() not in (".html", ".htm") or not out.parent.is_dir():
        raise LookalikeError(
            "{out} cannot be written: name an .html file in a folder that is there.", out=show_path(out)
        )
    require_output(out, folders=photo_folders, overwrite=overwrite)
    return out


@click.command("rename")
@click.argument("checkpoint", type=FOLDER_PATH)
@click.argument("name")
@json_option
def rename_command(*, checkpoint: Path, name: str, as_json: bool) -> None:
    """Call a finished training by NAME, in its record and its model's card; CHECKPOINT and its model stay the same."""
    rename_checkpoint(checkpoint, name)
    given = read_record(checkpoint).name
    if as_json:
        print_result("rename", {"checkpoint": str(checkpoint.absolute()), "name": given})
    else:
        print_line(tr("{old} is called {new} now.", old=show_path(checkpoint), new=given))


COMMANDS = [report_command, rename_command]
