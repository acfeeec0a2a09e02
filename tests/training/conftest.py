"""What the tests of whole trainings share: a labelled folder, and one training that was worth it."""

from pathlib import Path

import pytest

from tests.support.labelled_shapes import write_classes
from tests.support.quick_training import QUICK, Trained, run_to_end


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six classes of 14 pictures, and one file among them that is no picture."""
    folder = write_classes(tmp_path_factory.mktemp("labelled") / "shapes", 6, 14)
    (folder / "class-00" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    return folder


@pytest.fixture(scope="session")
def trained(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A training on the shapes; read its checkpoint, never change it."""
    return run_to_end(QUICK, shapes, tmp_path_factory.mktemp("checkpoints") / "shapes")
