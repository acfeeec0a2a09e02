"""Paths of Windows and macOS mean on every system what they mean on their own."""

import ntpath
from pathlib import PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.grouping.bursts import parse_series_place
from indexer.indexing.exclusions import PathPatterns, make_folder_pattern
from indexer.indexing.scan import FolderListing, compare_listings
from indexer.paths import (
    MACOS,
    POSIX,
    WINDOWS,
    exclude_covered,
    find_below,
    find_relative_path,
    fold_path,
    get_file_name,
    get_parent_folder,
    insert_break_points,
    is_below,
    join_path,
    list_spellings,
    make_openable,
    make_uri,
    split_path,
)

COMPOSED, DECOMPOSED = "Müller".encode(), "Mu\u0308ller".encode()
PICTURES = rb"C:\Pictures"
SHARE = rb"\\nas\photos"
LONG_NAME = b"x" * 250


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        (rb"C:\Pictures\out.csv", PICTURES),
        (rb"C:\Pictures", PICTURES),
        (rb"C:\Pictures\a\b.jpg", b"C:\\Pictures\\"),
        (rb"c:\PICTURES\out.csv", PICTURES),
        (rb"C:/Pictures/out.csv", PICTURES),
        (rb"C:\Pictures\out.csv", rb"C:/Pictures"),
        (rb"C:\x.jpg", b"C:\\"),
        (rb"C:\x.jpg", b"C:"),
        (rb"\\?\C:\Pictures\out.csv", PICTURES),
        (rb"C:\Pictures\out.csv", rb"\\?\C:\Pictures"),
        (rb"\\NAS\Photos\a.jpg", SHARE),
        (rb"\\?\UNC\nas\photos\a.jpg", SHARE),
        (rb"\\?\unc\nas\photos", SHARE),
    ],
)
def test_what_lies_in_a_folder_of_windows_lies_below_it(path: bytes, folder: bytes) -> None:
    assert is_below(path, folder)


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        (rb"C:\Pictures2\out.csv", PICTURES),
        (rb"D:\Pictures\out.csv", PICTURES),
        (rb"C:\ ".strip(), PICTURES),
        (rb"C:\Pictures\..x", rb"C:\Pictures\."),
        (rb"\\nas\photos2\a.jpg", SHARE),
        (rb"\\other\photos\a.jpg", SHARE),
        (rb"\\nas\photos\a.jpg", PICTURES),
        (b"/home/me/C:\\Pictures\\out.csv", PICTURES),
        (rb"C:\Pictures\out.csv", b"/"),
    ],
)
def test_what_lies_elsewhere_on_windows_does_not(path: bytes, folder: bytes) -> None:
    assert not is_below(path, folder)
    assert find_relative_path(path, folder) is None


@pytest.mark.parametrize(
    ("root", "joined"),
    [
        (PICTURES, rb"C:\Pictures\cats\small\1.jpg"),
        (b"C:\\Pictures\\", rb"C:\Pictures\cats\small\1.jpg"),
        (b"C:\\", rb"C:\cats\small\1.jpg"),
        (SHARE, rb"\\nas\photos\cats\small\1.jpg"),
        (rb"\\?\C:\Pictures", rb"\\?\C:\Pictures\cats\small\1.jpg"),
        (b"/photos", b"/photos/cats/small/1.jpg"),
    ],
)
def test_a_stored_path_is_joined_and_found_again_whatever_its_root(root: bytes, joined: bytes) -> None:
    stored = b"cats/small/1.jpg"
    assert join_path(root, stored) == joined
    assert find_relative_path(joined, root) == stored
    assert find_relative_path(root, root) == b""
    assert get_file_name(joined) == b"1.jpg"
    assert get_parent_folder(joined) == joined.removesuffix(b"1.jpg")[:-1]
    assert split_path(joined) == (joined.removesuffix(b"1.jpg"), b"1.jpg")


NAMES = (
    st.text(st.characters(exclude_characters='\\/:*?"<>|\0', exclude_categories=("Cs", "Cc")), min_size=1)
    .filter(lambda name: name not in {".", ".."})  # no file can have these names
    .map(str.encode)
)


@given(st.lists(NAMES, min_size=1, max_size=4), st.sampled_from([PICTURES, b"D:\\", SHARE, b"/photos", b"/"]))
def test_any_stored_path_is_found_again(names: list[bytes], root: bytes) -> None:
    stored = b"/".join(names)
    joined = join_path(root, stored)
    assert find_relative_path(joined, root) == stored
    assert find_relative_path(joined, root, MACOS) == stored
    assert get_file_name(joined) == names[-1]
    assert is_below(joined, get_parent_folder(joined))
    if root.startswith((b"C", b"D")):  # pathlib knows the same of Windows
        windows = PureWindowsPath(joined.decode())
        assert windows == PureWindowsPath(root.decode(), stored.decode())
        assert windows.name.encode() == names[-1]


def test_names_on_windows_may_hold_no_separator_but_on_linux_they_may() -> None:
    assert get_file_name(b"/photos/a\\b.jpg") == b"a\\b.jpg"
    assert get_file_name(b"a\\b.jpg", POSIX) == b"a\\b.jpg"
    assert get_file_name(b"a\\b.jpg", WINDOWS) == b"b.jpg"
    assert find_relative_path(b"/photos/a\\b.jpg", b"/photos", POSIX) == b"a\\b.jpg"
    assert get_parent_folder(rb"C:\x.jpg") == b"C:\\"
    assert get_parent_folder(rb"\\nas\photos\x.jpg").rstrip(b"\\") == SHARE
    assert (get_parent_folder(b"1.jpg"), split_path(b"1.jpg")) == (b"", (b"", b"1.jpg"))


def test_macos_takes_case_and_composed_letters_for_the_same() -> None:
    folder, path = b"/Users/Me/" + COMPOSED, b"/users/me/" + DECOMPOSED + b"/x.jpg"
    assert is_below(path, folder, MACOS) and not is_below(path, folder, POSIX)
    assert find_relative_path(path, folder, MACOS) == b"x.jpg"
    assert fold_path(folder, MACOS) == fold_path(b"/USERS/ME/" + "MÜLLER/".encode(), MACOS)
    assert not is_below(b"/Users/Me/" + COMPOSED + b"2/x.jpg", folder, MACOS)
    assert fold_path(b"/a/\xff", MACOS) == b"/a/\xff"
    assert set(list_spellings(COMPOSED, MACOS)) == {COMPOSED, DECOMPOSED}
    assert list_spellings(COMPOSED, POSIX) == [COMPOSED]


@pytest.mark.parametrize(
    ("path", "openable"),
    [
        (PICTURES + b"\\" + LONG_NAME, rb"\\?\C:\Pictures" + b"\\" + LONG_NAME),
        (SHARE + b"\\" + LONG_NAME, rb"\\?\UNC\nas\photos" + b"\\" + LONG_NAME),
        (b"C:/Pictures/./" + LONG_NAME, rb"\\?\C:\Pictures" + b"\\" + LONG_NAME),
        (rb"\\?\C:\Pictures" + b"\\" + LONG_NAME, rb"\\?\C:\Pictures" + b"\\" + LONG_NAME),
        (rb"C:\Pictures\x.jpg", rb"C:\Pictures\x.jpg"),
        (b"/photos/" + LONG_NAME, b"/photos/" + LONG_NAME),
    ],
)
def test_a_long_path_of_windows_is_opened_by_its_long_form(path: bytes, openable: bytes) -> None:
    assert make_openable(path) == openable
    assert fold_path(openable) == fold_path(ntpath.normpath(path) if path[:1] == b"C" else path)


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (rb"C:\Pictures\my cat.jpg", "file:///C:/Pictures/my%20cat.jpg"),
        (rb"\\?\C:\Pictures\my cat.jpg", "file:///C:/Pictures/my%20cat.jpg"),
        (rb"\\nas\photos\cat.jpg", "file://nas/photos/cat.jpg"),
        (b"/photos/my cat.jpg", "file:///photos/my%20cat.jpg"),
    ],
)
def test_addresses_are_those_of_the_standard(path: bytes, uri: str) -> None:
    assert make_uri(path) == uri


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (rb"cats\1.jpg", rb"C:\Pictures\cats\1.jpg"),
        (b"cats/1.jpg", rb"C:\Pictures\cats\1.jpg"),
        (rb"c:\pictures\cats\1.jpg", rb"c:\pictures\cats\1.jpg"),
        (rb"cats\..\1.jpg", rb"C:\Pictures\1.jpg"),
        (rb"..\1.jpg", None),
        (rb"D:\1.jpg", None),
        (rb"\1.jpg", None),
        (b".", None),
        (b"a\0b", None),
    ],
)
def test_a_name_that_the_user_gives_is_looked_for_below_the_folder_only(name: bytes, found: bytes | None) -> None:
    assert find_below(PICTURES, name) == found


def test_a_long_path_may_break_at_every_separator() -> None:
    assert insert_break_points(r"C:\a_b\c") == "C:\\\u200ba_\u200bb\\\u200bc"
    assert insert_break_points("/a/b") == "/\u200ba/\u200bb"


def test_series_and_patterns_are_the_same_on_windows() -> None:
    place = parse_series_place(rb"C:\Pictures\IMG_0012.jpg")
    assert place is not None
    assert (place.series, place.number) == (b"C:\\Pictures\\IMG_", 12)
    pattern = make_folder_pattern(PICTURES, rb"c:\pictures\Old [1]\cats")
    assert PathPatterns([pattern]).match_entry(b"Old [1]/cats", b"cats")
    assert make_folder_pattern(PICTURES, PICTURES) == make_folder_pattern(PICTURES, rb"D:\x") == ""


def test_nothing_is_concluded_of_what_lies_below_a_folder_that_cannot_be_read_and_of_nothing_else() -> None:
    stored = [b"a.jpg", b"a.jpg.jpg", b"cats/1.jpg", b"cats2/1.jpg"]
    assert list(exclude_covered(stored, [b"cats/", b"a.jpg"])) == [b"a.jpg.jpg", b"cats2/1.jpg"]
    assert list(exclude_covered(stored, [b""])) == []
    assert list(exclude_covered(stored, [])) == stored
    assert compare_listings([FolderListing([], [b""])], []).gone == []
