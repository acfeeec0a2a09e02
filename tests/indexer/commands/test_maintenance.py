"""A library is kept in order by commands that change only what they are told to, and mend what can be made again."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from indexer.indexing.repair import mend_active_model
from indexer.library import Library
from indexer.progress import drain
from tests.support.commands import Tell, command, environment, lookalike
from tests.support.trees import paint, paint_many


def test_a_run_that_nobody_reads_on_is_not_called_done(home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command("index", "--json"), env=environment(home), stdout=writing, stderr=-1, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_root_is_pointed_at_another_place_without_a_forward_pass(home: Path, tell: Tell, tmp_path: Path) -> None:
    paint_many(tmp_path / "more", 3, first=100)
    tell(home, "index", tmp_path / "more")
    (tmp_path / "more").rename(tmp_path / "elsewhere")
    assert tell(home, "index", "--json").result()["offline"] == [str(tmp_path / "more")]
    offline = {"path": str(tmp_path / "more"), "files": 3}
    assert tell(home, "missing", "--json").result() == {"result": "missing", "missing": [], "offline": [offline]}
    assert f"{tmp_path / 'more'} is offline: its 3 files can still be found" in tell(home, "missing").out
    assert tell(home, "roots", "--move", tmp_path / "more", tmp_path / "elsewhere").code == 0
    result = tell(home, "index", "--json").result()
    assert (result["offline"], result["embedded"], result["files"]) == ([], 0, 63)
    hit = tell(home, "search", tmp_path / "elsewhere" / "0100.png", "--json").result()["hits"][0]
    assert (hit["path"], hit["distance"]) == (str(tmp_path / "elsewhere" / "0100.png"), 0.0)


def _damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("names", "problems"),
    [(("index.ann", "vectors.npy"), 1), (("openvino.bin", "openvino.xml", "runtime.json", "manifest.json"), 2)],
)
def test_check_finds_damage_and_repair_mends_it(
    home: Path, prepared: Any, tell: Tell, names: tuple[str, ...], problems: int
) -> None:
    for name in names:
        (damaged,) = (home / "default.library").rglob(name)
        _damage(damaged)
    said = tell(home, "check", "--json")
    assert (said.code, len(said.result()["problems"])) == (1, problems)
    photo = prepared.photos / "a/0003.png"
    assert tell(home, "search", photo, "--json").result()["hits"][0]["distance"] == 0.0
    said = lookalike(home, "check", "--repair", "--json")
    assert (said.code, said.result()["problems"]) == (0, []), said
    result = tell(home, "search", paint(home.parent / "outside.png", 6, side=50), "--json").result()
    assert (result["engine"], result["notice"]) == ("exact", "")  # so few need no index


@pytest.mark.long
def test_model_card_that_is_gone_is_mended_by_the_next_index(home: Path, tmp_path: Path) -> None:
    (card,) = (home / "default.library" / "models").rglob("model.json")
    card.unlink()
    outside = paint(tmp_path / "outside.png", 6, side=50)
    assert lookalike(home, "search", outside).code == 2
    result = lookalike(home, "index", "--json").result()
    assert (result["photos"], result["embedded"]) == (60, 0)
    assert lookalike(home, "search", outside, "--json").result()["hits"]


@pytest.mark.long
def test_damaged_model_of_evaluate_is_mended(home: Path, prepared: Any) -> None:
    (weights,) = (home / "models").rglob("openvino.bin")
    _damage(weights)
    assert lookalike(home, "evaluate", prepared.photos, "--json").result()["queries"] == 60


def test_model_is_looked_through_once_and_again_when_a_file_of_it_is_another(home: Path) -> None:
    with Library.open(home / "default.library") as library:
        drain(mend_active_model(library))  # its files are copies of those that were looked through
        assert list(mend_active_model(library)) == []
        (weights,) = library.models_folder.rglob("model.safetensors")
        weights.write_bytes(weights.read_bytes())
        assert [step.stage for step in mend_active_model(library)] == ["prepare"]
        assert list(mend_active_model(library)) == []


@pytest.mark.long
def test_model_damaged_since_the_last_run_is_mended_by_the_next(home: Path) -> None:
    (weights,) = (home / "default.library").rglob("openvino.bin")
    _damage(weights)
    assert lookalike(home, "index").code == 0
    assert lookalike(home, "check", "--json").result()["problems"] == []
