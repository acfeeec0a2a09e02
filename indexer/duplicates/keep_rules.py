"""Which files of a group to keep: rules that choose the same ones every time; the user may choose otherwise.

Each rule gives every file a sort key, and the least is kept; ties go to the larger, then the older, then the path. The
rule of a folder keeps all files below it, and in a group without any, all.
"""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from indexer.paths import get_file_name, is_below


class GroupFile(NamedTuple):
    """A file of a group: absolute path, photo, content hash, size in bytes and pixels, time of the file in ns.

    `link_of` is the path of the file that this one only leads to, empty for a file of its own.
    """

    path: bytes
    photo: int
    sha256: bytes
    byte_count: int
    width: int
    height: int
    mtime_ns: int
    link_of: bytes = b""


SortKey = tuple[float, ...]

# What programs add to the name of a copy, in the languages of the commonest systems, and what cameras call everything.
_COPY_MARKS = re.compile(
    r"(\(\d+\)|\b(copy|kopie|copie|copia)\b|~\d*)\s*(\(\d+\))?$|^(copy|kopie|copie|copia)\b",
    re.IGNORECASE,
)
_CAMERA_NAMES = re.compile(r"^(img|dsc[fn]?|pict?|p|dcim|vid|image|photo|scan|screenshot)?[-_ ]?\d+$", re.IGNORECASE)


def _rate_name(file: GroupFile) -> SortKey:
    """A name that says something before one that a camera gave, these before those of copies and temporary files."""
    stem = Path(os.fsdecode(get_file_name(file.path))).stem
    if _COPY_MARKS.search(stem):
        return (2.0,)
    return (float(bool(_CAMERA_NAMES.match(stem))),)


KEEP_RULES: dict[str, Callable[[GroupFile], SortKey]] = {
    "largest": lambda file: (-file.width * file.height, -file.byte_count),
    "oldest": lambda file: (file.mtime_ns,),
    "newest": lambda file: (-file.mtime_ns,),
    "best-named": _rate_name,
}
FOLDER_RULE = "folder"
RULE_NAMES = (*KEEP_RULES, FOLDER_RULE)


def choose_kept(group: Sequence[GroupFile], rule: str, folder: bytes = b"") -> list[GroupFile]:
    """The files of a group to keep by a rule of RULE_NAMES, one or more; links are kept or fall with their file."""
    files = [file for file in group if not file.link_of]
    if rule == FOLDER_RULE:
        return [file for file in files if is_below(file.path, folder)] or files
    return [min(files, key=lambda file: (KEEP_RULES[rule](file), *_break_tie(file)))] if files else []


def _break_tie(file: GroupFile) -> tuple[int, int, int, bytes]:
    return (-file.width * file.height, -file.byte_count, file.mtime_ns, file.path)
