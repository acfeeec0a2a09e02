"""The language of the program: chosen in the window's settings or by the system, with Qt's own sentences in it too.

It is found before anything else is imported, as modules word what never changes when they are read. Qt is imported
only where there is a window.
"""

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from indexer.home.settings_file import read_setting
from indexer.wording import LANGUAGE_VARIABLE, SOURCE_LANGUAGE, find_language, find_system_language

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

LANGUAGE_KEY = "language"


def choose_language() -> None:
    """Take the language from the settings, else from the system, for this process and its children.

    What LOOKALIKE_LANGUAGE names counts more. Children are told by it too: what they say in JSON is shown by this one.
    """
    if os.environ.get(LANGUAGE_VARIABLE):
        return
    chosen = read_setting(LANGUAGE_KEY)
    os.environ[LANGUAGE_VARIABLE] = chosen if re.fullmatch("[A-Za-z_]+", chosen) else find_system_language()


def speak_english() -> None:
    """Speak English in this process and its children, unless LOOKALIKE_LANGUAGE names another language."""
    os.environ.setdefault(LANGUAGE_VARIABLE, SOURCE_LANGUAGE)


def speaks_to_programs(words: Sequence[str]) -> bool:
    """Whether a command line answers other programs, which read the same sentences on every computer."""
    return "--json" in words or words[:1] == ["serve"]


def translate_qt(app: "QApplication") -> None:
    """Have Qt speak the program's language: its own buttons and dialogs, numbers, dates, and the side it begins at."""
    from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator

    if find_language() == SOURCE_LANGUAGE:
        return
    locale = QLocale(find_language())
    QLocale.setDefault(locale)
    app.setLayoutDirection(locale.textDirection())
    translator = QTranslator(app)
    if translator.load(locale, "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        app.installTranslator(translator)
