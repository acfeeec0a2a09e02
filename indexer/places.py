"""Where libraries lie on this computer, which of them holds a photo folder, and where nothing may be written.

A library can be given another name, and be deleted: of its folder only goes what a library itself writes there.
"""

import errno
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from indexer.database.sqlite.opening import DATABASE_FILE, OWN_FILES, OWN_FOLDERS, has_library, require_own_folder
from indexer.errors import LibraryBusy, LibraryError, LookalikeError
from indexer.home.folders import find_home_folder, list_home_folders
from indexer.paths import fold_path, is_below, show_path
from indexer.progress import Progress, Steps
from indexer.wording import tr

if TYPE_CHECKING:
    from indexer.database.annotations import AnnotationCounts

LIBRARY_SUFFIX = ".library"
LOCK_FILE = "job.lock"
OWN_PATHS = re.compile(
    rf"{'|'.join(map(re.escape, OWN_FILES))}"
    r"|models/[0-9a-f]+/(model\.(json|safetensors)|runtime\.(json|signature)|openvino\.(xml|bin)|training\.json|insight\.json|report\.html)"
    r"|generations/\d+/(manifest\.(json|signature)|(ids|vectors|projection)\.npy|index\.ann)"
    r"|layouts/[0-9a-f]+-[a-z0-9-]+\.npz"
)
"""The names of the files that a library writes, below its folder."""


class LibraryContents(NamedTuple):
    """What lies in a library's folder: the files that are its own, with their size in bytes, and all others.

    `words` is what the user has said in it; None where the library cannot be read.
    """

    own_files: list[Path]
    byte_count: int
    foreign_files: list[Path]
    words: "AnnotationCounts | None"


def list_libraries() -> list[Path]:
    """The folders of the libraries in the home folder, and in those that were it before, each in order of names."""
    places = (sorted(home.glob("*" + LIBRARY_SUFFIX)) for home in list_home_folders())
    return [path for paths in places for path in paths if has_library(path)]


def enter_shared_library(uri: str) -> Path:
    """The folder in the home folder that stands for the shared library at an address; made where there is none.

    Raises LookalikeError where the address is none.
    """
    from indexer.database.postgresql.address import parse_address  # noqa: PLC0415  # only for shared libraries
    from indexer.database.shared_folder import read_address, write_address  # noqa: PLC0415  # only for shared libraries

    address = parse_address(uri)
    name = f"{address.library}@{(address.host or 'localhost').replace(':', '-')}"
    for suffix in ("", f"-{zlib.crc32(address.full_uri.encode()):08x}"):
        folder = find_home_folder() / (name + suffix + LIBRARY_SUFFIX)
        folder.mkdir(parents=True, exist_ok=True)
        if not has_library(folder):
            write_address(folder, address)
        if not (folder / DATABASE_FILE).exists() and read_address(folder) == address:
            return folder
    raise LibraryError("{folder} is another library. Move it away to open the shared one.", folder=show_path(folder))


def require_home_place(folder: Path) -> None:
    """Check that libraries or models may be kept in a folder; LookalikeError, in a sentence, where they may not.

    Refused are photo folders, folders with pictures in them, what lies in a library, and what cannot be written.
    """
    from indexer.photos.reading import is_candidate  # noqa: PLC0415  # the window asks for names first

    shown = show_path(folder)
    if not folder.is_dir():
        raise LookalikeError("{shown} is no folder. Choose one that is there.", shown=shown)
    require_safe_output(folder.resolve())
    if any(place.suffix == LIBRARY_SUFFIX and has_library(place) for place in (folder, *folder.parents)):
        raise LookalikeError("{shown} lies in a library, which takes nothing else. Choose another.", shown=shown)
    try:
        with os.scandir(folder) as entries:
            has_pictures = any(is_candidate(os.fsencode(entry.name)) for entry in entries)
        if not has_pictures:
            with tempfile.TemporaryFile(dir=folder):
                return
    except OSError as error:
        raise LookalikeError(
            "{shown} cannot be written to ({reason}). Choose another.", shown=shown, reason=error.strerror
        ) from error
    raise LookalikeError("{shown} holds pictures, and nothing is written among them. Choose another.", shown=shown)


def measure_home(home: Path) -> Steps[int]:
    """How many bytes the libraries and trainings in a home folder take, models apart."""
    places = [*home.glob("*" + LIBRARY_SUFFIX), home / "checkpoints", home / "studies"]
    return (yield from measure_folders(places))


def measure_folders(folders: Iterable[Path]) -> Steps[int]:
    """How many bytes the files below some folders take; what cannot be read counts nothing."""
    byte_count = 0
    for number, (place, _, names) in enumerate(step for folder in folders for step in os.walk(folder)):
        yield Progress("measure", number, 0)
        for name in names:
            with suppress(OSError):
                byte_count += os.lstat(Path(place, name)).st_size
    return byte_count


class MoveOutcome(NamedTuple):
    """What became of a move: the new path of each that was moved, and a sentence about each that stayed."""

    moved: dict[Path, Path]
    stayed: list[str]


def list_home_contents(home: Path) -> list[Path]:
    """The libraries, trainings and pages of studies in a home folder: what can be moved to another."""
    libraries = [path for path in sorted(home.glob("*" + LIBRARY_SUFFIX)) if has_library(path)]
    others = [path for kind in ("checkpoints", "studies") for path in sorted((home / kind).glob("[!.]*"))]
    return libraries + others


def list_model_contents(folder: Path) -> list[Path]:
    """The folders of the prepared models in a folder of such."""
    return [path for path in sorted(folder.glob("*")) if re.fullmatch("[0-9a-f]+", path.name) and path.is_dir()]


def move_contents(contents: Iterable[Path], before: Path, after: Path) -> Steps[MoveOutcome]:
    """Move what lies in the folder `before` into the folder `after`, whole and one after the other.

    On another drive each is copied and compared before it has its name there, and is taken away only then: killed at
    any moment, nothing is lost, and the same move again goes on. What cannot be moved stays as it is.
    """
    from indexer import atomic  # noqa: PLC0415  # the window asks for names first

    places = list(contents)
    outcome = MoveOutcome({}, [])
    for parent in (before, before / "checkpoints", before / "studies"):
        atomic.remove_moved(parent, after / parent.relative_to(before))
    for number, place in enumerate(places):
        yield (progress := Progress("move", number, len(places), show_path(place)))
        try:
            yield from _move_place(place, before, after, progress)
        except LookalikeError as error:
            outcome.stayed.append(str(error))
        except OSError as error:
            outcome.stayed.append(
                tr("{place} stays where it is ({reason}).", place=show_path(place), reason=error.strerror or error)
            )
        else:
            outcome.moved[place] = after / place.relative_to(before)
    return outcome


def _move_place(place: Path, before: Path, after: Path, progress: Progress) -> Steps[None]:
    """Move one library, training, page or model; LookalikeError or OSError where it stays."""
    from indexer import atomic  # noqa: PLC0415  # the window asks for names first

    target = after / place.relative_to(before)
    shown = {"place": show_path(place), "folder": show_path(target.parent)}
    with _take_lock(place) if has_library(place) else nullcontext():
        with _hold_alone(place):
            pass  # from now on its log is in it
        states = atomic.list_states(place)
        if os.path.lexists(target):
            atomic.remove_partial(target)
            is_one = target.exists() and place.samefile(target)  # one of the folders is a link to the other
            if is_one or not atomic.has_same_files(place, target):  # else a move was cut off
                raise LookalikeError(
                    "{place} stays where it is: something of that name is in {folder} already.", **shown
                )
            _take_away(place, states)
        elif not _rename_place(place, target):
            if sum(size for size, _ in states.values()) > shutil.disk_usage(after).free:
                raise LookalikeError("{place} stays where it is: there is not enough room in {folder}.", **shown)
            copy = atomic.create_sole_temporary_folder(target) / target.name
            try:
                for _ in atomic.copy_compared(place, copy):
                    yield progress
                _take_away(place, states, partial(atomic.publish_from_folder, copy, target))
            finally:
                atomic.remove_path(copy.parent)


def _take_away(place: Path, states: dict[Path, tuple[int, int]], publish: Callable[[], None] = lambda: None) -> None:
    """Publish the copy of what is still as it was, and remove it, while nobody can write to it."""
    from indexer import atomic  # noqa: PLC0415  # the window asks for names first

    with _hold_alone(place):
        if atomic.list_states(place) != states:
            raise LookalikeError("{place} stays where it is, as it was changed meanwhile.", place=show_path(place))
        publish()
        atomic.remove_durably(place)


def _rename_place(place: Path, target: Path) -> bool:
    """Move by a new name alone; False where the target lies on another drive."""
    from indexer import atomic  # noqa: PLC0415  # the window asks for names first

    try:
        with _hold_alone(place):
            atomic.publish_new_path(place, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


def _hold_alone(place: Path) -> AbstractContextManager[None]:
    """Keep others out of the database of a library that lies here; all else needs no keeping."""
    if not (place / DATABASE_FILE).is_file():
        return nullcontext()
    from indexer.database.sqlite.connection import hold_alone  # noqa: PLC0415  # the window asks for names first

    return hold_alone(place / DATABASE_FILE)


def name_library(folder: Path) -> str:
    """The name of the library in a folder, as people read it."""
    return show_path(os.fsencode(folder.name.removesuffix(LIBRARY_SUFFIX)))


def find_library(folder: Path | None = None) -> Path:
    """The library of `list_libraries` that has a photo folder as or below one of its roots, else the default library.

    That is the one in the home folder, else in a former one, and may not exist yet. A library that cannot be read is
    passed over, so that the others can be used.
    """
    if folder is not None:
        wanted = {os.fsencode(folder.absolute()), os.fsencode(folder.resolve())}
        for library in list_libraries():
            if any(is_below(path, root) for root in _read_roots(library) or () for path in wanted):
                return library
    defaults = [home / ("default" + LIBRARY_SUFFIX) for home in list_home_folders()]
    return next(filter(has_library, defaults), defaults[0])


def _read_roots(library: Path) -> list[bytes] | None:
    """The absolute paths of a library's photo folders: empty where there is no library, None where it is damaged."""
    if not has_library(library):
        return []
    from indexer.database.store import Store  # noqa: PLC0415  # the window asks for names before the engine is loaded

    try:
        store = Store(library, peek=True)
        try:
            paths = [root.path for root in store.files.list_roots()]
        finally:
            store.close()
    except LibraryError:
        return None
    return paths


def choose_library_folder(name: str, parent: Path) -> Path:
    """The folder of a new library of this name. LookalikeError where it cannot be named so, or is there already."""
    text = name.strip().removesuffix(LIBRARY_SUFFIX)
    folder = parent / (text + LIBRARY_SUFFIX)
    if not text or text.startswith(".") or folder.parent != parent or "\\" in text or "\0" in text:
        raise LookalikeError("A library needs a name without / or \\ that does not begin with a point.")
    if os.path.lexists(folder):
        raise LookalikeError("{folder} is there already. Choose another name.", folder=show_path(folder))
    return folder


def rename_library(folder: Path, name: str) -> Path:
    """Give a library another name, in the folder it lies in; its new folder.

    LookalikeError where the name is taken or none, or where another program is at work on the library.
    """
    target = choose_library_folder(name, folder.parent)
    try:
        with _take_lock(folder):
            pass
        folder.rename(target)
    except OSError as error:
        values = {"folder": show_path(folder), "reason": error.strerror}
        raise LibraryError("The library {folder} cannot be renamed ({reason}).", **values) from error
    return target


def list_library_contents(folder: Path) -> LibraryContents:
    """What deleting the library would take, and what would stay. LibraryError where a name of ours is no file."""
    require_own_folder(folder)
    own: list[Path] = []
    foreign: list[Path] = []
    byte_count = 0
    for place, _, names in os.walk(folder):
        for path in (Path(place) / name for name in sorted(names)):
            is_own = _is_own(path.relative_to(folder)) and path.is_file() and not path.is_symlink()
            (own if is_own else foreign).append(path)
            byte_count += path.stat().st_size if is_own else 0
    # The database goes last: a library of which only a part has gone is still listed, and can be deleted again.
    own.sort(key=lambda path: path.name == DATABASE_FILE and path.parent == folder)
    return LibraryContents(own, byte_count, foreign, _count_words(folder))


def delete_library(folder: Path) -> Steps[LibraryContents]:
    """Delete what a library has written into its folder, and the folder if nothing else is in it; return what was
    there.

    No photo is touched. LookalikeError where another program is at work on it, or a file cannot be deleted.
    """
    try:
        with _take_lock(folder):
            contents = list_library_contents(folder)
            doomed = [path for path in contents.own_files if path != folder / LOCK_FILE]
            for number, path in enumerate(doomed):
                yield Progress("delete", number, len(doomed))
                path.unlink(missing_ok=True)
        (folder / LOCK_FILE).unlink(missing_ok=True)
    except OSError as error:
        values = {"folder": show_path(folder), "reason": error.strerror}
        raise LibraryError("The library {folder} cannot be deleted ({reason}).", **values) from error
    own_folders = (Path(place) for name in OWN_FOLDERS for place, _, _ in os.walk(folder / name))
    for place in (*sorted(own_folders, reverse=True), folder):
        with suppress(OSError):  # of a folder that something else lies in
            place.rmdir()
    return contents


def _is_own(path: Path) -> bool:
    """Whether a path relative to a library's folder is one that it writes, or left half written."""
    from indexer import atomic  # noqa: PLC0415  # the window asks for names first

    is_partial = any(atomic.is_partial_name(part.name) for part in (path, *path.parents))
    return is_partial or OWN_PATHS.fullmatch(path.as_posix()) is not None


def _take_lock(folder: Path) -> AbstractContextManager[object]:
    """The library's job lock, also of one that cannot be opened."""
    from indexer import atomic  # noqa: PLC0415  # the window asks for names first

    try:
        return atomic.acquire_lock(folder / LOCK_FILE, 0)
    except TimeoutError:
        name = name_library(folder)
        raise LibraryBusy("The library {name} is being worked on: wait until that is done.", name=name) from None


def _count_words(folder: Path) -> "AnnotationCounts | None":
    from indexer.database.annotations import Annotations  # noqa: PLC0415  # the window asks for names first
    from indexer.database.store import Store  # noqa: PLC0415  # the window asks for names first

    try:
        store = Store(folder, peek=True)
        try:
            return Annotations(store.database).count_annotations()
        finally:
            store.close()
    except LibraryError:
        return None


def require_safe_output(
    out: Path,
    *,
    library: Path | None = None,
    folders: Iterable[Path] = (),
    pictures: Iterable[Path] = (),
    overwrite: bool = False,
) -> list[str]:
    """Check that the file or folder `out` may be written; returns a warning for each library that cannot be read.

    Raises LookalikeError where it lies below a photo folder of `library` or of any library in the home folder, or below
    one of the `folders`; where it is one of the `pictures` of a query; and where it is an existing file, unless that
    is to be replaced (`overwrite`).
    """
    place = os.fsencode(out.parent.resolve() / out.name)
    known_roots = {folder: _read_roots(folder) for folder in {*list_libraries(), *([library] if library else [])}}
    roots, shown = [os.fsencode(folder.resolve()) for folder in folders], show_path(out)
    roots += [path for paths in known_roots.values() for root in paths or () for path in (root, os.path.realpath(root))]
    if any(is_below(place, root) for root in roots):
        raise LookalikeError("{out} lies in a photo folder, where nothing is ever written. Choose another.", out=shown)
    if fold_path(place) in {fold_path(os.fsencode(picture.parent.resolve() / picture.name)) for picture in pictures}:
        raise LookalikeError("{out} is a picture you asked about. Choose another place.", out=shown)
    if not overwrite and os.path.lexists(out) and not out.is_dir():
        raise LookalikeError(
            "{out} is there already. Choose another place, or add --overwrite to replace it.", out=shown
        )
    unread = sorted(folder for folder, paths in known_roots.items() if paths is None)
    return [
        tr("The library {name} cannot be read: whether {out} lies in a photo folder of it is not known.", **values)
        for values in ({"name": show_path(folder), "out": shown} for folder in unread)
    ]
