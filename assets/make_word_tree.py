"""Make `assets/words/word_tree.tsv` again from Debian's `wordnet-base` and timm's list of ImageNet's classes.

Only who changes the tree runs it: `python assets/make_word_tree.py [DATA.NOUN [OUT]]`. Row i of the first 1,000 is the
network's class i, the rows after them are the notions above the classes. Each row has the notion's words, separated by
commas, and the numbers of the rows directly above it.
"""

import sys
from pathlib import Path
from typing import NamedTuple

from indexer.models.backbones import import_timm

HERE = Path(__file__).parent
NOUNS = Path("/usr/share/wordnet/data.noun")  # where Debian's package puts them
ABOVE = ("@", "@i")  # WordNet's signs of a hypernym: a kind of, an instance of


class Notion(NamedTuple):
    """A set of synonyms in WordNet: its words, and the offsets of the notions directly above it."""

    words: list[str]
    above: list[str]


def read_nouns(path: Path) -> dict[str, Notion]:
    """The notions of `data.noun` by their offsets, eight digits; the format is in wndb(5)."""
    notions = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):  # the licence
            continue
        cells = line.partition(" | ")[0].split()
        pointers = 4 + 2 * int(cells[3], 16)
        words = [word.replace("_", " ") for word in cells[4:pointers:2]]
        signs, offsets = cells[pointers + 1 :: 4], cells[pointers + 2 :: 4]
        above = [offset for sign, offset in zip(signs, offsets, strict=False) if sign in ABOVE]
        notions[cells[0]] = Notion(words, above)
    return notions


def collect_above(classes: list[str], nouns: dict[str, Notion]) -> list[str]:
    """The offsets of all notions above the classes that are no classes themselves, in order."""
    found: set[str] = set()
    waiting = list(classes)
    while waiting:
        new = set(nouns[waiting.pop()].above) - found
        found |= new
        waiting += new
    return sorted(found - set(classes))


def main() -> None:
    """Write the tree."""
    nouns = read_nouns(Path(sys.argv[1]) if len(sys.argv) > 1 else NOUNS)
    classes = [name.removeprefix("n") for name in import_timm().data.ImageNetInfo("imagenet-1k").label_names()]
    offsets = classes + collect_above(classes, nouns)
    row_of = {offset: row for row, offset in enumerate(offsets)}
    lines = [
        ",".join(nouns[offset].words) + "\t" + " ".join(str(row_of[above]) for above in nouns[offset].above) + "\n"
        for offset in offsets
    ]
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "words" / "word_tree.tsv"
    out.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
