"""What the tests of indexing share: a small folder of photos."""

from pathlib import Path

import pytest

from tests.support.trees import paint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos: a/0.png, a/1.png, b/2.png."""
    root = tmp_path / "photos"
    for number, name in enumerate(("a/0.png", "a/1.png", "b/2.png")):
        paint(root / name, number)
    return root
