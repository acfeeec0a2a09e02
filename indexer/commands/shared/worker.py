"""`lookalike worker`: embeds what a shared library has to do, on any computer that sees its photo folders."""

import os
import platform
import secrets
from pathlib import Path

import click

from indexer.cli.options import attached_option, json_option, library_option, runtime_option
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.errors import LibraryError, LookalikeError
from indexer.indexing.repair import mend_active_model
from indexer.indexing.worker import LEASE_SECONDS, WorkerRequest, work_for_library
from indexer.library import Library
from indexer.models.card import ModelCard
from indexer.models.embedder import defer_model
from indexer.places import find_library
from indexer.progress import Steps
from indexer.wording import tr


@click.command("worker")
@library_option
@runtime_option
@click.option("--batch", type=click.IntRange(1, 1000), default=32, show_default=True, help="Files to lease at once.")
@click.option(
    "--lease", type=click.FloatRange(1, 3600), default=LEASE_SECONDS, show_default=True, help="Seconds without a word."
)
@click.option("--until-done", is_flag=True, help="End when there is nothing left to do.")
@click.option("--root", "roots", multiple=True, metavar="PATH=HERE", help="Where this computer sees a photo folder.")
@json_option
@attached_option
def worker_command(
    *,
    library: Path | None,
    runtime: str,
    batch: int,
    lease: float,
    until_done: bool,
    roots: tuple[str, ...],
    as_json: bool,
    attached: bool,
) -> None:
    """Embed the files that `index --queue` has left to workers; as many workers as wanted, on any computer."""
    owner = f"{platform.node()} {os.getpid()} {secrets.token_hex(4)}"
    request = WorkerRequest(owner, batch, lease, until_done, _parse_roots(roots))
    with Library.open(library or find_library()) as opened:
        if not opened.store.database.is_shared:
            raise LibraryError(
                "Workers are for shared libraries: --library postgresql://USER@HOST/DATABASE?library=NAME"
            )
        card = follow_steps(_get_model(opened), as_json=as_json, attached=attached)
        embedder = defer_model(card, opened.models_folder, runtime)
        report = follow_steps(work_for_library(opened, embedder, request), as_json=as_json)
    if as_json:
        print_result("worker", report._asdict())
    else:
        print_line(
            tr("{embedded:,} photos embedded, {failed:,} failed.", embedded=report.embedded, failed=report.failed)
        )


def _get_model(library: Library) -> Steps[ModelCard]:
    library.read_model_card()  # gets it from the server where this computer has not got it
    return (yield from mend_active_model(library))


def _parse_roots(texts: tuple[str, ...]) -> dict[bytes, bytes]:
    """The paths here by those that the library knows. LookalikeError where a text names none."""
    pairs = [text.partition("=") for text in texts]
    if not all(known and here for known, _, here in pairs):
        raise LookalikeError("Write --root PATH=HERE: the path that the library knows, and where it is here.")
    return {os.fsencode(known): os.fsencode(Path(here).absolute()) for known, _, here in pairs}


COMMANDS = [worker_command]
