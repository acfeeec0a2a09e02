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
    characters = frozenset(character for character in text if not character.isspace() and character.isprintable())
    plain = ImageFont.load_default(size)
    if not _count_lacking(plain, characters):
        return plain
    path = _find_font_file(characters)
    return plain if path is None else ImageFont.truetype(str(path), size)


@lru_cache(maxsize=256)
def _find_font_file(characters: frozenset[str]) -> Path | None:
    """The file of the system's font that lacks the fewest of the characters, None where none has more than Pillow's."""
    least, best = _count_lacking(ImageFont.load_default(12), characters), None
    for path in list_font_files():
        try:
            lacking = _count_lacking(ImageFont.truetype(str(path), 12), characters)
        except (OSError, ValueError):  # a damaged one, or of a kind that FreeType does not know
            continue
        if lacking < least:
            least, best = lacking, path
        if not least:
            break
    return best


def _count_lacking(font: Font, characters: frozenset[str]) -> int:
    """How many of the characters the font does not have."""
    unknown = _draw_character(font, NO_CHARACTER)
    return sum(_draw_character(font, character) == unknown for character in characters)


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
        yield from (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
        yield from (Path.home() / ".local" / "share" / "fonts", Path.home() / ".fonts")
