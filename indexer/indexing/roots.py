"""The photo folders of a library, its roots: which folders may be added, moving one, and finding one by its path."""

import os
from collections.abc import Sequence
from pathlib import Path

from indexer.database.file_table import LibraryRoot
from indexer.database.passed_over import change_exclusions, list_exclusions
from indexer.database.store import Store
from indexer.errors import LibraryError, LookalikeError
from indexer.indexing.drives import ACCEPTED_DRIVE
from indexer.indexing.scan import identify_folder
from indexer.library import Library
from indexer.paths import fold_path, is_below, show_path
from indexer.wording import tr


def mark_lost_roots(store: Store) -> None:
    """Mark roots offline whose drive has gone during a run."""
    for root in store.files.list_roots():
        if identify_folder(root.path) is None:
            store.files.set_online(root.id, online=False)


def move_root(library: Library, old: Path, new: Path) -> None:
    """Point a root at another folder.

    Where that is a root already and `old` is offline, as after a drive was indexed at another path, both become one.
    Raises LookalikeError where `old` is no root, or `new` may not be one or is another one.
    """
    root, path = find_root(library, old), os.fsencode(new.resolve())
    require_folders(library.folder, [new])
    known = next(
        (other for other in library.store.files.list_roots() if fold_path(other.path) == fold_path(path)), None
    )
    if known is None:
        library.store.files.move_root(root.id, path)
        _part_nested_roots(library.store, root.id, path)
    elif known.id == root.id or root.online:
        raise LookalikeError("{new} is a photo folder of this library already.", new=show_path(new))
    else:
        library.store.files.merge_root(root.id, known.id)


def _part_nested_roots(store: Store, root: int, path: bytes) -> None:
    """Let each file of a moved root and of those around and below it belong to the innermost of them."""
    for other in store.files.list_roots():
        if other.id != root and is_below(other.path, path):
            store.files.leave_to_inner(root, other.id)
        elif other.id != root and is_below(path, other.path):
            store.files.leave_to_inner(other.id, root)


def accept_drives(library: Library, folders: Sequence[Path]) -> None:
    """Accept the drives that are now mounted at these roots in place of those the library knows.

    Raises LookalikeError where one of them is no root.
    """
    for folder in folders:
        library.store.files.set_drive(find_root(library, folder).id, ACCEPTED_DRIVE)


def find_root(library: Library, folder: Path) -> LibraryRoot:
    """The root at this folder. Raises LookalikeError where the folder is none."""
    wanted = {fold_path(os.fsencode(path)) for path in (folder.absolute(), folder.resolve())}
    root = next((root for root in library.store.files.list_roots() if fold_path(root.path) in wanted), None)
    if root is None:
        raise LookalikeError(
            "{folder} is no photo folder of this library; lookalike roots lists them.", folder=show_path(folder)
        )
    return root


def require_folders(library: Path, folders: Sequence[Path]) -> None:
    """Raise LibraryError where one of the folders does not exist, is no folder, or lies in the library's own."""
    for folder in folders:
        if not folder.is_dir():
            what = tr("is not a folder") if folder.exists() else tr("does not exist")
            raise LibraryError("{folder} {what}. Name a folder with pictures.", folder=show_path(folder), what=what)
        if is_below(os.fsencode(folder.resolve()), os.fsencode(library.resolve())):
            raise LibraryError("A library cannot index its own folder. Name a folder with pictures.")


def add_roots(library: Library, folders: Sequence[Path], *, labelled: bool) -> None:
    """Make the folders roots of the library; one below a root is added only where it is to be labelled."""
    for folder in folders:
        path = os.fsencode(folder.resolve())
        known = library.store.files.list_roots()
        if labelled or not any(is_below(path, root.path) for root in known):
            spelt = next((root.path for root in known if fold_path(root.path) == fold_path(path)), path)
            library.store.files.add_root(spelt, labelled=labelled)


def leave_out(library: Library, folders: Sequence[Path], added: Sequence[str], removed: Sequence[str]) -> None:
    """Add and remove exclusion patterns of the roots at these folders, or of all roots where none is given.

    Raises LookalikeError where a folder is no root, a pattern none, or one to be taken back is not there.
    """
    roots = [find_root(library, folder) for folder in folders] or library.store.files.list_roots()
    for root in roots:
        known = list_exclusions(library.store.database, root.id)
        here = removed if folders or len(roots) == 1 else [pattern for pattern in removed if pattern in known]
        change_exclusions(library.store.database, root.id, added, here)


def require_roots_online(library: Library) -> None:
    """Raise LookalikeError where a root is offline: its photos could not be embedded under another model."""
    for root in library.store.files.list_roots():
        if not root.online or not Path(os.fsdecode(root.path)).is_dir():
            raise LookalikeError(
                "{path} is offline: under another model its photos could not be found until it is back. Connect "
                "it, or add --anyway.",
                path=show_path(root.path),
            )
