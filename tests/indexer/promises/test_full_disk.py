"""With no byte to spare a library is still searched, described and exported elsewhere; what must write says so."""

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer.cli.terminal import run_command
from indexer.database.sqlite import opening
from indexer.errors import LibraryError, ModelError
from indexer.library import Library
from indexer.models import installation
from indexer.models.installation import lock_installation
from tests.support.commands import Said, environment, run_patiently
from tests.support.vectors import clustered, fill

Tell = Callable[..., Said]
# As on a disk with so many bytes free, no file can grow beyond them: too few for the 32,768 that SQLite keeps beside a
# database, enough for them and nothing else, or for a small table.
LIMITED = """
import json, resource, sys
from indexer.cli.terminal import run_command
from retrieval_app.commands import lookalike_command
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(max(run_command(lookalike_command.main, words) for words in json.loads(sys.argv[2])))
"""


@pytest.mark.parametrize("free", [0, pytest.param(16_000, marks=pytest.mark.long), 33_000, 40_000])
def test_search_info_and_export_work_on_a_full_disk(home: Path, prepared: Any, tmp_path: Path, free: int) -> None:
    photo = prepared.photos / "a/0003.png"
    with Library.open(home / "default.library") as library:
        library.store.database.execute_statement(
            "DELETE FROM settings WHERE name NOT LIKE '%model%'"
        )  # to be kept anew
    out = tmp_path / "out.csv"
    commands = [["search", str(photo), "--json"], ["info", "--json"], ["failed"], ["missing"], ["roots"]]
    commands += [["export", str(out), "--label", "a"]] if free else []
    said = run_patiently([sys.executable, "-c", LIMITED, str(free), json.dumps(commands)], env=environment(home))
    assert (said.code, said.err) == (0, ""), said
    assert said.out.count('"result": "search"') == said.out.count('"result": "info"') == 1, said
    if free:
        assert len(out.read_text().splitlines()) == 21


def test_what_cannot_be_written_names_the_disk_and_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "x.library", clustered(20))
    monkeypatch.setattr(opening, "NEEDED_BYTES", 1 << 60)  # every disk is too full for that
    with Library.open(tmp_path / "x.library") as library:
        library.store.database.execute_statement("PRAGMA max_page_count = 1")
        with pytest.raises(LibraryError, match=r"disk that holds the library .*x.library is full: .* are needed"):
            library.annotations.save_search("a", list(range(100_000)))


def test_full_disk_of_an_export_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "out.csv"))

    assert run_command(fail, []) == 2
    assert capfd.readouterr().err == f"The disk is full on which {tmp_path / 'out.csv'} lies. Make room there.\n"


# locks


def test_drive_without_locks_is_a_sentence_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    fill(tmp_path / "x.library", clustered(20))
    monkeypatch.setattr(fcntl, "flock", refuse)
    with Library.open(tmp_path / "x.library") as library:
        with pytest.raises(LibraryError, match="offers no locks"), library.store.take_job_lock():
            pass
        monkeypatch.undo()
        with library.store.take_job_lock():  # nothing was left behind that would refuse the next one
            pass
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(ModelError, match="not implemented"), lock_installation(tmp_path / "models"):
        pass


def test_waiting_for_another_installation_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "LOCK_SECONDS", 0.05)
    hold = "import sys; from pathlib import Path; from indexer.models.installation import lock_installation\n"
    hold += "with lock_installation(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", hold, str(tmp_path / "models")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(ModelError, match="Another program has been preparing"),
            lock_installation(tmp_path / "models"),
        ):
            pass
        other.communicate("")
    with lock_installation(tmp_path / "models"):
        pass
