"""The pages of the user guide: Markdown files that the program brings, in the order in which they are read."""

import re
from pathlib import Path
from typing import NamedTuple

from indexer.paths import find_assets_folder

PAGE_NAMES = (
    "start",
    "library",
    "search",
    "alike",
    "large",
    "labels",
    "duplicates",
    "map",
    "teach",
    "models",
    "evaluate",
    "terminal",
    "settings",
    "privacy",
    "troubleshooting",
)


class GuidePage(NamedTuple):
    """One page: its file, its title, and all its text without marks."""

    path: Path
    title: str
    text: str


def find_guide_folder() -> Path:
    """The folder of the guide: with the program's other assets, in a checkout below docs."""
    assets = find_assets_folder()
    installed = assets / "guide"
    return installed if installed.is_dir() else assets.parent / "docs" / "guide"


def read_pages() -> list[GuidePage]:
    """All pages in their order; one that is not there is left out."""
    paths = [find_guide_folder() / f"{name}.md" for name in PAGE_NAMES]
    return [_read_page(path) for path in paths if path.is_file()]


def search_pages(pages: list[GuidePage], words: str) -> list[GuidePage]:
    """The pages that hold all the words, those with one in the title first; all pages where there is no word."""
    wanted = words.casefold().split()
    found = [page for page in pages if all(word in page.text.casefold() for word in wanted)]
    return sorted(found, key=lambda page: not any(word in page.title.casefold() for word in wanted))


def _read_page(path: Path) -> GuidePage:
    source = path.read_text(encoding="utf-8")
    title = source.partition("\n")[0].lstrip("# ")
    return GuidePage(path, title, re.sub(r"[*`|#]|!?\[|\]\([^)]*\)", " ", source))
