"""An install without what is heavy: a folder is indexed, searched and shown; the rest names what it needs."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.commands import Said, environment, run_patiently
from tests.support.trees import paint

# Imported by nothing that indexing, searching and the window need.
HEAVY = (
    "torch",
    "torchvision",
    "timm",
    "scipy",
    "sklearn",
    "openTSNE",
    "imagehash",
    "pytorch_metric_learning",
    "annoy",
)
BLOCK = f"""
import sys

HEAVY = {HEAVY!r}

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ModuleNotFoundError("it is blocked", name=name)

sys.meta_path.insert(0, Blocked())
"""
BLOCKED = f"""{BLOCK}
from indexer.cli.terminal import run_command
from retrieval_app.commands import lookalike_command
sys.exit(run_command(lookalike_command.main, sys.argv[1:]))
"""


WINDOW = f"""{BLOCK}
from pathlib import Path
from PySide6.QtTest import QTest
from retrieval_app.app import build_application
_, window = build_application(["lookalike"])
window.show()
for _ in range(3000):
    QTest.qWait(10)
    if not window.session.library.is_empty and window.session.library.info:
        break
print(window.session.library.info.photos, window.session.library.info.model)
window.close()
assert not [name for name in HEAVY if name in sys.modules]
"""


@pytest.fixture(scope="module")
def light_home(installed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose labelled photos were indexed without anything heavy."""
    home = tmp_path_factory.mktemp("light")
    shutil.copytree(installed_model, home / "home" / "models" / installed_model.name)
    for number in range(16):
        paint(home / "photos" / "ab"[number % 2] / f"{number}.png", number)
    indexed = say(home / "home", "index", str(home / "photos"), "--labelled", "--json")
    assert indexed.code == 0, indexed.err
    return home


def say(home: Path, *words: str) -> Said:
    return run_patiently([sys.executable, "-c", BLOCKED, *words], env=environment(home))


def test_a_labelled_folder_is_searched_by_a_picture_with_what_distances_mean(light_home: Path) -> None:
    found = say(light_home / "home", "search", str(light_home / "photos" / "a" / "2.png"), "--json")
    assert (found.code, found.err) == (0, "")
    hits = json.loads(found.out.splitlines()[-1])["hits"]
    assert (hits[0]["distance"], Path(hits[0]["path"]).name, len(hits)) == (0.0, "2.png", 10)
    assert hits[0]["probability"] is not None or hits[0]["rarity"] is not None


@pytest.mark.parametrize(
    ("words", "package"),
    [
        (["map"], "openTSNE"),
        (["model", "add", "test_resnet"], "torch"),
        (["train", "photos", "--recipe", "quick"], "torch"),
    ],
)
def test_what_needs_more_names_the_package(light_home: Path, words: list[str], package: str) -> None:
    said = say(light_home / "home", *(str(light_home / word) if word == "photos" else word for word in words))
    assert said.code == 2
    assert f"This needs the package {package}, which is not installed. Install it: pip install" in said.err
    assert "Traceback" not in said.err


def test_the_window_opens_without_it(light_home: Path) -> None:
    variables = environment(light_home / "home") | {"QT_QPA_PLATFORM": "offscreen"}
    shown = run_patiently([sys.executable, "-c", WINDOW], env=variables)
    assert (shown.code, shown.out) == (0, "16 tf_efficientnet_lite0\n"), shown.err


def test_the_block_is_felt_where_a_model_must_be_converted(tmp_path: Path) -> None:
    paint(tmp_path / "photos" / "0.png", 0)
    words = [sys.executable, "-c", BLOCKED, "index", str(tmp_path / "photos")]
    said = run_patiently(words, env=environment(tmp_path / "home"))
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith(
        "This needs the package torch, which is not installed. Install it: pip install torch timm\n"
    )


def test_near_copies_are_found_without_it(light_home: Path) -> None:
    said = say(light_home / "home", "duplicates", "--kind", "near", "--json")
    assert said.code == 0, said.err
