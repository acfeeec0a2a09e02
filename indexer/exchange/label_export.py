"""A library's labels for other programs: sidecars, a folder of classes, COCO or FiftyOne.

Whatever is written lies in one new folder or file; sidecars alone may lie beside the photos, where the user says so.
"""

import itertools
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from indexer import atomic
from indexer.database.filters import Filter
from indexer.errors import LookalikeError, PhotoError
from indexer.exchange.label_import import list_sidecar_paths, read_sidecar
from indexer.exchange.xmp_sidecars import SIDECAR_SUFFIX, write_label
from indexer.library import Library
from indexer.paths import find_relative_path, get_file_name, show_path
from indexer.photos.reading import explain_fault
from indexer.progress import Progress, Steps
from indexer.reports.photo_copies import copy_photo_file
from indexer.search.results import Photo

PHOTOS_PER_BLOCK = 500
NAME_CHARACTERS = 80  # of the folder of a class
_NO_NAME_CHARACTERS = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))  # what Windows has in no name


class LabelledPhoto(NamedTuple):
    """A photo with its label."""

    photo: Photo
    label: str


def collect_labelled(library: Library, within: Filter | None = None) -> Steps[list[LabelledPhoto]]:
    """The shown photos that have a label and pass a filter."""
    ids, found = library.find_photo_ids(within).tolist(), list[LabelledPhoto]()
    for start in range(0, len(ids), PHOTOS_PER_BLOCK):
        yield Progress("export", start, len(ids))
        block = library.load_photos(ids[start : start + PHOTOS_PER_BLOCK])
        found += (LabelledPhoto(photo, photo.label) for photo in block if photo.label)
    return found


def export_sidecars(photos: list[LabelledPhoto], library: Library, out: Path) -> Steps[int]:
    """Write a sidecar for each photo below `out`, at the photo's place below its photo folder; returns their number."""
    roots = [root.path for root in library.store.files.list_roots()]
    for number, (photo, label) in enumerate(photos):
        yield Progress("export", number, len(photos))
        place = out / os.fsdecode(_find_place(photo.path, roots))
        place.parent.mkdir(parents=True, exist_ok=True)
        _write(place.with_name(place.name + SIDECAR_SUFFIX), write_label(label))
    return len(photos)


def write_sidecars_beside(photos: list[LabelledPhoto]) -> Steps[int]:
    """Write each label into the photo's own sidecar, which keeps all else that it holds; returns how many changed.

    A new one is called PHOTO.EXT.xmp. Raises LookalikeError where one cannot be read or written.
    """
    changed = 0
    for number, (photo, label) in enumerate(photos):
        yield Progress("export", number, len(photos))
        picture = Path(os.fsdecode(photo.path))
        earlier, places = read_sidecar(picture), list_sidecar_paths(picture)
        place = next((place for place in places if place.is_file()), places[0])
        try:
            data = write_label(label, earlier)
        except LookalikeError as fault:
            raise LookalikeError(f"{show_path(place)}: {fault}") from None
        if data != earlier:
            _write(place, data)
            changed += 1
    return changed


def export_class_folders(photos: list[LabelledPhoto], out: Path, *, link: bool) -> Steps[int]:
    """Write the folder `out` with a sub-folder for each label, of copies of the photos or links to them."""
    folders = _name_folders(sorted({one.label for one in photos}))
    temporary = atomic.create_sole_temporary_folder(out)
    try:
        for number, (photo, label) in enumerate(photos):
            yield Progress("export", number, len(photos))
            folder = temporary / folders[label]
            folder.mkdir(exist_ok=True)
            source = Path(os.fsdecode(photo.path))
            try:
                if link:
                    (folder / f"{photo.id}-{source.name}").symlink_to(source)
                else:
                    copy_photo_file(photo.path, folder)
            except OSError as fault:
                raise LookalikeError(
                    "{source} cannot be linked to: {fault}.", source=show_path(source), fault=explain_fault(fault)
                ) from None
            except PhotoError as fault:
                raise LookalikeError(f"{show_path(source)} {fault}.") from None
        atomic.publish_folder(temporary, out)
    finally:
        atomic.remove_path(temporary)
    return len(photos)


def export_coco(photos: list[LabelledPhoto], out: Path) -> Steps[int]:
    """Write image labels as COCO (cocodataset.org, format-data): a category for a label, a box around each picture."""
    numbers = {label: number for number, label in enumerate(sorted({one.label for one in photos}), 1)}
    return _write_json(
        photos,
        out,
        {
            "images": [
                {"id": p.id, "file_name": os.fsdecode(p.path), "width": p.width, "height": p.height} for p, _ in photos
            ],
            "annotations": [
                {
                    "id": number,
                    "image_id": photo.id,
                    "category_id": numbers[label],
                    "bbox": [0, 0, photo.width, photo.height],
                    "area": photo.width * photo.height,
                    "iscrowd": 0,
                }
                for number, (photo, label) in enumerate(photos, 1)
            ],
            "categories": [{"id": number, "name": label} for label, number in numbers.items()],
        },
    )


def export_fiftyone(photos: list[LabelledPhoto], out: Path, name: str) -> Steps[int]:
    """Write samples as FiftyOne's own JSON of a data set (`fiftyone.types.FiftyOneDataset`, samples.json)."""
    return _write_json(
        photos,
        out,
        {
            "name": name,
            "media_type": "image",
            "samples": [
                {
                    "filepath": os.fsdecode(photo.path),
                    "tags": [],
                    "metadata": {"_cls": "ImageMetadata", "width": photo.width, "height": photo.height},
                    "ground_truth": {"_cls": "Classification", "label": label},
                }
                for photo, label in photos
            ],
        },
    )


def _find_place(path: bytes, roots: list[bytes]) -> bytes:
    """The path below its photo folder; with the folder's number before it where there are several."""
    for number, root in enumerate(roots, 1):
        if (relative := find_relative_path(path, root)) is not None:
            return relative if len(roots) == 1 else b"%d/%s" % (number, relative)
    return get_file_name(path)


def _name_folders(labels: list[str]) -> dict[str, str]:
    """A name for the folder of each label, that every system takes and that no other label has."""
    names: dict[str, str] = {}
    used: set[str] = set()
    for label in labels:
        plain = label.translate(_NO_NAME_CHARACTERS).strip(". ")[:NAME_CHARACTERS] or "_"
        numbered = (plain if number == 1 else f"{plain} ({number})" for number in itertools.count(1))
        names[label] = next(name for name in numbered if name.casefold() not in used)
        used.add(names[label].casefold())
    return names


def _write_json(photos: list[LabelledPhoto], out: Path, content: dict[str, Any]) -> Steps[int]:
    yield Progress("export", 0, len(photos))
    _write(out, json.dumps(content, indent=1).encode("ascii"))
    return len(photos)


def _write(out: Path, data: bytes) -> None:
    try:
        atomic.write_file(out, data)
    except OSError as fault:
        raise LookalikeError(
            "{out} cannot be written: {fault}.", out=show_path(out), fault=explain_fault(fault)
        ) from None
