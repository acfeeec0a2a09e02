"""What `lookalike duplicates` does with the groups it has found: a plan of what may go, the trash, and back again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from indexer.cli.options import FILE_PATH
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.duplicates.duplicate_groups import DuplicateGroup
from indexer.duplicates.keep_rules import FOLDER_RULE, RULE_NAMES
from indexer.duplicates.removal_plan import MOVE, describe_groups, plan_removal, read_paths_to_move, write_plan
from indexer.duplicates.trash import TrashOutcome, allow_trash, move_to_trash, put_back
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import require_safe_output
from indexer.wording import count_noun, tr

REMOVAL_OPTIONS = [
    click.option("--keep", type=click.Choice(RULE_NAMES), help="Plan: which of each group stays."),
    click.option("--keep-folder", type=FILE_PATH, help="Of --keep folder: what lies below it stays."),
    click.option("--plan", type=FILE_PATH, help="The table (.csv) that --keep writes, and that --trash carries out."),
    click.option("--trash", is_flag=True, help="Move to the trash what the plan says; never the last copy."),
    click.option("--yes", is_flag=True, help="Do so without asking."),
    click.option("--put-back", "undo", is_flag=True, help="Put back what went to the trash last."),
    click.option("--allow-trash/--forbid-trash", "allowance", default=None, help="Whether --trash works here at all."),
    click.option("--overwrite", is_flag=True, help="Replace a plan that is there already."),
]


class RemovalRequest(NamedTuple):
    """What `lookalike duplicates` is asked to do with the groups: a field for each of its options on that."""

    keep: str | None
    keep_folder: Path | None
    plan: Path | None
    trash: bool
    yes: bool
    undo: bool
    allowance: bool | None
    overwrite: bool

    def check(self) -> None:
        """Raise UsageError where the options do not go together."""
        if self.keep and not self.plan:
            raise click.UsageError(tr("--keep writes a plan: name its file with --plan FILE."))
        if (self.keep == FOLDER_RULE) != (self.keep_folder is not None):
            raise click.UsageError(tr("--keep folder and --keep-folder FOLDER go together."))
        if self.plan and not (self.keep or self.trash):
            raise click.UsageError(
                tr("--plan goes with --keep, which writes it, or with --trash, which carries it out.")
            )
        if self.trash and not self.plan:
            raise click.UsageError(tr("--trash carries out a plan: name its file with --plan FILE."))
        if (self.undo or self.allowance is not None) and (self.keep or self.plan):
            raise click.UsageError(tr("--put-back and --allow-trash stand alone."))

    @property
    def needs_no_groups(self) -> bool:
        """Whether the request can be carried out without looking for duplicates."""
        return self.undo or self.allowance is not None or (self.trash and not self.keep)


class SpokenOptions(NamedTuple):
    """The options on output: JSON lines instead of text, and whether to end with the program that started the command.
    JSON lines instead of text, and whether the command ends with the program that started it.
    """

    as_json: bool
    attached: bool


def run_without_groups(library: Library, request: RemovalRequest, spoken: SpokenOptions) -> int:
    """Carry out a plan, put back, or allow and forbid the trash; the exit code."""
    if request.allowance is not None:
        allow_trash(library, allowed=request.allowance)
        sentence = (
            tr("Files may be moved to the trash.")
            if request.allowance
            else tr("No file is moved to the trash any more.")
        )
        _say_result({"allowed": request.allowance}, sentence, spoken)
        return 0
    if request.undo:
        outcome = follow_steps(put_back(library), as_json=spoken.as_json, attached=spoken.attached)
        return _print_outcome(outcome, "restored", spoken)
    assert request.plan is not None
    return _carry_out(library, request, spoken)


def run_with_groups(
    library: Library, groups: Sequence[DuplicateGroup], request: RemovalRequest, spoken: SpokenOptions
) -> int:
    """Write the plan for the groups, and carry it out where that is wanted; the exit code."""
    assert request.plan is not None and request.keep is not None
    require_safe_output(request.plan, library=library.folder, overwrite=request.overwrite)
    folder = b"" if request.keep_folder is None else bytes(request.keep_folder.absolute())
    rows = plan_removal(describe_groups(library, groups), request.keep, folder)
    write_plan(request.plan, rows)
    moving = [row for row in rows if row.action == MOVE]
    if not request.trash:
        freed = sum(row.bytes for row in moving)
        fields = {"plan": show_path(request.plan), "groups": len(groups), "moving": len(moving), "bytes": freed}
        sentence = tr(
            "{files} with {freed:,} bytes may go: {plan}",
            files=count_noun(len(moving), "file"),
            freed=freed,
            plan=show_path(request.plan),
        )
        _say_result(fields, sentence, spoken)
        return 0
    return _carry_out(library, request, spoken)


def _carry_out(library: Library, request: RemovalRequest, spoken: SpokenOptions) -> int:
    assert request.plan is not None
    paths = read_paths_to_move(request.plan)
    if not request.yes:
        if spoken.as_json or spoken.attached:
            raise LookalikeError("Nothing was moved: moving files to the trash needs --yes here.")
        files = count_noun(len(paths), "file")
        question = tr("Move {files} to the trash? The last copy of a content always stays", files=files)
        if not click.confirm(question, default=False):
            print_line(tr("Nothing was moved."))
            return 1
    outcome = follow_steps(move_to_trash(library, paths), as_json=spoken.as_json, attached=spoken.attached)
    return _print_outcome(outcome, "trashed", spoken)


def _print_outcome(outcome: TrashOutcome, key: str, spoken: SpokenOptions) -> int:
    """Say what became of the files; exit code 1 where some had to stay."""
    refused = [{"path": show_path(file.path), "reason": file.reason} for file in outcome.refused]
    lines = [tr("{path} stays: it {reason}.", path=file["path"], reason=file["reason"]) for file in refused]
    done = count_noun(len(outcome.done), "file")
    if key == "trashed":
        lines.append(tr("{done} moved to the trash, {refused:,} not.", done=done, refused=len(refused)))
    else:
        lines.append(tr("{done} put back, {refused:,} not.", done=done, refused=len(refused)))
    if key == "trashed" and outcome.done:
        lines.append(tr("lookalike duplicates --put-back takes that back."))
    _say_result({key: [show_path(path) for path in outcome.done], "refused": refused}, "\n".join(lines), spoken)
    return 1 if refused else 0


def _say_result(fields: dict[str, Any], sentence: str, spoken: SpokenOptions) -> None:
    if spoken.as_json:
        print_result("duplicates", {"kind": "removal", "groups": []} | fields)
    else:
        print_line(sentence)
