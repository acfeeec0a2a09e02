"""`lookalike train`: its options are the fields of TrainConfig. Importing this file imports no torch."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from indexer.cli.filter_options import add_filter_options
from indexer.cli.options import FOLDER_PATH, attached_option, json_option, require_output
from indexer.cli.terminal import WorkStopped, follow_steps, print_line, print_result
from indexer.database.filters import Filter, build_filter
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import find_library
from indexer.wording import format_number, tr
from training import train
from training.data.sources import (
    UNFINISHED_FILE,
    LibraryLabels,
    TrainingSource,
    choose_checkpoint_folder,
    find_unfinished,
    format_source_arguments,
    is_library,
)
from training.judging.record import TrainingRecord, check_name, parse_record, rename_checkpoint
from training.settings.config import TrainConfig, list_settings
from training.settings.setting_rule import SettingField

ClickCommand = Callable[..., int]
MAX_LEFT_OUT = 5  # files that are named


def add_config_options(command: ClickCommand) -> ClickCommand:
    """Add an option for each field of TrainConfig, in their order."""
    for setting in reversed(list_settings(TrainConfig)):
        command = _make_option(setting)(command)
    return command


def _make_option(setting: SettingField) -> Callable[[ClickCommand], ClickCommand]:
    is_closed = setting.rule.choices and not setting.rule.is_open
    kind: Any = click.Choice(list(setting.rule.choices)) if is_closed else setting.kind
    default = tr(setting.rule.unset) if setting.default is None else setting.default
    return click.option(
        setting.option_name,
        setting.name,
        type=kind,
        default=setting.default,
        help=f"{_describe_setting(setting)} [{default}]",
    )


def _describe_setting(setting: SettingField) -> str:
    named = "; ".join(f"{name}: {words.removesuffix('.')}" for name, words in setting.rule.choices.items())
    named += "; " + tr("or {others}", others=tr(setting.rule.others)) if setting.rule.is_open else ""
    said = tr(setting.rule.help)
    return f"{said} {named}." if named else said


@click.command("train")
@click.argument("folder", type=FOLDER_PATH, required=False)
@click.option(
    "--library", is_flag=False, flag_value="", help="Learn from a library's labels instead; without DIR the usual one."
)
@add_filter_options
@add_config_options
@click.option("--from-scratch", is_flag=True, help="The same as --initial-weights random.")
@click.option(
    "--out", type=FOLDER_PATH, help="Empty or new folder for the checkpoint; else one is made beside your libraries."
)
@click.option("--name", default="", help="What the model will be called [as its folder].")
@click.option(
    "--groups",
    "groups_file",
    type=click.Path(path_type=Path),
    help="A CSV with the columns file and group: photos of one group are never parted, nor matches of each other.",
)
@click.option("--resume", is_flag=True, help="Go on with a training that was cut off.")
@json_option
@attached_option
def train_command(
    *,
    folder: Path | None,
    library: str | None,
    out: Path | None,
    name: str,
    groups_file: Path | None,
    from_scratch: bool,
    resume: bool,
    as_json: bool,
    attached: bool,
    **settings: Any,
) -> int:
    """Fine-tune on FOLDER, whose sub-folders are classes, and say whether the new model is better.

    Exit code 1: it is not, keep the one you have. The checkpoint is written either way.
    """
    settings |= {"initial_weights": "random"} if from_scratch else {}
    config = TrainConfig.from_dict({setting.name: settings.pop(setting.name) for setting in list_settings(TrainConfig)})
    name = check_name(name) if name else ""
    source = _choose_source(folder, library, build_filter(settings))
    if isinstance(source, LibraryLabels) and config.class_level != 1:
        raise click.UsageError(tr("--class-level is for a FOLDER: the labels of a library are what they are."))
    if out is not None:
        library_of, folders = (source.library, []) if isinstance(source, LibraryLabels) else (None, [source])
        require_output(out, library=library_of, folders=folders)
    # waiting threads that spin would slow a step down ten times while anything else is running on the computer
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    place = out or (find_unfinished(source) if resume else choose_checkpoint_folder(source))
    try:
        steps = train(config, source, place, resume=resume, groups_file=groups_file)
        result = follow_steps(steps, as_json=as_json, attached=attached)
    except WorkStopped:
        is_saved = (place / UNFINISHED_FILE).is_file()
        raise WorkStopped(_explain_resume(source, out, groups_file, is_saved=is_saved)) from None
    fields = result.fields() | {"name": name or place.resolve().name}
    if name:
        rename_checkpoint(result.checkpoint, name)
    if as_json:
        print_result("train", fields)
    else:
        _print_record(parse_record(fields))
    return 0 if result.verdict.install else 1


def _choose_source(folder: Path | None, library: str | None, within: Filter | None) -> TrainingSource:
    """The source that the user named: a labelled folder, or a library's labels; UsageError where it is not one."""
    if (folder is None) == (library is None):
        raise click.UsageError(
            tr("Name a FOLDER whose sub-folders are classes, or --library to learn from its labels.")
        )
    if folder is not None and not is_library(folder):
        if within is not None:
            raise click.UsageError(
                tr("A FOLDER is learned from whole: photos are chosen by label, date ... of a --library.")
            )
        return folder
    place = folder or (Path(library) if library else find_library())
    Library.open(place).close()  # refused now where there is none
    return LibraryLabels(place, within)


def _explain_resume(source: TrainingSource, out: Path | None, groups_file: Path | None, *, is_saved: bool) -> str:
    """What is kept of a training that was stopped, and the command that goes on from there."""
    if not is_saved:
        return tr("Stopped. Nothing was kept of the training.")
    options = {"--out": out, "--groups": groups_file}
    given = [word for name, path in options.items() if path for word in (name, os.fspath(path))]
    words = ["lookalike", "train", *format_source_arguments(source), *given, "--resume"]
    return tr("Stopped. What was saved last is kept; to go on from there: {command}", command=shlex.join(words))


def _describe_choice(record: TrainingRecord) -> str:
    """Which epoch and embedding validation chose; "" where a closed form was fitted."""
    if record.is_out_of_fold:
        return ""
    epochs = len(record.epochs) - 1
    return tr(
        "Best of {epochs} epochs: {best}; embedding from the {embedding}",
        epochs=epochs,
        best=record.best_epoch,
        embedding=tr(record.embedding),
    )


def _print_record(record: TrainingRecord) -> None:
    print_line(f"{'':<34} {'P@1':>7} {'R-prec.':>7} {'MAP@R':>7} {'hit@5':>7}")
    for figures in (record.pixels, *reversed(record.pretrained), record.after):
        if figures is not None:
            columns = (figures.p_at_1, figures.r_precision, figures.map_at_r, figures.hit_rates[0])
            print_line(f"{figures.model:<34} " + " ".join(format_number(value, "7.3f") for value in columns))
    for sentence in (*record.source_remarks, record.recipe):
        print_line(sentence)
    for sentence in (
        _describe_choice(record),
        record.stopped,
        record.collapse,
        record.refit,
        record.why,
        record.identification_sentence,
    ):
        if sentence:
            print_line(sentence)
    _print_thresholds(record)
    for path, reason in record.unreadable[:MAX_LEFT_OUT]:
        print_line(tr("Left out: {path} {reason}", path=path, reason=reason))
    print_line(tr("Checkpoint: {checkpoint}", checkpoint=show_path(record.checkpoint)))
    if record.install:
        print_line(tr("To use it: lookalike use {checkpoint}", checkpoint=show_path(record.checkpoint)))


def _print_thresholds(record: TrainingRecord) -> None:
    for threshold in record.thresholds:
        missed = "" if threshold.fnmr is None else tr(", {fnmr:.1%} of the matches missed", fnmr=threshold.fnmr)
        print_line(
            tr(
                "Closer than {distance:.3f} counts as the same: {fmr:.1%} false matches{missed}",
                distance=threshold.distance,
                fmr=threshold.fmr,
                missed=missed,
            )
        )
    if record.scope:
        print_line(record.scope)


COMMANDS = [train_command]
