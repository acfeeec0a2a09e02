"""The file of the settings: where it lies, what it says of a key, and how paths are written in it.

The window writes it with Qt; here it is only read, before anything else is imported.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

import platformdirs

HOME_VARIABLE = "LOOKALIKE_HOME"
SETTINGS_FILE = "window.ini"  # in the settings folder; docs/guide/settings.md documents its keys
HOME_KEY, MODELS_KEY = "home", "models"
FORMER_KEYS = {HOME_KEY: "former_homes", MODELS_KEY: "former_models"}  # what they named before


def find_settings_folder() -> Path:
    """The folder of the settings and the log: LOOKALIKE_HOME, else the user's data directory."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("lookalike", appauthor=False))


def read_setting(key: str) -> str:
    """What the settings file says of a key; "" where it says nothing, or cannot be read."""
    try:
        settings = (find_settings_folder() / SETTINGS_FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(rf"^{re.escape(key)}=(.*)$", settings, re.MULTILINE)
    return found[1].strip().strip('"') if found else ""


def write_paths(paths: Iterable[Path]) -> str:
    """Paths as one text for the settings: they may hold anything, so each is written as in an address."""
    return " ".join(quote_from_bytes(os.fsencode(path)) for path in paths)


def parse_paths(text: str) -> list[Path]:
    """The paths of a text that `write_paths` made."""
    return [Path(os.fsdecode(unquote_to_bytes(word))) for word in text.split()]


def is_home_given() -> bool:
    """Whether LOOKALIKE_HOME names the home folder, whatever the settings say."""
    return bool(os.environ.get(HOME_VARIABLE))
