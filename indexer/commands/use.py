"""`lookalike use`: give a library another model, or the one it had before.

All photos are embedded under the new model beside the old embeddings, in committed batches, and only then does the
library flip; until that moment searches go on with the old model. Labels and decisions belong to photos and stay.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from indexer.cli.options import FOLDER_PATH, anyway_option, attached_option, json_option, library_option
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.indexing.roots import require_roots_online
from indexer.indexing.switching import SwitchReport, require_verdict, switch_back, switch_model
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import find_library
from indexer.wording import count_noun, name_model, tr


@click.command("use")
@click.argument("checkpoint", required=False, type=FOLDER_PATH)
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
        raise click.UsageError(tr("Name a checkpoint to use, or --previous."))
    if checkpoint is not None and not anyway:
        require_verdict(checkpoint)
    with Library.open(library or find_library()) as opened, opened.store.take_job_lock():
        if checkpoint is not None and not anyway:
            require_roots_online(opened)
        steps = switch_model(opened, checkpoint) if checkpoint is not None else switch_back(opened)
        report = follow_steps(steps, as_json=as_json, attached=attached)
        fields = _switch_fields(opened, report)
    if as_json:
        print_result("use", fields)
    else:
        _print_switch(fields)


def _switch_fields(library: Library, report: SwitchReport) -> dict[str, Any]:
    known = library.store.models.find_model(library.model_fingerprint)
    before = str(library.store.models.read_setting("previous_model") or "")
    old = library.store.models.find_model(before)
    return {
        "model": known.name if known else "",
        "fingerprint": library.model_fingerprint,
        "before": old.name if old else "",
        "before_fingerprint": before,
        "photos": report.photos,
        "embedded": report.embedded,
        "waiting": report.waiting,
        "failed": [{"path": show_path(failure.path), "reason": failure.reason} for failure in report.failed],
    }


def _print_switch(fields: Mapping[str, Any]) -> None:
    model = name_model(fields["model"], fields["fingerprint"])
    print_line(
        tr(
            "The library now sees with the model {model}: {photos:,} photos, {embedded:,} embedded now",
            model=model,
            photos=fields["photos"],
            embedded=fields["embedded"],
        )
    )
    if fields["waiting"]:
        print_line(
            tr(
                "{waiting:,} photos came after this model was left; find them again with: lookalike index",
                waiting=fields["waiting"],
            )
        )
    if fields["failed"]:
        print_line(
            tr(
                "{files} could not be used (lookalike failed lists all)",
                files=count_noun(len(fields["failed"]), "file"),
            )
        )
    if fields["before"]:
        before = name_model(fields["before"], fields["before_fingerprint"])
        print_line(tr("To go back to {before}: lookalike use --previous", before=before))


COMMANDS = [use_command]
