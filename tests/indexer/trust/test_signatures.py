"""What this computer has signed is told from everything else, and its key is its own."""

from pathlib import Path

import pytest

from indexer.trust import signatures
from indexer.trust.signatures import KEY_BYTES, compute_signature, find_key_file, is_signed_here


@pytest.fixture(autouse=True)
def computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A computer without a key."""
    monkeypatch.setattr(signatures, "find_key_file", lambda: tmp_path / "data" / "computer.key")


def test_signature_counts_for_its_data_and_purpose_only() -> None:
    signature = compute_signature("a", b"one", b"two")
    assert is_signed_here(signature, "a", b"one", b"two")
    assert not is_signed_here(signature, "b", b"one", b"two")
    assert not is_signed_here(signature, "a", b"onetwo")
    assert not is_signed_here(signature, "a", b"one", b"twO")
    assert not is_signed_here(signature[:-1] + ("0" if signature[-1] != "0" else "1"), "a", b"one", b"two")
    assert not is_signed_here("", "a", b"one", b"two")
    assert not is_signed_here("\u00fc", "a", b"one", b"two")


def test_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    first = compute_signature("a", b"data")
    key = tmp_path / "data" / "computer.key"
    assert len(key.read_bytes()) == KEY_BYTES
    assert key.stat().st_mode & 0o077 == 0
    assert compute_signature("a", b"data") == first


def test_another_computer_has_another_key(tmp_path: Path) -> None:
    signature = compute_signature("a", b"data")
    (tmp_path / "data" / "computer.key").unlink()
    assert not is_signed_here(signature, "a", b"data")
    assert compute_signature("a", b"data") != signature


def test_damaged_key_is_replaced_and_nothing_counts_meanwhile(tmp_path: Path) -> None:
    signature = compute_signature("a", b"data")
    (tmp_path / "data" / "computer.key").write_bytes(b"short")
    assert not is_signed_here(signature, "a", b"data")
    assert is_signed_here(compute_signature("a", b"data"), "a", b"data")


def test_where_no_key_can_be_kept_nothing_counts(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert compute_signature("a", b"data") == ""
    assert not is_signed_here("", "a", b"data")


def test_key_of_the_test_run_is_not_that_of_its_user() -> None:
    assert "lookalike-data-" in str(find_key_file())
