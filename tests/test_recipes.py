"""What makes the programs to download: recipes that linters have read, and a bundle that is measured from outside."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import ROOT

SCRIPTS = [path for path in sorted((ROOT / ".ci").iterdir()) if path.read_text().startswith("#!/bin/sh")]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RECIPES = [*WORKFLOWS, ROOT / "assets" / "packaging" / "org.lookalike.Lookalike.yml"]
LINE_RULE = "{extends: default, rules: {line-length: {max: 120}}}"
LIMIT = 420_000_000  # bytes: what a light bundle may take


@pytest.mark.parametrize(
    "command",
    [
        ["shellcheck", *map(str, SCRIPTS)],
        ["yamllint", "--strict", "-d", LINE_RULE, *map(str, RECIPES)],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)],
    ],
    ids=lambda command: str(command[0]),
)
def test_linters_have_nothing_to_say_of_the_recipes(command: list[str]) -> None:
    program, *options = command
    said = run([str(Path(sys.executable).with_name(program)), *options], ROOT)
    assert said.returncode == 0, said.stdout + said.stderr


def run(command: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)


def make_bundle(place: Path, size: int) -> Path:
    """Something in the place of a bundle that says its arguments, so many bytes large without taking them."""
    folder = place / "build" / "bundle" / "light" / "lookalike"
    (folder / "_internal").mkdir(parents=True)
    (folder / "sbom.cdx.json").write_text('{"name": "numpy"}')
    (folder / "lookalike").write_text("#!/bin/sh\necho started with $*\n")
    (folder / "lookalike").chmod(0o755)
    with (folder / "_internal" / "libraries").open("wb") as file:
        file.truncate(size)
    return folder


def measure(place: Path) -> subprocess.CompletedProcess[str]:
    return run([str(ROOT / ".ci" / "measure-bundle"), "light"], place)


def test_a_light_bundle_may_not_grow(tmp_path: Path) -> None:
    make_bundle(tmp_path / "small", LIMIT - 100_000)
    make_bundle(tmp_path / "large", LIMIT)
    assert measure(tmp_path / "small").returncode == 0
    assert (measure(tmp_path / "large").returncode, measure(tmp_path / "large").stderr) == (1, f"more than {LIMIT}\n")


@pytest.mark.parametrize("place", ["folder", "list"])
def test_a_light_bundle_brings_no_torch(place: str, tmp_path: Path) -> None:
    folder = make_bundle(tmp_path, 0)
    assert measure(tmp_path).returncode == 0
    if place == "folder":
        (folder / "_internal" / "torch").mkdir()
    else:
        (folder / "sbom.cdx.json").write_text('{"name": "torch"}')
    assert measure(tmp_path).returncode == 1


def test_a_bundle_is_tried_apart_from_this_computer(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path, 0)
    (folder / "lookalike").write_text('#!/bin/sh\necho "$1 $HOME $PATH $0 ${LD_PRELOAD-none}"\n')
    said = run([str(ROOT / ".ci" / "try-alone"), str(folder)], tmp_path)
    option, home, path, program, preloaded = said.stdout.split()
    assert (option, path, preloaded) == ("--self-test", "/nonexistent", "none")
    assert not {home, program} & {str(tmp_path)} and Path(program).parent.parent == Path(home).parent
    assert not Path(home).exists()  # nothing is left behind


def test_an_appdir_starts_the_program(tmp_path: Path) -> None:
    make_bundle(tmp_path, 0)
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    said = run([str(ROOT / ".ci" / "appdir")], tmp_path)
    assert (said.returncode, said.stdout) == (0, "started with --version\n"), said.stderr
    folder = tmp_path / "build" / "bundle" / "Lookalike.AppDir"
    (entry,) = folder.glob("*.desktop")
    assert run(["desktop-file-validate", str(entry)], tmp_path).returncode == 0
    assert (folder / ".DirIcon").resolve().suffix == ".svg"
