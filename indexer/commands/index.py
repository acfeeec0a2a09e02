"""The commands index and sample, and the list of all commands of this package."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from indexer.cli.options import (
    anyway_option,
    attached_option,
    json_option,
    library_option,
    model_option,
    require_output,
    runtime_option,
    weights_option,
)
from indexer.cli.terminal import emit, follow, say
from indexer.commands import duplicates as duplicates_command
from indexer.commands import evaluate as evaluate_command
from indexer.commands import explain_map_export as looking_commands
from indexer.commands import identify as identity_commands
from indexer.commands import maintenance as upkeep
from indexer.commands import search as search_commands
from indexer.indexing.repair import mend_active_model
from indexer.indexing.roots import require_folders, require_roots_online
from indexer.indexing.run import Report, index
from indexer.indexing.switching import require_verdict
from indexer.library import Library
from indexer.models.embedder import DeferredEmbedder, defer_model
from indexer.models.installation import ModelChoice, choose, install
from indexer.paths import show_path
from indexer.photos import samples
from indexer.places import find
from indexer.progress import Progress, Steps
from indexer.wording import count_noun

FOLDER = click.Path(path_type=Path)


@click.command("index")
@click.argument("folders", nargs=-1, type=FOLDER)
@library_option
@model_option
@weights_option
@runtime_option
@click.option("--labelled", is_flag=True, help="The sub-folders of FOLDER are classes.")
@click.option("--watch", "watching", is_flag=True, help="Then stay, and index whatever changes until stopped.")
@anyway_option
@json_option
@attached_option
def index_command(
    *,
    folders: tuple[Path, ...],
    library: Path | None,
    name: str | None,
    weights: Path | None,
    runtime: str,
    labelled: bool,
    watching: bool,
    anyway: bool,
    as_json: bool,
    attached: bool,
) -> int:
    """Embed what is new in the FOLDERs; without one, bring the library's known folders up to date."""
    folder = library or find(folders[0] if folders else None)
    require_folders(folder, folders)
    choice = choose(name, weights) if name or weights else None
    if choice is not None and choice.checkpoint is not None and not anyway:
        require_verdict(choice.checkpoint)
    with (Library.create if folders else Library.open)(folder) as opened:
        if choice is not None and not anyway:
            require_roots_online(opened)
        runs = _index_runs(opened, folders, choice, runtime, labelled=labelled)
        if watching:
            follow(_watch_steps(opened, runs, as_json=as_json), as_json=as_json, attached=attached)
        with opened.job():
            report = follow(next(runs), as_json=as_json, attached=attached)
        _show_report(opened, report, as_json=as_json)
    return 1 if report.new_failures else 0


def _index_runs(
    library: Library, folders: tuple[Path, ...], choice: ModelChoice | None, runtime: str, *, labelled: bool
) -> Iterator[Steps[Report]]:
    """A run with what the user named, then runs that bring the library up to date, all with one loaded model."""
    loaded: dict[str, DeferredEmbedder] = {}
    yield _index_steps(library, folders, choice, runtime, loaded, labelled=labelled)
    while True:
        yield _index_steps(library, (), None, runtime, loaded, labelled=False)


def _index_steps(
    library: Library,
    folders: tuple[Path, ...],
    choice: ModelChoice | None,
    runtime: str,
    loaded: dict[str, DeferredEmbedder],
    *,
    labelled: bool,
) -> Steps[Report]:
    """Install or mend the model where there is something to do, then index with it."""
    if choice or library.fingerprint not in loaded:
        card = yield from install(choice, library.models_folder) if choice else mend_active_model(library)
        loaded.clear()
        loaded[card.fingerprint] = defer_model(card, library.models_folder, runtime)
    (embedder,) = loaded.values()
    return (yield from index(library, folders, embedder, labelled=labelled))


def _watch_steps(library: Library, runs: Iterator[Steps[Report]], *, as_json: bool) -> Steps[None]:
    """Watch without end; say the first result, and then each that is news."""
    from indexer.indexing.watch import watch  # noqa: PLC0415  # only watching needs the system's events

    before = None
    for step in watch(library, lambda: next(runs)):
        if isinstance(step, Progress):
            yield step
            continue
        state = step._replace(embedded=0, moved=0, new_failures=0, seconds=0.0)
        if state != before or step.embedded or step.moved:
            _show_report(library, step, as_json=as_json)
        before = state


def _show_report(library: Library, report: Report, *, as_json: bool) -> None:
    if as_json:
        emit("index", _report_fields(report))
    else:
        _say_report(library, report)


def _report_fields(report: Report) -> dict[str, Any]:
    return {
        "files": report.files,
        "photos": report.photos,
        "embedded": report.embedded,
        "moved": report.moved,
        "missing": report.missing,
        "failed": [{"path": show_path(failure.path), "reason": failure.reason} for failure in report.failed],
        "offline": [show_path(path) for path in report.offline],
        "seconds": report.seconds,
    }


def _say_report(library: Library, report: Report) -> None:
    say(
        f"{count_noun(report.photos, 'photo')} in {count_noun(report.files, 'file')}, in the library "
        f"{show_path(library.folder)}"
    )
    say(f"{report.embedded:,} embedded, {report.moved:,} moved, {report.missing:,} missing, in {report.seconds:.1f} s")
    for path in report.offline:
        say(f"{show_path(path)} is offline or empty: its photos stay searchable.")
    if report.failed:
        say(f"{count_noun(len(report.failed), 'file')} could not be used (lookalike failed lists all):")
        for failure in report.failed[:5]:
            say(f"  {show_path(failure.path)}: {failure.reason}")


@click.command("sample")
@click.argument("name", type=click.Choice(list(samples.SAMPLES)))
@click.argument("out", type=FOLDER)
@click.option("--per-class", type=click.IntRange(1), help="Pictures of each class.")
@click.option("--part", type=click.Choice(["train", "test"]), default="test", show_default=True)
@json_option
def sample_command(name: str, out: Path, per_class: int | None, part: str, as_json: bool) -> None:
    """Write sample pictures into the folder OUT, one sub-folder for each class."""
    require_output(out)
    count = follow(samples.SAMPLES[name](out, per_class=per_class, part=part), as_json=as_json)
    if as_json:
        emit("sample", {"files": count})
    else:
        say(f"{count_noun(count, 'picture')} in {show_path(out)}")


COMMANDS = [index_command, sample_command, *search_commands.COMMANDS]
COMMANDS += [*evaluate_command.COMMANDS, *identity_commands.COMMANDS]
COMMANDS += [*duplicates_command.COMMANDS, *looking_commands.COMMANDS, *upkeep.COMMANDS]
