"""The conditions of a filter as command-line options, and the options of a filter."""

import os
from collections.abc import Callable
from typing import Any

import click

from indexer.cli.options import FOLDER_PATH
from indexer.database.filters import ORIENTATIONS, Filter

DATE_TYPE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])

FILTER_OPTIONS = [
    click.option("--label", help="Only photos with this label."),
    click.option("--under", type=FOLDER_PATH, help="Only photos below this folder."),
    click.option("--after", type=DATE_TYPE, metavar="DATE", help="Only photos taken on that day or later."),
    click.option("--before", type=DATE_TYPE, metavar="DATE", help="Only photos taken before that day."),
    click.option("--min-size", "min_side", type=click.IntRange(1), help="Least short side in pixels."),
    click.option("--named", metavar="TEXT", help="Only photos with these words in their path or label."),
    click.option("--orientation", type=click.Choice(list(ORIENTATIONS)), help="Only photos of this shape."),
]


def add_filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command with FILTER_OPTIONS; they arrive as arguments named like the fields of Filter."""
    for option in reversed(FILTER_OPTIONS):
        command = option(command)
    return command


def format_filter_options(within: Filter) -> list[str]:
    """The command-line options that make this filter; moments are cut to whole seconds."""
    values = {
        "--label": within.label,
        "--under": None if within.under is None else os.fspath(within.under.absolute()),
        "--after": within.after and within.after.isoformat(timespec="seconds"),
        "--before": within.before and within.before.isoformat(timespec="seconds"),
        "--min-size": within.min_side,
        "--orientation": within.orientation,
        "--named": within.named,
    }
    return [f"{option}={value}" for option, value in values.items() if value is not None]
