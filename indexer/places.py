"""Where libraries lie on this computer, and which of them holds a folder."""

import os
from pathlib import Path

import platformdirs

from indexer.errors import LookalikeError
from indexer.photos import text
from indexer.store import Store

SUFFIX = ".library"


def home() -> Path:
    """Where libraries and settings live: LOOKALIKE_HOME, else the user's data directory."""
    chosen = os.environ.get("LOOKALIKE_HOME")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("lookalike", appauthor=False))


def libraries() -> list[Path]:
    """The libraries in the home folder, by name."""
    return sorted(path for path in home().glob("*" + SUFFIX) if (path / "library.sqlite").is_file())


def find(folder: Path | None = None) -> Path:
    """The library that holds a photo folder, else the default one (which may not exist yet)."""
    if folder is not None:
        wanted = {os.fsencode(folder.absolute()), os.fsencode(folder.resolve())}
        for library in libraries():
            store = Store(library)
            try:
                if any(below(path, root.path) for root in store.roots() for path in wanted):
                    return library
            finally:
                store.close()
    return home() / ("default" + SUFFIX)


def below(path: bytes, folder: bytes) -> bool:
    """Whether an absolute path is a folder or lies below it."""
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def require_place_outside(out: Path, *folders: Path) -> None:
    """LookalikeError where what is to be written would lie below one of these folders or a root of any library."""
    place = os.fsencode(out.parent.resolve() / out.name)
    roots = [os.fsencode(folder.resolve()) for folder in folders]
    for library in libraries():
        store = Store(library)
        try:
            roots += [root.path for root in store.roots()]
        finally:
            store.close()
    _require_not_below(out, place, roots)


def require_place_without_photos(store: Store, out: Path, pictures: tuple[Path, ...] = ()) -> None:
    """LookalikeError where a file to be written would replace one of the pictures asked about, or lie below a root."""
    place = os.fsencode(out.parent.resolve() / out.name)
    _require_not_below(out, place, [root.path for root in store.roots()])
    if place in {os.fsencode(picture.parent.resolve() / picture.name) for picture in pictures}:
        raise LookalikeError(f"{text(os.fsencode(out))} is a picture you asked about. Choose another place.")


def _require_not_below(out: Path, place: bytes, roots: list[bytes]) -> None:
    if any(below(place, root) for root in roots):
        raise LookalikeError(
            f"{text(os.fsencode(out))} lies in a photo folder, where nothing is ever written. Choose another."
        )
