"""What several test files need: the default model, installed once per run."""

import os
import signal
from pathlib import Path

import pytest

from indexer.models.installation import ModelChoice, install_model
from indexer.progress import drain
from tests.support.made_once import make_once

# Small networks on shared cores: torch's threads would spend most of their time waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell has what it runs in the background ignore Ctrl+C, and every process started from there too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def installed_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installed default model: read it, never change it."""
    models = make_once(tmp_path_factory, "models", _install_default)
    (model,) = models.glob("[0-9a-f]*")
    return model


def _install_default(folder: Path) -> None:
    drain(install_model(ModelChoice(), folder))
