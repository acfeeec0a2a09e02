"""Make `assets/photographs/` again: `python assets/make_photographs.py RESOURCES [OUT]`.

RESOURCES holds GCompris' activities as its package `gcompris-qt-data` packs them in `/usr/share/gcompris-qt/rcc`;
`SOURCE.md` in the made folder says how they are taken out. `photographs.tsv` says which photograph goes where. Only who
changes the sample runs this file.
"""

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from sample_folders import empty_class_folders, read_table

HERE = Path(__file__).parent
MOST_SIDE = 1024  # pixels: larger photographs are reduced to it, the others are copied byte for byte
QUALITY = 82  # of a reduced photograph


class PhotographRow(NamedTuple):
    """One photograph of the sample; `source` is the page it was published on, `original` its path in the package."""

    label: str
    name: str
    author: str
    licence: str
    source: str
    original: str


def copy_photograph(original: Path, copy: Path) -> None:
    """Copy a photograph, reduced where it is larger than MOST_SIDE."""
    with Image.open(original) as picture:
        if max(picture.size) > MOST_SIDE:
            picture.thumbnail((MOST_SIDE, MOST_SIDE), Image.Resampling.LANCZOS)
            picture.save(copy, "WEBP", quality=QUALITY, method=6)
            return
    shutil.copyfile(original, copy)


def make(resources: Path, out: Path) -> int:
    """Write every class folder anew below `out` and return how many photographs were written."""
    table = read_table(HERE / "photographs.tsv", PhotographRow)
    empty_class_folders(out, (row.label for row in table))
    for row in table:
        copy_photograph(resources / row.original, out / row.label / row.name)
    return len(table)


def main() -> None:
    """Read the folders from the command line."""
    if len(sys.argv) not in (2, 3) or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "photographs"
    print(f"{make(Path(sys.argv[1]), out)} photographs in {out}")


if __name__ == "__main__":
    main()
