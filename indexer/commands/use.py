"""`lookalike use`: give a library another model, or the one it had before.

All photos are embedded under the new model beside the old embeddings, in committed batches, and only then does the
library flip; until that moment searches go on with the old model. Labels and decisions belong to photos and stay.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from indexer.cli.terminal import attached_option, counted, emit, follow, json_option, say
from indexer.commands.maintenance import deferred, library_option
from indexer.database.store import Failure
from indexer.errors import LibraryError, LookalikeError, ModelError
from indexer.indexing.run import index
from indexer.library import Library
from indexer.models.card import STORY_FILE, read_card, read_json
from indexer.models.installation import ModelChoice, install
from indexer.photos.decoding import show, text
from indexer.places import find
from indexer.progress import Steps

FOLDER = click.Path(path_type=Path)
anyway_option = click.option(
    "--anyway", is_flag=True, help="Also where the model is not proven better, or a photo folder is offline."
)


class Used(NamedTuple):
    """The library after the flip: photos that can be found, those embedded by this run, those without an embedding."""

    photos: int
    embedded: int
    waiting: int
    failed: list[Failure]


@click.command("use")
@click.argument("checkpoint", required=False, type=FOLDER)
@click.option("--previous", is_flag=True, help="Go back to the model before this one; nothing is computed.")
@anyway_option
@library_option
@json_option
@attached_option
def use_command(
    *, checkpoint: Path | None, previous: bool, anyway: bool, library: Path | None, as_json: bool, attached: bool
) -> None:
    """Let a library see with the fine-tuned model in the folder CHECKPOINT, or go back with --previous."""
    if (checkpoint is None) == (not previous):
        raise click.UsageError("Name a checkpoint to use, or --previous.")
    if checkpoint is not None and not anyway:
        require_verdict(checkpoint)
    with Library.open(library or find()) as opened, opened.job():
        if checkpoint is not None and not anyway:
            require_online(opened)
        steps = use(opened, checkpoint) if checkpoint is not None else go_back(opened)
        used = follow(steps, as_json=as_json, attached=attached)
        fields = _fields(opened, used)
    if as_json:
        emit("use", fields)
    else:
        _say(fields)


def use(library: Library, checkpoint: Path) -> Steps[Used]:
    """Install the checkpoint, embed what has no embedding under it, and flip. ModelError where it is none of ours."""
    card = yield from install(ModelChoice(checkpoint=checkpoint), library.models_folder)
    report = yield from index(library, [], deferred(card, library.models_folder, "auto"))
    return Used(report.photos, report.embedded, 0, report.failed)


def go_back(library: Library) -> Steps[Used]:
    """Flip to the model before the active one, whose embeddings are still there."""
    wanted = str(library.store.setting("previous_model") or "")
    known = library.store.model(wanted)
    if known is None:
        raise LibraryError(f"The library {library.name} has had no other model to go back to.")
    yield from install(ModelChoice(checkpoint=library.models_folder / wanted), library.models_folder)
    before = library.photo_ids()
    library.activate(wanted)
    now = library.photo_ids()
    return Used(len(now), 0, len(set(before.tolist()) - set(now.tolist())), library.failures())


def require_verdict(checkpoint: Path) -> None:
    """LookalikeError unless a verdict beside the checkpoint says that it is better on pictures it never saw."""
    card = read_card(checkpoint)
    force = "To use it all the same, add --anyway."
    try:
        story = read_json(checkpoint / STORY_FILE)
    except ModelError:
        raise LookalikeError(f"Nothing in {show(checkpoint)} says whether this model is better. {force}") from None
    if story.get("fingerprint") != card.fingerprint:
        raise LookalikeError(f"The verdict in {show(checkpoint)} is about another model. {force}")
    if story.get("verdict") != "install":
        raise LookalikeError(f"{_line(story.get('why'))} {force}")


def require_online(library: Library) -> None:
    """LookalikeError where a photo folder is away: its photos have no embedding under the new model yet."""
    for root in library.store.roots():
        if not root.online or not Path(os.fsdecode(root.path)).is_dir():
            raise LookalikeError(
                f"{text(root.path)} is offline: under another model its photos could not be found until it is back. "
                "Connect it, or add --anyway."
            )


def _line(why: object) -> str:
    return why if isinstance(why, str) and why.isprintable() else "This model is not better than the one before."


def _fields(library: Library, used: Used) -> dict[str, Any]:
    known = library.store.model(library.fingerprint)
    old = library.store.model(str(library.store.setting("previous_model") or ""))
    return {
        "model": known.name if known else "",
        "fingerprint": library.fingerprint,
        "before": old.name if old else "",
        "photos": used.photos,
        "embedded": used.embedded,
        "waiting": used.waiting,
        "failed": [{"path": text(failure.path), "reason": failure.reason} for failure in used.failed],
    }


def _say(fields: Mapping[str, Any]) -> None:
    say(
        f"The library now sees with {fields['model']}: {fields['photos']:,} photos, {fields['embedded']:,} embedded now"
    )
    if fields["waiting"]:
        say(f"{fields['waiting']:,} photos came after this model was left; find them again with: lookalike index")
    if fields["failed"]:
        say(f"{counted(len(fields['failed']), 'file')} could not be used (lookalike failed lists all)")
    if fields["before"]:
        say(f"To go back to {fields['before']}: lookalike use --previous")


COMMANDS = [use_command]
