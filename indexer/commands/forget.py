"""`lookalike forget`: takes a folder or what is missing out of a library, and says before exactly what goes."""

from pathlib import Path

import click

from indexer.cli.options import FOLDER_PATH, json_option, library_option
from indexer.cli.terminal import print_line, print_result
from indexer.database.forgetting import ForgettingPlan, forget_photos, plan_forgetting
from indexer.errors import LookalikeError
from indexer.indexing.roots import find_root
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import find_library
from indexer.wording import tr


@click.command("forget")
@click.argument("folder", required=False, type=FOLDER_PATH)
@click.option("--missing", is_flag=True, help="Forget files that are gone, and photos that no file holds any more.")
@click.option(
    "--with-labels", is_flag=True, help="Also photos with a label or decision of yours, or in a saved search."
)
@click.option("--preview", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@library_option
@json_option
def forget_command(
    *,
    folder: Path | None,
    missing: bool,
    with_labels: bool,
    preview: bool,
    yes: bool,
    library: Path | None,
    as_json: bool,
) -> None:
    """Forget a photo FOLDER, or all missing files: their embeddings go. No picture is touched."""
    if (folder is None) == (not missing):
        raise click.UsageError(tr("Name a folder to forget, or --missing."))
    with Library.open(library or find_library(folder)) as opened:
        root = find_root(opened, folder).id if folder else None
        plan = plan_forgetting(opened.store.database, root, with_labels=with_labels)
        if preview or (root is None and plan.is_empty):
            _print_plan(plan, "preview" if preview else "", as_json=as_json)
            return
        confirmed = yes or _confirm_forgetting(plan, folder)
        if confirmed:
            with opened.store.take_job_lock():
                plan = forget_photos(opened.store.database, root, with_labels=with_labels)
    _print_plan(plan if confirmed else None, "forgotten", as_json=as_json)


def _confirm_forgetting(plan: ForgettingPlan, folder: Path | None) -> bool:
    """Whether the user says yes. Raises LookalikeError where nobody answers."""
    losses = plan.describe_losses()
    question = (
        tr("Forget the folder {folder}, with {losses}?", folder=show_path(folder), losses=losses)
        if folder
        else tr("Forget {losses}?", losses=losses)
    )
    try:
        return click.confirm(f"{_describe_kept(plan)}\n{question}".lstrip(), err=True)
    except click.Abort:
        click.echo(err=True)  # the question stands in the line
        raise LookalikeError("Nothing was forgotten, as nobody answered. With --yes nobody is asked.") from None


def _describe_kept(plan: ForgettingPlan) -> str:
    """What stays although no file holds it, and how it would go too; "" where nothing does."""
    return f"{plan.describe_kept()} {tr('With --with-labels they go too.')}" if plan.kept_photos else ""


def _describe_plan(plan: ForgettingPlan, state: str) -> str:
    if state == "forgotten":
        return tr("{losses} forgotten.", losses=plan.describe_losses())
    if state == "preview":
        return tr("{losses} would go.", losses=plan.describe_losses())
    return tr("There is nothing to forget.")


def _print_plan(plan: ForgettingPlan | None, state: str, *, as_json: bool) -> None:
    """Print what went or would go; None where the user said no."""
    if as_json:
        print_result("forget", (plan or ForgettingPlan(*[0] * len(ForgettingPlan._fields)))._asdict())
    elif plan is None:
        print_line(tr("Nothing was forgotten."))
    else:
        print_line(_describe_plan(plan, state))
        if kept := _describe_kept(plan):
            print_line(kept)
        if state == "forgotten":
            print_line(tr("The pictures themselves are untouched."))


COMMANDS = [forget_command]
