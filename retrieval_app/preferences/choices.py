"""What the user can set for all libraries: the keys in the settings file, what they may hold, and the defaults."""

from PySide6.QtCore import QLocale

from indexer.wording import list_languages, tr
from retrieval_app.session.settings import WindowSettings
from retrieval_app.wording import format_size

CLICK_KEY, THEME_KEY, CORES_KEY, THUMBNAILS_KEY = "click", "theme", "cores", "thumbnails"
OWN_NAMES = {"en": "English"}  # Qt calls it American English
CLICK_CHOICES = {"find": tr("Finds what looks like it"), "select": tr("Selects it; Enter finds what looks like it")}
THUMBNAIL_CHOICES = {0: tr("Without limit")} | {
    size: tr("At most {size}", size=format_size(size * 1_000_000)) for size in (100, 500, 2000, 10000)
}


def list_language_choices() -> dict[str, str]:
    """The languages that can be chosen, each by the name that it has for itself; "" is the system's."""
    return {"": tr("Same as the system")} | {
        language: OWN_NAMES.get(language) or QLocale(language).nativeLanguageName() for language in list_languages()
    }


def read_click(settings: WindowSettings) -> str:
    """What a click on a photo does, one of CLICK_CHOICES."""
    chosen = settings.read_text(CLICK_KEY)
    return chosen if chosen in CLICK_CHOICES else "find"


def read_cores(settings: WindowSettings) -> int:
    """How many processor cores indexing and training may use; 0 means all."""
    return settings.read_number(CORES_KEY, 0)


def read_thumbnail_limit(settings: WindowSettings) -> int:
    """How large the thumbnails of one library may be in MB, one of THUMBNAIL_CHOICES; 0 means without limit."""
    chosen = settings.read_number(THUMBNAILS_KEY, 0)
    return chosen if chosen in THUMBNAIL_CHOICES else 0
