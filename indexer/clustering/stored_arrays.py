"""Arrays that a library can derive again, such as the layout of a map: files `layouts/FINGERPRINT-NAME.npz`.

Each holds its own identity, so that one of another model or format is never taken for the wanted one.
"""

import contextlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from indexer import atomic
from indexer.library import Library

STORED_FORMAT = 1
# What reading a damaged .npz can raise; TypeError where it is a single array.
_DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    MemoryError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def find_arrays_path(library: Library, name: str) -> Path:
    """The file of the arrays with this name under the active model."""
    return library.folder / "layouts" / f"{library.model_fingerprint}-{name}.npz"


def write_arrays(library: Library, name: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Store arrays by their keys; where the library cannot be written, they are computed again next time."""
    data, path = io.BytesIO(), find_arrays_path(library, name)
    named: dict[str, Any] = {"name": _identity_bytes(library, name), **arrays}
    np.savez(data, **named)
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        atomic.write_file(path, data.getvalue())


def read_arrays(library: Library, name: str, keys: tuple[str, ...]) -> tuple[np.ndarray, ...] | None:
    """The stored arrays of these keys; None where there is no file, or it is damaged, or of another model or format."""
    try:
        with find_arrays_path(library, name).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            identity, *arrays = (file[key] for key in ("name", *keys))
    except _DAMAGED:
        return None
    return tuple(arrays) if np.array_equal(identity, _identity_bytes(library, name)) else None


def _identity_bytes(library: Library, name: str) -> np.ndarray:
    """The stored format, model and name of arrays, as bytes (n,) uint8."""
    return np.frombuffer(f"{STORED_FORMAT} {library.model_fingerprint} {name}".encode(), np.uint8)
