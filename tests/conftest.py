"""What several test files need: the default model, installed once per run."""

from pathlib import Path

import pytest

from indexer.model import ModelChoice, install
from indexer.progress import drain


@pytest.fixture(scope="session")
def installed_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installed default model: read it, never change it."""
    models = tmp_path_factory.mktemp("models")
    return models / drain(install(ModelChoice(), models)).fingerprint
