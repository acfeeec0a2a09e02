"""The seam of languages: what goes through it, catalogues that are whole, and processes that speak another language."""

import ast
import json
import os
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from indexer.errors import LookalikeError, PhotoError
from indexer.wording import fill_template, open_catalogue, tr
from retrieval_app.language import speaks_to_programs
from tests.support.commands import ROOT

LOCALES = ROOT / "assets" / "locales"
LANGUAGES = sorted(path.name for path in LOCALES.iterdir() if path.is_dir())
LEAST_TRANSLATED = 0.97  # of the window's sentences: new ones may wait a little
TEXT_SETTERS = {"setText", "setToolTip", "setWindowTitle", "setPlaceholderText", "setAccessibleName", "setTitle"}


def read_catalogue(language: str) -> list[Message]:
    with (LOCALES / language / "LC_MESSAGES" / "lookalike.po").open("rb") as file:
        return [message for message in read_po(file, locale=language) if message.id]


def list_texts(text: object) -> tuple[str, ...]:
    """The text of a message, or its texts for one and for many."""
    return tuple(text) if isinstance(text, (tuple, list)) else (str(text or ""),)


def read_places(template: str) -> set[str]:
    """The named places of a template, each with its format."""
    return {f"{name}:{spec}" for _, name, spec, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_places_of_its_sentence(language: str) -> None:
    for message in read_catalogue(language):
        if "{" not in "".join(list_texts(message.id)):
            continue
        for english, translated in zip(list_texts(message.id), list_texts(message.string), strict=False):
            assert not translated or read_places(translated) == read_places(english), english


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_window_is_translated(language: str) -> None:
    messages = [
        message
        for message in read_catalogue(language)
        if any(place.startswith("retrieval_app/") for place, _ in message.locations)
    ]
    assert len(messages) > 1000
    translated = [message for message in messages if all(list_texts(message.string))]
    assert len(translated) / len(messages) >= LEAST_TRANSLATED


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_that_of_the_sentences(language: str) -> None:
    folder = LOCALES / language / "LC_MESSAGES"
    with (folder / "lookalike.mo").open("rb") as file:
        compiled = {(m.context, list_texts(m.id)): list_texts(m.string) for m in read_mo(file) if m.id}
    written = {
        (m.context, list_texts(m.id)): list_texts(m.string)
        for m in read_catalogue(language)
        if all(list_texts(m.string))
    }
    assert compiled == written


def test_texts_of_widgets_go_through_the_seam() -> None:
    """A sentence that a widget is given as it stands in the code would be shown in English everywhere."""
    loose = []
    for path in sorted((ROOT / "retrieval_app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TEXT_SETTERS:
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                loose += [f"{path.name}:{node.lineno} {text}" for text in texts if text[1:].islower() and " " in text]
    assert loose == []


def test_numbers_go_through_the_seam() -> None:
    """A number with a format of its own in an f-string would have the English comma and point everywhere."""
    loose = []
    for path in sorted((ROOT / "retrieval_app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
                spec = ast.unparse(node.format_spec)
                loose += [f"{path.name}:{node.lineno} {spec}"] if re.search(r",|\.[1-9]", spec) else []
    assert [place.split(":")[0] for place in loose] == ["wording.py"]  # on the way to a number


def test_an_error_is_worded_where_it_is_shown() -> None:
    error = PhotoError("is too large: {width:,} pixels", needs="raw", width=12345)
    assert (str(error), error.spell_english(), error.needs) == ("is too large: 12,345 pixels",) * 2 + ("raw",)
    assert (error.template, error.values) == ("is too large: {width:,} pixels", {"width": 12345})
    assert str(LookalikeError("{not a place}")) == "{not a place}"


def test_numbers_have_the_signs_of_the_language() -> None:
    values = {"count": 1234567, "share": 0.5, "name": "a.b,c"}
    german = fill_template("{count:,} of {share:.2f}, {name}", values, comma=".", point=",")
    assert german == "1.234.567 of 0,50, a.b,c"


def test_english_needs_no_catalogue() -> None:
    assert open_catalogue(["en_GB", "de"]) is None
    assert open_catalogue(["xx", "de_AT"]) is not None  # German is there for Austria, where nothing nearer is
    assert tr("Cancel") == "Cancel"


def speak(language: str, code: str, **environment: str) -> object:
    """What a process in another language prints, as JSON."""
    variables = {"LOOKALIKE_LANGUAGE": language, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    said = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | variables | environment, capture_output=True, check=True
    )
    return json.loads(said.stdout)


def test_a_german_process_speaks_german(tmp_path: Path) -> None:
    code = """
import json, sys
from pathlib import Path
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication, QDialogButtonBox
from indexer.errors import LookalikeError
from indexer.wording import count_noun, format_number, tr
from retrieval_app.language import choose_language, translate_qt
choose_language()
app = QApplication([])
translate_qt(app)
box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
close = box.buttons()[0].text()
error = str(LookalikeError("Nothing was copied: {reason}.", reason="?"))
numbers = [count_noun(12345, "photo"), format_number(0.5, ".3f")]
print(json.dumps([tr("Cancel"), *numbers, tr("No such sentence"), error, close, QLocale().name()]))
"""
    (tmp_path / "window.ini").write_text("[General]\nlanguage=de\n", encoding="utf-8")
    said = speak("", code, LOOKALIKE_HOME=str(tmp_path))
    assert said == speak("de", code)
    assert said == [
        "Abbrechen",
        "12.345 Fotos",
        "0,500",
        "No such sentence",
        "Nichts wurde kopiert: ?.",
        "Schließen",
        "de_DE",
    ]


def test_why_a_photo_cannot_be_read_is_kept_in_english_and_shown_in_the_reader_s_language(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "nothing.png").write_bytes(b"")
    code = """
import json
from pathlib import Path
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from indexer.wording import tr
from tests.support.embedders import Tiny
with Library.create(Path("FOLDER") / "own.library") as library:
    drain(index_library(library, [Path("FOLDER") / "photos"], Tiny()))
    reasons = [failed.reason for failed in library.list_failed_files()]
print(json.dumps([reasons, [tr(reason) for reason in reasons]]))
"""
    assert speak("de", code.replace("FOLDER", str(tmp_path))) == [["is empty"], ["ist leer"]]


@pytest.mark.parametrize(
    ("words", "is_for_programs"),
    [
        ([], False),
        (["open", "a.jpg"], False),
        (["search", __file__], False),
        (["index", "--json"], True),
        (["serve", "--port", "0"], True),
        (["--help"], False),
    ],
)
def test_commands_for_programs_are_told_apart(words: list[str], *, is_for_programs: bool) -> None:
    assert speaks_to_programs(words) == is_for_programs


def run_in_german(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """What a command prints on a German computer whose settings name no language."""
    variables = {name: value for name, value in os.environ.items() if name != "LOOKALIKE_LANGUAGE"}
    variables |= {"LANG": "de_DE.UTF-8", "LC_ALL": "", "LANGUAGE": "", "LOOKALIKE_HOME": str(home)}
    command = [sys.executable, "-m", "retrieval_app", *words]
    return subprocess.run(
        command,
        env=variables | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
    )


def test_a_command_speaks_the_language_of_the_computer_and_english_to_programs(tmp_path: Path) -> None:
    assert "Aufruf: " in run_in_german("index", "--help", home=tmp_path).stdout
    refused = run_in_german("index", "--nonsense", home=tmp_path)
    assert (refused.stderr, refused.returncode) == ("Die Option '--nonsense' gibt es nicht.\n", 2)
    refused = run_in_german("index", "--nonsense", "--json", home=tmp_path)
    assert refused.stderr == "No such option '--nonsense'.\n"


def test_a_count_is_one_sentence_in_the_language() -> None:
    code = """
import json
from indexer.statistics.likeness import LikenessPoint, describe_likeness
print(json.dumps([describe_likeness(LikenessPoint(0.5, share, None)) for share in (0.0, 0.01, 0.35)]))
"""
    assert speak("de", code) == [
        "Verschieden: von 100 so nahen Paaren ist es keines.",
        "Verschieden: von 100 so nahen Paaren ist es eines.",
        "Vielleicht gleich: von 100 so nahen Paaren sind es 35.",
    ]


def test_what_is_stored_of_a_training_is_english_and_what_is_shown_is_not() -> None:
    code = """
import json
from pathlib import Path
from indexer.database.filters import Filter
from indexer.ranking.filter_wording import describe_conditions
from training.data.sources import LibraryLabels, describe_source
within = Filter(orientation="portrait", min_side=2000)
print(json.dumps([
    describe_source(LibraryLabels(Path("/own.library"), within)),
    [condition.text for condition in describe_conditions(within)],
]))
"""
    assert speak("de", code) == [
        "labelled in the library own (only photos: at least 2,000 px, portrait)",
        ["mindestens 2.000 px", "Hochformat"],
    ]


def test_what_was_measured_is_said_in_the_language() -> None:
    code = """
import json
from indexer.matching.identification_rule import state_validity
from indexer.matching.identification import IdentificationResult, describe_identity
found = IdentificationResult(None, 0.8, None, None, [], "", best="disc", ratio=0.9)
print(json.dumps([describe_identity(found), found.describe_rule(), state_validity("Gemessen", new_labels=True)]))
"""
    assert speak("de", code) == [
        "Unbekannt: Nichts hier ist nah genug. Am nächsten liegt disc.",
        "Als bekannt gilt, was weniger als 0,800-mal so weit von seinem Label entfernt ist wie vom nächsten; "
        "dieses Bild: 0,900.",
        "Gemessen; das Modell hat nicht aus ihnen gelernt.",
    ]
