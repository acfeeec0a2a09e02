"""`lookalike study`: the course's comparisons. Importing this file imports no torch."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer import atomic
from indexer.cli.options import FILE_PATH, FOLDER_PATH, attached_option, json_option, overwrite_option
from indexer.cli.terminal import WorkStopped, follow_steps, print_line, print_result
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import find_library
from indexer.wording import tr
from training.commands.report import require_page_path
from training.data.sources import LibraryLabels, TrainingSource, find_group_folders, is_library
from training.settings.choices import LOSSES, PURPOSES
from training.settings.config import TrainConfig
from training.studies.study_report import (
    TABLE_HEADING,
    USES_HEADING,
    describe_budget,
    format_rows,
    format_uses,
    render_study,
    study_to_dict,
)
from training.studies.variants import (
    BASE_CONFIGS,
    STUDIES,
    StudyVariant,
    choose_base_config,
    require_free_settings,
    select_variants,
)

if TYPE_CHECKING:
    from training.studies.trials import StudyResult


def _describe_default(name: str) -> str:
    """The default of a setting for each purpose, as it stands in the help."""
    images, classes = (getattr(BASE_CONFIGS[purpose], name) for purpose in ("images", "classes"))
    if images == classes:
        return f"[{images}]"
    classes = classes or tr("as the model has")
    return tr("[{images} for images, {classes} for classes]", images=images, classes=classes)


@click.command("study")
@click.argument("name", type=click.Choice(list(STUDIES)))
@click.argument("folder", type=FOLDER_PATH, required=False)
@click.option(
    "--library", is_flag=False, flag_value="", help="Compare on a library's labels instead; without DIR the usual one."
)
@click.option("--seeds", type=click.IntRange(min=1), default=3, help="Runs of each variant. [3]")
@click.option(
    "--epochs", type=int, help=f"{tr('How often each goes over the pictures.')} {_describe_default('epochs')}"
)
@click.option("--image-size", type=int, help=f"{tr('Side of the pictures.')} {_describe_default('image_size')}")
@click.option("--dim", type=int, help=f"{tr('Numbers per picture.')} {_describe_default('dim')}")
@click.option("--loss", type=click.Choice(list(LOSSES)), help=f"{tr('Of all variants.')} {_describe_default('loss')}")
@click.option("--purpose", type=click.Choice(list(PURPOSES)), default="images", help="New images, or new classes.")
@click.option("--only", multiple=True, metavar="VARIANT", help="Compare only this one and others named so.")
@click.option("--backbone", multiple=True, metavar="NAME", help="In the study backbones, another timm network too.")
@click.option("--out", type=FILE_PATH, help="Write the study as a page, .html.")
@overwrite_option
@json_option
@attached_option
def study_command(
    *,
    name: str,
    folder: Path | None,
    seeds: int,
    purpose: str,
    only: tuple[str, ...],
    backbone: tuple[str, ...],
    out: Path | None,
    overwrite: bool,
    as_json: bool,
    attached: bool,
    **settings: str | int | None,
) -> None:
    """Compare on FOLDER, whose sub-folders are classes, with one budget and several seeds."""
    library = settings.pop("library")
    source = _choose_source(folder, None if library is None else str(library))
    chosen_settings = {setting: value for setting, value in settings.items() if value is not None}
    require_free_settings(name, chosen_settings)
    base = TrainConfig.from_dict(choose_base_config(name, purpose).to_dict() | chosen_settings)
    variants = select_variants(_list_variants(name, base, backbone), only)
    place = require_page_path(out, *find_group_folders(source), overwrite=overwrite) if out else None
    from training.studies.trials import run_study  # noqa: PLC0415 (torch takes 2.6 s to import: `lookalike --help` does without)

    try:
        study = follow_steps(run_study(name, source, base, variants, seeds), as_json=as_json, attached=attached)
    except WorkStopped:
        raise WorkStopped("Stopped. Nothing is kept of a study that did not end; the next run begins anew.") from None
    if as_json:
        print_result("study", study_to_dict(study))
    else:
        _print_study(study)
    if place:  # last, so that no fault of a page costs the figures
        _write_study_page(study, place, as_json=as_json, attached=attached)


def _choose_source(folder: Path | None, library: str | None) -> TrainingSource:
    """What the user named: a labelled folder, or a library's labels; UsageError where it is not one."""
    if (folder is None) == (library is None):
        raise click.UsageError(
            tr("Name a FOLDER whose sub-folders are classes, or --library to compare on its labels.")
        )
    if folder is not None and not is_library(folder):
        return folder
    place = folder or (Path(library) if library else find_library())
    Library.open(place).close()  # refused now where there is none
    return LibraryLabels(place)


def _list_variants(name: str, base: TrainConfig, backbones: tuple[str, ...]) -> list[StudyVariant]:
    if backbones and name != "backbones":
        raise LookalikeError("--backbone belongs to the study backbones.")
    return STUDIES[name](base) + [
        StudyVariant(f"{backbone}, whole network", replace(base, recipe="full"), backbone=backbone)
        for backbone in backbones
    ]


def _print_study(study: "StudyResult") -> None:
    print_line(describe_budget(study))
    _print_table([list(TABLE_HEADING), *format_rows(study)])
    if uses := format_uses(study):
        _print_table([list(USES_HEADING), *uses])


def _print_table(table: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        print_line(f"{row[0].ljust(widths[0])}  {'  '.join(cells)}")


def _write_study_page(study: "StudyResult", place: Path, *, as_json: bool, attached: bool) -> None:
    atomic.write_file(place, follow_steps(render_study(study), as_json=as_json, attached=attached))
    if as_json:
        print_result("page", {"page": str(place.absolute()), "study": study_to_dict(study)})
    else:
        print_line(tr("Page: {place}", place=show_path(place)))


COMMANDS = [study_command]
