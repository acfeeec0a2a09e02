"""Published files are whole, old ones survive a failure, and the order of system calls is the durable one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from indexer import atomic


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_written_file_holds_the_bytes_and_leaves_nothing_else(tmp_path: Path) -> None:
    atomic.write_file(tmp_path / "a", b"old")
    atomic.write_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


def test_failed_write_keeps_the_old_file_and_no_rest(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="a"):
        atomic.write_file(tmp_path / "a", b"cannot replace a folder")
    assert names(tmp_path) == ["a"]


def test_disk_full_keeps_the_old_file(tmp_path: Path) -> None:
    atomic.write_file(tmp_path / "a", b"old")
    code = (
        "import resource, signal, sys; from pathlib import Path; from indexer import atomic\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: atomic.write_file(Path(sys.argv[1]), b'x' * 5000)\n"
        "except OSError: sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], check=False)
    assert done.returncode == 7
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_published_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    for text in ("one", "two"):
        folder = atomic.create_temporary_folder(tmp_path / "final")
        (folder / text).write_text(text)
        atomic.publish_folder(folder, tmp_path / "final")
    assert names(tmp_path) == ["final"]
    assert names(tmp_path / "final") == ["two"]


def test_tidy_removes_rests_of_killed_runs_and_nothing_else(tmp_path: Path) -> None:
    (atomic.create_temporary_folder(tmp_path / "final") / "half").write_text("x")
    (tmp_path / "kept").mkdir()
    (tmp_path / ".kept").write_text("x")
    atomic.remove_leftovers(tmp_path)
    assert names(tmp_path) == [".kept", "kept"]


def test_tidy_brings_back_a_folder_whose_replacement_was_cut_short(tmp_path: Path) -> None:
    (tmp_path / f".final{atomic.REPLACED_SUFFIX}").mkdir()
    (tmp_path / f".final{atomic.REPLACED_SUFFIX}" / "old").write_text("old")
    atomic.remove_leftovers(tmp_path)
    assert names(tmp_path) == ["final"]
    assert (tmp_path / "final" / "old").read_text() == "old"


def test_the_next_writer_of_a_folder_removes_what_a_killed_one_left_of_it_and_nothing_else(tmp_path: Path) -> None:
    for name in ("final", "final.other", "final.0123456789ab"):
        (atomic.create_temporary_folder(tmp_path / name) / "half").write_text("x")
    left = set(names(tmp_path))
    new = atomic.create_sole_temporary_folder(tmp_path / "final")
    (gone,) = left - set(names(tmp_path))
    assert gone.startswith(".final.")
    assert not gone.startswith((".final.other.", ".final.0123456789ab."))
    assert set(names(tmp_path)) == left - {gone} | {new.name}


@pytest.mark.skipif(shutil.which("strace") is None or os.name == "nt", reason="needs strace")
def test_data_reach_the_disk_before_the_name_and_the_name_before_the_return(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from indexer import atomic; at = Path(sys.argv[1])\n"
        "atomic.write_file(at / 'file', b'data')\n"
        "new = atomic.create_temporary_folder(at / 'folder'); (new / 'inside').write_bytes(b'data')\n"
        "atomic.publish_folder(new, at / 'folder')\n"
    )
    trace = tmp_path / "trace"
    calls = "trace=fsync,rename,renameat,renameat2"
    command = ["strace", "-f", "-y", "-e", calls, "-o", str(trace), sys.executable, "-c", code, str(tmp_path)]
    subprocess.run(command, check=True)
    seen = re.findall(r"(fsync|rename)\w*\(.*?(file|folder)?[.\w]*?(inside)?>?\)", trace.read_text())
    kinds = [" ".join(filter(None, call)) for call in seen]
    order = [kind.split()[0] for kind in kinds]
    assert order == ["fsync", "rename", "fsync", "fsync", "fsync", "rename", "fsync"]


def test_what_cannot_be_written_is_named_as_it_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "folder" / "x.csv").mkdir(parents=True)
    for name in ("nofolder", "file", "folder"):
        place = tmp_path / name / "x.csv"
        with pytest.raises(OSError, match=r"x\.csv") as caught:
            atomic.write_file(place, b"data")
        assert caught.value.filename == str(place)
        assert "partial" not in str(caught.value)


def test_write_that_is_killed_leaves_nothing_beside_the_old_file(tmp_path: Path) -> None:
    atomic.write_file(tmp_path / "out.csv", b"old")
    code = (
        "import os, sys; from pathlib import Path; from indexer import atomic\n"
        "with atomic.replace_file(Path(sys.argv[1])) as file:\n"
        "    file.write(b'x' * 100_000); file.flush(); os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out.csv")], check=False)
    assert done.returncode == 9
    if (unnamed := atomic._open_unnamed(tmp_path)) is None:  # as on other systems than Linux
        assert all(atomic.is_partial_name(name) for name in names(tmp_path) if name != "out.csv")
    else:
        unnamed.close()
        assert names(tmp_path) == ["out.csv"]
    assert (tmp_path / "out.csv").read_bytes() == b"old"


def test_drive_without_nameless_files_is_written_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "_open_unnamed", lambda folder: None)
    for text in (b"old", b"new"):
        atomic.write_file(tmp_path / "out.csv", text)
    assert (names(tmp_path), (tmp_path / "out.csv").read_bytes()) == (["out.csv"], b"new")


def test_written_file_has_the_usual_rights(tmp_path: Path) -> None:
    atomic.write_file(tmp_path / "a", b"data")
    (tmp_path / "b").write_bytes(b"data")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode
