"""The language of the program: chosen in the window's settings or by the system, with Qt's own sentences in it too.

It is found before anything else is imported, as modules word what never changes when they are read. Qt is imported
only where there is a window.
"""

import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.home.settings_file import read_setting
from indexer.wording import LANGUAGE_VARIABLE, SOURCE_LANGUAGE, find_language

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

LANGUAGE_KEY = "language"


def choose_language() -> None:
    """Take the language from the settings, for this process and its children.

    What LOOKALIKE_LANGUAGE names counts more; where neither names one, the system's languages count.
    """
    if os.environ.get(LANGUAGE_VARIABLE):
        return
    chosen = read_setting(LANGUAGE_KEY)
    if re.fullmatch("[A-Za-z_]+", chosen):
        os.environ[LANGUAGE_VARIABLE] = chosen


def speak_english() -> None:
    """Speak English in this process and its children, unless LOOKALIKE_LANGUAGE names another language.

    So do the commands: most of their sentences are not translated, and half a sentence in each would be worse.
    """
    os.environ.setdefault(LANGUAGE_VARIABLE, SOURCE_LANGUAGE)


def opens_window(words: Sequence[str]) -> bool:
    """Whether a command line opens the window: without a command, with `open`, or with what is there to be opened."""
    plain = [word for before, word in pairwise(["", *words]) if not word.startswith("-") and before != "--library"]
    return not {"-h", "--help", "--version", "--self-test"} & set(words) and (
        not plain or plain[0] == "open" or Path(plain[0]).exists()
    )


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
