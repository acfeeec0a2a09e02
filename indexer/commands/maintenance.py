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
from indexer.wording import count_noun, name_model_fully, tr

# What is missed without a package that indexing, searching and the window do not need.
PACKAGE_PURPOSES = {
    "annoy": "every photo is compared in each search",
    "torch": "no model can be converted, none be taught",
    "torchvision": "no model can be converted, none be taught",
    "timm": "no other model can be made ready, none be taught",
    "scipy": "none be taught, no report of a comparison",
    "scikit-learn": "no figures of clusters, no groups of what looks alike",
    "openTSNE": "no map",
}
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
    holds = f"{count_noun(info.photos, 'photo')} in {count_noun(info.files, 'file')}"
    print_line(f"{show_path(info.folder)}: {holds}, {info.bytes / 1e6:,.1f} MB")
    for root in info.roots:
        kind = ", sub-folders are classes" if root.labelled else ""
        other = ", another drive is there now" if root.other_drive else ""
        other += f", its files are also at {show_path(root.moved_to)}" if root.moved_to else ""
        print_line(f"  {show_path(root.path)}: {count_noun(root.files, 'file')}, {root.state}{other}{kind}")
        for pattern in root.exclusions:
            print_line(f"    left out: {pattern}")
    print_line(f"{count_noun(info.missing, 'file')} missing, {info.failed:,} could not be used")
    if passed := describe_passed_over(info.passed_over):
        print_line(f"Passed over: {', '.join(passed)}")
    for line in _describe_replaced(info.replaced):
        print_line(line)
    print_line(
        f"Model {name_model_fully(info.model, info.fingerprint)}, {info.dim} dimensions, "
        f"fingerprint {info.fingerprint[:12]}"
    )
    _print_precision(info)
    print_line(info.measured)
    if info.recall_at_10 is None:
        print_line(f"{count_noun(info.indexed + info.tail, 'embedding')}, searched exactly")
    else:
        found = f"{info.recall_at_10:.1%} of the true ten nearest"
        print_line(f"Index {info.generation:04d} of {info.indexed:,} embeddings finds {found}")
        print_line(f"  with {info.trees} trees, looking at about {info.search_k:,} nodes in each search")
        print_line(f"Searched exactly beside it: {info.tail:,} later ones")


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
    have = f"{count_noun(count, 'photo')} with words of yours {'has' if count == 1 else 'have'} no file any more"
    return [f"{have}; lookalike replaced lists them"] if count else []


def _print_precision(info: LibraryInfo) -> None:
    print_line("Computed in " + ", ".join(f"{name}: {count:,}" for name, count in sorted(info.precisions.items())))
    if info.agreement is None:
        return
    if "bf16" in info.precisions and info.agreement.bf16 is not None:
        mean = f", {info.agreement.bf16_mean:.4f} in the mean" if info.agreement.bf16_mean is not None else ""
        print_line(
            f"bf16 was measured on {info.agreement.pictures}: cosine to fp32 {info.agreement.bf16:.4f} at worst{mean}"
        )
    if info.agreement.found is not None:
        pictures, exact, fast, seen = astuple(info.agreement.found)
        change = f"{exact:.4f} in fp32, {fast:.4f} in bf16 ({fast - exact:+.4f})"
        left_out = f" ({seen:,} left out, as the model was trained on them)" if seen else ""
        print_line(f"MAP@R on {pictures:,} labelled pictures of the sample{left_out}: {change}")


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
    print_line(f"{count_noun(len(failures), 'file')} could not be used")


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
    print_line(f"{count_noun(len(gone.missing), 'file')} missing")
    for path, files in gone.offline:
        print_line(f"{show_path(path)} is offline: its {count_noun(files, 'file')} can still be found by a search")


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
    for root in listed:
        other = "  another drive is there now" if root["other_drive"] else ""
        print_line(f"{root['path']}  {root['state']}{other}{'  sub-folders are classes' if root['labelled'] else ''}")


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
    for line in [] if as_json else [*(problems or ["Everything agrees."]), *_describe_replaced(replaced)]:
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
        return f"not installed: {loss}. To have it: pip install {name}" if loss else "not installed"


COMMANDS = [info_command, failed_command, missing_command, roots_command, check_command, doctor_command]
