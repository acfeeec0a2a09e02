"""Where a file lies in the trash folders of the freedesktop.org specification (1.0), as Linux desktops have them.

On other systems the trash tells no place, and only the system puts files back.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

INFO_SUFFIX = ".trashinfo"
MAX_NOTE_BYTES = 1 << 16


class _TrashFolder(NamedTuple):
    """A trash folder, and the folder that the paths in its notes are relative to."""

    folder: Path
    top: Path


def find_trashed_place(path: Path) -> Path | None:
    """Where the file that was at `path` lies in the trash, the last of several; None where that is not known."""
    found = list[tuple[int, Path]]()
    for trash in _list_trash_folders(path):
        with suppress(OSError):
            found += _find_in_trash(trash, path)
    return max(found)[1] if found else None


def remove_trash_info(place: Path) -> None:
    """Remove the note about a file that has left the trash."""
    with suppress(OSError):
        (place.parent.parent / "info" / (place.name + INFO_SUFFIX)).unlink()


def _list_trash_folders(path: Path) -> Iterator[_TrashFolder]:
    """The trash folders that a file at `path` may lie in: the user's own, and those of its drive."""
    if os.name != "posix":
        return
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    yield _TrashFolder(home / "Trash", home)
    top = path.parent.resolve()
    while not top.is_mount():
        top = top.parent
    yield _TrashFolder(top / ".Trash" / str(os.getuid()), top)
    yield _TrashFolder(top / f".Trash-{os.getuid()}", top)


def _find_in_trash(trash: _TrashFolder, path: Path) -> Iterator[tuple[int, Path]]:
    """The files in a trash folder that were at `path`, each after the time of its note in ns."""
    for note in (trash.folder / "info").iterdir():
        place = trash.folder / "files" / note.name.removesuffix(INFO_SUFFIX)
        if _read_origin(note, trash.top) == path and os.path.lexists(place):
            yield note.stat().st_mtime_ns, place


def _read_origin(note: Path, top: Path) -> Path | None:
    """The absolute path that a note gives, None where it gives none."""
    with suppress(OSError), note.open("rb") as stream:
        for line in stream.read(MAX_NOTE_BYTES).splitlines():
            if line.startswith(b"Path="):
                return top / os.fsdecode(unquote_to_bytes(line.removeprefix(b"Path=")))
    return None
