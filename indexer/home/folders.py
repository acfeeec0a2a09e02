"""The folders that the program keeps its own things in: chosen in the settings, or the usual ones.

A chosen folder that is not there now, as its drive is not, is not made anew: until it is back, things are kept in the
usual place.
"""

from pathlib import Path

from indexer.home.settings_file import (
    FORMER_KEYS,
    HOME_KEY,
    MODELS_KEY,
    find_settings_folder,
    is_home_given,
    parse_paths,
    read_setting,
)

MODELS_FOLDER = "models"  # of the home folder, where no other is chosen


def find_chosen_folder(key: str) -> Path | None:
    """The folder that the settings name by HOME_KEY or MODELS_KEY, there or not; None where they name none."""
    paths = parse_paths(read_setting(key))
    return paths[0] if paths and paths[0].is_absolute() and not (key == HOME_KEY and is_home_given()) else None


def find_home_folder() -> Path:
    """The folder of libraries and trainings: LOOKALIKE_HOME, else the chosen one, else the settings folder."""
    return _find_present(HOME_KEY) or find_settings_folder()


def list_home_folders() -> list[Path]:
    """The home folder, and after it those that were it before: what lies there is still listed."""
    if is_home_given():
        return [find_home_folder()]
    former = parse_paths(read_setting(FORMER_KEYS[HOME_KEY]))
    return list(dict.fromkeys([find_home_folder(), *former, find_settings_folder()]))


def find_models_folder() -> Path:
    """The folder of the models prepared on this computer: the chosen one, else that in the home folder."""
    return _find_present(MODELS_KEY) or find_home_folder() / MODELS_FOLDER


def list_models_folders() -> list[Path]:
    """The folder of prepared models, and after it those that were it before, in order of use."""
    former = parse_paths(read_setting(FORMER_KEYS[MODELS_KEY]))
    usual = [home / MODELS_FOLDER for home in list_home_folders()]
    return list(dict.fromkeys([find_models_folder(), *former, *usual]))


def _find_present(key: str) -> Path | None:
    chosen = find_chosen_folder(key)
    return chosen if chosen is not None and chosen.is_dir() else None
