"""The commands that look at a library or take something out of it: explain."""

from pathlib import Path

import click
import numpy as np

from indexer import engines
from indexer.card import show
from indexer.explain import explain, side_by_side
from indexer.library import Library
from indexer.places import find, require_place_without_photos
from indexer.sheet import write_picture
from indexer.terminal import emit, json_option, say
from indexer.upkeep import library_option

FILE = click.Path(path_type=Path)


@click.command("explain")
@click.argument("first", type=FILE)
@click.argument("second", type=FILE)
@library_option
@click.option("--out", type=FILE, help="Write both pictures with their heat maps: .png, .jpg or .webp.")
@json_option
def explain_command(first: Path, second: Path, library: Path | None, out: Path | None, as_json: bool) -> None:
    """Show which parts of two pictures match in the eyes of the model."""
    with Library.open(library or find(first)) as opened:
        if out is not None:
            require_place_without_photos(opened.store, out, (first, second))
        found = explain(opened, first, second)
        vectors = [opened.vector(picture) for picture in (first, second)]
    distance = float(engines.exact_distances(vectors[0][None], vectors[1])[0])
    if out is not None:
        write_picture(out, side_by_side(found))
    heats = {"first_heat": found.first_heat.tolist(), "second_heat": found.second_heat.tolist()}
    if as_json:
        emit("explain", {"distance": round(distance, 6), **heats, "out": None if out is None else show(out)})
        return
    say(f"Distance {distance:.3f}")
    for picture, heat in ((first, found.first_heat), (second, found.second_heat)):
        say(f"{show(picture)} matches most {_hottest(heat)}")
    say("Add --out PICTURE.png to see both with their heat maps." if out is None else f"Heat maps: {show(out)}")


def _hottest(heat: np.ndarray) -> str:
    """Where the hottest place of a heat map lies, in words."""
    if not heat.any():
        return "nowhere in particular"
    y, x = np.unravel_index(int(heat.argmax()), heat.shape)
    across, down = (x + 0.5) / heat.shape[1], (y + 0.5) / heat.shape[0]
    return f"{across:.0%} from the left and {down:.0%} from the top of its middle square"


COMMANDS = [explain_command]
