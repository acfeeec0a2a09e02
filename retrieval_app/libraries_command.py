"""`lookalike libraries`: the list that the window has too, and what can be done to a library as a thing."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.cli.options import json_option
from indexer.cli.terminal import print_line, print_result
from indexer.errors import LookalikeError
from indexer.home.folders import find_home_folder
from indexer.home.settings_file import find_settings_folder
from indexer.paths import show_path
from indexer.places import choose_library_folder, name_library, require_safe_output
from indexer.wording import tr

if TYPE_CHECKING:
    from retrieval_app.window.known_libraries import KnownLibraries


@click.group("libraries", invoke_without_command=True)
@json_option
@click.pass_context
def libraries_command(context: click.Context, *, as_json: bool) -> int:
    """List the libraries that the window lists; make one, rename one, take one off the list.

    The list has those in the home folder and those that the window has opened elsewhere.
    """
    if context.invoked_subcommand is None:
        _print_list(_read_list(), as_json=as_json)
    return 0


@libraries_command.command("make")
@click.argument("name")
@click.option("--in", "parent", metavar="FOLDER", type=click.Path(exists=True, file_okay=False, path_type=Path))
def make_command(name: str, parent: Path | None) -> int:
    """Make an empty library NAME, in the home folder or --in FOLDER, and list it."""
    from indexer.library import Library  # only this needs the engine

    folder = choose_library_folder(name, (parent or find_home_folder()).absolute())
    require_safe_output(folder)
    Library.create(folder).close()
    _read_list().add(folder)
    print_line(tr("{folder} is made: lookalike index FOLDER --library takes photos into it.", folder=show_path(folder)))
    return 0


@libraries_command.command("rename")
@click.argument("library")
@click.argument("name")
def rename_command(library: str, name: str) -> int:
    """Give LIBRARY, a name of the list or a folder, the name NAME; it stays in the folder that it lies in."""
    known = _read_list()
    target = known.rename(_find_listed(known, library), name)
    print_line(tr("The library is {target} now.", target=show_path(target)))
    return 0


@libraries_command.command("forget")
@click.argument("library")
def forget_command(library: str) -> int:
    """Take LIBRARY, a name of the list or a folder, off the list until it is opened again; nothing is deleted."""
    known = _read_list()
    folder = _find_listed(known, library)
    known.take_off(folder)
    print_line(tr("{folder} is listed no more. It stays where it is.", folder=show_path(folder)))
    return 0


def _read_list() -> "KnownLibraries":
    from retrieval_app.session.settings import WindowSettings  # it needs Qt, which other commands do without
    from retrieval_app.window.known_libraries import KnownLibraries

    return KnownLibraries(WindowSettings(find_settings_folder()))


def _print_list(known: "KnownLibraries", *, as_json: bool) -> None:
    from retrieval_app.window.known_libraries import is_there

    folders, last = known.list_folders(), known.find_last()
    if as_json:
        fields = [
            {"name": name_library(folder), "path": show_path(folder), "there": is_there(folder), "last": folder == last}
            for folder in folders
        ]
        print_result("libraries", {"libraries": fields})
        return
    if not folders:
        print_line(tr("There is no library yet: lookalike index FOLDER makes one."))
    for folder in folders:
        marks = [tr("opened last")] * (folder == last) + [tr("not there")] * (not is_there(folder))
        print_line(f"{name_library(folder)}  {show_path(folder)}" + (f"  ({', '.join(marks)})" if marks else ""))


def _find_listed(known: "KnownLibraries", text: str) -> Path:
    """The folder of a library of the list by its name or its folder. LookalikeError where that is none, or several."""
    folders = known.list_folders()
    found = [folder for folder in folders if folder == Path(text).absolute()]
    found = found or [folder for folder in folders if name_library(folder) == text]
    if not found:
        raise LookalikeError("There is no library {text} in the list that lookalike libraries shows.", text=text)
    if len(found) > 1:
        raise LookalikeError("Several libraries are called {text}: name the folder of the one you mean.", text=text)
    return found[0]


COMMANDS = [libraries_command]
