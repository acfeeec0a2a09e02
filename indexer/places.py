"""Where libraries lie on this computer, and which of them holds a folder."""

import os
from collections.abc import Iterable
from pathlib import Path

import platformdirs

from indexer.database.store import Store
from indexer.errors import LibraryError, LookalikeError
from indexer.paths import is_below, show_path

LIBRARY_SUFFIX = ".library"


def find_home_folder() -> Path:
    """Where libraries and settings live: LOOKALIKE_HOME, else the user's data directory."""
    chosen = os.environ.get("LOOKALIKE_HOME")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("lookalike", appauthor=False))


def list_libraries() -> list[Path]:
    """The libraries in the home folder, by name."""
    return sorted(path for path in find_home_folder().glob("*" + LIBRARY_SUFFIX) if (path / "library.sqlite").is_file())


def find_library(folder: Path | None = None) -> Path:
    """The library that holds a photo folder, else the default one (which may not exist yet).

    One that cannot be read is passed over: it must not keep the others from being used.
    """
    if folder is not None:
        wanted = {os.fsencode(folder.absolute()), os.fsencode(folder.resolve())}
        for library in list_libraries():
            if any(is_below(path, root) for root in _read_roots(library) or () for path in wanted):
                return library
    return find_home_folder() / ("default" + LIBRARY_SUFFIX)


def _read_roots(library: Path) -> list[bytes] | None:
    """The photo folders of a library by absolute path, none where there is no library; None where it is damaged."""
    if not (library / "library.sqlite").is_file():
        return []
    try:
        store = Store(library)
        try:
            return [root.path for root in store.files.list_roots()]
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
    """LookalikeError where `out`, a file or folder to be written, would cost the user something.

    It may not lie below a photo folder of the `library` or of any in the home folder, nor below one of the `folders`;
    it may be none of the `pictures` that are asked about, and no file that is there unless that is to be replaced.
    Returns a sentence for each library whose photo folders cannot be known.
    """
    place = os.fsencode(out.parent.resolve() / out.name)
    known = {one: _read_roots(one) for one in {*list_libraries(), *([library] if library else [])}}
    roots = [os.fsencode(folder.resolve()) for folder in folders]
    roots += [path for paths in known.values() for root in paths or () for path in (root, os.path.realpath(root))]
    if any(is_below(place, root) for root in roots):
        raise LookalikeError(f"{show_path(out)} lies in a photo folder, where nothing is ever written. Choose another.")
    if place in {os.fsencode(picture.parent.resolve() / picture.name) for picture in pictures}:
        raise LookalikeError(f"{show_path(out)} is a picture you asked about. Choose another place.")
    if not overwrite and os.path.lexists(out) and not out.is_dir():
        raise LookalikeError(
            f"{show_path(out)} is there already. Choose another place, or add --overwrite to replace it."
        )
    return [
        f"The library {show_path(one)} cannot be read: whether {show_path(out)} lies in a photo folder of it is not "
        "known."
        for one, paths in sorted(known.items())
        if paths is None
    ]
