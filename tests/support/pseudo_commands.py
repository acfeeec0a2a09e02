"""The command line in the language made by machine of `pseudo_window`: what of it does not go through the seam.

    python -m tests.support.pseudo_commands

Prints as JSON the help that is plain, of each command and option, the plain lines of click around it, and the plain
lines that commands print on the default library, right and wrong ones.
"""

import contextlib
import io
import json
from collections.abc import Iterator, Sequence

import click

from indexer.cli.help_wording import translate_click, translate_help
from indexer.cli.terminal import run_command
from indexer.photos.samples import find_sample_folder
from retrieval_app.commands import load_commands, lookalike_command
from tests.support.pseudo_window import is_plain

FRAME = ("Usage", "Options", "Commands", "Show ")
PICTURE = sorted(find_sample_folder().rglob("*.png"))[0]
COMMAND_LINES = (
    ("nothing",),
    ("search", "-k", "0"),
    ("search",),
    ("search", "nothing.jpg"),
    ("index", "--nonsense"),
    ("info",),
    ("failed",),
    ("missing",),
    ("roots",),
    ("check",),
    ("searches",),
    ("replaced",),
    ("duplicates",),
    ("duplicates", "--kind", "near"),
    ("forget", "--missing"),
    ("labels", "import"),
    ("model", "list"),
    ("search", str(PICTURE), "-k", "3"),
    ("search", "--words", "bird", "-k", "3"),
    ("identify", str(PICTURE)),
    ("verify", str(PICTURE), str(PICTURE)),
)


def list_plain_help(command: click.Command, name: str) -> Iterator[str]:
    """The help of a command, of its options and of all below it that did not go through the seam."""
    texts = [(name, command.help)]
    texts += [(f"{name} {one.opts[0]}", one.help) for one in command.params if isinstance(one, click.Option)]
    yield from (f"{place}: {text}" for place, text in texts if text and is_plain(text))
    with click.Context(command, info_name=name) as context:
        page = command.get_help(context)
    yield from (f"{name}: {line}" for line in page.splitlines() if line.strip().startswith(FRAME))
    if isinstance(command, click.Group):
        for below, one in command.commands.items():
            yield from list_plain_help(one, f"{name} {below}")


def list_plain_lines(words: Sequence[str]) -> list[str]:
    """The plain lines that a command prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        run_command(lookalike_command.main, list(words))
    return [f"{' '.join(words)}: {line}" for line in said.getvalue().splitlines() if is_plain(line)]


def main() -> None:
    """Go through all commands once."""
    translate_click()
    load_commands()
    translate_help(lookalike_command)  # as --help does
    lines = [line for words in COMMAND_LINES for line in list_plain_lines(words)]
    print(json.dumps({"help": list(list_plain_help(lookalike_command, "lookalike")), "lines": lines}))


if __name__ == "__main__":
    main()
