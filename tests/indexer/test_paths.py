"""Paths are joined, split and compared as bytes, whatever is in their names, and shown on one line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.paths import (
    find_same_files,
    get_file_name,
    get_first_folder,
    get_parent_folder,
    is_below,
    join_path,
    make_prefix,
    show_file_name,
    show_path,
)


def test_joined_path_has_one_separator_whatever_its_root_ends_with() -> None:
    assert join_path(b"/photos", b"a/1.jpg") == join_path(b"/photos/", b"a/1.jpg") == b"/photos/a/1.jpg"
    assert join_path(b"/", b"a/1.jpg") == b"/a/1.jpg"


def test_prefix_is_that_of_what_lies_below_and_of_nothing_else() -> None:
    assert make_prefix(b"/photos") == make_prefix(b"/photos/") == b"/photos/"
    assert make_prefix(b"/") == b"/"


@pytest.mark.parametrize("path", [b"/photos", b"/photos/a", b"/photos/a/1.jpg"])
def test_folder_and_what_lies_in_it_are_below_it(path: bytes) -> None:
    assert is_below(path, b"/photos")
    assert is_below(path, b"/")


@pytest.mark.parametrize("path", [b"/photos2", b"/", b"/other/photos", b"photos/a"])
def test_other_folders_are_not_below_it(path: bytes) -> None:
    assert not is_below(path, b"/photos")


def test_path_is_split_at_its_first_and_last_separator() -> None:
    assert get_first_folder(b"cats/small/1.jpg") == b"cats"
    assert get_first_folder(b"1.jpg") is None
    assert get_parent_folder(b"/photos/cats/1.jpg") == b"/photos/cats"
    assert get_file_name(b"/photos/cats/1.jpg") == get_file_name(b"1.jpg") == b"1.jpg"
    assert get_parent_folder(b"/1.jpg") == b"/"
    assert show_file_name(b"/photos/cats/1.jpg") == show_file_name(b"1.jpg") == "1.jpg"


def test_a_path_is_shown_as_printable_text() -> None:
    assert show_path(b"/a/caf\xc3\xa9 \xe5\xaf\xbf\xe5\x8f\xb8.jpg") == "/a/café 寿司.jpg"
    assert show_path(b"\xff\n\x1b[31m\x7f.jpg") == "\\xff\\x0a\\x1b[31m\\x7f.jpg"
    assert show_path("a\u202egpj.exe\u2028b".encode()) == "a\\u202egpj.exe\\u2028b"
    assert (
        show_path("/\u0646\u200c\u0647 \U0001f469\u200d\U0001f52c".encode())
        == "/\u0646\u200c\u0647 \U0001f469\u200d\U0001f52c"
    )
    assert show_path(Path("/a/b c")) == "/a/b c"


@given(st.binary(max_size=40))
def test_text_of_any_bytes_fits_a_line_and_a_terminal(path: bytes) -> None:
    shown = show_path(path)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert all(ord(character) >= 32 for character in shown)


def test_links_and_second_names_lead_to_the_same_file_and_a_real_one_stands_for_it(tmp_path: Path) -> None:
    for name in ("one.jpg", "two.jpg"):
        (tmp_path / name).write_bytes(b"the same content")
    (tmp_path / "link.jpg").symlink_to("one.jpg")
    (tmp_path / "link to link.jpg").symlink_to("link.jpg")
    (tmp_path / "second.jpg").hardlink_to(tmp_path / "one.jpg")
    (tmp_path / "dangling.jpg").symlink_to("nowhere.jpg")
    names = ("link.jpg", "link to link.jpg", "two.jpg", "one.jpg", "second.jpg", "dangling.jpg", "gone.jpg")
    assert find_same_files([bytes(tmp_path / name) for name in names]) == [3, 3, 2, 3, 3, 5, 6]
    outside = [bytes(tmp_path / name) for name in ("link to link.jpg", "link.jpg")]
    assert find_same_files(outside) == [0, 0]  # their file is not asked about
    assert find_same_files([]) == []
