"""`lookalike index` and `sample`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from indexer.cli.options import (
    FOLDER_PATH,
    anyway_option,
    attached_option,
    json_option,
    library_option,
    model_option,
    require_output,
    runtime_option,
    size_option,
    weights_option,
)
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.database.passed_over import describe_passed_over
from indexer.exchange.label_import import take_sidecar_labels
from indexer.indexing.roots import require_folders, require_roots_online
from indexer.indexing.run import IndexReport
from indexer.indexing.switching import require_verdict
from indexer.library import Library
from indexer.models.installation import parse_model_choice
from indexer.paths import show_path
from indexer.photos import samples
from indexer.places import find_library
from indexer.progress import Progress, Steps
from indexer.scripting.index_runs import IndexRequest, generate_runs
from indexer.wording import count_noun, tr, tr_count

LISTED_FILES = 5  # in the text about a run; --json has them all


@click.command("index")
@click.argument("folders", nargs=-1, type=FOLDER_PATH)
@library_option
@model_option
@weights_option
@size_option
@runtime_option
@click.option("--labelled", is_flag=True, help="The sub-folders of FOLDER are classes.")
@click.option("--verify", is_flag=True, help="Read every file, whatever its times say; embed what has changed.")
@click.option("--here", is_flag=True, help="FOLDER is the one that the library knows, though its drive is another.")
@click.option("--exclude", "excluded", multiple=True, metavar="GLOB", help="Leave out, of FOLDER, what this matches.")
@click.option("--include-again", "taken_back", multiple=True, metavar="GLOB", help="Take a pattern of --exclude back.")
@click.option("--watch", "watching", is_flag=True, help="Then stay, and index whatever changes until stopped.")
@click.option("--sidecars", is_flag=True, help="Then take labels from XMP sidecars, where you have given none.")
@click.option("--queue", "queued", is_flag=True, help="Leave the files of a shared library to lookalike worker.")
@anyway_option
@json_option
@attached_option
def index_command(
    *,
    library: Path | None,
    name: str | None,
    weights: Path | None,
    size: int | None,
    runtime: str,
    watching: bool,
    sidecars: bool,
    anyway: bool,
    as_json: bool,
    attached: bool,
    **request_fields: Any,
) -> int:
    """Embed what is new in the FOLDERs; without one, bring the library's known folders up to date."""
    if watching and sidecars:
        raise click.UsageError(tr("--sidecars are read once: leave --watch out."))
    request = IndexRequest(**request_fields)
    folder = library or find_library(request.folders[0] if request.folders else None)
    require_folders(folder, request.folders)
    choice = parse_model_choice(name, weights, size) if name or weights or size else None
    if choice is not None and choice.checkpoint is not None and not anyway:
        require_verdict(choice.checkpoint)
    with (Library.create if request.folders else Library.open)(folder) as opened:
        if choice is not None and not anyway:
            require_roots_online(opened)
        runs = generate_runs(opened, request, choice, runtime)
        if watching:
            follow_steps(_watch_and_print(opened, runs, as_json=as_json), as_json=as_json, attached=attached)
        with opened.store.take_job_lock():
            report = follow_steps(next(runs), as_json=as_json, attached=attached)
            taken = follow_steps(take_sidecar_labels(opened), as_json=as_json, attached=attached) if sidecars else None
        _print_report(opened, report, as_json=as_json, sidecar_labels=taken)
    return 1 if report.new_failures else 0


def _watch_and_print(library: Library, runs: Iterator[Steps[IndexReport]], *, as_json: bool) -> Steps[None]:
    """Watch without end; print the first report, and then each that differs from the one before."""
    from indexer.indexing.watch import watch_library  # noqa: PLC0415  # only watching needs the system's events

    last_state = None
    for step in watch_library(library, lambda: next(runs)):
        if isinstance(step, Progress):
            yield step
            continue
        state = step._replace(embedded=0, moved=0, changed=0, carried=[], new_failures=0, seconds=0.0)
        if state != last_state or step.embedded or step.moved or step.changed or step.carried:
            _print_report(library, step, as_json=as_json)
        last_state = state


def _print_report(library: Library, report: IndexReport, *, as_json: bool, sidecar_labels: int | None = None) -> None:
    """Print what a run did; `sidecar_labels` counts the labels taken from sidecars, None where none were read."""
    if as_json:
        taken = {} if sidecar_labels is None else {"sidecar_labels": sidecar_labels}
        print_result("index", _report_fields(report) | taken)
        return
    _print_report_text(library, report)
    if sidecar_labels is not None:
        print_line(tr("{labels} taken from sidecars.", labels=count_noun(sidecar_labels, "label")))


def _report_fields(report: IndexReport) -> dict[str, Any]:
    return {
        "files": report.files,
        "photos": report.photos,
        "embedded": report.embedded,
        "moved": report.moved,
        "changed": report.changed,
        "missing": report.missing,
        "failed": [{"path": show_path(failure.path), "reason": failure.reason} for failure in report.failed],
        "carried": [{"path": show_path(carried.path), "how": carried.how} for carried in report.carried],
        "replaced": report.replaced,
        "offline": [show_path(path) for path in report.offline],
        "other_drives": [show_path(path) for path in report.other_drives],
        "moved_roots": [
            {"from": show_path(moved.old), "to": show_path(moved.new), "files": moved.files}
            for moved in report.moved_roots
        ],
        "passed_over": report.passed_over.list_fields(),
        "facts_read": report.facts_read,
        "seconds": report.seconds,
    }


def _print_report_text(library: Library, report: IndexReport) -> None:
    print_line(
        tr(
            "{photos} in {files}, in the library {folder}",
            photos=count_noun(report.photos, "photo"),
            files=count_noun(report.files, "file"),
            folder=show_path(library.folder),
        )
    )
    print_line(
        tr(
            "{embedded:,} embedded, {moved:,} moved, {changed:,} changed, {missing:,} missing, in {seconds:.1f} s",
            embedded=report.embedded,
            moved=report.moved,
            changed=report.changed,
            missing=report.missing,
            seconds=report.seconds,
        )
    )
    if report.facts_read:
        photos = count_noun(report.facts_read, "photo")
        print_line(
            tr(
                "Date, camera and place were read of {photos} that an older version has indexed; none was embedded.",
                photos=photos,
            )
        )
    _print_words(report)
    _print_drives(report)
    if passed := describe_passed_over(report.passed_over):
        print_line(tr("Passed over: {passed}.", passed=", ".join(passed)))
    if report.failed:
        print_line(
            tr("{files} could not be used (lookalike failed lists all):", files=count_noun(len(report.failed), "file"))
        )
        for failure in report.failed[:LISTED_FILES]:
            print_line(f"  {show_path(failure.path)}: {tr(failure.reason)}")


def _print_drives(report: IndexReport) -> None:
    """Print which folders are offline, where another drive is in their place, and which stand elsewhere now."""
    for path in report.offline:
        if path in report.other_drives:
            print_line(
                tr(
                    "{path} holds another drive now, or other pictures: nothing of it was indexed, and the photos "
                    "known there stay as they were. If it is the same folder all the same: lookalike index --here "
                    "{path}",
                    path=show_path(path),
                )
            )
        else:
            print_line(tr("{path} is offline or empty: its photos stay searchable.", path=show_path(path)))
    for old, new, files in report.moved_roots:
        print_line(
            tr(
                "{new} holds {files} of {old}, which is offline. If it has moved there: lookalike roots --move "
                "{old} {new}",
                new=show_path(new),
                files=count_noun(files, "file"),
                old=show_path(old),
            )
        )


def _print_words(report: IndexReport) -> None:
    """Print what became of the user's words where files have changed."""
    if report.carried:
        print_line(
            tr(
                "What you said was carried over to {changed_files}:",
                changed_files=count_noun(len(report.carried), "changed file"),
            )
        )
        for carried in report.carried[:LISTED_FILES]:
            print_line(f"  {show_path(carried.path)}: {tr(carried.how)}")
    if report.replaced:
        print_line(
            tr_count(
                report.replaced,
                "{number:,} photo of which you said something has no file any more (lookalike replaced lists them).",
                "{number:,} photos of which you said something have no file any more (lookalike replaced lists them).",
            )
        )


@click.command("sample")
@click.argument("name", type=click.Choice(list(samples.SAMPLE_WRITERS)))
@click.argument("out", type=FOLDER_PATH)
@click.option("--per-class", type=click.IntRange(1), help="Pictures of each class.")
@click.option("--part", type=click.Choice(["train", "test"]), default="test", show_default=True)
@json_option
def sample_command(name: str, out: Path, per_class: int | None, part: str, as_json: bool) -> None:
    """Write sample pictures into the folder OUT, one sub-folder for each class."""
    require_output(out)
    count = follow_steps(samples.SAMPLE_WRITERS[name](out, per_class=per_class, part=part), as_json=as_json)
    if as_json:
        print_result("sample", {"files": count})
    else:
        print_line(tr("{pictures} in {out}", pictures=count_noun(count, "picture"), out=show_path(out)))


COMMANDS = [index_command, sample_command]
