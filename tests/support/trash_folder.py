"""A trash of the test's own, so that no file of a test goes to the user's."""

from pathlib import Path

import pytest
import send2trash.plat_other


def use_own_trash(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trash folder below `folder`, which is the user's home from now on, also for child processes."""
    home = folder / "user"
    data = home / ".local" / "share"
    data.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    monkeypatch.setattr(send2trash.plat_other, "XDG_DATA_HOME", bytes(data))
    monkeypatch.setattr(send2trash.plat_other, "HOMETRASH_B", bytes(data / "Trash"))
    return data / "Trash"
