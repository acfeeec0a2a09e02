"""Foreign files are read within bounds: never a pipe, never more than a limit, never more memory than they have."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.trust import regular_file
from indexer.trust.regular_file import UnusableFile, copy_regular_file, hash_regular_file, read_regular_file

LIMIT = 1 << 40
READERS: list[Callable[[Path, int], object]] = [
    read_regular_file,
    hash_regular_file,
    lambda path, limit: copy_regular_file(path, path.with_name("copy"), limit),
]


@pytest.mark.parametrize("size", [0, 1, 10, 11, 25])
def test_whole_file_is_read_hashed_and_copied(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_file, "PIECE_BYTES", 10)
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    assert read_regular_file(tmp_path / "file", LIMIT) == data
    assert hash_regular_file(tmp_path / "file", LIMIT) == hashlib.sha256(data).hexdigest()
    copy_regular_file(tmp_path / "file", tmp_path / "copy", LIMIT)
    assert (tmp_path / "copy").read_bytes() == data


@pytest.mark.parametrize("read", READERS)
def test_pipe_folder_and_too_large_file_are_refused_without_waiting(
    tmp_path: Path, read: Callable[[Path, int], object]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(bytes(11))
    for name, reason in (("pipe", "not a regular file"), ("folder", "not a regular file"), ("large", "11 bytes")):
        with pytest.raises(UnusableFile, match=reason):
            read(tmp_path / name, 10)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere", 10)


LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from indexer.models.card import WEIGHTS_LIMIT, hash_weights, read_regular
resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
assert read_regular(Path(sys.argv[1]), WEIGHTS_LIMIT) == b"small"
hash_weights(Path(sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no such limit")
def test_memory_that_is_asked_for_follows_the_file_not_the_limit(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"small")
    with (tmp_path / "large").open("wb") as file:
        file.truncate((1 << 29) + 1)  # more than the process may have
    words = [sys.executable, "-c", LITTLE_MEMORY, str(tmp_path / "small"), str(tmp_path / "large")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
