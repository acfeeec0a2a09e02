"""TensorBoard's own projector reads the folder: the points, what they are of, and the small picture of each."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin
from werkzeug.test import Client
from werkzeug.wrappers import Response

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.exchange import projector_export
from indexer.exchange.projector_export import export_projector
from indexer.library import Library
from indexer.progress import drain
from tests.support.embedders import Tiny
from tests.support.index_runs import run_indexing
from tests.support.trees import paint


@pytest.fixture
def painted(library: Library, tmp_path: Path) -> Library:
    for number in range(5):
        paint(tmp_path / "photos" / "abc"[number % 3] / f"{number}.png", number)
    run_indexing(library, Tiny(), tmp_path / "photos", labelled=True)
    return library


def open_projector(folder: Path) -> Any:
    """Ask TensorBoard's plugin about a log folder, as the page in the browser does."""
    plugin = ProjectorPlugin(SimpleNamespace(logdir=str(folder), multiplexer=None, data_provider=None))
    routes = plugin.get_plugin_apps()

    def ask(route: str) -> bytes:
        answer = Client(routes[route], Response).get(f"{route}?run=.&name=lookalike&num_rows=99")
        assert answer.status_code == 200, answer.data
        return bytes(answer.data)

    return ask


def test_the_projector_shows_each_photo_at_its_place(painted: Library, tmp_path: Path) -> None:
    assert drain(export_projector(tmp_path / "board", painted)) == 5
    ask = open_projector(tmp_path / "board")
    vectors = np.frombuffer(ask("/tensor"), np.float32).reshape(5, -1)
    header, *lines = ask("/metadata").decode().splitlines()
    assert header == "label\tpath\tid" and len(lines) == 5
    sprite = Image.open(io.BytesIO(ask("/sprite_image")))
    assert sprite.size == (192, 192)
    for number, (line, vector) in enumerate(zip(lines, vectors, strict=True)):
        label, path, photo_id = line.split("\t")
        assert Path(path).parent.name == label
        assert np.array_equal(vector, painted.embed_example(int(photo_id)))
        row, column = divmod(number, 3)
        jpeg = painted.read_thumbnail(*painted.load_photos([int(photo_id)]))
        assert jpeg is not None
        expected = np.asarray(Image.open(io.BytesIO(jpeg)))
        left, top = column * 64 + (64 - expected.shape[1]) // 2, row * 64 + (64 - expected.shape[0]) // 2
        assert np.array_equal(np.asarray(sprite)[top : top + len(expected), left : left + len(expected)], expected)


def test_what_the_projector_cannot_show_is_refused(
    painted: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(LookalikeError, match="there already"):
        drain(export_projector(tmp_path / "there", painted))
    with pytest.raises(LookalikeError, match="not 0"):
        drain(export_projector(tmp_path / "board", painted, Filter(label="none")))
    monkeypatch.setattr(projector_export, "MOST_POINTS", 4)
    with pytest.raises(LookalikeError, match="1 to 4 photos, not 5"):
        drain(export_projector(tmp_path / "board", painted))
    assert not (tmp_path / "board").exists()
