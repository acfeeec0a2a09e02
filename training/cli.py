"""`lookalike train`: its options are the fields of TrainConfig. Importing this file imports no torch."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer import photos
from indexer.card import show
from indexer.places import home
from indexer.terminal import attached_option, emit, follow, json_option, say
from training.config import Field, TrainConfig, fields_of

if TYPE_CHECKING:
    from training.result import TrainResult

FOLDER = click.Path(path_type=Path)
Command = Callable[..., int]


def config_options(command: Command) -> Command:
    """One option for each setting, in the dataclass's order."""
    for setting in reversed(fields_of(TrainConfig)):
        command = _option(setting)(command)
    return command


def _option(setting: Field) -> Callable[[Command], Command]:
    kind: Any = click.Choice(list(setting.rule.choices)) if setting.rule.choices else setting.kind
    default = setting.rule.unset if setting.default is None else setting.default
    return click.option(
        setting.option, setting.name, type=kind, default=setting.default, help=f"{_words(setting)} [{default}]"
    )


def _words(setting: Field) -> str:
    named = "; ".join(f"{name}: {words}" for name, words in setting.rule.choices.items())
    return f"{setting.rule.help} {named}".rstrip()


@click.command("train")
@click.argument("folder", type=FOLDER)
@config_options
@click.option("--out", type=FOLDER, help="Folder of the new checkpoint; else one is made beside your libraries.")
@json_option
@attached_option
def train_command(*, folder: Path, out: Path | None, as_json: bool, attached: bool, **settings: Any) -> int:
    """Fine-tune on FOLDER, whose sub-folders are classes, and say whether the new model is better.

    Exit code 1: it is not, keep the one you have. The checkpoint is written either way.
    """
    config = TrainConfig.from_dict(settings)
    # waiting threads that spin would slow a step down ten times while anything else is running on the computer
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from training.loop import train  # noqa: PLC0415 (torch takes 2.6 s to import: `lookalike --help` does without)

    steps = train(config, folder, out or _checkpoint_folder(folder))
    result = follow(steps, as_json=as_json, attached=attached)
    if as_json:
        emit("train", result.fields())
    else:
        _say(result)
    return 0 if result.verdict.install else 1


def _checkpoint_folder(folder: Path) -> Path:
    return home() / "checkpoints" / f"{folder.absolute().name}-{time.strftime('%Y%m%d-%H%M%S')}"


def _say(result: "TrainResult") -> None:
    judged, fit = result.verdict, result.fit
    say(f"{'':<34} {'P@1':>7} {'R-prec.':>7} {'MAP@R':>7} {'hit@5':>7}")
    for row in (result.baseline.pixels, *reversed(result.baseline.rows), judged.after):
        if row is not None:
            figures = row.figures
            shown = (figures.p_at_1, figures.r_precision, figures.map_at_r, figures.hit_at_k[5])
            say(f"{row.name:<34} " + " ".join(f"{value:7.3f}" for value in shown))
    say(f"Best of {len(fit.epochs) - 1} epochs: {fit.best.epoch}; embedding from the {fit.embedding}")
    for sentence in (fit.stopped, fit.collapse, judged.why):
        if sentence:
            say(sentence)
    for path, reason in result.unreadable[:5]:
        say(f"Left out: {photos.text(path)} {reason}")
    say(f"Checkpoint: {show(result.checkpoint)}")
    if judged.install:
        say(f"To use it: lookalike use {show(result.checkpoint)}")


COMMANDS = [train_command]
