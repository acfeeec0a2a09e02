"""The help of commands and the words of click itself in the language of the process; both stand in its catalogue."""

import gettext
import inspect
import os
import re

import click

from indexer.wording import DOMAIN, SOURCE_LANGUAGE, find_catalogue_folder, find_language, tr


def translate_help(command: click.Command) -> None:
    """Translate the help of a command, of its options and of all commands below it; English is left as it is."""
    if find_language() == SOURCE_LANGUAGE:
        return
    if command.help:
        command.help = tr(unwrap_help(command.help))
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = tr(parameter.help)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            translate_help(below)


def translate_click() -> None:
    """Have click take its own words, such as "Usage:", from the catalogue of this process; English needs none.

    They go through Python's gettext, which finds a catalogue by its own variable.
    """
    folder = find_catalogue_folder()
    if folder is not None:
        gettext.bindtextdomain(DOMAIN, str(folder))
        gettext.textdomain(DOMAIN)
        os.environ["LANGUAGE"] = find_language()


def unwrap_help(text: str) -> str:
    """The paragraphs of a docstring, each in one line: as a template of the catalogue it survives another wrapping."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)))
