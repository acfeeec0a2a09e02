"""What a walk passes over, and why: folders of systems and programs, and what the user has left out of a root.

A pattern belongs to a root (`database.passed_over` keeps it). Without "/" it is about names at any depth, with "/" of
paths below the root; `*`, `?` and `[...]` mean what they mean to a shell, only that `*` goes through "/". A folder that
is left out is left out with all that is in it. What the library knows of such files stays: it is not shown.
"""

import errno
import fnmatch
import glob
import os
import re
import unicodedata
from collections.abc import Iterable

from indexer.database.passed_over import NOTHING_PASSED_OVER, PassedOver
from indexer.paths import find_relative_path
from indexer.photos.reading import find_unread_suffix


class PathPatterns:
    """The exclusion patterns of one root, compiled."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        cleaned = [unicodedata.normalize("NFC", pattern).removesuffix("/") for pattern in patterns]
        self._names = _compile_patterns(pattern for pattern in cleaned if "/" not in pattern)
        self._paths = _compile_patterns(pattern.removeprefix("/") for pattern in cleaned if "/" in pattern)

    def match_entry(self, path: bytes, name: bytes) -> bool:
        """Whether a file or folder is left out, by its path relative to the root and its name."""
        return bool(
            (self._names and self._names.match(_to_text(name))) or (self._paths and self._paths.match(_to_text(path)))
        )


def make_folder_pattern(root: bytes, folder: bytes) -> str:
    """The pattern that leaves out this folder below a root, and no other of its name; "" for the root itself."""
    relative = find_relative_path(folder, root)
    return f"/{glob.escape(os.fsdecode(relative))}" if relative else ""


def _compile_patterns(patterns: Iterable[str]) -> re.Pattern[str] | None:
    parts = [fnmatch.translate(pattern) for pattern in patterns]
    return re.compile("|".join(parts)) if parts else None


def _to_text(path: bytes) -> str:
    """The path as patterns see it: macOS stores decomposed letters."""
    text = os.fsdecode(path)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


NO_PATTERNS = PathPatterns()


class PassedOverCounts:
    """Counts, by reason, of what one walk passes over; it adds to them as it goes."""

    def __init__(self) -> None:
        self.counts = NOTHING_PASSED_OVER

    def add_unread_kind(self, name: bytes) -> None:
        """Count a file that is no candidate, where it is a picture of a kind that is not read."""
        if suffix := find_unread_suffix(name):
            self.counts = self.counts.add_counts(PassedOver(not_read={suffix: 1}))

    def add_reason(self, reason: str) -> None:
        """Count a file or folder for one of the reasons that have no suffix."""
        self.counts = self.counts._replace(**{reason: getattr(self.counts, reason) + 1})

    def add_fault(self, fault: OSError) -> None:
        """Count a folder or file that could not be looked at, unless it has gone."""
        if fault.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            self.add_reason("too_deep")
        elif fault.errno not in (errno.ENOENT, errno.ENOTDIR):
            self.add_reason("not_entered")
