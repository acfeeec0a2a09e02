"""The `lookalike` command: the commands of the packages below, and without one the window."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from indexer.cli.help_wording import translate_help
from indexer.cli.options import library_option
from indexer.cli.terminal import WorkStopped
from indexer.wording import tr
from retrieval_app import __version__

HELP_OPTIONS = ("-h", "--help")
# The commands of the packages below: each module with the names of its COMMANDS.
COMMAND_MODULES: dict[str, tuple[str, ...]] = {
    "indexer.commands.duplicates": ("duplicates",),
    "indexer.commands.evaluate": ("evaluate",),
    "indexer.commands.forget": ("forget",),
    "indexer.commands.identify": ("identify", "label", "verify"),
    "indexer.commands.index": ("index", "sample"),
    "indexer.commands.labels": ("labels",),
    "indexer.commands.library_views": ("cluster", "explain", "export", "map"),
    "indexer.commands.maintenance": ("check", "doctor", "failed", "info", "missing", "roots"),
    "indexer.commands.models": ("model",),
    "indexer.commands.replaced": ("replaced",),
    "indexer.commands.search": ("search", "searches"),
    "indexer.commands.shared.move": ("move",),
    "indexer.commands.shared.worker": ("worker",),
    "indexer.commands.use": ("use",),
    "indexer.service.serve_command": ("serve",),
    "retrieval_app.libraries_command": ("libraries",),
    "training.commands.join": ("join",),
    "training.commands.report": ("rename", "report"),
    "training.commands.study": ("study",),
    "training.commands.train": ("train",),
}


@contextmanager
def say_stopped_once() -> Iterator[None]:
    """Raise WorkStopped at Ctrl-C, for which click would print an empty line before the sentence."""
    try:
        yield
    except KeyboardInterrupt:
        raise WorkStopped(tr("Stopped.")) from None


class OpeningGroup(click.Group):
    """The commands, and `lookalike FILE...` as a short form of `lookalike open FILE...`.

    A command of the packages below is loaded when it is asked for: the window's own start needs none of them, and a
    command none of the others.
    """

    def make_context(self, info_name: str | None, args: list[str], **options: Any) -> click.Context:  # type: ignore[override]
        """The context of a command line; Ctrl-C while it is made prints one sentence."""
        with say_stopped_once():
            if set(HELP_OPTIONS) & set(args):
                translate_help(lookalike_command)  # those below it are translated as they are loaded
            return super().make_context(info_name, args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command of a command line; Ctrl-C prints one sentence where the command itself prints none."""
        with say_stopped_once():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *(name for names in COMMAND_MODULES.values() for name in names)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None where there is none."""
        if cmd_name not in self.commands:
            load_command(cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names; `open` where that is a file or folder that exists instead."""
        is_command = self.get_command(ctx, args[0]) is not None
        if not is_command and Path(args[0]).exists():
            return "open", self.commands["open"], args
        if not is_command and Path(args[0]).suffix:
            raise click.UsageError(tr("There is no file {args}, and no command of that name.", args=args[0]))
        return super().resolve_command(ctx, args)


@click.group(
    "lookalike",
    cls=OpeningGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": list(HELP_OPTIONS)},
)
@click.version_option(__version__)
@library_option
@click.option("--self-test", is_flag=True, help="Try this installation on the sample pictures, and say what works.")
@click.pass_context
def lookalike_command(context: click.Context, library: Path | None, *, self_test: bool) -> int:
    """Find the pictures that look alike in your own folders. Without a command, open the window."""
    if self_test:
        if context.invoked_subcommand is not None or library is not None:
            raise click.UsageError(tr("--self-test stands alone: it uses a library of its own."))
        return print_self_test()
    if context.invoked_subcommand is None:
        return open_window(library)
    if library is not None:  # here it names the library of the window, and no command may take another one unsaid
        raise click.UsageError(tr("--library belongs behind the command's name: lookalike COMMAND --library DIR."))
    return 0


@lookalike_command.command("open")
@click.argument("paths", metavar="[FILE|FOLDER]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--choose-folder", is_flag=True, help="Ask for a photo folder to index.")
@library_option
def open_command(paths: tuple[Path, ...], library: Path | None, *, choose_folder: bool) -> int:
    """Open the window on FILEs to find what looks like them, on FOLDERs to index, or on a library.

    Where a window is open already, it takes them.
    """
    return open_window(library, tuple(path.absolute() for path in paths), asks_for_folder=choose_folder)


def open_window(library: Path | None, paths: tuple[Path, ...] | None = None, *, asks_for_folder: bool = False) -> int:
    """Show the window until it is closed, and return its exit code. ClickException where there is no display.

    With paths, even none, a window that is open already takes them and the wish to be asked for a folder.
    """
    if sys.platform == "linux" and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        raise click.ClickException(
            tr(
                "There is no display to open the window on. In the terminal: lookalike index FOLDER, then "
                "lookalike search IMAGE; lookalike --help lists everything."
            )
        )
    from retrieval_app.plain_imports import import_qt, postpone_numpy  # only the window needs Qt

    import_qt()
    postpone_numpy()
    from retrieval_app.app import main as run_window
    from retrieval_app.window.running_window import OpenRequest

    request = None if paths is None else OpenRequest(paths, asks_for_folder)

    return run_window([sys.argv[0], *(["--library", str(library)] if library else [])], request)


def print_self_test() -> int:
    """Print each step of the self-test as it ends; return 0 where all pass, else raise the first LookalikeError."""
    from retrieval_app.self_test import run_self_test  # only this needs it

    click.echo(tr("Lookalike {version} tries itself on its sample pictures.", version=__version__))
    for step in run_self_test():
        click.echo(
            tr("  ok  {name}: {outcome} ({seconds:.1f} s)", name=step.name, outcome=step.outcome, seconds=step.seconds)
        )
    click.echo(tr("All that was tried works."))
    return 0


def load_commands() -> None:
    """Add all commands of the packages below to `lookalike_command`."""
    for names in COMMAND_MODULES.values():
        for name in names:
            load_command(name)


def load_command(name: str) -> None:
    """Add the command of that name and the others of its module to `lookalike_command`, if there is one."""
    if name == "model":
        from indexer.commands.models import model_command
        from training.commands.models import MODEL_COMMANDS

        for command in MODEL_COMMANDS:
            model_command.add_command(command)
    for module, names in COMMAND_MODULES.items():
        if name in names:
            for command in importlib.import_module(module).COMMANDS:
                translate_help(command)
                lookalike_command.add_command(command)
