"""Copies of photo files: under their own names, numbered where these are taken, with their times; nothing replaced."""

import os
from pathlib import Path

import pytest

from indexer.errors import PhotoError
from indexer.reports.photo_copies import copy_photo_file, link_photo_file


def write(path: Path, content: bytes) -> bytes:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return os.fsencode(path)


def test_a_copy_has_name_content_and_times(tmp_path: Path) -> None:
    source = write(tmp_path / "photos" / "a.jpg", b"one")
    os.utime(source, ns=(1_000_000_000, 1_234_567_890))
    (tmp_path / "out").mkdir()
    copy = copy_photo_file(source, tmp_path / "out")
    assert (copy.name, copy.read_bytes(), copy.stat().st_mtime_ns) == ("a.jpg", b"one", 1_234_567_890)


def test_a_taken_name_is_numbered_and_the_same_content_is_not_copied_again(tmp_path: Path) -> None:
    names = []
    (tmp_path / "out").mkdir()
    for folder, content in (("x", b"one"), ("y", b"another"), ("z", b"one"), ("u", b"third"), ("v", b"another")):
        names.append(copy_photo_file(write(tmp_path / folder / "a.jpg", content), tmp_path / "out").name)
    assert names == ["a.jpg", "a (2).jpg", "a.jpg", "a (3).jpg", "a (2).jpg"]
    assert sorted(path.read_bytes() for path in (tmp_path / "out").iterdir()) == [b"another", b"one", b"third"]


def test_what_stands_in_the_way_is_left_alone(tmp_path: Path) -> None:
    source, out = write(tmp_path / "photos" / "a.jpg", b"one"), tmp_path / "out"
    (out / "a.jpg").mkdir(parents=True)
    (out / "a (2).jpg").symlink_to(tmp_path / "nowhere")
    assert copy_photo_file(source, out).name == "a (3).jpg"
    assert not (tmp_path / "nowhere").exists()


def test_what_cannot_be_read_or_written_is_a_sentence(tmp_path: Path) -> None:
    source = write(tmp_path / "photos" / "a.jpg", b"one")
    with pytest.raises(PhotoError, match="could not be copied"):
        copy_photo_file(source, tmp_path / "nowhere")
    with pytest.raises(PhotoError, match="vanished"):
        copy_photo_file(source + b"x", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


def test_a_link_leads_to_the_file_and_nothing_is_replaced(tmp_path: Path) -> None:
    source, out = write(tmp_path / "photos" / "a.jpg", b"one"), tmp_path / "out"
    other = write(tmp_path / "other" / "a.jpg", b"two")
    out.mkdir()
    links = [link_photo_file(path, out) for path in (source, other, source)]
    assert [link.name for link in links] == ["a.jpg", "a (2).jpg", "a.jpg"]
    assert [link.resolve() for link in links[:2]] == [Path(os.fsdecode(path)) for path in (source, other)]
    assert len(list(out.iterdir())) == 2 and links[0].read_bytes() == b"one"
    with pytest.raises(PhotoError, match="not there"):
        link_photo_file(source + b"x", out)
    with pytest.raises(PhotoError, match="could not be linked"):
        link_photo_file(source, tmp_path / "nowhere")
