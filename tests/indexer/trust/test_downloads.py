"""A download goes on where it was left, and only a whole file with the right hash is believed."""

import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest

from indexer.progress import drain
from indexer.trust.downloads import PIECE_BYTES, UNFINISHED_SUFFIX, DownloadFailed, RemoteFile, fetch_file
from tests.support.hub_server import serve_hub

DATA = np.random.default_rng(5).bytes(3 * PIECE_BYTES + 17)
HASH = hashlib.sha256(DATA).hexdigest()


def remote(address: str, size: int = len(DATA), sha256: str | None = HASH) -> RemoteFile:
    return RemoteFile(f"{address}/a/b/resolve/main/w.bin", size, sha256)


@pytest.mark.parametrize("parts", [True, False])
def test_an_ended_download_goes_on_at_the_next_try(tmp_path: Path, *, parts: bool) -> None:
    target = tmp_path / "in" / "w.bin"
    with serve_hub({"a/b/w.bin": DATA}, parts=parts) as hub:
        steps = fetch_file(remote(hub.address), target, "the weights")
        assert [step.done for step in itertools.islice(steps, 3)] == [0, PIECE_BYTES, 2 * PIECE_BYTES]
        steps.close()
        assert not target.exists()
        second = list(fetch_file(remote(hub.address), target, "the weights"))
    assert (second[0].done, second[-1].done, second[-1].total) == (2 * PIECE_BYTES, len(DATA), len(DATA))
    assert hub.ranges == ["", f"bytes={2 * PIECE_BYTES}-"]
    assert target.read_bytes() == DATA
    assert [path.name for path in target.parent.iterdir()] == ["w.bin"]


def test_another_file_than_was_said_is_not_kept(tmp_path: Path) -> None:
    with serve_hub({"a/b/w.bin": DATA[::-1]}) as hub, pytest.raises(DownloadFailed, match="damaged"):
        drain(fetch_file(remote(hub.address), tmp_path / "w.bin", "the weights"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_ends_early_is_taken_up_later(tmp_path: Path) -> None:
    with serve_hub({"a/b/w.bin": DATA[:1000]}) as hub:
        with pytest.raises(DownloadFailed, match="ended before the file did"):
            drain(fetch_file(remote(hub.address), tmp_path / "w.bin", "the weights"))
        hub.files["a/b/w.bin"] = DATA
        drain(fetch_file(remote(hub.address), tmp_path / "w.bin", "the weights"))
    assert hub.ranges == ["", "bytes=1000-"]
    assert (tmp_path / "w.bin").read_bytes() == DATA


def test_a_server_that_sends_more_is_read_only_so_far(tmp_path: Path) -> None:
    with serve_hub({"a/b/w.bin": DATA}) as hub, pytest.raises(DownloadFailed, match="damaged"):
        drain(fetch_file(remote(hub.address, 5000), tmp_path / "w.bin", "the weights"))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_gone_is_a_fault_with_what_came_kept(tmp_path: Path) -> None:
    unfinished = tmp_path / f"w.bin{UNFINISHED_SUFFIX}"
    unfinished.write_bytes(DATA[:10])
    with pytest.raises(DownloadFailed, match="did not send it"):
        drain(fetch_file(remote("http://127.0.0.1:9"), tmp_path / "w.bin", "the weights"))
    assert unfinished.read_bytes() == DATA[:10]
