"""What is left out of a folder is not shown, is counted by reason, keeps its words, and comes back when wanted."""

import os
from pathlib import Path

import pytest

from indexer.database.passed_over import PassedOver, describe_passed_over, read_passed_over
from indexer.errors import LookalikeError
from indexer.indexing import scan
from indexer.indexing.exclusions import PathPatterns
from indexer.indexing.roots import add_roots, leave_out
from indexer.library import Library
from tests.support.embedders import Tiny
from tests.support.index_runs import load_shown_photos, run_indexing
from tests.support.rights import Rights
from tests.support.trees import paint, snapshot

pytestmark = pytest.mark.usefixtures("engine")


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def walk(root: Path, *patterns: str) -> tuple[list[str], PassedOver]:
    """The relative paths found, and what was passed over."""
    changes = scan.compare_listings(scan.walk_root(bytes(root), (), PathPatterns(patterns)), [])
    return sorted(os.fsdecode(file.path) for file in changes.new), changes.passed_over


# patterns


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("private", ["2019/a.jpg", "b.png", "deep/private.jpg"]),
        ("private/", ["2019/a.jpg", "b.png", "deep/private.jpg"]),
        ("/private", ["2019/a.jpg", "b.png", "deep/private.jpg", "deep/private/d.jpg"]),
        ("deep/private", ["2019/a.jpg", "b.png", "deep/private.jpg", "private/c.jpg"]),
        ("*.png", ["2019/a.jpg", "deep/private.jpg", "deep/private/d.jpg", "private/c.jpg"]),
        ("20??", ["b.png", "deep/private.jpg", "deep/private/d.jpg", "private/c.jpg"]),
        ("[pd]*", ["2019/a.jpg", "b.png"]),
        ("deep/*", ["2019/a.jpg", "b.png", "private/c.jpg"]),
        ("*/private", ["2019/a.jpg", "b.png", "deep/private.jpg", "private/c.jpg"]),
        ("PRIVATE", ["2019/a.jpg", "b.png", "deep/private.jpg", "deep/private/d.jpg", "private/c.jpg"]),
        ("*", []),
    ],
)
def test_a_pattern_leaves_out_names_at_any_depth_or_paths(tmp_path: Path, pattern: str, left: list[str]) -> None:
    touch(tmp_path, "2019/a.jpg", "b.png", "private/c.jpg", "deep/private/d.jpg", "deep/private.jpg")
    assert walk(tmp_path, pattern)[0] == left


def test_a_pattern_matches_every_spelling_of_a_letter(tmp_path: Path) -> None:
    touch(tmp_path, "Cafe\u0301/a.jpg", "b.jpg")
    assert walk(tmp_path, "Caf\u00e9")[0] == ["b.jpg"]
    touch(tmp_path, "Caf\u00e9/a.jpg")
    assert walk(tmp_path, "Cafe\u0301")[0] == ["b.jpg"]


# what is passed over, by reason


def test_each_reason_is_counted(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.psd", "c.PSD", "d.svg", "e.txt", ".f.psd", "lost+found/g.jpg", "x/@eaDir/h/i.jpg")
    touch(tmp_path, "phone/.nomedia", "phone/j.jpg", "phone/deep/k.jpg", "private/l.jpg", "m.tif")
    (tmp_path / "link").symlink_to(tmp_path / "x")
    found, passed = walk(tmp_path, "private", "*.tif")
    assert found == ["a.jpg"]
    assert passed == PassedOver(excluded=5, linked=1, not_read={".psd": 2, ".svg": 1})
    assert describe_passed_over(passed) == [
        "5 files or folders left out",
        "1 link to other folders",
        "3 pictures of kinds that are not read (.psd 2, .svg 1)",
    ]


def test_a_folder_that_may_not_be_entered_is_counted(rights: Rights, open_to_all: Path) -> None:
    touch(open_to_all, "a.jpg", "locked/b.jpg")
    rights.take(open_to_all / "locked", 0o000)
    assert walk(open_to_all) == (["a.jpg"], PassedOver(not_entered=1))


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="folders that deep are made by descriptors")
def test_a_folder_that_is_too_deep_is_counted(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    name, descriptors = "d" * 200, [os.open(tmp_path, os.O_RDONLY)]
    try:
        for _ in range(22):
            os.mkdir(name, dir_fd=descriptors[-1])
            descriptors.append(os.open(name, os.O_RDONLY, dir_fd=descriptors[-1]))
        assert walk(tmp_path) == (["a.jpg"], PassedOver(too_deep=1))
    finally:
        for parent in reversed(descriptors[:-1]):
            os.rmdir(name, dir_fd=parent)
        for descriptor in descriptors:
            os.close(descriptor)


def test_a_root_that_itself_is_marked_or_of_a_system_is_read(tmp_path: Path) -> None:
    touch(tmp_path / "lost+found", ".nomedia", "a.jpg")
    assert walk(tmp_path / "lost+found")[0] == ["a.jpg"]


def test_a_run_says_what_it_passed_over_and_the_library_remembers(library: Library, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    touch(root, "a.psd", "#recycle/b.jpg")
    report = run_indexing(library, Tiny(), root)
    assert (report.photos, report.passed_over) == (0, PassedOver(excluded=1, not_read={".psd": 1}))
    (root / "a.psd").unlink()
    run_indexing(library, Tiny())
    assert read_passed_over(library.store.database) == PassedOver(excluded=1)


def test_counts_of_a_wrong_kind_in_a_foreign_library_count_as_nothing(library: Library, tmp_path: Path) -> None:
    add_roots(library, [tmp_path], labelled=False)
    for text in ("no JSON", "[]", '{"excluded": "many"}', "[" * 100_000, "null"):
        library.store.database.execute_statement("UPDATE roots SET passed_over = ?", (text,))
        assert read_passed_over(library.store.database) == PassedOver()


# the user's patterns


def test_a_folder_left_out_leaves_the_view_and_keeps_its_words(library: Library, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    for number, name in enumerate(("a/0.png", "private/1.png", "private/2.png")):
        paint(root / name, number)
    before = snapshot(root)
    run_indexing(library, Tiny(), root)
    photo = next(p for p in library.load_photos(library.find_photo_ids().tolist()) if p.path.endswith(b"1.png"))
    library.annotations.set_label([photo.id], "cat")
    leave_out(library, [root], ["private"], [])
    model = Tiny()
    report = run_indexing(library, model)
    assert (report.photos, report.missing, report.offline, model.asked) == (1, 0, [], 0)
    assert [path.name for path in load_shown_photos(library)] == ["0.png"]
    assert library.store.forget_missing(with_labels=True).is_empty
    leave_out(library, [root], [], ["private"])
    report = run_indexing(library, model)
    assert (report.photos, report.embedded, model.asked) == (3, 0, 0)
    assert {p.label for p in library.load_photos([photo.id])} == {"cat"}
    assert snapshot(root) == before


def test_all_of_a_root_may_be_left_out_without_it_counting_as_offline(library: Library, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    paint(root / "a.png", 1)
    run_indexing(library, Tiny(), root)
    leave_out(library, [root], ["*.png"], [])
    for _ in range(2):
        report = run_indexing(library, Tiny())
        assert (report.photos, report.offline, report.missing) == (0, [], 0)


def test_what_was_left_out_and_is_gone_then_stays_left_out(library: Library, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    paint(root / "a.png", 1)
    paint(root / "private/b.png", 2)
    run_indexing(library, Tiny(), root)
    leave_out(library, [root], ["private"], [])
    run_indexing(library, Tiny())
    (root / "private/b.png").unlink()
    assert run_indexing(library, Tiny()).missing == 0


def test_patterns_go_with_their_root(library: Library, tmp_path: Path) -> None:
    for name in ("one", "two"):
        paint(tmp_path / name / "private/a.png", 1)
        paint(tmp_path / name / f"{name}.png", 2 if name == "one" else 3)
    run_indexing(library, Tiny(), tmp_path / "one", tmp_path / "two")
    leave_out(library, [tmp_path / "one"], ["private"], [])
    run_indexing(library, Tiny())
    assert [root.exclusions for root in library.collect_info().roots] == [("private",), ()]
    assert len(load_shown_photos(library)) == 3
    library.store.forget_root(1)
    run_indexing(library, Tiny(), tmp_path / "one")
    assert [root.exclusions for root in library.collect_info().roots] == [(), ()]


@pytest.mark.parametrize("pattern", ["", "/", "a\nb", "x" * 1001, "\udcff"])
def test_what_is_no_pattern_is_refused(library: Library, tmp_path: Path, pattern: str) -> None:
    add_roots(library, [tmp_path], labelled=False)
    with pytest.raises(LookalikeError, match="is no pattern"):
        leave_out(library, [tmp_path], [pattern], [])
    with pytest.raises(LookalikeError, match="leaves anything out there"):
        leave_out(library, [tmp_path], [], ["private"])
