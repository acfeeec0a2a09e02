"""The program starts itself as a child, from a Python installation and as one frozen executable."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from indexer import own_process
from indexer.errors import PhotoError
from indexer.own_process import (
    build_command,
    build_module_command,
    build_restart_command,
    describe_missing_package,
)
from indexer.photos.decoding import decode_photo
from indexer.photos.sandbox import decode_in_child
from tests.support.commands import ROOT, environment, run_patiently
from tests.support.frozen_program import write_frozen_program
from tests.support.trees import paint, paint_many

SANDBOX = "indexer.photos.sandbox"
needs_scripts = pytest.mark.skipif(sys.platform == "win32", reason="a script is no executable there")


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process as a frozen program whose executable is the returned script."""
    program = write_frozen_program(tmp_path / "lookalike")
    for name, value in environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    return program


def test_a_child_of_an_installation_is_started_by_its_interpreter() -> None:
    assert build_command("info", "--json") == [sys.executable, "-Pm", "retrieval_app.cli", "info", "--json"]
    interpreter, option, program, *arguments = build_module_command(SANDBOX, "8", "60")
    assert (interpreter, option, arguments) == (sys.executable, "-Pc", ["8", "60"])
    assert SANDBOX in program
    assert build_restart_command() == [sys.executable, *sys.orig_argv[1:]]


def test_a_child_of_a_frozen_program_is_the_program_itself(frozen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["anything", "index", "--json"])
    assert build_command("info", "--json") == [str(frozen), "info", "--json"]
    assert build_module_command(SANDBOX, "8", "60") == [str(frozen), "--child-module", SANDBOX, "8", "60"]
    assert build_restart_command() == [str(frozen), "index", "--json"]


@pytest.mark.parametrize("command", [build_command("search", "--help"), build_module_command(SANDBOX, "8", "60")])
def test_a_child_imports_nothing_from_the_folder_it_is_started_in(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "numpy.py").write_text("import os\nos.write(2, b'planted\\n')\nos._exit(3)\n")
    said = run_patiently(command, env=environment(tmp_path / "home"), cwd=tmp_path)
    assert (said.code, said.err) == (0, "")
    by_default = [command[0], command[1].replace("P", ""), *command[2:]]
    assert run_patiently(by_default, env=environment(tmp_path / "home"), cwd=tmp_path).err == "planted\n"


def test_only_modules_of_the_list_are_started() -> None:
    with pytest.raises(ValueError, match="antigravity"):
        build_module_command("antigravity")


@needs_scripts
def test_a_frozen_program_runs_no_module_outside_the_list(frozen: Path) -> None:
    said = run_patiently([str(frozen), "--child-module", "antigravity"])
    assert (said.code, said.out, said.err) == (2, "", "No such option '--child-module'.\n")


@needs_scripts
def test_a_frozen_program_runs_commands_in_children(frozen: Path) -> None:
    said = run_patiently(build_command("doctor", "--json"))
    assert (said.code, said.err, said.result()["result"]) == (0, "", "doctor")


@needs_scripts
def test_a_frozen_program_decodes_in_a_child(frozen: Path) -> None:
    data = paint(frozen.parent / "0.png", 0, side=700).read_bytes()
    in_child, here = decode_in_child(data, 300), decode_photo(data, 300)
    assert in_child[1:] == here[1:] == (700, 700)
    assert np.array_equal(np.asarray(in_child.image), np.asarray(here.image))
    with pytest.raises(PhotoError, match="damaged"):
        decode_in_child(data[:200], 300)


@needs_scripts
def test_a_decoding_child_imports_no_commands(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, sys\natexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
    )
    program, env = write_frozen_program(tmp_path / "lookalike"), environment(tmp_path / "home")
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
    loaded = run_patiently([str(program), "--child-module", SANDBOX, "8", "60"], env=env).err.split()
    assert SANDBOX in loaded
    assert not {"click", "retrieval_app.commands", "training", "torch", "PySide6"} & set(loaded)
    assert "click" in run_patiently([str(program), "--version"], env=env).err.split()


@pytest.mark.long  # in short: its command line above, and test_hang_costs_that_one_file_within_one_command
@needs_scripts
def test_a_frozen_program_restarts_itself_when_a_decoder_hangs(home: Path, tmp_path: Path) -> None:
    paint_many(tmp_path / "more", 3, first=100)
    with paint(tmp_path / "more" / "0101a.png", 900).open("ab") as file:
        file.write(b"hang")
    program, env = write_frozen_program(tmp_path / "lookalike"), environment(home)
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT / "tests" / "faults"), env["PYTHONPATH"]])
    said = run_patiently([str(program), "index", str(tmp_path / "more"), "--json"], env=env)
    assert (said.code, said.result()["files"]) == (1, 63)
    reasons = [failure["reason"] for failure in said.result()["failed"]]
    assert "took longer than 2 s to decode" in reasons


def test_no_other_file_names_the_interpreter() -> None:
    files = [path for package in ("indexer", "training", "retrieval_app") for path in (ROOT / package).rglob("*.py")]
    naming = [path.relative_to(ROOT) for path in files if "sys.executable" in path.read_text()]
    assert naming == [Path(own_process.__file__).relative_to(ROOT)]


def test_who_has_the_program_as_a_bundle_is_not_sent_to_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    assert describe_missing_package("torch", "torch timm").endswith("Install it: pip install torch timm")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert describe_missing_package("torch", "torch timm").endswith("does not bring. The full edition does.")
