"""What looks after a library: `lookalike info`, `failed`, `missing`, `roots`, `check`; and `doctor`."""

import importlib.metadata
import os
import platform
import sys
from contextlib import suppress
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

import click

from indexer.cli.options import FOLDER_PATH, json_option, library_option
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.database.contents import list_absent_files
from indexer.database.passed_over import describe_passed_over
from indexer.database.replacements import count_replaced_photos
from indexer.errors import LibraryError
from indexer.home.folders import find_home_folder, find_models_folder
from indexer.home.settings_file import SETTINGS_FILE, find_settings_folder
from indexer.indexing.repair import check_library, repair_library
from indexer.indexing.roots import move_root
from indexer.library import Library, LibraryInfo
from indexer.models.runtime import fast_precision
from indexer.paths import show_path
from indexer.photos.decoding import EXTRA_PACKAGES, is_extra_installed
from indexer.places import find_library
from indexer.wording import count_noun, format_number, name_model_fully, tr, tr_count

# What is missed without a package that indexing, searching and the window do not need.
PACKAGE_PURPOSES = {
    "annoy": tr("every photo is compared in each search"),
    "torch": tr("no model can be converted, none be taught"),
    "torchvision": tr("no model can be converted, none be taught"),
    "timm": tr("no other model can be made ready, none be taught"),
    "scipy": tr("none be taught, no report of a comparison"),
    "scikit-learn": tr("no figures of clusters, no groups of what looks alike"),
    "openTSNE": tr("no map"),
}
ROOT_STATES = {"online": tr("online"), "offline": tr("offline")}
REPORTED_PACKAGES = [
    "lookalike",
    "torch",
    "torchvision",
    "timm",
    "openvino",
    "annoy",
    "numpy",
    "pillow",
    "PySide6-Essentials",
]


@click.command("info")
@library_option
@json_option
def info_command(library: Path | None, as_json: bool) -> None:
    """Show what a library holds."""
    with Library.open(library or find_library()) as opened:
        info = opened.collect_info()
    if as_json:
        print_result("info", _info_fields(info))
        return
    print_line(
        tr(
            "{folder}: {photos} in {files}, {megabytes:,.1f} MB",
            folder=show_path(info.folder),
            photos=count_noun(info.photos, "photo"),
            files=count_noun(info.files, "file"),
            megabytes=info.bytes / 1e6,
        )
    )
    for root in info.roots:
        said = [count_noun(root.files, "file"), ROOT_STATES[root.state]]
        said += [tr("another drive is there now")] if root.other_drive else []
        said += [tr("its files are also at {place}", place=show_path(root.moved_to))] if root.moved_to else []
        said += [tr("sub-folders are classes")] if root.labelled else []
        print_line(f"  {show_path(root.path)}: {', '.join(said)}")
        for pattern in root.exclusions:
            print_line("    " + tr("left out: {pattern}", pattern=pattern))
    print_line(
        tr("{files} missing, {failed:,} could not be used", files=count_noun(info.missing, "file"), failed=info.failed)
    )
    if passed := describe_passed_over(info.passed_over):
        print_line(tr("Passed over: {passed}", passed=", ".join(passed)))
    for line in _describe_replaced(info.replaced):
        print_line(line)
    print_line(
        tr(
            "Model {model}, {dim} dimensions, fingerprint {fingerprint}",
            model=name_model_fully(info.model, info.fingerprint),
            dim=info.dim,
            fingerprint=info.fingerprint[:12],
        )
    )
    _print_precision(info)
    print_line(info.measured)
    _print_search_index(info)


def _print_search_index(info: LibraryInfo) -> None:
    if info.recall_at_10 is None:
        print_line(tr("{embeddings}, searched exactly", embeddings=count_noun(info.indexed + info.tail, "embedding")))
    else:
        print_line(
            tr(
                "Index {generation:04d} of {indexed:,} embeddings finds {found:.1%} of the true ten nearest",
                generation=info.generation,
                indexed=info.indexed,
                found=info.recall_at_10,
            )
        )
        print_line(
            "  "
            + tr(
                "with {trees} trees, looking at about {search_k:,} nodes in each search",
                trees=info.trees,
                search_k=info.search_k,
            )
        )
        print_line(tr("Searched exactly beside it: {tail:,} later ones", tail=info.tail))


def _info_fields(info: LibraryInfo) -> dict[str, Any]:
    roots = [
        root._asdict() | {"path": show_path(root.path), "moved_to": root.moved_to and show_path(root.moved_to)}
        for root in info.roots
    ]
    agreement = asdict(info.agreement) if info.agreement else None
    return (
        info._asdict()
        | {"folder": show_path(info.folder), "roots": roots, "agreement": agreement}
        | {"passed_over": info.passed_over.list_fields()}
    )


def _describe_replaced(count: int) -> list[str]:
    """A line about photos with words and without a file, where there are any; they are no fault."""
    line = tr_count(
        count,
        "{number:,} photo with words of yours has no file any more; lookalike replaced lists them",
        "{number:,} photos with words of yours have no file any more; lookalike replaced lists them",
    )
    return [line] if count else []


def _print_precision(info: LibraryInfo) -> None:
    counts = (f"{name}: {format_number(count, ',')}" for name, count in sorted(info.precisions.items()))
    print_line(tr("Computed in {counts}", counts=", ".join(counts)))
    if info.agreement is None:
        return
    if "bf16" in info.precisions and info.agreement.bf16 is not None:
        known = info.agreement.bf16_mean
        mean = "" if known is None else tr(", {mean:.4f} in the mean", mean=known)
        print_line(
            tr(
                "bf16 was measured on {pictures}: cosine to fp32 {bf16:.4f} at worst{mean}",
                pictures=info.agreement.pictures,
                bf16=info.agreement.bf16,
                mean=mean,
            )
        )
    if info.agreement.found is not None:
        pictures, exact, fast, seen = astuple(info.agreement.found)
        change = tr(
            "{exact:.4f} in fp32, {fast:.4f} in bf16 ({change:+.4f})", exact=exact, fast=fast, change=fast - exact
        )
        left_out = " " + tr("({seen:,} left out, as the model was trained on them)", seen=seen) if seen else ""
        print_line(
            tr(
                "MAP@R on {pictures:,} labelled pictures of the sample{left_out}: {change}",
                pictures=pictures,
                left_out=left_out,
                change=change,
            )
        )


@click.command("failed")
@library_option
@json_option
def failed_command(library: Path | None, as_json: bool) -> None:
    """List the files that could not be used, with reasons."""
    with Library.open(library or find_library()) as opened:
        failures = opened.list_failed_files()
    if as_json:
        print_result("failed", {"failed": [{"path": show_path(path), "reason": reason} for path, reason in failures]})
        return
    for path, reason in failures:
        print_line(f"{show_path(path)}: {tr(reason)}")
    print_line(tr("{files} could not be used", files=count_noun(len(failures), "file")))


@click.command("missing")
@library_option
@json_option
def missing_command(library: Path | None, as_json: bool) -> None:
    """List the files that are gone; they come back by themselves, and forget --missing drops them."""
    with Library.open(library or find_library()) as opened:
        gone = list_absent_files(opened.store.database)
    offline = [{"path": show_path(path), "files": files} for path, files in gone.offline]
    if as_json:
        print_result("missing", {"missing": [show_path(path) for path in gone.missing], "offline": offline})
        return
    for path in gone.missing:
        print_line(show_path(path))
    print_line(tr("{files} missing", files=count_noun(len(gone.missing), "file")))
    for path, files in gone.offline:
        print_line(
            tr(
                "{path} is offline: its {files} can still be found by a search",
                path=show_path(path),
                files=count_noun(files, "file"),
            )
        )


@click.command("roots")
@library_option
@click.option("--move", nargs=2, type=FOLDER_PATH, help="Point the root OLD at the folder NEW.")
@json_option
def roots_command(library: Path | None, move: tuple[Path, Path] | None, as_json: bool) -> None:
    """List the photo folders of a library, or point one at another place."""
    with Library.open(library or find_library()) as opened:
        if move:
            with opened.store.take_job_lock():
                move_root(opened, *move)
        roots = opened.store.files.list_roots()
    listed = [
        {
            "path": show_path(root.path),
            "state": _describe_state(root.online),
            "labelled": root.labelled,
            "other_drive": root.other_drive,
        }
        for root in roots
    ]
    if as_json:
        print_result("roots", {"roots": listed})
        return
    for root in roots:
        said = [show_path(root.path), ROOT_STATES[_describe_state(root.online)]]
        said += [tr("another drive is there now")] if root.other_drive else []
        said += [tr("sub-folders are classes")] if root.labelled else []
        print_line("  ".join(said))


def _describe_state(online: bool) -> str:
    return "online" if online else "offline"


@click.command("check")
@library_option
@click.option("--repair", is_flag=True, help="Build anew what can be derived again.")
@json_option
def check_command(library: Path | None, repair: bool, as_json: bool) -> int:
    """Verify everything a library holds, byte for byte; exit code 1 where something is wrong."""
    with Library.open(library or find_library()) as opened:
        problems = follow_steps(check_library(opened), as_json=as_json)
        if repair and problems:
            with opened.store.take_job_lock():
                follow_steps(repair_library(opened), as_json=as_json)
            problems = follow_steps(check_library(opened), as_json=as_json)
        replaced = 0
        with suppress(LibraryError):  # a damaged database is among the problems
            replaced = count_replaced_photos(opened.store.database)
    if as_json:
        print_result("check", {"problems": problems, "replaced": replaced})
    for line in [] if as_json else [*(problems or [tr("Everything agrees.")]), *_describe_replaced(replaced)]:
        print_line(line)
    return 1 if problems else 0


@click.command("doctor")
@json_option
def doctor_command(as_json: bool) -> None:
    """Show what this computer offers: versions, processor, runtimes, optional formats, folders."""
    facts = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "precision": fast_precision(),
        "home": str(find_home_folder()),
        "models": str(find_models_folder()),
        "settings": str(find_settings_folder() / SETTINGS_FILE),
        "formats": {extra: is_extra_installed(extra) for extra in EXTRA_PACKAGES},
        "display": bool(sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")),
        "packages": {name: _find_version(name) for name in REPORTED_PACKAGES},
    }
    if as_json:
        print_result("doctor", facts)
        return
    for name, value in facts.items():
        lines = value.items() if isinstance(value, dict) else [("", value)]
        for part, fact in lines:
            print_line(f"{name:<12} {part:<20} {fact}" if part else f"{name:<12} {fact}")


def _find_version(name: str) -> str:
    """The installed version of a package, else what is missed without it and how to install it."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        loss = PACKAGE_PURPOSES.get(name)
        if not loss:
            return tr("not installed")
        return tr("not installed: {loss}. To have it: pip install {name}", loss=loss, name=name)


COMMANDS = [info_command, failed_command, missing_command, roots_command, check_command, doctor_command]
