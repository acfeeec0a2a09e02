"""What the documentation site has besides the files in docs: all commands with their options, and the icon.

`python docs/site_hooks.py` prints the page of commands.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrieval_app.commands import lookalike_command

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ICON = Path(__file__).parents[1] / "assets" / "desktop" / "lookalike.svg"


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the generated page and the icon to the site."""
    from mkdocs.structure.files import File  # noqa: PLC0415  # only where a site is built

    files.append(File.generated(config, "commands.md", content=write_command_page()))
    files.append(File.generated(config, "icon.svg", content=ICON.read_text(encoding="utf-8")))
    return files


def write_command_page() -> str:
    """All commands as Markdown: a heading, and what `--help` says, for each."""
    sections = [f"## {path}\n\n```\n{text}\n```\n" for path, text in list_help_texts(lookalike_command, "lookalike")]
    head = "# All commands\n\nWhat `lookalike COMMAND --help` says, made from the program.\n\n"
    return head + "\n".join(sections)


def list_help_texts(command: click.Command, path: str, above: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """The full name of a command and its help, then those of its sub-commands in the order of their names."""
    context = click.Context(command, info_name=path.rpartition(" ")[2], parent=above, max_content_width=100)
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            if not command.commands[name].hidden:
                yield from list_help_texts(command.commands[name], f"{path} {name}", context)


if __name__ == "__main__":
    print(write_command_page())
