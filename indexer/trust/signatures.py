"""Signatures of this computer: they tell what was made here from what comes from elsewhere.

A key of 32 random bytes lies in the user's data folder, not in the home folder of libraries: that may be on a drive
that came from somebody else. A signature is HMAC-SHA256 (RFC 2104) over a purpose and the data, so that one for another
purpose does not count. Where no key can be kept, nothing counts as made here, and what is derived is made anew.
"""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

import platformdirs

from indexer import atomic
from indexer.trust.regular_file import UnusableFile, read_regular_file

KEY_FILE = "computer.key"
KEY_BYTES = 32


def find_key_file() -> Path:
    """Where this computer's key lies."""
    return Path(platformdirs.user_data_dir("lookalike", appauthor=False)) / KEY_FILE


def compute_signature(purpose: str, *parts: bytes) -> str:
    """This computer's signature of the data, 64 hex digits; empty where no key can be kept."""
    key = _read_key() or _make_key()
    return _sign(key, purpose, parts) if key is not None else ""


def is_signed_here(signature: str, purpose: str, *parts: bytes) -> bool:
    """Whether this computer has made the signature of this data for this purpose."""
    key = _read_key()
    if key is None or not signature.isascii():
        return False
    return hmac.compare_digest(_sign(key, purpose, parts), signature)


def _sign(key: bytes, purpose: str, parts: tuple[bytes, ...]) -> str:
    """HMAC over purpose and parts, each behind its length: no two lists of parts are signed as the same bytes."""
    signer = hmac.new(key, digestmod=hashlib.sha256)
    for part in (purpose.encode(), *parts):
        signer.update(len(part).to_bytes(8, "big"))
        signer.update(part)
    return signer.hexdigest()


def _read_key() -> bytes | None:
    try:
        key = read_regular_file(find_key_file(), KEY_BYTES)
    except (OSError, UnusableFile):
        return None
    return key if len(key) == KEY_BYTES else None


def _make_key() -> bytes | None:
    """A new key, kept for this user alone; where another program makes one at the same moment, that one counts."""
    path = find_key_file()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_file(path, secrets.token_bytes(KEY_BYTES))
        os.chmod(path, 0o600)  # noqa: PTH101
    return _read_key()
