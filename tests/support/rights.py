"""Folders and files that the process has no right to use, also where the tests run as root."""

import os
from pathlib import Path

NOBODY = 65534


class Rights:
    """Takes rights to folders and files from this process and gives them back; root is the user nobody meanwhile."""

    def __init__(self) -> None:
        self._changed: list[Path] = []
        self._root = hasattr(os, "geteuid") and os.geteuid() == 0

    def take(self, path: Path, mode: int = 0o555) -> None:
        """Give a path this mode; the usual one lacks the right to write."""
        path.chmod(mode)
        self._changed.append(path)
        if self._root:
            os.setresuid(NOBODY, NOBODY, 0)

    def give_back(self) -> None:
        """Restore all rights that were taken."""
        if self._root:
            os.setresuid(0, 0, 0)
        for path in self._changed:
            path.chmod(0o755)
        self._changed.clear()
