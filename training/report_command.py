"""`lookalike report`: a training as a page to read and to keep."""

from pathlib import Path

import click

from indexer import atomic
from indexer.card import show
from indexer.errors import LookalikeError
from indexer.terminal import attached_option, emit, follow, json_option, say
from training.report import report

FOLDER = click.Path(path_type=Path)


@click.command("report")
@click.argument("checkpoint", type=FOLDER)
@click.option("--out", type=FOLDER, help="The page to write, .html; else beside the checkpoint, under its name.")
@json_option
@attached_option
def report_command(*, checkpoint: Path, out: Path | None, as_json: bool, attached: bool) -> None:
    """Write what a training was worth as one HTML page: curves, figures, distances, mistakes; CHECKPOINT tells it."""
    whole = checkpoint.absolute()
    place = page_place(out or whole.with_name(f"{whole.name}.html"))
    page = follow(report(checkpoint), as_json=as_json, attached=attached)
    atomic.write_file(place, page)
    if as_json:
        emit("report", {"page": str(place.absolute())})
    else:
        say(f"Report: {show(place)}")


def page_place(out: Path) -> Path:
    """Where a page may go; LookalikeError where it cannot be one."""
    if out.suffix.lower() not in (".html", ".htm") or not out.parent.is_dir():
        raise LookalikeError(f"{show(out)} cannot be written: name an .html file in a folder that is there.")
    return out


COMMANDS = [report_command]
