"""Sentences in the language of whoever reads them, numbers as people read them, and how labels and moments are stored.

Everything that is shown goes through `tr` and `tr_count`. `tr` takes a template with named places, which is the English
sentence and the key of the catalogue in one; `tr_count` takes a pair of them, for one and for many. The language of a
process is found once, at the first sentence, from LOOKALIKE_LANGUAGE or what the system names; children inherit it. A
catalogue is one file of gettext, LANGUAGE/LC_MESSAGES/lookalike.mo. docs/translating.md says how one is made.
"""

import gettext
import os
import string
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from indexer.paths import find_assets_folder

DOMAIN = "lookalike"
LANGUAGE_VARIABLE = "LOOKALIKE_LANGUAGE"
CATALOGUES_VARIABLE = "LOOKALIKE_CATALOGUES"  # a translator's own folder of catalogues, tried before it is installed
SYSTEM_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set counts, as gettext has it
SOURCE_LANGUAGE = "en"

BUILT_IN_NETWORK = "tf_efficientnet_lite0"  # of the model that comes with the program, as timm calls it
BUILT_IN_SHORT_NAME = "lite0"  # in the catalogue
BUILT_IN_FINGERPRINTS = (
    "3796341f8930c1816130233b660969e90e07cd2e9f209309e601da54993b8e56",
    "df3fe869dfae98346a393f67fdfc00311c7900cdf0930dd9f814cc6a82fda515",  # of the centre square: libraries of old
)
_EPOCH = datetime(1970, 1, 1)
_SPEAKS_ENGLISH: ContextVar[bool] = ContextVar("speaks_english", default=False)


def tr(template: str, /, **values: object) -> str:
    """The sentence of an English template with its values put in, in the language of this process."""
    catalogue = _find_spoken()
    if catalogue is None or not template:  # of "" a catalogue tells what it is itself
        return template.format(**values) if values else template
    return _fill(catalogue.gettext(template), template, values)


def tr_count(number: int, one: str, many: str, /, **values: object) -> str:
    """The sentence for a count, in the plural form that the language has for it; both know the count as `number`."""
    catalogue = _find_spoken()
    if catalogue is None:
        return (one if number == 1 else many).format(number=number, **values)
    template = one if number == 1 else many
    return _fill(catalogue.ngettext(one, many, number), template, {"number": number, **values})


@contextmanager
def speak_english() -> Iterator[None]:
    """Within the block, sentences are English for this thread, as what is stored has to be for any reader."""
    token = _SPEAKS_ENGLISH.set(True)
    try:
        yield
    finally:
        _SPEAKS_ENGLISH.reset(token)


def _find_spoken() -> gettext.NullTranslations | None:
    return None if _SPEAKS_ENGLISH.get() else _open_own_catalogue()


def find_language() -> str:
    """The language of this process as its catalogue is called, 'de'; 'en' where there is none."""
    catalogue = _open_own_catalogue()
    return SOURCE_LANGUAGE if catalogue is None else catalogue.info().get("language", SOURCE_LANGUAGE)


def list_languages() -> list[str]:
    """The languages that can be chosen: English, and each that has a catalogue here."""
    found = {path.parent.parent.name for folder in _list_folders() for path in folder.glob(f"*/*/{DOMAIN}.mo")}
    return [SOURCE_LANGUAGE, *sorted(found)]


def fill_template(template: str, values: Mapping[str, object], comma: str = ",", point: str = ".") -> str:
    """The template with its values put in; numbers with a format have the language's thousands comma and point."""
    return _NumberFormatter(comma, point).vformat(template, (), values) if values else template


def format_number(number: float, spec: str) -> str:
    """The number by a format such as ',' or '.3f', with the language's thousands comma and point."""
    return format(number, spec).translate(_pair_signs(*_find_signs()))


class _NumberFormatter(string.Formatter):
    """Python's own formatter, but for the signs within a number that has a format of its own."""

    def __init__(self, comma: str, point: str) -> None:
        super().__init__()
        self._signs = _pair_signs(comma, point)

    def format_field(self, value: object, format_spec: str) -> str:
        """The value by its format."""
        text = str(super().format_field(value, format_spec))
        return text.translate(self._signs) if format_spec and isinstance(value, (int, float)) else text


@cache
def _pair_signs(comma: str, point: str) -> dict[int, str]:
    return str.maketrans({",": comma, ".": point})


def _fill(found: str, template: str, values: Mapping[str, object]) -> str:
    try:
        return fill_template(found, values, *_find_signs())
    except (KeyError, ValueError, IndexError):  # a catalogue that names a place which the sentence does not have
        return fill_template(template, values, *_find_signs())


@cache
def _find_signs() -> tuple[str, str]:
    """The thousands comma and the point of the language."""
    catalogue = _open_own_catalogue()
    return (",", ".") if catalogue is None else (catalogue.pgettext("number", ","), catalogue.pgettext("number", "."))


@cache
def _open_own_catalogue() -> gettext.NullTranslations | None:
    return open_catalogue(_list_wanted())


def open_catalogue(languages: Sequence[str]) -> gettext.NullTranslations | None:
    """The catalogue of the first of the languages that has one; None where that is English, or none has."""
    found = _find_catalogue(languages)
    if found is None:
        return None
    with found.open("rb") as file:
        return gettext.GNUTranslations(file)


def find_catalogue_folder() -> Path | None:
    """The folder of catalogues that the language of this process is taken from; None where it speaks English."""
    found = _find_catalogue(_list_wanted())
    return None if found is None else found.parents[2]


def _find_catalogue(languages: Sequence[str]) -> Path | None:
    for language in languages:
        if language.split("_", maxsplit=1)[0] in (SOURCE_LANGUAGE, "C", "POSIX") and "_X" not in language:
            return None
        for folder in _list_folders():
            found = gettext.find(DOMAIN, str(folder), [language])
            if found is not None:
                return Path(found)
    return None


def find_system_language() -> str:
    """The languages that the system names, the first one first, as in 'de_AT:de'; 'en' where it names none."""
    return next((value for name in SYSTEM_VARIABLES if (value := os.environ.get(name))), SOURCE_LANGUAGE)


def _list_wanted() -> list[str]:
    named = os.environ.get(LANGUAGE_VARIABLE) or find_system_language()
    return [language.split(".", maxsplit=1)[0] for language in named.split(":") if language]


def _list_folders() -> list[Path]:
    folder = os.environ.get(CATALOGUES_VARIABLE)
    return [*([Path(folder)] if folder else []), find_assets_folder() / "locales"]


def count_noun(number: int, noun: str, many: str = "") -> str:
    """'1 photo', '2,000 photos'; `many` is the noun's plural where it is not made by an s."""
    return tr_count(number, f"{{number:,}} {noun}", f"{{number:,}} {many or noun + 's'}")


def name_model(name: str, fingerprint: str) -> str:
    """The name of a model for people: 'Built-in' for the one that comes with the program, unless the user renamed it.

    Others may be of the same network and have its name, with other weights.
    """
    is_built_in = fingerprint in BUILT_IN_FINGERPRINTS and name in (BUILT_IN_NETWORK, BUILT_IN_SHORT_NAME)
    return tr("Built-in") if is_built_in else name


def name_model_fully(name: str, fingerprint: str) -> str:
    """The same with the technical name behind it, as in 'Built-in (tf_efficientnet_lite0)'."""
    shown = name_model(name, fingerprint)
    return name if shown == name else f"{shown} ({BUILT_IN_NETWORK})"


def normalise_label(label: str) -> str:
    """The label in the one Unicode spelling (NFC) in which labels are stored and compared.

    macOS decomposes the letters of names (NFD), and so does what is copied from there; other systems do not.
    """
    return unicodedata.normalize("NFC", label)


def convert_to_microseconds(moment: datetime) -> int:
    """Microseconds from 1970 to a moment without a zone, as if its clock showed UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def convert_to_moment(microseconds: int) -> datetime:
    """The moment without a zone so many microseconds after 1970, within the range of datetime."""
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return datetime.min if microseconds < 0 else datetime.max


def convert_file_time(nanoseconds: int) -> int:
    """Microseconds since 1970 by this computer's clock, as `convert_to_microseconds` has them, of a file's time."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        return convert_to_microseconds(datetime.fromtimestamp(seconds)) + rest // 1000
    except (ValueError, OverflowError, OSError):  # what systems say of years they do not know
        return nanoseconds // 1000


def format_offset(minutes: int) -> str:
    """'+05:30' of the minutes by which a clock is ahead of UTC."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
