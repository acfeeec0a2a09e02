"""Pictures from outside come into a library with a label: no training, and no run over its folders.

A picture below a photo folder of the library is indexed where it lies. Any other is copied into a folder beside the
library, its own root for such pictures, so that it is there when the disk or the page it came from is gone. The
original is read, never changed. Taking an enrolment back hides the copy and deletes nothing.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from indexer.database.annotations import require_label
from indexer.database.file_table import LibraryRoot
from indexer.database.passed_over import change_exclusions, list_exclusions
from indexer.errors import LibraryError, LookalikeError
from indexer.home.folders import find_home_folder
from indexer.indexing.exclusions import PathPatterns, make_folder_pattern
from indexer.indexing.roots import add_roots, find_root
from indexer.indexing.run import PendingFile, embed_pending_files
from indexer.indexing.scan import find_walked_file
from indexer.library import Library
from indexer.paths import find_relative_path, is_below, show_path
from indexer.progress import Steps
from indexer.reports.photo_copies import copy_photo_file
from indexer.search.examples import find_photo_id

FOLDER_SUFFIX = ".enrolled"
FOLDER_SETTING = "enrolled folder"


class EnrolledPhoto(NamedTuple):
    """A photo that was given a label: its id, the user's label before, and the copy that was made of it, if any."""

    photo_id: int
    before: str | None
    copy: Path | None


class _Place(NamedTuple):
    """Where a picture lies below a photo folder, and the copy that was made of it there, if any."""

    item: PendingFile
    copy: Path | None


def enrol_pictures(library: Library, label: str, images: Sequence[Path]) -> Steps[list[EnrolledPhoto]]:
    """Give pictures a label, all or none, and take those that the library has not into it first; the caller holds the
    job lock.

    Raises LookalikeError where a picture cannot be read, the text is no label, or the library is shared or empty.
    """
    require_label(label)
    for image in images:  # before anything is written: each can be read, and the model can be asked
        library.embed_example(image)
    unknown = [image for image in images if not _is_shown(library, image)]
    if unknown and library.store.database.is_shared:
        raise LibraryError("A shared library takes pictures only from its folders: put it into one, and index that.")
    places = [_find_place(library, image) or _copy_picture(library, image) for image in unknown]
    yield from embed_pending_files(library, [item for item, _ in places], library.load_embedder(), library.model_id)
    copies = {find_photo_id(copy, library.store): copy for _, copy in places if copy is not None}
    ids = list(dict.fromkeys(find_photo_id(image, library.store) for image in images))
    if len(library.load_photos(ids)) < len(ids):
        raise LookalikeError("A picture could not be indexed: lookalike failed says why.")
    before = library.annotations.read_user_labels(ids)
    photos = [EnrolledPhoto(photo, before[photo], copies.get(photo)) for photo in ids]
    repeat_enrolment(library, label, photos)
    return photos


def take_back_enrolment(library: Library, photos: Sequence[EnrolledPhoto]) -> None:
    """Give the photos the labels that they had, and hide the copies that were made: they stay in their folder."""
    library.annotations.set_labels({photo.photo_id: photo.before for photo in photos})
    _show_copies(library, photos, shown=False)


def repeat_enrolment(library: Library, label: str, photos: Sequence[EnrolledPhoto]) -> None:
    """Give the photos their label again, and show the copies again; what is so already stays."""
    library.annotations.set_label([photo.photo_id for photo in photos], label)
    _show_copies(library, photos, shown=True)


def _show_copies(library: Library, photos: Sequence[EnrolledPhoto], *, shown: bool) -> None:
    for photo in photos:
        if photo.copy is not None:
            _show_copy(library, photo.copy, shown=shown)


def _show_copy(library: Library, copy: Path, *, shown: bool) -> None:
    """Take a copy back into its folder's root, or leave it out; nothing where that is so."""
    root, database = find_root(library, copy.parent), library.store.database
    path, pattern = os.fsencode(copy.name), make_folder_pattern(root.path, os.fsencode(copy.resolve()))
    is_hidden = pattern in list_exclusions(database, root.id)
    if shown and is_hidden:
        change_exclusions(database, root.id, (), (pattern,))
        library.store.files.set_state(root.id, [path], "present")
    elif not shown and not is_hidden:
        change_exclusions(database, root.id, (pattern,), ())
        library.store.files.set_excluded(root.id, [path])


def _is_shown(library: Library, image: Path) -> bool:
    photo = find_photo_id(image, library.store)
    return bool(photo and library.load_photos([photo]))


def _find_place(library: Library, image: Path) -> _Place | None:
    """The file below the innermost photo folder it lies in; None where no walk of one would list it."""
    path = os.fsencode(image.resolve())
    roots = [root for root in library.store.files.list_roots() if root.online and is_below(path, root.path)]
    root = max(roots, key=lambda root: len(root.path), default=None)
    return None if root is None else _place_below(library, root, path)


def _place_below(library: Library, root: LibraryRoot, path: bytes) -> _Place | None:
    patterns = PathPatterns(list_exclusions(library.store.database, root.id))
    file = find_walked_file(root.path, find_relative_path(path, root.path) or b"", patterns)
    return None if file is None else _Place(PendingFile(root, file), None)


def _copy_picture(library: Library, image: Path) -> _Place:
    """A copy of the picture in the library's own folder for pictures from outside, which the first one makes a root.

    Raises LookalikeError where it cannot be made.
    """
    folder = _choose_own_folder(library)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LookalikeError(
            "The folder {folder} cannot be made ({reason}).", folder=show_path(folder), reason=error.strerror
        ) from error
    add_roots(library, [folder], labelled=False)
    library.store.models.set_setting(FOLDER_SETTING, str(folder))
    copy = copy_photo_file(os.fsencode(image), folder)
    _show_copy(library, copy, shown=True)  # it may have been hidden before
    place = _place_below(library, find_root(library, folder), os.fsencode(copy.resolve()))
    if place is None:
        raise LookalikeError("{image} has no name of a picture file, such as .jpg or .png.", image=show_path(image))
    return place._replace(copy=copy)


def _choose_own_folder(library: Library) -> Path:
    """The folder that was made before, else one beside the library, where that is in none of its photo folders."""
    known = library.store.models.read_setting(FOLDER_SETTING)
    if isinstance(known, str):
        return Path(known)
    parent = library.folder.resolve().parent
    roots = [root.path for root in library.store.files.list_roots()]
    is_among_photos = any(is_below(os.fsencode(parent), root) for root in roots)
    return (find_home_folder() if is_among_photos else parent) / (library.name + FOLDER_SUFFIX)
