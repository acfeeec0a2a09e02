"""A fresh account whose model came prepared: indexed and searched by the command without torch and timm."""

import json
import shutil
import sys
from pathlib import Path

from tests.support.commands import environment, run_patiently
from tests.support.trees import paint

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "timm"):
            raise ModuleNotFoundError("it is blocked", name=name)

sys.meta_path.insert(0, Blocked())
from indexer.cli.terminal import run_command
from retrieval_app.commands import lookalike_command
sys.exit(run_command(lookalike_command.main, sys.argv[1:]))
"""


def test_the_first_folder_is_indexed_and_searched_where_torch_is_missing(installed_model: Path, tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    shutil.copytree(installed_model, home / "models" / installed_model.name)
    for number in range(4):
        paint(photos / f"{number}.png", number)
    words = [sys.executable, "-c", BLOCKED]
    indexed = run_patiently([*words, "index", str(photos), "--json"], env=environment(home))
    assert indexed.code == 0, indexed.err
    found = run_patiently([*words, "search", str(photos / "2.png"), "--json"], env=environment(home))
    result = json.loads(found.out.splitlines()[-1])
    assert [(hit["distance"], Path(hit["path"]).name) for hit in result["hits"][:1]] == [(0.0, "2.png")]
    assert len(result["hits"]) == 4


def test_the_block_is_felt_where_a_model_must_be_converted(tmp_path: Path) -> None:
    paint(tmp_path / "photos" / "0.png", 0)
    words = [sys.executable, "-c", BLOCKED, "index", str(tmp_path / "photos")]
    said = run_patiently(words, env=environment(tmp_path / "home"))
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith(
        "This needs the package torch, which is not installed. Install it: pip install torch timm\n"
    )
