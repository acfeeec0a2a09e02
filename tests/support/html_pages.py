"""Parses an HTML page, to test that it is complete, that it loads nothing from outside, and what it says."""

from html.parser import HTMLParser
from typing import NamedTuple

EMPTY = {"meta", "img", "br", "path", "circle", "polyline"}  # elements that are not closed, or close themselves
OUTSIDE = {"src", "href", "srcset", "data", "action", "xlink:href"}


class Page(NamedTuple):
    """The elements of a page in order, the text between them, and its faults in sentences."""

    elements: list[str]
    words: str
    faults: list[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.said: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        if tag not in EMPTY:
            self.open.append(tag)
        for name, value in attrs:
            if name in OUTSIDE and not (value or "").startswith("data:"):
                self.faults.append(f"{tag} reads {value} from outside")
            if name.startswith("on"):
                self.faults.append(f"{tag} runs {value}")
        if tag in ("script", "link", "iframe", "object", "base"):
            self.faults.append(f"there is a {tag}")

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY and (not self.open or self.open.pop() != tag):
            self.faults.append(f"{tag} is closed where it is not open")

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"] and ("url(" in data or "@import" in data):
            self.faults.append("the style reads from outside")
        elif self.open[-1:] != ["style"]:
            self.said.append(data)


def parse(text: str) -> Page:
    """Parse a page and collect its faults: unclosed elements, references to the outside, scripts."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    faults = [*reader.faults, *(f"{tag} is never closed" for tag in reader.open)]
    return Page(reader.elements, " ".join(reader.said), faults)
