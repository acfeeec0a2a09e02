"""Where libraries lie on this computer, which of them holds a photo folder, and where nothing may be written."""

import os
from collections.abc import Iterable
from pathlib import Path

from indexer.database.store import Store
from indexer.errors import LibraryError, LookalikeError
from indexer.paths import find_home_folder, fold_path, is_below, show_path

LIBRARY_SUFFIX = ".library"


def list_libraries() -> list[Path]:
    """The folders of the libraries in the home folder, in order of their names."""
    return sorted(path for path in find_home_folder().glob("*" + LIBRARY_SUFFIX) if (path / "library.sqlite").is_file())


def find_library(folder: Path | None = None) -> Path:
    """The library in the home folder that has a photo folder as or below one of its roots, else the default library.

    The default one may not exist yet. A library that cannot be read is passed over, so that the others can be used.
    """
    if folder is not None:
        wanted = {os.fsencode(folder.absolute()), os.fsencode(folder.resolve())}
        for library in list_libraries():
            if any(is_below(path, root) for root in _read_roots(library) or () for path in wanted):
                return library
    return find_home_folder() / ("default" + LIBRARY_SUFFIX)


def _read_roots(library: Path) -> list[bytes] | None:
    """The absolute paths of a library's photo folders: empty where there is no library, None where it is damaged."""
    if not (library / "library.sqlite").is_file():
        return []
    try:
        store = Store(library, peek=True)
        try:
            paths = [root.path for root in store.files.list_roots()]
        finally:
            store.close()
    except LibraryError:
        return None
    return paths


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
    roots = [os.fsencode(folder.resolve()) for folder in folders]
    roots += [path for paths in known_roots.values() for root in paths or () for path in (root, os.path.realpath(root))]
    if any(is_below(place, root) for root in roots):
        raise LookalikeError(f"{show_path(out)} lies in a photo folder, where nothing is ever written. Choose another.")
    if fold_path(place) in {fold_path(os.fsencode(picture.parent.resolve() / picture.name)) for picture in pictures}:
        raise LookalikeError(f"{show_path(out)} is a picture you asked about. Choose another place.")
    if not overwrite and os.path.lexists(out) and not out.is_dir():
        raise LookalikeError(
            f"{show_path(out)} is there already. Choose another place, or add --overwrite to replace it."
        )
    return [
        f"The library {show_path(folder)} cannot be read: whether {show_path(out)} lies in a photo folder of it is not "
        "known."
        for folder, paths in sorted(known_roots.items())
        if paths is None
    ]
