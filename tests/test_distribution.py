"""What is installed: one version for the program and its packages, their types, and both ways to start it."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import indexer
import retrieval_app
import training
from tests.support.commands import ROOT, environment, run_patiently

PACKAGES = (indexer, training, retrieval_app)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_the_version_of_the_project(package: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert package.__version__ == project["version"]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_that_it_is_typed(package: ModuleType) -> None:
    assert package.__file__ is not None
    assert Path(package.__file__).with_name("py.typed").read_bytes() == b""


@pytest.mark.parametrize("module", ["retrieval_app", "retrieval_app.cli"])
def test_the_program_says_its_version(module: str, tmp_path: Path) -> None:
    said = run_patiently([sys.executable, "-m", module, "--version"], env=environment(tmp_path))
    assert (said.code, said.out) == (0, f"python -m {module}, version {indexer.__version__}\n")


@pytest.mark.parametrize("module", ["retrieval_app", "retrieval_app.cli"])
def test_a_module_is_the_command(module: str, tmp_path: Path) -> None:
    said = run_patiently([sys.executable, "-m", module, "doctor", "--json"], env=environment(tmp_path))
    assert (said.code, said.err, said.result()["result"]) == (0, "", "doctor")


@pytest.mark.long
def test_the_wheel_ships_types_pictures_and_the_module_that_starts(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", str(ROOT), "-w", str(tmp_path)]
    subprocess.run(pip, check=True)
    (wheel,) = tmp_path.glob(f"lookalike-{indexer.__version__}-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"{package.__name__}/py.typed" for package in PACKAGES} <= names
    assert {"retrieval_app/__main__.py", "retrieval_app/cli.py", "indexer/assets/sample/SOURCE.md"} <= names
    assert {"indexer/assets/photographs.tsv", "indexer/assets/photographs/SOURCE.md"} <= names
    assert not [name for name in names if name.startswith("tests/")]
