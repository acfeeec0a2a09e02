"""The commands that look after a library: info, failed, missing, roots, forget, check; and doctor."""

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

import click
import filelock

from indexer.cli.terminal import counted, emit, follow, json_option, say
from indexer.database.contents import absent
from indexer.database.store import Root
from indexer.errors import GenerationError, LookalikeError, ModelError
from indexer.indexing.pipeline import CALLERS, Deferred
from indexer.indexing.run import require_folders
from indexer.library import Info, Library
from indexer.models import model
from indexer.models.card import DEFAULT, ModelCard
from indexer.models.installation import PACKAGED_SOURCE, ModelChoice, install, verify
from indexer.models.runtime import fast_precision
from indexer.photos import decoding as photos
from indexer.photos.decoding import show
from indexer.places import find, home
from indexer.progress import Progress, Steps
from indexer.search import generations

WHOLE = "whole model"  # the setting that holds the identities of the active model's files when they were last hashed
PACKAGES = ["lookalike", "torch", "torchvision", "timm", "openvino", "annoy", "numpy", "pillow", "PySide6-Essentials"]

library_option = click.option(
    "--library", type=click.Path(path_type=Path), help="The library's folder; else the one that holds the pictures."
)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one program at a time install models into a folder; others wait for it."""
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / "install.lock"):
        yield


@click.command("info")
@library_option
@json_option
def info_command(library: Path | None, as_json: bool) -> None:
    """Show what a library holds."""
    with Library.open(library or find()) as opened:
        info = opened.info()
    if as_json:
        emit("info", _info_fields(info))
        return
    holds = f"{counted(info.photos, 'photo')} in {counted(info.files, 'file')}"
    say(f"{show(info.folder)}: {holds}, {info.bytes / 1e6:,.1f} MB")
    for root in info.roots:
        kind = ", sub-folders are classes" if root.labelled else ""
        say(f"  {photos.text(root.path)}: {counted(root.files, 'file')}, {root.state}{kind}")
    say(f"{counted(info.missing, 'file')} missing, {info.failed:,} could not be used")
    say(f"Model {info.model}, {info.dim} dimensions, fingerprint {info.fingerprint[:12]}")
    _say_precision(info)
    say(info.measured)
    if info.recall_at_10 is None:
        say(f"{counted(info.tail, 'embedding')}, searched exactly")
    else:
        found = f"{info.recall_at_10:.1%} of the true ten nearest"
        say(f"Index {info.generation:04d} of {info.indexed:,} embeddings finds {found}")
        say(f"  with {info.trees} trees, looking at about {info.search_k:,} nodes in each search")
        say(f"Searched exactly beside it: {info.tail:,} later ones")


def _info_fields(info: Info) -> dict[str, Any]:
    roots = [root._asdict() | {"path": photos.text(root.path)} for root in info.roots]
    agreement = asdict(info.agreement) if info.agreement else None
    return info._asdict() | {"folder": show(info.folder), "roots": roots, "agreement": agreement}


def _say_precision(info: Info) -> None:
    say("Computed in " + ", ".join(f"{name}: {count:,}" for name, count in sorted(info.precisions.items())))
    if info.agreement is None:
        return
    if "bf16" in info.precisions and info.agreement.bf16 is not None:
        mean = f", {info.agreement.bf16_mean:.4f} in the mean" if info.agreement.bf16_mean is not None else ""
        say(f"bf16 was measured on {info.agreement.pictures}: cosine to fp32 {info.agreement.bf16:.4f} at worst{mean}")
    if info.agreement.found is not None:
        pictures, exact, fast, seen = astuple(info.agreement.found)
        change = f"{exact:.4f} in fp32, {fast:.4f} in bf16 ({fast - exact:+.4f})"
        left_out = f" ({seen:,} left out, as the model was trained on them)" if seen else ""
        say(f"MAP@R on {pictures:,} labelled pictures of the sample{left_out}: {change}")


@click.command("failed")
@library_option
@json_option
def failed_command(library: Path | None, as_json: bool) -> None:
    """List the files that could not be used, with reasons."""
    with Library.open(library or find()) as opened:
        failures = opened.failures()
    if as_json:
        emit("failed", {"failed": [{"path": photos.text(path), "reason": reason} for path, reason in failures]})
        return
    for path, reason in failures:
        say(f"{photos.text(path)}: {reason}")
    say(f"{counted(len(failures), 'file')} could not be used")


@click.command("missing")
@library_option
@json_option
def missing_command(library: Path | None, as_json: bool) -> None:
    """List the files that are gone; they come back by themselves, and forget --missing drops them."""
    with Library.open(library or find()) as opened:
        gone = absent(opened.store.database)
    offline = [{"path": photos.text(path), "files": files} for path, files in gone.offline]
    if as_json:
        emit("missing", {"missing": [photos.text(path) for path in gone.missing], "offline": offline})
        return
    for path in gone.missing:
        say(photos.text(path))
    say(f"{counted(len(gone.missing), 'file')} missing")
    for path, files in gone.offline:
        say(f"{photos.text(path)} is offline: its {counted(files, 'file')} can still be found by a search")


@click.command("roots")
@library_option
@click.option("--move", nargs=2, type=click.Path(path_type=Path), help="Point the root OLD at the folder NEW.")
@json_option
def roots_command(library: Path | None, move: tuple[Path, Path] | None, as_json: bool) -> None:
    """List the photo folders of a library, or point one at another place."""
    with Library.open(library or find()) as opened:
        if move:
            with opened.job():
                _move_root(opened, *move)
        roots = opened.store.roots()
    listed = [{"path": photos.text(r.path), "state": _state(r.online), "labelled": r.labelled} for r in roots]
    if as_json:
        emit("roots", {"roots": listed})
        return
    for root in listed:
        say(f"{root['path']}  {root['state']}{'  sub-folders are classes' if root['labelled'] else ''}")


def _state(online: bool) -> str:
    return "online" if online else "offline"


def _move_root(library: Library, old: Path, new: Path) -> None:
    root, path = _root_at(library, old), os.fsencode(new.resolve())
    require_folders(library.folder, [new])
    if any(other.path == path for other in library.store.roots()):
        raise LookalikeError(f"{show(new)} is a photo folder of this library already.")
    library.store.move_root(root.id, path)


@click.command("forget")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--missing", is_flag=True, help="Forget files that are gone.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@library_option
@json_option
def forget_command(folder: Path | None, missing: bool, yes: bool, library: Path | None, as_json: bool) -> None:
    """Forget a photo FOLDER, or all missing files: their embeddings and labels go. No picture is touched."""
    if (folder is None) == (not missing):
        raise click.UsageError("Name a folder to forget, or --missing.")
    with Library.open(library or find(folder)) as opened:
        sure = yes or _confirmed(opened, folder)
        with opened.job() if sure else nullcontext():
            dropped = _forget(opened, folder) if sure else 0
    if as_json:
        emit("forget", {"photos": dropped})
    elif not sure:
        say("Nothing was forgotten.")
    else:
        say(f"{counted(dropped, 'photo')} forgotten. The pictures themselves are untouched.")


def _confirmed(library: Library, folder: Path | None) -> bool:
    """Ask the user. LookalikeError where nobody answers."""
    what = f"the folder {folder}" if folder else counted(library.store.count_missing(), "missing file")
    try:
        asked = f"Forget {what} with {'its photos, ' if folder else ''}their embeddings and labels?"
        return click.confirm(asked, err=True)
    except click.Abort:
        click.echo(err=True)  # the question stands in the line
        raise LookalikeError("Nothing was forgotten, as nobody answered. With --yes nobody is asked.") from None


def _forget(library: Library, folder: Path | None) -> int:
    """Forget a root, or else all missing files; returns the photos dropped."""
    if folder is None:
        return library.store.forget_missing()
    return library.store.forget_root(_root_at(library, folder).id)


def _root_at(library: Library, folder: Path) -> Root:
    wanted = {os.fsencode(folder.absolute()), os.fsencode(folder.resolve())}
    root = next((root for root in library.store.roots() if root.path in wanted), None)
    if root is None:
        raise LookalikeError(f"{show(folder)} is no photo folder of this library; lookalike roots lists them.")
    return root


@click.command("check")
@library_option
@click.option("--repair", is_flag=True, help="Build anew what can be derived again.")
@json_option
def check_command(library: Path | None, repair: bool, as_json: bool) -> int:
    """Verify everything a library holds, byte for byte; exit code 1 where something is wrong."""
    with Library.open(library or find()) as opened:
        problems = follow(_check(opened), as_json=as_json)
        if repair and problems:
            with opened.job():
                follow(_repair(opened), as_json=as_json)
            problems = follow(_check(opened), as_json=as_json)
    if as_json:
        emit("check", {"problems": problems})
    for problem in [] if as_json else problems or ["Everything agrees."]:
        say(problem)
    return 1 if problems else 0


def _check(library: Library) -> Steps[list[str]]:
    problems = []
    yield Progress("check", 0, 3, "database")
    if not library.store.database.sound():
        problems.append("The database is damaged. Your photos are untouched: index them into a new library.")
        return problems
    yield Progress("check", 1, 3, "model")
    try:
        verify(library.models_folder / library.card().fingerprint)
    except ModelError as error:
        problems.append(str(error))
    yield Progress("check", 2, 3, "search index")
    row = library.store.generation(library.model_id)
    try:
        if row is not None:
            generations.open_verified(library.folder, row, library.fingerprint, {})
    except GenerationError as error:
        problems.append(str(error))
    return problems


def _repair(library: Library) -> Steps[None]:
    yield from _mended_model(library)
    yield from generations.publish(library.folder, library.store, library.model_id, library.fingerprint)


def active_model(library: Library) -> Steps[ModelCard]:
    """Install or mend the library's active model, the default one where it has none yet; a whole one is left alone.

    What was found whole is not hashed again before its files are others: that would be a quarter of a rescan's time.
    Whoever runs it hashes it anyhow.
    """
    files = _identities(library, library.fingerprint)
    if files and library.store.setting(WHOLE) == files:
        return library.card()
    card = yield from _mended_model(library)
    library.store.set_setting(WHOLE, _identities(library, card.fingerprint))
    return card


def _identities(library: Library, fingerprint: str) -> generations.Identities:
    """A model's files by their paths below the library; none where one of them is no regular file."""
    paths = (library.models_folder / fingerprint).glob("*.*")
    try:
        return {str(path.relative_to(library.folder)): generations.identity(path) for path in paths}
    except (OSError, ValueError):
        return {}


def _mended_model(library: Library) -> Steps[ModelCard]:
    try:
        return (yield from install(_active_choice(library), library.models_folder))
    except ModelError as damage:
        known = library.store.model(library.fingerprint)
        if known is None or known.name != DEFAULT:
            raise
        card = yield from install(ModelChoice(), library.models_folder)
        if card.fingerprint != library.fingerprint:  # it only had the name
            raise damage from None
        return card


def _active_choice(library: Library) -> ModelChoice:
    if not library.fingerprint or library.card().source == PACKAGED_SOURCE:
        return ModelChoice()
    return ModelChoice(checkpoint=library.models_folder / library.fingerprint)


def deferred(card: ModelCard, folder: Path, runtime: str) -> Deferred:
    """An installed model, loaded when the first picture needs it."""
    return Deferred(card, lambda: model.load(folder / card.fingerprint, runtime=runtime, callers=CALLERS))


@click.command("doctor")
@json_option
def doctor_command(as_json: bool) -> None:
    """Show what this computer offers: versions, processor, runtimes, optional formats, folders."""
    facts = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "precision": fast_precision(),
        "home": str(home()),
        "formats": {extra: photos.available(extra) for extra in ("heif", "raw")},
        "display": bool(sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")),
        "packages": {name: _version(name) for name in PACKAGES},
    }
    if as_json:
        emit("doctor", facts)
        return
    for name, value in facts.items():
        lines = value.items() if isinstance(value, dict) else [("", value)]
        for part, fact in lines:
            say(f"{name:<12} {part:<20} {fact}" if part else f"{name:<12} {fact}")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


COMMANDS = [info_command, failed_command, missing_command, roots_command, forget_command, check_command, doctor_command]
