"""Paths as bytes: joined, split, compared and shown to people. No other module splits a path.

Photos may have any name that the system allows, so paths are bytes everywhere and text only where people read them. A
stored path is relative to its root and has "/" between folders on every system. An absolute path is written as its
system writes it, and says by its beginning whether that is Windows: a drive letter, or two backslashes for a server or
a long path. So a library that was made on Windows shows its folders rightly on other systems.
"""

import ntpath
import os
import posixpath
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PureWindowsPath

SEPARATOR = b"/"  # in stored paths
NUMBER_DIGITS = 12  # to which numbers in names are filled up, so that 9 comes before 10
LONG_PREFIX = b"\\\\?\\"  # before paths longer than Windows otherwise opens
LONG_SERVER_PREFIX = LONG_PREFIX + b"UNC\\"  # for the two backslashes before the name of a server
LONGEST_PLAIN_PATH = 240  # characters: 260 with the end mark, less a short file name, which folders need in reserve

_NUMBER = re.compile("[0-9]+")
_WINDOWS_BEGINNING = re.compile(rb"[A-Za-z]:(?:[\\/]|$)|\\\\")


@dataclass(frozen=True, slots=True)
class PathSystem:
    """How an operating system writes absolute paths: its separators, the first of them for new paths, and which
    spellings are one name.

    `fold_spelling` brings all spellings of one name to one, for comparison only.
    """

    separators: bytes
    split_name: Callable[[bytes], tuple[bytes, bytes]]
    normalise_path: Callable[[bytes], bytes]
    join_names: Callable[[bytes, bytes], bytes]
    fold_spelling: Callable[[bytes], bytes]

    @property
    def separator(self) -> bytes:
        """The separator of new paths."""
        return self.separators[:1]


def _keep_spelling(path: bytes) -> bytes:
    return path


def _fold_windows_spelling(path: bytes) -> bytes:
    """Any case is the same, either separator, and with or without the prefix of long paths."""
    return ntpath.normcase(_remove_long_prefix(path))


def _fold_apple_spelling(path: bytes) -> bytes:
    """Any case is the same, and composed letters are what decomposed ones are (Unicode, D145).

    Drives can be told to tell cases apart; there too it is better to take two folders for one than one for two.
    """
    text = unicodedata.normalize("NFD", os.fsdecode(path)).casefold()
    return os.fsencode(unicodedata.normalize("NFD", text))


POSIX = PathSystem(b"/", posixpath.split, posixpath.normpath, posixpath.join, _keep_spelling)
MACOS = PathSystem(b"/", posixpath.split, posixpath.normpath, posixpath.join, _fold_apple_spelling)
WINDOWS = PathSystem(b"\\/", ntpath.split, ntpath.normpath, ntpath.join, _fold_windows_spelling)
NATIVE = {"win32": WINDOWS, "darwin": MACOS}.get(sys.platform, POSIX)


def find_system(path: bytes, native: PathSystem = NATIVE) -> PathSystem:
    """The system that an absolute path is of: Windows where it begins so, else the native one."""
    return WINDOWS if _WINDOWS_BEGINNING.match(path) else native


def show_path(path: bytes | Path) -> str:
    """The path as one printable line for people, never for opening: what would reorder the line is escaped."""
    text = os.fsdecode(path)
    return text if text.isprintable() else "".join(map(_escape_character, text))


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


def insert_break_points(text: str) -> str:
    """A text in which paths stand, with a zero-width space wherever a long one may break into the next line."""
    return re.sub(r"([/\\_])", "\\1\u200b", text)


def make_uri(path: bytes) -> str:
    """The absolute path as a file: URI (RFC 8089), by which any program can open the file, whatever its name."""
    if find_system(path) is WINDOWS:
        return PureWindowsPath(os.fsdecode(_remove_long_prefix(path))).as_uri()
    return Path(os.fsdecode(path)).as_uri()


def make_openable(path: bytes) -> bytes:
    """The absolute path as it is to be opened: one that is too long for Windows gets the prefix that lifts the limit.

    Never for showing or storing.
    """
    if find_system(path) is not WINDOWS or path.startswith(LONG_PREFIX) or len(os.fsdecode(path)) < LONGEST_PLAIN_PATH:
        return path
    plain = ntpath.normpath(path)  # behind the prefix nothing is put right
    return LONG_SERVER_PREFIX + plain[2:] if plain.startswith(b"\\\\") else LONG_PREFIX + plain


def _remove_long_prefix(path: bytes) -> bytes:
    if path[: len(LONG_SERVER_PREFIX)].upper() == LONG_SERVER_PREFIX:
        return b"\\\\" + path[len(LONG_SERVER_PREFIX) :]
    return path.removeprefix(LONG_PREFIX)


def make_prefix(folder: bytes) -> bytes:
    """The stored path of a folder with one separator behind it: what those of all files below it begin with."""
    return folder.rstrip(SEPARATOR) + SEPARATOR


def exclude_covered(paths: Iterable[bytes], covers: Iterable[bytes]) -> Iterator[bytes]:
    """The stored paths that are not in `covers` and lie below none of its folders, which end with a separator.

    The empty path is that of the root, which all lie below.
    """
    covering = set(covers)
    prefixes = tuple(path for path in covering if not path or path.endswith(SEPARATOR))
    return (path for path in paths if path not in covering and not path.startswith(prefixes))


def join_path(root: bytes, path: bytes) -> bytes:
    """The absolute path of a file that is known by its stored path, relative to a root."""
    system = find_system(root)
    if system is WINDOWS:
        path = path.replace(SEPARATOR, system.separator)
    return root.rstrip(system.separators) + system.separator + path


def join_below(root: bytes, beginning: bytes) -> bytes | None:
    """The absolute path of a folder below a root, given as the beginning of its files' stored paths; None where that
    ends within a name.
    """
    return join_path(root, beginning[: -len(SEPARATOR)]) if beginning.endswith(SEPARATOR) else None


def remove_ending(folder: bytes, beginning: bytes) -> bytes | None:
    """The absolute path `folder` without the folders that the stored beginning names at its end; None where it does not
    end so.
    """
    ending = join_below(b"", beginning)
    is_there = ending is not None and fold_path(folder).endswith(fold_path(ending))
    return folder[: -len(ending)] if ending and is_there and len(folder) > len(ending) else None


def fold_path(path: bytes, native: PathSystem = NATIVE) -> bytes:
    """The one spelling of all those by which a system knows an absolute path, for comparison only."""
    system = find_system(path, native)
    return system.fold_spelling(path).rstrip(system.separators)


def list_spellings(path: bytes, native: PathSystem = NATIVE) -> list[bytes]:
    """The spellings of a stored path under which its system may list it: with composed or decomposed letters on macOS.

    The case of the path is taken to be right.
    """
    if native is not MACOS:
        return [path]
    text = os.fsdecode(path)
    spellings = [text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)]
    return list(dict.fromkeys(map(os.fsencode, spellings)))


def is_below(path: bytes, folder: bytes, native: PathSystem = NATIVE) -> bool:
    """Whether an absolute path is a folder or lies below it, in whichever spelling its system takes for the same."""
    folded_path, folded_folder = fold_path(path, native), fold_path(folder, native)
    return folded_path == folded_folder or folded_path.startswith(folded_folder + find_system(folder, native).separator)


def find_relative_path(path: bytes, folder: bytes, native: PathSystem = NATIVE) -> bytes | None:
    """The stored path of what lies below a folder; empty for the folder itself, None for what does not lie in it."""
    if not is_below(path, folder, native):
        return None
    return SEPARATOR.join(_split_names(path, native)[len(_split_names(folder, native)) :])


def _split_names(path: bytes, native: PathSystem) -> list[bytes]:
    """The names of the folders on the way to an absolute path and its own, without its beginning's separators."""
    system = find_system(path, native)
    plain = _remove_long_prefix(path).replace(b"\\", SEPARATOR) if system is WINDOWS else path
    return [name for name in plain.split(SEPARATOR) if name]


def find_below(folder: bytes, name: bytes, native: PathSystem = NATIVE) -> bytes | None:
    """The absolute path that a name given by the user, absolute or relative to the folder, stands for.

    None where that does not lie below the folder, or is no path at all.
    """
    system = find_system(folder, native)
    joined = system.normalise_path(system.join_names(folder, name))
    return joined if b"\0" not in name and find_relative_path(joined, folder, native) else None


def split_path(path: bytes, native: PathSystem = NATIVE) -> tuple[bytes, bytes]:
    """A path's folder with a separator behind, empty for a name alone, and the name of its file."""
    name = get_file_name(path, native)
    return path[: len(path) - len(name)], name


def get_file_name(path: bytes, native: PathSystem = NATIVE) -> bytes:
    """The name of the file at a path, without its folders."""
    return find_system(path, native).split_name(path)[1]


def find_same_files(paths: Sequence[bytes]) -> list[int]:
    """For each path the place of the one that leads to the very same file: its own, but for links and second names.

    Of the paths to one file the first that is no link stands for all. What cannot be looked at is a file of its own.
    """
    places, first_places = list(range(len(paths))), dict[tuple[int, int], int]()
    is_link = [os.path.islink(path) for path in paths]  # noqa: PTH114 - bytes
    for place in sorted(places, key=lambda place: is_link[place]):
        try:
            status = os.stat(make_openable(paths[place]))  # noqa: PTH116 - bytes
        except OSError:
            continue
        places[place] = first_places.setdefault((status.st_dev, status.st_ino), place)
    return places


def get_parent_folder(path: bytes, native: PathSystem = NATIVE) -> bytes:
    """The folder that a file lies in; empty for a name alone."""
    return find_system(path, native).split_name(path)[0]


def get_stored_folder(path: bytes) -> bytes:
    """The stored path of the folder that a file lies in, by its own; empty for one that lies in the root."""
    return path.rpartition(SEPARATOR)[0]


def make_search_text(path: bytes) -> str:
    """The path as text in which words are found whatever their case and Unicode spelling, once these are folded too."""
    return fold_text(os.fsdecode(path).encode("utf-8", "replace").decode())


def fold_text(text: str) -> str:
    """The text in one Unicode spelling (NFC) and without differences of case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def make_name_key(path: bytes) -> str:
    """What files are sorted by, by the name in a stored path: without case and accents, and numbers by their value."""
    spelt = unicodedata.normalize("NFKD", make_search_text(path.rpartition(SEPARATOR)[2]))
    plain = "".join(letter for letter in spelt if not unicodedata.combining(letter))
    return _NUMBER.sub(lambda found: found[0].zfill(NUMBER_DIGITS), plain)


def get_first_folder(path: bytes) -> bytes | None:
    """The first folder of a stored path, None for a name alone."""
    first, separator, _ = path.partition(SEPARATOR)
    return first if separator else None


@cache
def find_assets_folder() -> Path:
    """The folder of icons, theme and sample pictures: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"
