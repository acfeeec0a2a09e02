"""What the commands that write a file of the user's share: where it may lie, and whether it may replace another."""

from collections.abc import Iterable
from pathlib import Path

import click

from indexer.cli.terminal import say
from indexer.places import require_place

overwrite_option = click.option("--overwrite", is_flag=True, help="Replace a file that is there already.")


def require_output(
    out: Path,
    *,
    library: Path | None = None,
    folders: Iterable[Path] = (),
    pictures: Iterable[Path] = (),
    overwrite: bool = False,
) -> None:
    """Refuse a place as `require_place` does, and say what could not be asked."""
    for doubt in require_place(out, library=library, folders=folders, pictures=pictures, overwrite=overwrite):
        say(doubt, error=True)
