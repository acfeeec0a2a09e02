"""Every link of the documentation leads somewhere, every page is on the site, and every command is in the reference."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import click

from retrieval_app.commands import lookalike_command
from retrieval_app.help.guide_pages import PAGE_NAMES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "assets").rglob("*.md")])
GENERATED = {DOCS / "commands.md"}  # by docs/site_hooks.py
LINK = re.compile(r"(?<!`)\]\(<?([^)\s>]+)>?\)")


def read_prose(page: Path) -> str:
    """The text of a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def list_anchors(page: Path) -> set[str]:
    """The names under which a site shows the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", read_prose(page), re.M)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())).strip("-") for heading in headings}


def list_broken_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(read_prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if target in GENERATED:
            continue
        if not target.exists() or (anchor and anchor not in list_anchors(target)):
            yield f"{page.relative_to(ROOT)}: {link}"


def test_every_link_leads_somewhere() -> None:
    assert [link for page in PAGES for link in list_broken_links(page)] == []
    page = ROOT / "README.md"
    assert len(LINK.findall(read_prose(page))) > 2
    broken = DOCS / "no-such-page.md"
    assert LINK.findall(f"[a](x.md#y) ![b]({broken})") == ["x.md#y", str(broken)]


def test_every_page_of_docs_stands_in_the_navigation_of_the_site() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^\s+- (?:[^:\n]+: )?(\S+\.md)$", config, re.M)
    there = {str(path.relative_to(DOCS)) for path in {*DOCS.rglob("*.md"), *GENERATED}}
    assert sorted(listed) == sorted(there)
    in_guide = [Path(name).stem for name in listed if name.startswith("guide/")]
    assert sorted(in_guide) == sorted(PAGE_NAMES)


def list_command_paths(command: click.Command, path: str = "lookalike") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            if not child.hidden:
                yield from list_command_paths(child, f"{path} {name}")


def test_the_reference_has_every_command_with_every_option() -> None:
    page = runpy.run_path(str(DOCS / "site_hooks.py"))["write_command_page"]()
    sections = dict(re.findall(r"^## (lookalike.*?)\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    commands = dict(list_command_paths(lookalike_command))
    assert sections.keys() == commands.keys()
    assert len(commands) > 25
    for path, command in commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.opts[0] in sections[path], f"{path} {parameter.name}"
