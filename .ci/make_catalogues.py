"""Gather the sentences of the program, and bring the catalogues of all languages up to date with them.

    python .ci/make_catalogues.py          writes build/lookalike.pot, and the .po and .mo of each language
    python .ci/make_catalogues.py de_CH    begins a language

What is a sentence is said by `read_messages`: the arguments of the functions below, and the templates of errors.
docs/translating.md tells translators the rest.
"""

import ast
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from indexer.cli.help_wording import unwrap_help

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("indexer", "training", "retrieval_app")
LOCALES = ROOT / "assets" / "locales"
SENTENCE_ARGUMENTS = {
    "tr": (0,),
    "MenuEntry": (0,),
    "make_entry": (0,),
    "add_page": (0, 1),
    "add_choices": (1,),
    "PlacingWay": (0, 1, 2, 3, 4, 5),
    "LikenessLevel": (0, 3),
    "PhotoOrder": (0,),
    "SettingRule": (0,),
    "Progress": (0,),  # the stage, in a terminal
}
COMMAND_DECORATORS = ("command", "group")  # of functions whose docstring is help
SENTENCE_KEYWORDS = {"option": ("help",), "version_option": ("help",), "SettingRule": ("unset", "others")}
CLICK_FUNCTIONS = ("_", "ngettext")
MODELS = ROOT / "assets" / "models" / "catalogue.json"
PLURAL_FUNCTION = "tr_count"  # (number, one, many)
NOUN_FUNCTIONS = ("count_noun", "format_count")  # (number, noun, its plural where that is not made by an s)
FIXED_DATE = datetime(2026, 1, 1, tzinfo=UTC)  # so that two makings are equal
NUMBER_SIGNS = ((",", "thousands comma of a number"), (".", "decimal point of a number"))


class Message(NamedTuple):
    """An English template, its plural where it has one, and the file that it stands in."""

    template: str
    plural: str
    place: str


def find_messages() -> list[Message]:
    """All sentences of the packages, in the order of their files, each once."""
    found: dict[str, Message] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            for template, plural in read_messages(path.read_text(encoding="utf-8")):
                if template not in found or (plural and not found[template].plural):
                    found[template] = Message(template, plural, place)
    for template, plural in read_click_messages():
        found.setdefault(template, Message(template, plural, "click"))
    for model in json.loads(MODELS.read_text(encoding="utf-8")):
        found.setdefault(model["good_for"], Message(model["good_for"], "", MODELS.relative_to(ROOT).as_posix()))
    return list(found.values())


def read_click_messages() -> Iterator[tuple[str, str]]:
    """The templates of click, which words the frame of all help and what is wrong with a command line."""
    for path in sorted(Path(click.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CLICK_FUNCTIONS:
                texts = [text for argument in node.args if (text := _read_text(argument))]
                if texts:
                    yield texts[0], texts[1] if len(texts) > 1 else ""


def read_messages(source: str) -> Iterator[tuple[str, str]]:
    """The templates in a module's source, each with its plural or ""."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and (help_text := _read_help(node)):
            yield help_text, ""
        if isinstance(node, ast.Call):
            yield from _read_call(node)


def _read_call(node: ast.Call) -> Iterator[tuple[str, str]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    texts = [_read_text(argument) for argument in node.args]
    wanted = SENTENCE_KEYWORDS.get(name, ())
    yield from ((text, "") for word in node.keywords if word.arg in wanted and (text := _read_text(word.value)))
    if name in NOUN_FUNCTIONS and len(texts) > 1 and texts[1]:
        many = texts[2] if len(texts) > 2 and texts[2] else texts[1] + "s"
        yield f"{{number:,}} {texts[1]}", f"{{number:,}} {many}"
    elif name == PLURAL_FUNCTION and len(texts) > 2 and texts[1]:
        yield texts[1], texts[2]
    else:
        places = SENTENCE_ARGUMENTS.get(name, (0,) if _is_error(name) else ())
        yield from ((texts[place], "") for place in places if place < len(texts) and texts[place])


def _read_text(node: ast.expr) -> str:
    """The text of a constant, "" of anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _read_help(function: ast.FunctionDef) -> str:
    """The docstring of a command's function as `translate_help` looks it up; "" of any other function."""
    calls = [decorator.func for decorator in function.decorator_list if isinstance(decorator, ast.Call)]
    is_command = any(isinstance(called, ast.Attribute) and called.attr in COMMAND_DECORATORS for called in calls)
    return unwrap_help(ast.get_docstring(function) or "") if is_command else ""


def _is_error(name: str) -> bool:
    return name in _find_error_classes()


def _find_error_classes(found: set[str] = set()) -> set[str]:  # noqa: B006 (kept: the sources do not change meanwhile)
    """LookalikeError and whatever is derived from it."""
    if not found:
        found.add("LookalikeError")
        files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
        classes = [
            node
            for path in files
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ClassDef)
        ]
        for _ in range(4):  # as deep as the classes of errors go
            found |= {node.name for node in classes if {getattr(base, "id", "") for base in node.bases} & found}
    return found


def make_template() -> Catalog:
    """The catalogue without translations, from which every language begins."""
    catalogue = Catalog(project="Lookalike", version="", copyright_holder="", charset="utf-8")
    for sign, comment in NUMBER_SIGNS:
        catalogue.add(sign, context="number", auto_comments=[comment])
    for message in find_messages():
        key = (message.template, message.plural) if message.plural else message.template
        catalogue.add(key, locations=[(message.place, None)])
    return catalogue


def update_language(language: str) -> int:
    """Bring a language's .po up to date, keeping what is translated, and compile it; returns what lacks."""
    folder = LOCALES / language / "LC_MESSAGES"
    path = folder / "lookalike.po"
    folder.mkdir(parents=True, exist_ok=True)
    template = make_template()
    if path.exists():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
    else:
        catalogue = template
        catalogue.locale = language
    catalogue.creation_date = catalogue.revision_date = FIXED_DATE
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, omit_header=False, include_lineno=False)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
    return sum(1 for message in catalogue if message.id and not _is_translated(message.string))


def _is_translated(text: str | tuple[str, ...]) -> bool:
    return bool(text) if isinstance(text, str) else bool(text) and all(text)


def main(languages: list[str]) -> None:
    """Update all languages, or begin those that are named."""
    target = ROOT / "build" / "lookalike.pot"
    target.parent.mkdir(exist_ok=True)
    with target.open("wb") as file:
        write_po(file, make_template(), width=120, include_lineno=False)
    for language in languages or sorted(path.name for path in LOCALES.iterdir() if path.is_dir()):
        print(f"{language}: {update_language(language)} sentences are not translated yet")


if __name__ == "__main__":
    main(sys.argv[1:])
