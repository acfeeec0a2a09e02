"""After a power cut nothing is lost that was told of, and work goes on; nor is a file ever there by half."""

import os
import random
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.commands import environment, run_patiently
from tests.support.recorded_disk import Disk, File, read_told, record_calls, select_calls

CUTS = max(14, round(100 * float(os.environ.get("LONG_SHARE", "1"))))  # half of them after a commit

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

REPLACE = """
import os, sys
from pathlib import Path
from indexer.atomic import write_file
for number in range(3):
    write_file(Path(sys.argv[1]), bytes([number]) * 5000)
    os.write(1, b"%d\\n" % number)
"""
REPLACE_BADLY = REPLACE.replace("write_file(Path(sys.argv[1]), ", "Path(sys.argv[1]).write_bytes(")


def find_lost(tmp_path: Path, program: str) -> list[str]:
    """What a program that replaces a file and tells of it has lost, after cuts at every call of it."""
    place, told = tmp_path / "place", tmp_path / "told"
    place.mkdir()
    (place / "file").write_bytes(b"old")
    shutil.copytree(place, tmp_path / "before")
    words = [sys.executable, "-c", program, str(place / "file")]
    calls = select_calls(record_calls(words, tmp_path / "calls", told, environment(tmp_path)), place, told)
    assert told.read_text() == "0\n1\n2\n"
    lost, draw = [], random.Random(0)
    for moment in range(len(calls) + 1):
        shutil.rmtree(place)
        shutil.copytree(tmp_path / "before", place)
        disk = Disk(place)
        for call in calls[:moment]:
            disk.apply(call)
        shutil.rmtree(place)
        disk.write_remains(place, draw)
        said = [line for call in calls[:moment] if (line := read_told(call, told)) is not None]
        allowed = [bytes([number]) * 5000 for number in range(int(said[-1]) if said else 0, 3)]
        content = (place / "file").read_bytes()
        if content not in allowed + ([] if said else [b"old"]):
            lost.append(f"after {moment} of {len(calls)} calls, told of {said}: {content[:9]!r}, {len(content)} bytes")
    return lost


def test_a_file_that_matters_is_whole_after_every_power_cut_and_as_told(tmp_path: Path) -> None:
    assert find_lost(tmp_path, REPLACE) == []


def test_the_watch_sees_a_file_that_was_not_forced_to_the_disk(tmp_path: Path) -> None:
    assert find_lost(tmp_path, REPLACE_BADLY)


def test_what_was_not_forced_to_the_disk_may_be_lost_or_torn() -> None:
    file, draw = File(b"old"), random.Random(0)
    file.write(0, b"new!" * 256)
    assert file.read_content(draw, lost=1.0, torn=0.0) == b"old"
    assert file.read_content(draw, lost=0.0, torn=0.0) == b"new!" * 256
    torn = {file.read_content(draw, lost=0.0, torn=1.0) for _ in range(64)}
    assert len(torn) == 4  # each of two sectors is there or not
    file.sync()
    assert file.read_content(draw, lost=1.0, torn=0.0) == b"new!" * 256


@pytest.mark.long
@pytest.mark.parametrize("synced", [True, False], ids=["as it is", "nothing forced to the disk"])
def test_no_power_cut_loses_what_was_told_of(tmp_path: Path, synced: bool) -> None:
    words = [sys.executable, "-m", "tests.support.cut_work", str(tmp_path), str(CUTS if synced else 14), "0"]
    said = run_patiently([*words, *([] if synced else ["no-sync"])], env=environment(tmp_path / "home"))
    assert said.code == 0, said.err
    *faults, summary = said.objects()
    assert summary["photos untouched"]
    assert sum(summary["cuts"].values()) == (CUTS if synced else 14)
    assert summary["cuts"]["index, after a commit"] >= sum(summary["cuts"].values()) // 2
    assert (faults == []) is synced
