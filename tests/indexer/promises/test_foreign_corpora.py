"""Pillow's and pillow-heif's own test images, made to break decoders: each is indexed or listed with a reason.

They are fetched as source packages when the test runs; none is kept here.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from indexer.photos.reading import SUFFIXES
from tests.support.commands import environment
from tests.support.rights import NOBODY
from tests.support.trees import paint_many, snapshot

PACKAGES = ("pillow", "pillow-heif")
ME = os.geteuid() if hasattr(os, "geteuid") else 0
LONGEST = 900.0  # seconds for a run
MEMORY = 600  # MiB that a run over hostile pictures may take more than one over harmless ones

# `lookalike` as another user, who may not be able to read this Python: what it needs is imported before the rights go.
PROGRAM = """
import atexit, os, sys
import _strptime, annoy, numpy, openvino, pillow_heif, rawpy, secrets
from pathlib import Path
from PIL import Image
from retrieval_app.cli import main
from retrieval_app.commands import load_commands
load_commands()
Image.init()
user, peak = int(sys.argv.pop(1)), Path(sys.argv.pop(1))
if user != os.geteuid():
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
atexit.register(lambda: peak.write_text(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]))
main()
"""

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system tells no peak of memory"),
]


class Run(NamedTuple):
    """A finished command: exit code, JSON objects, standard error, peak memory in MiB, seconds."""

    code: int
    objects: list[dict[str, Any]]
    err: str
    peak: float
    seconds: float


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that every user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="lookalike-corpora-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module", params=PACKAGES)
def corpus(request: pytest.FixtureRequest, place: Path) -> Path:
    """The test files of one package's source."""
    name: str = request.param
    version = importlib.metadata.version(name)
    fetched = place / "packages" / name
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", name, "-d", str(fetched)]
    done = subprocess.run([*pip, f"{name}=={version}"], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.skip(f"the source of {name} {version} cannot be had: {done.stderr.strip().splitlines()[-1:]}")
    (archive,) = fetched.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        members = [member for member in source if "/tests/" in member.name.lower()]
        source.extractall(place / name, members, filter="data")
    return place / name


def candidates(folder: Path) -> int:
    """Files that a walk takes for pictures, counted without the program's own walk."""
    count = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith(".")]
        paths = [Path(parent, name) for name in names if not name.startswith(".")]
        count += sum(os.fsencode(path.suffix.lower()) in SUFFIXES and path.exists() for path in paths)
    return count


def index(home: Path, folder: Path, user: int) -> Run:
    """`lookalike index --json` as this user."""
    start = time.monotonic()
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "faulthandler",
            "-c",
            PROGRAM,
            str(user),
            str(home / "peak"),
            "index",
            str(folder),
            "--json",
        ],
        env=environment(home) | {"HOME": str(home), "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert (home / "peak").exists(), (done.returncode, done.stderr[-3000:], done.stdout[-300:])  # ended as a whole
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    peak = int((home / "peak").read_text()) / 2**10
    return Run(done.returncode, objects, done.stderr, peak, time.monotonic() - start)


def home_of(user: int, model: Path, place: Path) -> Path:
    """A home with the model installed, which belongs to the user."""
    home = Path(tempfile.mkdtemp(dir=place))
    shutil.copytree(model, home / "default.library" / "models" / model.name)
    if user != ME:
        for path in [home, *home.rglob("*")]:
            os.chown(path, user, user)
    return home


@pytest.mark.parametrize("user", [ME, NOBODY], ids=["as we are", "as nobody"])
def test_every_foreign_picture_is_indexed_or_listed(
    corpus: Path, user: int, installed_model: Path, place: Path
) -> None:
    if ME not in (0, user):
        pytest.skip("only root can become somebody else")
    paint_many(place / "harmless", 100)
    base = index(home_of(user, installed_model, place), place / "harmless", user)
    assert base.code == 0, base.err
    before = snapshot(corpus)
    run = index(home_of(user, installed_model, place), corpus, user)
    assert run.code == 1
    assert "Traceback" not in run.err  # libtiff speaks there by itself
    result = run.objects[-1]
    reasons = [failure["reason"] for failure in result["failed"]]
    print(f"{corpus.name}: {candidates(corpus)} files, {result['files']} indexed, {len(reasons)} failed; ", end="")
    print(f"{run.seconds:.1f} s, {run.peak - base.peak:.0f} MiB over the base of {base.peak:.0f}")
    assert result["files"] + len(reasons) == candidates(corpus)
    assert all(reason and reason.isprintable() for reason in reasons)
    assert not [reason for reason in reasons if "crash" in reason or "took longer" in reason]
    assert run.peak < base.peak + MEMORY
    assert snapshot(corpus) == before
