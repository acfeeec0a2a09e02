"""The long run: a thousand kills, a full disk at many points, and a photo folder that is never written to.

The counts are for an hour on two cores; LONG_SHARE in the environment makes them smaller or larger.
"""

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

import pytest

from indexer.library import Library
from tests.support.commands import command, environment, run_patiently
from tests.support.killed_work import WORKS
from tests.support.trees import paint_many, snapshot

SHARE = float(os.environ.get("LONG_SHARE", "1"))
TRAININGS = max(2, round(45 * SHARE))  # killed by each of two tests, as a training takes seconds
KILLS = [  # program, kills, seed
    ("tests.support.killed_work", max(len(WORKS), round(910 * SHARE)), 0),
    ("tests.support.killed_training", TRAININGS, 0),
    ("tests.support.killed_training", TRAININGS, 1),
]
DAMAGES = max(10, round(300 * SHARE))  # as many again of the search files are in test_generations
MODEL_DAMAGES = max(6, round(60 * SHARE))
ADDRESSES = 4 << 30  # bytes
FULL_DISKS = max(2, round(20 * SHARE))

pytestmark = pytest.mark.long


def test_no_damage_of_database_or_thumbnails_goes_unsaid_where_it_changes_an_answer(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.support.damaged_library", str(tmp_path), str(DAMAGES), "0"]
    said = run_patiently(words, env=environment(tmp_path / "home"))
    assert said.code == 0, said.err
    *faults, summary = said.objects()
    assert faults == []
    assert sum(summary["outcomes"].values()) == DAMAGES
    assert summary["outcomes"].keys() == {"harmless", "said"}


def test_no_damage_of_a_model_gives_other_embeddings_or_ends_the_program(tmp_path: Path, installed_model: Path) -> None:
    words = [sys.executable, "-m", "tests.support.damaged_model", str(installed_model), str(tmp_path / "models")]
    said = run_patiently([*words, str(MODEL_DAMAGES), "0"], env=environment(tmp_path / "home"))
    assert said.code == 0, said.err
    *faults, summary = said.objects()
    assert faults == []
    assert len(summary["files"]) >= 6
    assert summary["outcomes"].keys() == {"harmless", "said"}
    assert sum(summary["outcomes"].values()) == MODEL_DAMAGES


@pytest.mark.parametrize(
    "words",
    [
        ["index"],
        ["search", "PHOTO"],
        ["duplicates", "--kind", "near"],
        ["evaluate", "PHOTOS"],
        ["map", "--out", "OUT.csv"],
        ["train", "PHOTOS", "--recipe", "instant", "--out", "OUT"],
        ["train", "PHOTOS", "--recipe", "quick", "--epochs", "1", "--out", "OUT"],
    ],
    ids=" ".join,
)
def test_every_command_has_enough_in_four_gigabytes_of_addresses(
    home: Path, prepared: Any, tmp_path: Path, words: list[str]
) -> None:
    places = {"PHOTOS": str(prepared.photos), "PHOTO": str(prepared.photos / "a/0003.png")}
    said = run_patiently(
        command(*(places.get(word, word.replace("OUT", str(tmp_path / "out"))) for word in words)),
        env=environment(home),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES)),
    )
    assert said.code in (0, 1), said
    assert "Traceback" not in said.err


@pytest.mark.long(minutes=6)
@pytest.mark.parametrize(("program", "kills", "seed"), KILLS, ids=["works", "trainings", "other trainings"])
def test_no_kill_loses_a_promise_or_keeps_work_from_going_on(
    tmp_path: Path, program: str, kills: int, seed: int
) -> None:
    words = [sys.executable, "-m", program, str(tmp_path), str(kills), str(seed)]
    said = run_patiently(words, env=environment(tmp_path / "home"))
    assert said.code == 0, said.err
    *faults, summary = said.objects()
    assert faults == []
    assert summary["photos untouched"]
    assert sum(summary["kills"].values()) == kills


@pytest.mark.parametrize("kind", ["index", "publish", "export", "train", "use"])
def test_a_full_disk_at_any_point_is_a_sentence_and_work_goes_on(
    home: Path, prepared: Any, tmp_path: Path, kind: str
) -> None:
    """No file may grow beyond a limit, from a few bytes to more than all is: writing fails as on a full disk."""
    taught = tmp_path / "taught"
    if kind == "use":
        assert _run(home, train_words(prepared.photos, taught)).code in (0, 1)
    new = paint_many(tmp_path / "new", 40, first=5000)[0].parent
    before = snapshot(new), snapshot(prepared.photos)
    words = {
        "index": ["index", str(new)],
        "publish": ["index"],
        "export": ["export", str(tmp_path / "out.csv"), "--overwrite"],
        "train": train_words(prepared.photos, taught),
        "use": ["use", str(taught), "--anyway"],
    }[kind]
    for number in range(max(1, FULL_DISKS // 5)):
        limit = int(200 * 6.5**number)
        if kind == "publish":  # there is something to publish, and nothing to write besides
            with Library.open(home / "default.library") as library:
                library.store.database.execute_statement("DELETE FROM generations")
                library.store.database.fetch_rows("PRAGMA wal_checkpoint(TRUNCATE)")
        said = _run(home, words, limit)
        assert said.code in (0, 1, 2), said
        assert "Traceback" not in said.err, (limit, said.err)
        assert said.code != 2 or len(said.err.splitlines()) == 1, (limit, said.err)
        assert _run(home, ["search", str(prepared.photos / "a/0003.png")]).code == 0, limit
    assert _run(home, words).code in (0, 1)
    assert json.loads(_run(home, ["check", "--json"]).out.splitlines()[-1])["problems"] == []
    assert (snapshot(new), snapshot(prepared.photos)) == before


def train_words(photos: Path, out: Path) -> list[str]:
    return ["train", str(photos), "--recipe", "instant", "--out", str(out)]


def _run(home: Path, words: list[str], limit: int | None = None) -> Any:
    def set_limit() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return run_patiently(command(*words), env=environment(home), preexec_fn=set_limit)
