"""What `lookalike model` does with the models of a library: the overview, another name, a copy, deleting."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from indexer.cli.options import FOLDER_PATH, json_option, library_option, require_output
from indexer.cli.terminal import print_line, print_result
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import find_library
from indexer.wording import name_model, tr
from training.registry.kept_models import KeptModel, list_kept_models
from training.registry.model_changes import delete_model, export_model, find_kept_model, plan_deletion, rename_model
from training.registry.stopped_trainings import StoppedTraining, list_stopped_trainings

STATE_NAMES = {
    "active": tr("in use"),
    "previous": tr("in use before"),
    "kept": tr("embedded here"),
    "trained": tr("trained, not used here"),
    "ready": tr("ready on this computer"),
}


@click.command("overview")
@library_option
@json_option
def overview_command(*, library: Path | None, as_json: bool) -> None:
    """A library's models with what they learnt from and their verdict, those it could use, and stopped trainings."""
    with _open_library(library) as opened:
        rows = list_kept_models(opened)
    stopped = list_stopped_trainings()
    if as_json:
        fields = {"models": [row.fields() for row in rows], "stopped": [row.fields() for row in stopped]}
        print_result("model-overview", fields)
        return
    for row in rows:
        _print_model(row)
    for training in stopped:
        _print_training(training)


def _print_model(row: KeptModel) -> None:
    date = time.strftime("%Y-%m-%d", time.localtime(row.added_at))
    print_line(f"{row.fingerprint[:12]}  {STATE_NAMES[row.state]:<22}  {date}  {name_model(row.name, row.fingerprint)}")
    for line in filter(None, (row.trained_on, row.verdict)):
        print_line(f"{'':14}{line}")


def _print_training(training: StoppedTraining) -> None:
    print_line(
        " " * 14
        + tr(
            "stopped at epoch {epoch} of {epochs}: {folder}",
            epoch=training.epoch,
            epochs=training.epochs,
            folder=show_path(training.folder),
        )
    )


@click.command("rename")
@click.argument("model")
@click.argument("name")
@library_option
@json_option
def rename_command(*, model: str, name: str, library: Path | None, as_json: bool) -> None:
    """Call MODEL (its name, first digits or folder, see overview) by another NAME; it stays the same model."""
    with _open_library(library) as opened:
        row = find_kept_model(model, opened)
        rename_model(row, name, opened)
        fields = find_kept_model(row.fingerprint, opened).fields()
    _print_outcome(
        "model-rename", fields, tr("{old} is called {new} now.", old=row.name, new=fields["name"]), as_json=as_json
    )


@click.command("export")
@click.argument("model")
@click.argument("folder", type=FOLDER_PATH)
@library_option
@json_option
def export_command(*, model: str, folder: Path, library: Path | None, as_json: bool) -> None:
    """Write MODEL as a checkpoint into a new FOLDER, for another library or computer: lookalike use FOLDER."""
    require_output(folder, library=library)
    with _open_library(library) as opened:
        row = find_kept_model(model, opened)
        export_model(row, folder)
    _print_outcome(
        "model-export",
        {"fingerprint": row.fingerprint, "name": row.name, "folder": str(folder.absolute())},
        tr("{name} is in {folder}. To use it: lookalike use {folder}", name=row.name, folder=show_path(folder)),
        as_json=as_json,
    )


@click.command("delete")
@click.argument("model")
@click.option("--preview", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@library_option
@json_option
def delete_command(*, model: str, preview: bool, yes: bool, library: Path | None, as_json: bool) -> None:
    """Delete MODEL with its embeddings in the library and its checkpoint; never the one in use, nor any photo."""
    with _open_library(library) as opened:
        row = find_kept_model(model, opened)
        plan = plan_deletion(row, opened)
        if not preview:
            if not yes and not click.confirm(tr("{plan} Delete it?", plan=plan.describe_losses()), err=True):
                raise LookalikeError("Nothing was deleted.")
            if opened is None:
                delete_model(row, None)
            else:
                with opened.store.take_job_lock():
                    delete_model(row, opened)
    fields = plan._asdict() | {"folders": [str(folder) for folder in plan.folders], "losses": plan.describe_losses()}
    sentence = plan.describe_losses() if preview else tr("{name} is deleted.", name=row.name)
    _print_outcome("model-delete", fields, sentence, as_json=as_json)


def _print_outcome(kind: str, fields: dict[str, object], sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_result(kind, fields)
    else:
        print_line(sentence)


@contextmanager
def _open_library(library: Path | None) -> Iterator[Library | None]:
    """The library that was named, or the usual one; None where that does not exist yet."""
    folder = library or find_library()
    if library is None and not (folder / "library.sqlite").is_file():
        yield None
        return
    with Library.open(folder) as opened:
        yield opened


MODEL_COMMANDS = [overview_command, rename_command, export_command, delete_command]
