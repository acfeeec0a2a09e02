"""The shape of the code, held by figures: sizes, names, rooms. A figure here may fall; it does not rise again."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.support.commands import ROOT
from tests.support.path_lint import find_path_handling

pytestmark = pytest.mark.untraced  # no code of the program runs here, and tracing would double the time

PACKAGES = ("indexer", "training", "retrieval_app")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TEST_FILES = sorted((ROOT / "tests").rglob("*.py"))
ROOMS = sorted({path.parent for path in FILES})

MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 50
USUAL_FUNCTION_LINES = 25  # of 95 of 100 functions
MOST_PUBLIC_METHODS = 26  # of a class, those that Qt calls among them; a database has the most
MOST_LOOSE_MODULES = 8  # directly in a package
MOST_ROOM_MODULES = 14
ONE_WORD_SHARE = 0.06  # of the names of functions and classes; 0.68 before they were named by what they are
STORY_LINES = 4  # a room says what it is for, and what lives in it

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Named(NamedTuple):
    """A function, method or class, and the file it is defined in."""

    path: Path
    node: Definition


def definitions(files: Iterable[Path] = FILES) -> Iterator[Named]:
    return chain.from_iterable(map(find_definitions, files))


@cache
def find_definitions(path: Path) -> list[Named]:
    """All of a file, without their bodies: Python's collector would look through millions of nodes again and again."""
    nodes = walk_statements(ast.parse(path.read_text(encoding="utf-8")))
    found = [Named(path, node) for node in nodes if isinstance(node, Definition)]
    for named in found:
        named.node.body = []
    return found


def walk_statements(node: ast.AST) -> Iterator[ast.AST]:
    for block in ("body", "handlers", "orelse", "finalbody", "cases"):
        for child in getattr(node, block, ()):
            yield child
            yield from walk_statements(child)


def test_definitions_are_found_wherever_statements_stand() -> None:
    blocks = ["if 1:", "for _ in ():", "while 0:", "with a:", "class B:", "try:", "match 1:\n case _:"]
    text = "".join(f"{block}\n  def f{number}(): pass\n" for number, block in enumerate(blocks))
    text = text.replace("match", "except E:\n  def g(): pass\nelse:\n  def h(): pass\nfinally:\n  def i(): pass\nmatch")
    found = [node.name for node in walk_statements(ast.parse(text)) if isinstance(node, Definition)]
    assert found == ["f0", "f1", "f2", "f3", "B", "f4", "f5", "g", "h", "i", "f6"]


def words_of(name: str) -> list[str]:
    """`_read_tiff` and `ReadTiff` are two words each; special methods have none."""
    if name.startswith("__"):
        return []
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return [word for word in spaced.split("_") if word]


def length_of(named: Named) -> int:
    return (named.node.end_lineno or 0) - named.node.lineno + 1


def where(named: Named) -> str:
    return f"{named.path.relative_to(ROOT)}:{named.node.lineno} {named.node.name}"


@pytest.mark.parametrize(("name", "count"), [("_draw", 1), ("drawTile", 2), ("HTTPServer", 2), ("draw_all_tiles", 3)])
def test_words_of_a_name_are_counted_right(name: str, count: int) -> None:
    assert len(words_of(name)) == count
    assert words_of("__init__") == []


def test_no_file_is_longer_than_can_be_read_at_once() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in [*FILES, *TEST_FILES]}
    assert [str(path) for path, length in lengths.items() if length > MOST_FILE_LINES] == []


def test_functions_are_short() -> None:
    functions = [named for named in definitions() if not isinstance(named.node, ast.ClassDef)]
    tests = [named for named in definitions(TEST_FILES) if not isinstance(named.node, ast.ClassDef)]
    assert [where(named) for named in [*functions, *tests] if length_of(named) > MOST_FUNCTION_LINES] == []
    assert np.quantile([length_of(named) for named in functions], 0.95) <= USUAL_FUNCTION_LINES


def test_no_two_classes_have_one_name() -> None:
    places = defaultdict(list)
    for named in definitions():
        if isinstance(named.node, ast.ClassDef):
            places[named.node.name.lstrip("_")].append(where(named))
    assert [found for found in places.values() if len(found) > 1] == []


def test_a_class_is_about_one_noun() -> None:
    public_counts = {
        where(named): sum(
            isinstance(part, ast.FunctionDef) and not part.name.startswith("_") for part in named.node.body
        )
        for named in definitions()
        if isinstance(named.node, ast.ClassDef)
    }
    assert [place for place, count in public_counts.items() if count > MOST_PUBLIC_METHODS] == []


def test_names_say_what_they_are() -> None:
    names = [words for named in definitions() if (words := words_of(named.node.name))]
    assert sum(len(words) == 1 for words in names) / len(names) <= ONE_WORD_SHARE


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_every_room_tells_its_story(room: Path) -> None:
    tree = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
    story = ast.get_docstring(tree)
    assert story is not None
    assert len(story.splitlines()) >= STORY_LINES
    if room.name not in PACKAGES:  # so that starting does not import what it does not need
        assert len(tree.body) == 1


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_no_room_is_crowded(room: Path) -> None:
    modules = [path for path in room.glob("*.py") if path.stem not in ("__init__", "__main__")]
    assert len(modules) <= (MOST_LOOSE_MODULES if room.parent == ROOT else MOST_ROOM_MODULES)


def test_every_test_that_is_left_untraced_exists() -> None:
    named = (ROOT / "tests" / "untraced.txt").read_text(encoding="utf-8").splitlines()[1:]
    tests = {f"{path.relative_to(ROOT).as_posix()}::{node.name}" for path, node in definitions(TEST_FILES)}
    assert sorted(set(named) - tests) == []


def test_paths_are_taken_apart_in_one_module() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in FILES
        if path != ROOT / "indexer" / "paths.py" and (lines := find_path_handling(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "name = path.rpartition(os.sep.encode())[2]",
        "folder, name = os.path.split(path)",
        "os.path.join(folder, name)",
        "path.split(b'/')",
        "text.rsplit('/', 1)",
        "name = target.parts[-1]",
        "Path(text).parts",
        "photo.path.startswith(root.path)",
        "path.removeprefix(root)",
        'f"{root}/{name}"',
        'f"{root.path}\\\\{name}"',
        "root + b'/' + name",
        'b"%s/%s" % (root, name)',
        "'/'.join(paths)",
        "import ntpath",
        "from os.path import join",
    ],
)
def test_a_path_handled_by_hand_is_found(line: str) -> None:
    assert find_path_handling(line) == [1]


@pytest.mark.parametrize(
    "line",
    [
        "os.path.isfile(path)",
        "study.parts['train']",
        'f"{done}/{total}"',
        'f"{label}/{name_class(folder)}"',
        "path.parent / name",
        "', '.join(paths)",
        "name.startswith('.')",
    ],
)
def test_what_is_no_handling_of_paths_is_not_found(line: str) -> None:
    assert find_path_handling(line) == []


def test_no_wait_goes_by_the_time_of_day() -> None:
    """A clock that jumps would end it at once or never; the journal of the trash only notes when something went."""
    asking = [path for path in FILES if "time.time()" in path.read_text(encoding="utf-8")]
    assert asking == [ROOT / "indexer" / "duplicates" / "trash_journal.py"]


def test_no_document_outside_the_repository_is_named() -> None:
    names = re.compile(r"\b(?:DESIGN|FACTS|LOOK|STYLE|SCALE|HOUSE)(?:\.md| \d)")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if names.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("package", PACKAGES)
def test_tests_stand_where_their_rooms_stand(package: str) -> None:
    """A folder of tests has the name of a room; `promises` go through all of them."""
    rooms = {path.name for path in (ROOT / package).iterdir() if (path / "__init__.py").exists()}
    tests = {path.name for path in (ROOT / "tests" / package).iterdir() if path.is_dir() and path.name[0] != "_"}
    assert tests - rooms <= {"promises"}


def test_every_room_stands_in_a_layer() -> None:
    """What is in no layer is held by none: import-linter's `exhaustive` says so, and this that it is on."""
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[[tool.importlinter.contracts]]")[1:]
    layered = [one for one in contracts if 'type = "layers"' in one and "containers" in one]
    assert len(layered) == len(PACKAGES)
    assert all("exhaustive = true" in one for one in layered)
