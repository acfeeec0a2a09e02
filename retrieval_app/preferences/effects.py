"""How the settings act: on the grid, the theme, the children's cores and the open library's thumbnails."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from indexer.home.settings_file import FORMER_KEYS, parse_paths, write_paths
from indexer.own_process import CORES_VARIABLE
from retrieval_app.language import LANGUAGE_KEY
from retrieval_app.preferences.choices import (
    CLICK_KEY,
    CORES_KEY,
    THEME_KEY,
    THUMBNAILS_KEY,
    read_click,
    read_cores,
    read_thumbnail_limit,
)
from retrieval_app.preferences.folder_move import FolderMove
from retrieval_app.session.photo_selection import PhotoSelection
from retrieval_app.session.session import Session
from retrieval_app.session.settings import WindowSettings
from retrieval_app.widgets.theme import Theme

if TYPE_CHECKING:
    from indexer.library import Library

TRIMMING_KEY = "thumbnail limit"


class UserPreferences(QObject):
    """The settings of all libraries, in effect from the start of the window; each method sets one and keeps it."""

    def __init__(self, session: Session, theme: Theme, settings: WindowSettings, selection: PhotoSelection) -> None:
        super().__init__(session)
        self._session, self._theme, self.settings, self._selection = session, theme, settings, selection
        self.folder_move = FolderMove(session, self)
        selection.by_click = read_click(settings) == "select"
        if read_cores(settings):
            self._limit_children(read_cores(settings))
        session.library.opened.connect(self._trim_thumbnails)
        session.library.photos_read.connect(self._trim_thumbnails)

    def set_click(self, choice: str) -> None:
        """Set what a click on a photo does: find what looks like it, or select it."""
        self._selection.by_click = choice == "select"
        self.settings.write_value(CLICK_KEY, choice)

    def set_theme(self, choice: str) -> None:
        """Show the window in another theme."""
        self._theme.choose_theme(choice)
        self.settings.write_value(THEME_KEY, choice)

    def set_language(self, language: str) -> None:
        """Let the program speak another language from its next start on; "" for the system's."""
        self.settings.write_value(LANGUAGE_KEY, language)

    def set_cores(self, count: int) -> None:
        """Let work that starts from now on use so many cores; 0 for all."""
        self.settings.write_value(CORES_KEY, count)
        self._limit_children(count)

    def set_thumbnail_limit(self, megabytes: int) -> None:
        """Limit a library's thumbnails to so many MB (0: no limit); what is above that goes now, and whenever a library
        is read.
        """
        self.settings.write_value(THUMBNAILS_KEY, megabytes)
        self._trim_thumbnails()

    def set_folder(self, key: str, before: Path, folder: Path | None) -> None:
        """Keep libraries (HOME_KEY) or models (MODELS_KEY) in a folder from now on, None for the usual one.

        What lies in the one `before` stays there and stays listed.
        """
        former = dict.fromkeys([before, *parse_paths(self.settings.read_text(FORMER_KEYS[key]))])
        self.settings.write_value(FORMER_KEYS[key], write_paths(place for place in former if place != folder))
        self.settings.write_value(key, write_paths([folder] if folder else []))
        self.settings.exchange_values()

    def _limit_children(self, cores: int) -> None:
        """Children inherit the variable; a window that was itself started with it and has no setting leaves it."""
        if cores:
            os.environ[CORES_VARIABLE] = str(cores)
        else:
            os.environ.pop(CORES_VARIABLE, None)

    def _trim_thumbnails(self) -> None:
        limit = read_thumbnail_limit(self.settings)

        def trim(library: "Library") -> int:
            return sum(cache.trim(limit * 1_000_000) for cache in (library.thumbnails, library.large_thumbnails))

        if limit and self._session.library.is_open:
            self._session.library.reader.ask_question(TRIMMING_KEY, trim)
