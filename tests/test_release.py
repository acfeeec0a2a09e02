"""A release is one command, tried in a clone: one version everywhere, a tag, archives that come out the same again."""

import hashlib
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.support.commands import ROOT, Said

METAINFO = "assets/desktop/org.lookalike.Lookalike.metainfo.xml"
SMALL_FILES = ("pyproject.toml", "indexer/__init__.py", "CHANGELOG.md", METAINFO, ".ci/make_release.py")


def run_git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with the files that a release changes."""
    folder = tmp_path / "checkout"
    for name in SMALL_FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    run_git(tmp_path, "init", "--quiet", str(folder))
    run_git(folder, "config", "user.name", "Test")
    run_git(folder, "config", "user.email", "test@example.org")
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--message", "All")
    return folder


def start_news(checkout: Path, heading: str) -> None:
    path = checkout / "CHANGELOG.md"
    path.write_text(path.read_text().replace("## ", f"{heading}\n\n- Something.\n\n## ", 1))
    run_git(checkout, "commit", "--quiet", "--all", "--message", "Say what is new")


def make_release(checkout: Path, *words: str) -> Said:
    command = [sys.executable, ".ci/make_release.py", *words]
    done = subprocess.run(command, cwd=checkout, check=False, capture_output=True, text=True)
    return Said(done.returncode, done.stdout, done.stderr)


def test_a_release_has_one_version_everywhere_and_a_tag(checkout: Path) -> None:
    start_news(checkout, "## Unreleased")
    said = make_release(checkout, "7.8.9", "--only-tag")
    assert (said.code, said.err) == (0, "") and "git push origin HEAD v7.8.9" in said.out
    assert tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["version"] == "7.8.9"
    assert '__version__ = "7.8.9"' in (checkout / "indexer" / "__init__.py").read_text()
    releases = ET.parse(checkout / METAINFO).getroot().find("releases")
    assert releases is not None and [one.get("version") for one in releases][:2] == ["7.8.9", "0.1.0"]
    changelog = (checkout / "CHANGELOG.md").read_text()
    assert "\n## 7.8.9 - 20" in changelog and "Unreleased" not in changelog and "\n## 0.1.0 - " in changelog
    assert run_git(checkout, "describe", "--exact-match") == "v7.8.9"
    assert run_git(checkout, "status", "--porcelain") == ""
    assert make_release(checkout, "7.8.9", "--only-tag").err == "There is a release 7.8.9 already.\n"


def test_the_first_release_keeps_its_lines(checkout: Path) -> None:
    assert make_release(checkout, "0.1.0", "--only-tag").code == 0
    assert (checkout / METAINFO).read_text().count("<release ") == 1
    assert (checkout / "CHANGELOG.md").read_text().count("\n## 0.1.0 - ") == 1


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "1.0.0rc1", "../1.0.0"])
def test_what_is_no_version_is_refused(checkout: Path, version: str) -> None:
    said = make_release(checkout, version, "--only-tag")
    assert (said.code, said.out) == (2, "") and "is not a version" in said.err


def test_a_release_needs_news_and_all_committed(checkout: Path) -> None:
    assert "what is new" in make_release(checkout, "7.8.9", "--only-tag").err
    (checkout / "CHANGELOG.md").write_text("## Unreleased\n")
    assert "not committed" in make_release(checkout, "7.8.9", "--only-tag").err
    assert run_git(checkout, "tag") == ""


@pytest.mark.long
def test_archives_are_sound_and_come_out_the_same_again(tmp_path: Path) -> None:
    found = []
    for name in ("first", "second"):
        if name == "first":
            run_git(tmp_path, "clone", "--quiet", str(ROOT), name)
            run_git(tmp_path / name, "config", "user.name", "Test")
            run_git(tmp_path / name, "config", "user.email", "test@example.org")
            start_news(tmp_path / name, "## Unreleased")
            said = make_release(tmp_path / name, "7.8.9")
            assert said.code == 0, said
        else:
            run_git(tmp_path, "clone", "--quiet", "--branch", "v7.8.9", "first", name)
            code = "import sys; sys.path.insert(0, '.ci'); import make_release; make_release.build_archives()"
            subprocess.run([sys.executable, "-c", code], cwd=tmp_path / name, check=True, capture_output=True)
        out = tmp_path / name / "build" / "release"
        names = sorted(path.name for path in out.iterdir())
        assert names == ["SHA256SUMS", "lookalike-7.8.9-py3-none-any.whl", "lookalike-7.8.9.tar.gz"]
        lines = [line.split("  ") for line in (out / "SHA256SUMS").read_text().splitlines()]
        listed = {file: digest for digest, file in lines}
        assert listed == {file: hashlib.sha256((out / file).read_bytes()).hexdigest() for file in names[1:]}
        found.append(listed)
    assert found[0] == found[1]
