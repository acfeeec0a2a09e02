"""Paths as bytes: joined, split, compared and shown to people; and the home folder. No other module splits a path.

Photos may have any name that the system allows, so paths are bytes everywhere and text only where people read them. A
stored path is relative to its root and has "/" between folders.
"""

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import platformdirs

SEPARATOR = b"/"


def show_path(path: bytes | Path) -> str:
    """The path as one printable line for people, never for opening: what would reorder the line is escaped."""
    return "".join(_escape_character(character) for character in os.fsdecode(path))


def show_file_name(path: bytes) -> str:
    """The name of the file at a path as one printable line for people, without its folders."""
    return show_path(get_file_name(path))


def _escape_character(character: str) -> str:
    """The character, or its code where it is not printable or would change how the line around it is shown."""
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how os.fsdecode carries a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    joiner = character in "\u200c\u200d"  # parts of emoji and of Persian and Indian words
    if unicodedata.category(character) not in {"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"} or joiner:
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def make_uri(path: bytes) -> str:
    """The absolute path as a file: URI (RFC 8089), by which any program can open the file, whatever its name."""
    return Path(os.fsdecode(path)).as_uri()


def make_prefix(folder: bytes) -> bytes:
    """The folder with one separator behind it: what the paths of all files below it begin with."""
    return folder.rstrip(SEPARATOR) + SEPARATOR


def join_path(root: bytes, path: bytes) -> bytes:
    """The absolute path of a file that is known by its path relative to a root."""
    return make_prefix(root) + path


def is_below(path: bytes, folder: bytes) -> bool:
    """Whether an absolute path is a folder or lies below it."""
    return path == folder or path.startswith(make_prefix(folder))


def get_file_name(path: bytes) -> bytes:
    """The name of the file at a path, without its folders."""
    return os.path.basename(path)  # noqa: PTH119 - bytes


def find_same_files(paths: Sequence[bytes]) -> list[int]:
    """For each path the place of the one that leads to the very same file: its own, but for links and second names.

    Of the paths to one file the first that is no link stands for all. What cannot be looked at is a file of its own.
    """
    places, first_places = list(range(len(paths))), dict[tuple[int, int], int]()
    is_link = [os.path.islink(path) for path in paths]  # noqa: PTH114 - bytes
    for place in sorted(places, key=lambda place: is_link[place]):
        try:
            status = os.stat(paths[place])  # noqa: PTH116 - bytes
        except OSError:
            continue
        places[place] = first_places.setdefault((status.st_dev, status.st_ino), place)
    return places


def get_parent_folder(path: bytes) -> bytes:
    """The folder that a file lies in; empty for a name alone."""
    return os.path.dirname(path)  # noqa: PTH120 - bytes


def get_first_folder(path: bytes) -> bytes | None:
    """The first folder of a relative path, None for a name alone."""
    first, separator, _ = path.partition(SEPARATOR)
    return first if separator else None


def find_home_folder() -> Path:
    """The folder of libraries and settings: LOOKALIKE_HOME, else the user's data directory."""
    chosen = os.environ.get("LOOKALIKE_HOME")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("lookalike", appauthor=False))
