"""The promises of the engine under attack: killed, with a full disk, watched by the system-call tracer."""

import json
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from indexer.indexing.pipeline import BATCH_SIZE
from indexer.library import Library
from indexer.search.query import Query
from tests.support.commands import Said, Tell, command, environment, lookalike, run_patiently, start_patiently
from tests.support.trees import paint, paint_many, snapshot

Step = dict[str, Any]


def embedded(library: Path) -> dict[int, tuple[int, bytes]]:
    """All embeddings of a library: seq -> photo, vector."""
    with Library.open(library) as opened:
        rows = opened.store.database.fetch_rows("SELECT seq, photo, vector FROM embeddings")
    return {row[0]: (row[1], row[2]) for row in rows}


# killed


class Moment(NamedTuple):
    """When to kill: at the n-th line of a stage whose note begins so."""

    stage: str
    line: int = 1
    note: str = ""


MOMENTS = [
    Moment("prepare"),
    Moment("scan"),
    Moment("scan", 2),
    Moment("embed"),
    Moment("embed", 2),
    Moment("embed"),
    Moment("embed", 3),
    Moment("embed"),
    Moment("embed"),
    Moment("publish", 1, "collecting"),
    Moment("publish", 1, "building"),
    Moment("publish", 1, "measuring"),
]


def kill_at(home: Path, folder: Path, moment: Moment) -> list[Step]:
    """Run index and kill -9 it at the moment; returns the progress printed until then."""
    words, pipes = command("index", folder, "--json"), {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    steps: list[Step] = []
    with start_patiently(words, env=environment(home), **pipes) as process:
        assert process.stdout is not None
        for line in process.stdout:
            steps.append(json.loads(line))
            same = [s for s in steps if s.get("stage") == moment.stage and str(s["note"]).startswith(moment.note)]
            if len(same) == moment.line:
                process.kill()
                break
    assert process.returncode == -signal.SIGKILL, moment
    return steps


@pytest.mark.parametrize(
    ("moments", "batches"),
    [([MOMENTS[1], *MOMENTS[3:5], MOMENTS[10]], 5), pytest.param(MOMENTS, 13, marks=pytest.mark.long)],
    ids=["four", "twelve"],
)
def test_kill_at_any_moment_loses_nothing_committed_and_embeds_nothing_twice(
    home: Path, tmp_path: Path, moments: list[Moment], batches: int
) -> None:
    folder, library, many = tmp_path / "many", home / "default.library", batches * BATCH_SIZE
    paint_many(folder, many, first=1000)
    tree = snapshot(folder)
    before = embedded(library)
    start = len(before)
    for moment in moments:
        if moment.stage == "publish":  # so that there is something to publish again
            with Library.open(library) as opened:
                opened.store.database.execute_statement("DELETE FROM generations")
        told = [step for step in kill_at(home, folder, moment) if step["stage"] == "embed"]
        assert all(step["total"] == many - (len(before) - start) for step in told), moment  # nothing committed again
        after = embedded(library)
        assert before.items() <= after.items(), moment  # nothing committed is lost
        assert len(after) >= len(before) + (told[-1]["done"] if told else 0), moment  # what was told of is there
        assert max(after) == len(after), moment  # no embedding was made and thrown away
        before = after
        with Library.open(library) as opened:
            assert opened.search(Query((1,)), k=5).hits[0].distance == 0, moment
    result = lookalike(home, "index", "--json").result()
    assert (result["files"], result["embedded"]) == (many + start, many + start - len(before))
    assert lookalike(home, "check", "--json").result()["problems"] == []
    assert len(list((library / "generations").iterdir())) == 1
    assert snapshot(folder) == tree


# a full disk


def index_with_limit(home: Path, limit: int, *words: str | Path) -> Said:
    """Run index where no file may grow beyond so many bytes: writing more fails, as on a full disk."""
    return run_patiently(
        command("index", *words),
        env=environment(home),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )


@pytest.mark.parametrize(
    "limit", [*(pytest.param(limit, marks=pytest.mark.long) for limit in (20_000, 120_000)), 400_000]
)
def test_full_disk_is_a_sentence_and_what_was_done_is_kept(home: Path, tmp_path: Path, tell: Tell, limit: int) -> None:
    library = home / "default.library"
    paint_many(tmp_path / "many", 6 * BATCH_SIZE, first=1000)
    before = embedded(library)
    said = index_with_limit(home, limit, tmp_path / "many")
    assert (said.code, len(said.err.splitlines())) == (2, 1), said
    assert "Traceback" not in said.err
    kept = embedded(library)
    assert before.items() <= kept.items()
    result = tell(home, "index", tmp_path / "many", "--json").result()
    assert (result["files"], result["embedded"]) == (60 + 6 * BATCH_SIZE, 6 * BATCH_SIZE + 60 - len(kept))
    assert tell(home, "check").code == 0


@pytest.mark.parametrize(
    "limit", [*(pytest.param(limit, marks=pytest.mark.long) for limit in (1_000, 150_000)), 60_000]
)
def test_full_disk_while_publishing_is_a_sentence_and_searches_go_on(
    home: Path, prepared: Any, tell: Tell, limit: int
) -> None:
    library = home / "default.library"
    (index,) = library.rglob("index.ann")
    index.unlink()
    with Library.open(library) as opened:  # so that the database itself has nothing large to write
        opened.store.database.fetch_rows("PRAGMA wal_checkpoint(TRUNCATE)")
    said = index_with_limit(home, limit)
    assert (said.code, len(said.err.splitlines())) == (2, 1), said
    assert "Traceback" not in said.err
    result = tell(home, "search", prepared.photos / "a/0003.png", "--json").result()
    assert (result["engine"], result["hits"][0]["distance"]) == ("exact", 0.0)
    assert not list((library / "generations").glob(".*.partial"))
    assert tell(home, "index").code == 0
    assert tell(home, "search", prepared.photos / "a/0003.png", "--json").result()["notice"] == ""


# the model's own machinery stays out of daily use

MODULES = """
import json, sys
from indexer.cli.terminal import run_command
from retrieval_app.commands import lookalike_command
heavy = {"torch", "torchvision", "timm", "PySide6", "scipy", "sklearn"}
for words in json.loads(sys.argv[1]):
    code = run_command(lookalike_command.main, words)
    print("imported:", code, *sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


def list_imports(home: Path, *commands: Sequence[str | Path]) -> list[str]:
    """A line for each command, run one after the other in one process: its exit code, and what is imported by then."""
    words = json.dumps([list(map(str, command)) for command in commands])
    said = run_patiently([sys.executable, "-c", MODULES, words], env=environment(home))
    assert said.code == 0, said.err
    return [line for line in said.out.splitlines() if line.startswith("imported:")]


def test_unchanged_rescan_and_searches_import_neither_torch_nor_timm(home: Path, prepared: Any, tmp_path: Path) -> None:
    photo, outside = prepared.photos / "a/0003.png", tmp_path / "outside.bmp"
    with Image.open(photo) as image:
        image.save(outside)
    paint(tmp_path / "more" / "0.png", 100)
    commands: list[Sequence[str | Path]] = [["index"], ["search", photo], ["search", photo, "--by-labels"]]
    commands += [["search", outside], ["index", tmp_path / "more"], ["info"]]
    assert list_imports(home, *commands) == ["imported: 0"] * 6


@pytest.mark.long
def test_the_watch_on_imports_sees_torch(home: Path, tmp_path: Path) -> None:
    paint(tmp_path / "more" / "0.png", 100)
    (line,) = list_imports(home, ["index", tmp_path / "more", "--runtime", "torch"])
    assert "torch" in line


# what the system saw

WRITES = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND")
CALLS = (
    "socket,connect,open,openat,openat2,creat,truncate,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,"
    "symlinkat,mkdir,mkdirat,rmdir,mknod,mknodat,chmod,fchmodat,chown,lchown,fchownat,utime,utimes,utimensat,"
    "futimesat,setxattr,lsetxattr,removexattr"
)
OPENING = ("open(", "openat(", "openat2(")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


class Trace(NamedTuple):
    """System calls of a process and all its children that should not have been."""

    said: Said
    network: list[str]
    writes: list[str]


def traced(home: Path, folder: Path, out: Path, words: list[str]) -> Trace:
    """Run a command line under the tracer, watching the network and everything that could change the folder."""
    tracer = ["strace", "-f", "--seccomp-bpf", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(out)]
    said = run_patiently([*tracer, *words], env=environment(home))
    lines = out.read_text(errors="replace").splitlines()
    network = [line for line in lines if "AF_INET" in line]
    return Trace(said, network, list(_writes(lines, str(folder))))


def _writes(lines: list[str], folder: str) -> Iterator[str]:
    for line in lines:
        call = line.partition(" ")[2].strip()
        if f'"{folder}' in call and (not call.startswith(OPENING) or any(flag in call for flag in WRITES)):
            yield line


@needs_strace
@pytest.mark.parametrize("first", ["index", pytest.param("install", marks=pytest.mark.long)])
def test_nothing_leaves_the_machine_and_no_photo_is_opened_for_writing(home: Path, tmp_path: Path, first: str) -> None:
    if first == "install":  # the model is made by the first command: torch, conversion, check
        home = tmp_path / "empty"
    folder = tmp_path / "photos"
    for number in range(12):
        paint(folder / "ab"[number % 2] / f"{number}.png", number + 100)
    (folder / "a" / "bad.png").write_text("Dear friends")
    paint(tmp_path / "outside.png", 5, side=50)
    tree = snapshot(folder)
    for words, code in (
        (["index", str(folder), "--labelled"], 1),
        (["index"], 0),
        (["search", str(tmp_path / "outside.png"), "--sheet", str(tmp_path / "sheet.png")], 0),
        (["evaluate", str(folder)], 0),
        (["check"], 0),
    ):
        trace = traced(home, folder, tmp_path / "trace", command(*words))
        assert trace.said.code == code, trace.said
        assert (trace.network, trace.writes) == ([], []), words
    assert snapshot(folder) == tree


@needs_strace
@pytest.mark.long
def test_training_watching_and_the_window_open_no_photo_for_writing(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for number in range(60):
        paint(folder / "abc"[number % 3] / f"{number}.png", number + 2000)
    tree = snapshot(folder)
    watch = [sys.executable, "-c", WATCH_ONCE, str(home / "default.library"), str(folder)]
    window = [
        "env",
        "QT_QPA_PLATFORM=offscreen",
        sys.executable,
        "-m",
        "tests.support.closed_at_work",
        str(folder),
        "0",
    ]
    for words in (
        command("train", str(folder), "--recipe", "instant", "--out", str(tmp_path / "instant")),
        command("train", str(folder), "--recipe", "quick", "--epochs", "1", "--out", str(tmp_path / "quick")),
        window,
        watch,  # last, as it leaves the library with a model that only tests have
    ):
        trace = traced(home, folder, tmp_path / "trace", words)
        assert trace.said.code in (0, 1), trace.said
        assert (trace.network, trace.writes) == ([], []), words
    assert snapshot(folder) == tree


WATCH_ONCE = """
import sys
from pathlib import Path
from indexer.indexing.run import IndexReport, index_library
from indexer.indexing.watch import watch_library
from indexer.library import Library
from tests.support.embedders import Tiny
with Library.open(Path(sys.argv[1])) as library:
    for step in watch_library(library, lambda: index_library(library, [Path(sys.argv[2])], Tiny())):
        if isinstance(step, IndexReport):
            break
"""


@needs_strace
def test_the_watch_sees_a_socket_and_a_write(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    paint(tmp_path / "photos" / "0.png", 0)
    for code, seen in (
        ("import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", (1, 0)),
        (f"open({str(tmp_path / 'photos' / '0.png')!r}, 'r+b')", (0, 1)),
        (f"import os; os.utime({str(tmp_path / 'photos' / '0.png')!r})", (0, 1)),
        (f"open({str(tmp_path / 'photos' / '0.png')!r}, 'rb')", (0, 0)),
    ):
        trace = traced(tmp_path, tmp_path / "photos", tmp_path / "trace", [sys.executable, "-c", code])
        assert (len(trace.network), len(trace.writes)) == seen, code
