"""`lookalike move`: copies a library to a server, or from there into a folder; what it was copied from stays."""

import shutil
from contextlib import closing
from pathlib import Path

import click

from indexer.cli.options import LibraryPath, attached_option, json_option
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.database.postgresql.moving import copy_tables
from indexer.database.postgresql.server_files import fetch_model_files, store_model_files, store_thumbnails
from indexer.database.shared_folder import open_database
from indexer.database.sqlite.opening import OWN_FOLDERS, THUMBNAIL_FILES
from indexer.errors import LibraryError
from indexer.library import Library
from indexer.paths import show_path
from indexer.wording import count_noun, tr


@click.command("move")
@click.argument("source", metavar="LIBRARY", type=LibraryPath(path_type=Path))
@click.argument("target", metavar="TARGET", type=LibraryPath(path_type=Path))
@json_option
@attached_option
def move_command(source: Path, target: Path, *, as_json: bool, attached: bool) -> None:
    """Copy a LIBRARY to TARGET: from a folder to postgresql://USER@HOST/DATABASE?library=NAME, or back.

    Killed, it goes on where it stopped. The LIBRARY stays as it is; no picture is touched.
    """
    if source == target:
        raise click.UsageError(tr("The library and the target are one."))
    with Library.open(source) as opened, opened.store.take_job_lock():
        _make_folder(target)
        if opened.store.database.is_shared:
            fetch_model_files(opened.store.database, opened.model_fingerprint, opened.models_folder)
        with closing(open_database(target)) as database:
            digests = follow_steps(copy_tables(opened.store.database, database), as_json=as_json, attached=attached)
            place = database.place
            if database.is_shared:
                store_model_files(database, opened.models_folder)
                if (source / THUMBNAIL_FILES[0]).is_file():
                    pictures = store_thumbnails(database, opened.thumbnails.get)
                    follow_steps(pictures, as_json=as_json, attached=attached)
        for name in OWN_FOLDERS:
            if (source / name).is_dir():
                shutil.copytree(source / name, target / name, dirs_exist_ok=True)
    rows = {table: digest.rows for table, digest in digests.items()}
    if as_json:
        print_result("move", {"to": place, "rows": rows, "digests": {name: d.sha256 for name, d in digests.items()}})
        return
    print_line(
        tr(
            "{photos} with all that is known of them are in {place}, row by row equal.",
            photos=count_noun(rows["photos"], "photo"),
            place=place,
        )
    )
    print_line(
        tr(
            "{source} stays as it is; from now on use the other one, or their labels will differ.",
            source=show_path(source),
        )
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(
            "{folder} cannot be made ({strerror}).", folder=show_path(folder), strerror=error.strerror
        ) from error


COMMANDS = [move_command]
