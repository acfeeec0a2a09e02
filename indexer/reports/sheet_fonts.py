"""Fonts for drawn text: the one that comes with Pillow for Latin, for other scripts one that the system has.

Which characters a font has shows by drawing them: what it lacks is drawn as its sign for unknown ones.
"""

import os
import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

FONT_SUFFIXES = frozenset({".ttf", ".ttc", ".otf", ".otc"})
MOST_FONTS = 2000  # looked through for one text; each takes about a millisecond
NO_CHARACTER = "\U0010fffe"  # is none, so every font draws its sign for unknown ones
_PLAIN_NAME = re.compile(r"(?i)sans|arial|unicode|gothic|helvetica|segoe|cjk|hei")
_STYLED_NAME = re.compile(r"(?i)bold|italic|oblique|mono|serif|condensed|light|thin|black")


def choose_font(text: str, size: int) -> Font:
    """A font of `size` pixels that has all characters of the text, or of those there are the one that has most."""
    characters = _list_characters(text)
    plain = ImageFont.load_default(size)
    if not _find_lacking(plain, characters):
        return plain
    path = _find_font_file(characters)
    return plain if path is None else ImageFont.truetype(str(path), size)


def find_undrawn(text: str) -> frozenset[str]:
    """The characters of the text that its font (`choose_font`) does not have: they are drawn as boxes."""
    return _find_lacking(choose_font(text, 12), _list_characters(text))


def _list_characters(text: str) -> frozenset[str]:
    return frozenset(character for character in text if not character.isspace() and character.isprintable())


@lru_cache(maxsize=256)
def _find_font_file(characters: frozenset[str]) -> Path | None:
    """The file of the system's font that lacks the fewest of the characters, None where none has more than Pillow's."""
    least, best = len(_find_lacking(ImageFont.load_default(12), characters)), None
    for path in list_font_files():
        try:
            lacking = len(_find_lacking(ImageFont.truetype(str(path), 12), characters))
        except (OSError, ValueError):  # a damaged one, or of a kind that FreeType does not know
            continue
        if lacking < least:
            least, best = lacking, path
        if not least:
            break
    return best


def _find_lacking(font: Font, characters: frozenset[str]) -> frozenset[str]:
    """Those of the characters that the font does not have."""
    unknown = _draw_character(font, NO_CHARACTER)
    return frozenset(character for character in characters if _draw_character(font, character) == unknown)


def _draw_character(font: Font, character: str) -> bytes:
    mask = font.getmask(character)
    return bytes(f"{mask.size}", "ascii") + bytes(mask)


@lru_cache(maxsize=1)
def list_font_files() -> list[Path]:
    """The font files of the system, plain upright ones first."""

    def sort_key(path: Path) -> tuple[bool, bool, str]:
        return bool(_STYLED_NAME.search(path.stem)), not _PLAIN_NAME.search(path.stem), path.name

    found = (
        path for folder in _list_font_folders() for path in folder.rglob("*") if path.suffix.lower() in FONT_SUFFIXES
    )
    return sorted(found, key=sort_key)[:MOST_FONTS]


def _list_font_folders() -> Iterator[Path]:
    """Where the system and the user keep fonts."""
    if sys.platform == "win32":
        yield Path(os.environ.get("WINDIR", "C:\\Windows")) / "Fonts"
        yield Path(os.environ.get("LOCALAPPDATA", "")) / "Microsoft" / "Windows" / "Fonts"
    elif sys.platform == "darwin":
        yield from (Path("/System/Library/Fonts"), Path("/Library/Fonts"), Path.home() / "Library" / "Fonts")
    else:
        own = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        shared = (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(os.pathsep)
        yield from (Path(folder) / "fonts" for folder in dict.fromkeys([own, *shared, "/usr/share", "/run/host"]))
        yield Path.home() / ".fonts"
