"""`lookalike join`: several models as one. Importing this file imports no torch."""

from pathlib import Path

import click

from indexer.cli.options import FOLDER_PATH, json_option
from indexer.cli.terminal import print_line, print_result
from indexer.paths import show_path
from indexer.wording import tr


@click.command("join")
@click.argument("checkpoints", type=FOLDER_PATH, nargs=-1, required=True)
@click.option("--out", type=FOLDER_PATH, required=True, help="Empty or new folder for the joined model.")
@json_option
def join_command(*, checkpoints: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Join CHECKPOINTS into one model, whose embedding is all of theirs side by side: better, and slower by their
    number.
    """
    from training.judging.joined_checkpoint import join_checkpoints  # noqa: PLC0415 (it brings torch)

    joined = join_checkpoints(checkpoints, out)
    if as_json:
        fields = {"checkpoint": str(out.absolute()), "members": joined.members, "dim": joined.card.dim}
        print_result("join", fields | {"fingerprint": joined.card.fingerprint})
        return
    print_line(
        tr(
            "{members} models are one now, of {dim:,} numbers; a picture costs as much as in all.",
            members=joined.members,
            dim=joined.card.dim,
        )
    )
    print_line(tr("It has no verdict yet. To measure it: lookalike evaluate FOLDER --model {out}", out=show_path(out)))


COMMANDS = [join_command]
