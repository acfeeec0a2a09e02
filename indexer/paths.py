"""Paths as bytes: how they are joined, compared and shown to people. The only place that splits a path by hand."""

import os
import unicodedata
from pathlib import Path


def show_path(path: bytes | Path) -> str:
    """The path as one printable line for people, never for opening: what would reorder the line is escaped."""
    return "".join(_escape_character(character) for character in os.fsdecode(path))


def join_path(root: bytes, path: bytes) -> bytes:
    """The absolute path of a file that is known by its path relative to a root."""
    return root.rstrip(b"/") + b"/" + path


def _escape_character(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how os.fsdecode carries a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    joiner = character in "\u200c\u200d"  # parts of emoji and of Persian and Indian words
    if unicodedata.category(character) not in {"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"} or joiner:
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def is_below(path: bytes, folder: bytes) -> bool:
    """Whether an absolute path is a folder or lies below it."""
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")
