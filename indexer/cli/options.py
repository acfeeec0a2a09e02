"""Options and argument types that several commands share, and the check that an output file costs the user nothing."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from indexer.cli.terminal import print_line
from indexer.database.postgresql.address import is_address
from indexer.places import enter_shared_library, require_safe_output
from indexer.wording import tr


class FiniteNumber(click.FloatRange):
    """The type of a number option: within its range and finite; anything else, nan and infinity too, is refused in a
    sentence.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; BadParameter where it is not finite or beyond the range."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):  # click finds that nan lies in every range
            self.fail(tr("{value} is not a finite number.", value=value), param, ctx)
        return number


class LibraryPath(click.Path):
    """The type of an option that names a library: its folder, or the address of a shared library on a server."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The library's folder; for the address of a shared library, the local folder that stands for it."""
        if isinstance(value, str) and is_address(value):
            return enter_shared_library(value)
        return super().convert(value, param, ctx)


FILE_PATH = click.Path(path_type=Path)
FOLDER_PATH = click.Path(path_type=Path)
SHARE_NUMBER = FiniteNumber(0, 1, min_open=True, max_open=True)
DISTANCE_NUMBER = FiniteNumber(0, 2)

library_option = click.option(
    "--library",
    type=LibraryPath(path_type=Path),
    help="The library's folder, or postgresql://USER@HOST/DATABASE?library=NAME; else the one that holds the pictures.",
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace a file that is there already.")
anyway_option = click.option(
    "--anyway", is_flag=True, help="Also where the model is not proven better, or a photo folder is offline."
)
weights_option = click.option(
    "--weights", type=FILE_PATH, help="A file of weights for the timm network named by --model: safetensors or torch's."
)
size_option = click.option(
    "--size", type=click.IntRange(16, 1024), metavar="PIXELS", help="The side of the pictures that the network sees."
)
runtime_option = click.option(
    "--runtime", type=click.Choice(["auto", "openvino", "torch"]), default="auto", show_default=True
)
model_option = click.option(
    "--model",
    "name",
    help="A short name (lookalike model list), a network of timm, hf-hub:OWNER/NAME, or a checkpoint's folder.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object per line, progress included.")
attached_option = click.option("--attached", is_flag=True, hidden=True, help="Stop when standard input closes.")


def require_output(
    out: Path,
    *,
    library: Path | None = None,
    folders: Iterable[Path] = (),
    pictures: Iterable[Path] = (),
    overwrite: bool = False,
) -> None:
    """Refuse a place as `require_safe_output` does, and print the libraries whose photo folders cannot be known."""
    for doubt in require_safe_output(out, library=library, folders=folders, pictures=pictures, overwrite=overwrite):
        print_line(doubt, error=True)
