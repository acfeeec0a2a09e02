"""The libraries that the window knows: those in the home folder, and those that were opened elsewhere."""

from pathlib import Path

from indexer.database.sqlite.opening import has_library
from indexer.home.settings_file import parse_paths, write_paths
from indexer.places import list_libraries, name_library, rename_library
from retrieval_app.session.settings import WindowSettings

MOST_REMEMBERED = 40


class KnownLibraries:
    """Libraries as the window remembers them from start to start; nothing of them is opened here."""

    def __init__(self, settings: WindowSettings) -> None:
        self._settings = settings

    def list_folders(self) -> list[Path]:
        """The folders of all known libraries in the order of their names, also of those that are not there now."""
        hidden = self._read_folders("hidden")
        folders = {folder for folder in (*list_libraries(), *self._read_folders("libraries")) if folder not in hidden}
        return sorted(folders, key=lambda folder: (name_library(folder).casefold(), folder))

    def find_last(self) -> Path | None:
        """The library that was opened last; None before the first one."""
        return next(iter(self._read_folders("libraries")), None)

    def remember(self, folder: Path) -> None:
        """Take a library as the one that was opened last."""
        folder = folder.absolute()
        others = [known for known in self._read_folders("libraries") if known != folder]
        self._write_folders("libraries", [folder, *others][:MOST_REMEMBERED])
        self._write_folders("hidden", [known for known in self._read_folders("hidden") if known != folder])

    def add(self, folder: Path) -> None:
        """List a library; the one that was opened last stays that."""
        last = self.find_last()
        self.remember(folder)
        if last is not None:
            self.remember(last)

    def rename(self, folder: Path, name: str) -> Path:
        """Give a library another name, in the folder it lies in and in the list; its new folder.

        LookalikeError where the name is taken or none, or where another program is at work on the library.
        """
        target = rename_library(folder, name)
        self.follow_move(folder, target)
        return target

    def follow_move(self, folder: Path, target: Path) -> None:
        """Know a library by the folder that it lies in now."""
        was_last = folder == self.find_last()
        self.forget(folder)
        if was_last:
            self.remember(target)
        else:
            self.add(target)

    def take_off(self, folder: Path) -> None:
        """List a library no more, until it is opened again; the library itself stays where it is."""
        self.forget(folder)
        self._write_folders("hidden", [*self._read_folders("hidden"), folder])

    def forget(self, folder: Path) -> None:
        """Remember nothing of a library that has gone."""
        for key in ("libraries", "hidden"):
            self._write_folders(key, [known for known in self._read_folders(key) if known != folder])

    def _read_folders(self, key: str) -> list[Path]:
        self._settings.exchange_values()  # two windows keep one list
        return parse_paths(self._settings.read_text(key))

    def _write_folders(self, key: str, folders: list[Path]) -> None:
        self._settings.write_value(key, write_paths(folders))
        self._settings.exchange_values()


def is_there(folder: Path) -> bool:
    """Whether a library lies in a folder."""
    return has_library(folder)
