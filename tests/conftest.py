"""What several test files need: the default model, installed once per run, and the command line in this process."""

import atexit
import gc
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import Coverage
from hypothesis import settings

from indexer.cli.terminal import run_command
from indexer.models import agreement
from indexer.trust.signatures import compute_signature, find_key_file
from retrieval_app.commands import lookalike_command as command_line
from tests.support.commands import Said, Tell
from tests.support.made_once import make_once
from tests.support.ready_model import find_ready_folder, install_for_user, make_ready_model

# The computer's key, by which a run knows what it has made itself: never that of whoever runs the tests.
# It may be read by all, as some tests give up the rights of root.
if "LOOKALIKE_TEST_DATA" not in os.environ:
    os.environ["LOOKALIKE_TEST_DATA"] = tempfile.mkdtemp(prefix="lookalike-data-")
    atexit.register(shutil.rmtree, os.environ["LOOKALIKE_TEST_DATA"], ignore_errors=True)
    Path(os.environ["LOOKALIKE_TEST_DATA"]).chmod(0o755)
os.environ["XDG_DATA_HOME"] = os.environ["LOOKALIKE_TEST_DATA"]
if not find_key_file().exists():
    compute_signature("tests")
    find_key_file().chmod(0o644)
# What the tests read is English, in whatever language the system speaks.
os.environ["LOOKALIKE_LANGUAGE"] = "en"
# `make test` tries the same examples everywhere: what passed here passes elsewhere. `make test-long` draws new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("drawn", deadline=None)
settings.load_profile(os.environ.get("LOOKALIKE_TEST_EXAMPLES", "same"))
# Small networks on shared cores: torch's threads would spend most of their time waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell has what it runs in the background ignore Ctrl+C, and every process started from there too.
signal.signal(signal.SIGINT, signal.default_int_handler)
PAUSED = pytest.StashKey[Coverage]()  # the coverage that traces again behind the untraced tests
UNTRACED = frozenset((Path(__file__).parent / "untraced.txt").read_text(encoding="utf-8").splitlines()[1:])
# While thousands of tests are collected nothing becomes garbage: looking for it is a third of that time.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what is dear and traced elsewhere untraced by coverage, and begin with what takes longest.

    Then no worker of a run is left with a long test when all others are through.
    """
    for item in items:
        if item.nodeid.partition("[")[0] in UNTRACED:
            item.add_marker("untraced")
    items.sort(key=lambda item: -max((mark.kwargs.get("minutes", 0) for mark in item.iter_markers("long")), default=0))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Let coverage, if it traces, trace nothing of untraced tests, nor of what prepares them and takes them down.

    It stops and starts between tests alone and as rarely as can be: Python 3.11 may end with an error where a thread of
    a window begins to be traced at the same moment.
    """
    coverage = item.config.stash.get(PAUSED, None) or (Coverage.current() if is_untraced(item) else None)
    if coverage is not None and PAUSED not in item.config.stash:
        coverage.stop()
        item.config.stash[PAUSED] = coverage
    try:
        return (yield)
    finally:
        if coverage is not None and not (nextitem is not None and is_untraced(nextitem)):
            del item.config.stash[PAUSED]
            coverage.start()


def is_untraced(item: pytest.Item) -> bool:
    """Whether cheaper tests trace what this one runs."""
    return item.get_closest_marker("untraced") is not None


def pytest_collection_finish() -> None:
    """Look for garbage again from the first test on, but not in what was imported and collected."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def without_own_models(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads or writes the home folder of whoever runs it, nor takes a model that is ready on this computer."""
    none = tmp_path_factory.getbasetemp() / "none"
    monkeypatch.setenv("LOOKALIKE_HOME", str(none / secrets.token_hex(6)))
    monkeypatch.setenv("LOOKALIKE_MODELS", str(none / "models"))


@pytest.fixture(scope="session", autouse=True)
def quick_installation() -> Iterator[None]:
    """What is installed in this process is judged by cosines alone, not by its retrieval among the bundled pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agreement, "MAX_RETRIEVAL_SECONDS", 0.0)
        yield


@pytest.fixture
def thorough_installation(monkeypatch: pytest.MonkeyPatch, quick_installation: None) -> None:
    """As for a user: with the retrieval in both precisions."""
    monkeypatch.setattr(agreement, "MAX_RETRIEVAL_SECONDS", 60.0)


@pytest.fixture(scope="session")
def installed_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installed default model: read it, never change it."""
    models = make_once(tmp_path_factory, "models", _copy_ready_model)
    (model,) = models.glob("[0-9a-f]*")
    return model


def _copy_ready_model(folder: Path) -> None:
    ready = find_ready_folder()
    make_ready_model(ready)
    install_for_user(folder, ready)


@pytest.fixture
def carried_model(installed_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default model is ready on this computer: a library copies it instead of converting its own."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(installed_model.parent))


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Tell:
    """Run a command in this process: `tell(home, "info", "--json")`."""

    def run_inside(home: Path, *words: str | Path) -> Said:
        monkeypatch.setenv("LOOKALIKE_HOME", str(home))
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
            monkeypatch.delenv(name, raising=False)
        capfd.readouterr()
        code = run_command(command_line.main, [str(word) for word in words])
        return Said(code, *capfd.readouterr())

    return run_inside
