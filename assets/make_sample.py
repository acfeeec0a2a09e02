"""Make `assets/sample/` again from Debian's `openclipart-png`: `python assets/make_sample.py [ORIGINALS [OUT]]`.

`sample.tsv` says which drawing goes where; this file says how. Only who changes the sample runs it.
"""

import sys
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from sample_folders import empty_class_folders, read_table

HERE = Path(__file__).parent
ORIGINALS = Path("/usr/share/openclipart/png")  # where Debian's package puts them
SIDE = 256  # pixels, the side of a sample picture; thumbnails are no larger
FILL = 0.875  # of the side: the centre crop of the usual backbones, so that no drawing is cut


class DrawingRow(NamedTuple):
    """One picture of the sample: `original` is its path below the folder of originals, `author` is empty if unknown."""

    label: str
    name: str
    author: str
    original: str


def square(drawing: Image.Image) -> Image.Image:
    """Return the drawing, RGBA, in the middle of a transparent square; empty borders are cut, nothing is enlarged."""
    trimmed = drawing.crop(drawing.getchannel("A").getbbox())
    trimmed.thumbnail((int(SIDE * FILL), int(SIDE * FILL)), Image.Resampling.LANCZOS)
    side = round(max(trimmed.size) / FILL)
    canvas = Image.new("RGBA", (side, side))
    canvas.paste(trimmed, ((side - trimmed.width) // 2, (side - trimmed.height) // 2))
    return canvas


def make(originals: Path, out: Path) -> int:
    """Write every class folder anew below `out` and return how many pictures were written."""
    table = read_table(HERE / "sample.tsv", DrawingRow)
    empty_class_folders(out, (row.label for row in table))
    for row in table:
        with Image.open(originals / row.original) as drawing:
            picture = square(drawing.convert("RGBA"))
        # the octree is Pillow's one method that keeps alpha in a palette
        palette = picture.quantize(256, Image.Quantize.FASTOCTREE)
        palette.save(out / row.label / row.name, optimize=True)
    return len(table)


def main() -> None:
    """Read the two optional folders from the command line."""
    folders = [Path(argument) for argument in sys.argv[1:3]]
    originals = folders[0] if folders else ORIGINALS
    out = folders[1] if len(folders) > 1 else HERE / "sample"
    if not originals.is_dir():
        sys.exit(f"No drawings in {originals}: install Debian's package openclipart-png first.")
    print(f"{make(originals, out)} pictures in {out}")


if __name__ == "__main__":
    main()
