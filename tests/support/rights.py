"""Folders and files that the process may not use, also where the tests run as root."""

import os
from pathlib import Path

NOBODY = 65534


class Rights:
    """Take rights away from folders and files for this process, and give them back; root turns into nobody for it."""

    def __init__(self) -> None:
        self._changed: list[Path] = []
        self._root = hasattr(os, "geteuid") and os.geteuid() == 0

    def take(self, path: Path, mode: int = 0o555) -> None:
        """Give a path this mode; without the right to write when no other is named."""
        path.chmod(mode)
        self._changed.append(path)
        if self._root:
            os.setresuid(NOBODY, NOBODY, 0)

    def give_back(self) -> None:
        """As it was before."""
        if self._root:
            os.setresuid(0, 0, 0)
        for path in self._changed:
            path.chmod(0o755)
        self._changed.clear()
