"""Which folders of a labelled folder are its classes: those at its top, those below them, or those inside given parts.

`read_class_layout` reads the names and kinds of entries only, no picture. A training set as it is shared often has its
parts given, as train, val and test; a collection often has two levels, as genus and species. What was recognised is
said in sentences by `describe_layout`, and what cannot be measured by `require_clear_classes`.
"""

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from indexer.errors import LookalikeError
from indexer.paths import show_path
from indexer.photos.reading import is_candidate, is_photo_folder
from indexer.wording import count_noun, normalise_label

PART_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
"""The part of a training set that a top folder of this name (in lower case) stands for."""


class ClassFolder(NamedTuple):
    """A folder whose pictures, at any depth, are of one class; `part` is a value of PART_NAMES, "" for none."""

    label: str
    path: bytes
    part: str


@dataclass(frozen=True, slots=True)
class ClassLayout:
    """The class folders in order of (label, path); several of one label are one class.

    `parts` are the names of the folders of each given part, empty where none are given; `loose_count` the pictures
    that stand beside the class folders; `level` is 1 or 2, the depth of the classes below the folder or its parts.
    `deeper_label` is an example of a class of level 2 where all pictures stand two levels deep, "" elsewhere.
    `system_folders` are the names of folders that stand among the classes and are none, as @eaDir.
    """

    folders: tuple[ClassFolder, ...]
    parts: Mapping[str, str]
    loose_count: int
    level: int
    deeper_label: str
    system_folders: tuple[str, ...] = ()


class _FolderEntries(NamedTuple):
    """Of one folder the sub-folders that may hold photos, in order of name, the number of pictures, and the names of
    those sub-folders that belong to systems.
    """

    folders: list["os.DirEntry[bytes]"]
    pictures: int
    system_folders: list[str]


def name_class(folder_name: bytes) -> str:
    """The class that a folder of this name stands for: printable, and the same for each Unicode spelling."""
    return normalise_label(show_path(folder_name))


def read_class_layout(folder: Path, level: int = 1) -> ClassLayout:
    """The class folders of a folder; LookalikeError where one on the way to them cannot be read.

    Hidden folders, folders of systems and links to folders are none.
    """
    top = _list_entries(os.fsencode(folder.absolute()))
    parts = _find_parts(top.folders)
    loose_count, system_folders = top.pictures, set(top.system_folders)
    if parts:
        below = {entry.path: _list_entries(entry.path) for entry in top.folders}
        loose_count += sum(entries.pictures for entries in below.values())
        system_folders |= {name for entries in below.values() for name in entries.system_folders}
        found = [_make_class(inner, parts[entry.path]) for entry in top.folders for inner in below[entry.path].folders]
    else:
        found = [_make_class(entry, "") for entry in top.folders]
    deeper_label = _find_deeper_label(found)
    if level == 2:
        found, beside_count = _list_second_level(found)
        loose_count += beside_count
    names = {
        part: _join_names(show_path(e.name) for e in top.folders if parts[e.path] == part) for part in parts.values()
    }
    return ClassLayout(tuple(sorted(found)), names, loose_count, level, deeper_label, tuple(sorted(system_folders)))


def _list_entries(folder: bytes) -> _FolderEntries:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as fault:
        raise LookalikeError(
            "{folder} cannot be read: {reason}.", folder=show_path(folder), reason=fault.strerror
        ) from None
    visible = [entry for entry in entries if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(b".")]
    return _FolderEntries(
        [entry for entry in visible if is_photo_folder(entry.name)],
        sum(is_candidate(entry.name) and not entry.is_dir() for entry in entries),
        [show_path(entry.name) for entry in visible if not is_photo_folder(entry.name)],
    )


def _find_parts(folders: Iterable["os.DirEntry[bytes]"]) -> dict[bytes, str]:
    """The part that each of these folders stands for, by path; empty unless all do, for at least two parts."""
    parts = {entry.path: PART_NAMES.get(os.fsdecode(entry.name).lower(), "") for entry in folders}
    return parts if len(set(parts.values())) > 1 and all(parts.values()) else {}


def _make_class(entry: "os.DirEntry[bytes]", part: str) -> ClassFolder:
    return ClassFolder(name_class(entry.name), entry.path, part)


def _list_second_level(tops: Iterable[ClassFolder]) -> tuple[list[ClassFolder], int]:
    """The class folders "genus/species" inside these, and the number of pictures that stand beside them."""
    found, beside_count = [], 0
    for label, path, part in tops:
        entries = _list_entries(path)
        beside_count += entries.pictures
        found += [ClassFolder(f"{label}/{name_class(entry.name)}", entry.path, part) for entry in entries.folders]
    return found, beside_count


def _find_deeper_label(tops: Iterable[ClassFolder]) -> str:
    """A label of level 2, if each of these folders holds only folders with pictures, one of them several; else ""."""
    examples: list[str] = []
    for label, path, _ in tops:
        try:
            folders, pictures, _ = _list_entries(path)
            if pictures or not all(_list_entries(entry.path).pictures for entry in folders):
                return ""
        except LookalikeError:  # who reads its pictures will say so
            return ""
        if len(folders) > 1:
            examples.append(f"{label}/{name_class(folders[0].name)}")
    return examples[0] if examples else ""


def describe_levels(layout: ClassLayout) -> list[str]:
    """A sentence where the pictures stand two levels deep, and how to choose the level; else none."""
    if not layout.deeper_label:
        return []
    if layout.level == 2:
        return [f"The folders of the second level are the classes, such as {layout.deeper_label}."]
    return [
        f"The pictures stand two levels deep, as in {layout.deeper_label}, and the folders of the first level are the "
        "classes. To take those of the second, set the class level to 2 (--class-level 2)."
    ]


def describe_loose(layout: ClassLayout) -> list[str]:
    """A sentence about pictures beside the class folders, where there are any."""
    if not layout.loose_count:
        return []
    stand = count_noun(layout.loose_count, "picture stands", "pictures stand")
    return [f"{stand} beside the class folders and cannot be used."]


def describe_system_folders(layout: ClassLayout) -> list[str]:
    """A sentence about folders of systems among the classes, where there are any."""
    if not layout.system_folders:
        return []
    verbs = ("belongs", "is no class") if len(layout.system_folders) == 1 else ("belong", "are no classes")
    return [f"{_join_names(layout.system_folders)} {verbs[0]} to the system or a program and {verbs[1]}."]


def describe_layout(layout: ClassLayout) -> list[str]:
    """The sentences on levels, on loose pictures and on folders of systems."""
    return describe_levels(layout) + describe_loose(layout) + describe_system_folders(layout)


def require_clear_classes(labels: Collection[str], ambiguous_count: int, layout: ClassLayout) -> None:
    """Raise LookalikeError where figures would mean nothing: all pictures are of one class, or most stand in several.

    `labels` are the classes of the distinct pictures that stand in one class each, `ambiguous_count` is the number of
    the others.
    """
    if ambiguous_count > len(labels):
        raise LookalikeError(
            "{count:,} of the {total:,} different pictures stand in more than one "
            "class, so no answer about them would be right or wrong. Put each picture into the folder of "
            "one class.",
            count=ambiguous_count,
            total=ambiguous_count + len(labels),
        )
    if len(set(labels)) == 1:
        others = count_noun(ambiguous_count, "picture stands", "pictures stand")
        reason = f" {others} in more than one class and cannot be used." if ambiguous_count else ""
        hint = "".join(f" {sentence}" for sentence in describe_levels(layout))
        raise LookalikeError(
            "All pictures that can be used are of one class, {label}, so every answer would be "
            "right.{reason} It takes at least two classes, each a sub-folder with pictures.{hint}",
            label=next(iter(labels)),
            reason=reason,
            hint=hint,
        )


def _join_names(names: Iterable[str]) -> str:
    return " and ".join(names)
