"""What a library says of the taking of its photos: read while indexing, and later for what an older version indexed."""

import os
from datetime import datetime
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from indexer.database.filters import Filter
from indexer.indexing.run import IndexReport, index_library
from indexer.library import Library
from indexer.progress import drain
from indexer.search.results import Photo, list_fact_fields
from indexer.wording import convert_to_microseconds
from tests.support.embedders import Tiny
from tests.support.pictures import encoded
from tests.support.trees import paint

pytestmark = pytest.mark.usefixtures("engine")

CHANGED = datetime(2020, 2, 29, 12)


def make_folder(folder: Path) -> Path:
    """Two JPEGs with a moment of the camera's, and a PNG without, all changed on one later day."""
    folder.mkdir()
    for name, moment in (("old.jpg", "1999:12:31 23:59:58"), ("new.jpg", "2019:07:01 08:00:00")):
        exif = Image.Exif()
        exif[ExifTags.Base.Model] = "X100"
        exif.get_ifd(ExifTags.IFD.Exif).update(
            {ExifTags.Base.DateTimeOriginal: moment, ExifTags.Base.OffsetTimeOriginal: "+09:00"}
        )
        picture = Image.effect_noise((32, 32), 50.0 + len(moment) + ord(name[0])).convert("RGB")
        (folder / name).write_bytes(encoded(picture, "JPEG", exif=exif.tobytes()))
    paint(folder / "plain.png", 5)
    for path in folder.iterdir():
        os.utime(path, (CHANGED.timestamp(),) * 2)
    return folder


def index(library: Library, folder: Path, model: Tiny) -> IndexReport:
    return drain(index_library(library, [folder], model))


def by_name(library: Library, within: Filter | None = None) -> dict[str, Photo]:
    photos = library.load_photos(library.find_photo_ids(within).tolist())
    return {Path(os.fsdecode(photo.path)).name: photo for photo in photos}


def forget_facts(library: Library) -> None:
    """Leave the library as a version that read no EXIF left it."""
    library.store.database.execute_statement("DELETE FROM captures")
    library.store.database.execute_statement("UPDATE files SET taken_us = ?", (convert_to_microseconds(CHANGED),))


@pytest.mark.parametrize("by_older", [False, True])
def test_facts_are_the_same_whichever_version_indexed(tmp_path: Path, by_older: bool) -> None:
    folder, model = make_folder(tmp_path / "photos"), Tiny()
    with Library.create(tmp_path / "x.library") as library:
        assert index(library, folder, model).facts_read == 0
        embedded = model.asked
        if by_older:
            forget_facts(library)
            report = index(library, folder, model)
            assert (report.facts_read, report.embedded, model.asked) == (3, 0, embedded)
        assert index(library, folder, model).facts_read == 0
        shown = by_name(library)
        old, plain = (list_fact_fields(shown[name]) for name in ("old.jpg", "plain.png"))
        assert (old.taken, old.taken_from, old.model) == ("1999-12-31T23:59:58+09:00", "camera", "X100")
        assert (plain.taken, plain.taken_from, plain.model) == (CHANGED.isoformat(), "file", None)
        assert plain.bytes == (folder / "plain.png").stat().st_size


def test_dates_filter_by_the_taking_else_by_the_file(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "photos")
    with Library.create(tmp_path / "x.library") as library:
        index(library, folder, Tiny())
        assert set(by_name(library, Filter(before=datetime(2000, 1, 1)))) == {"old.jpg"}
        assert set(by_name(library, Filter(after=datetime(2019, 7, 1, 8), before=CHANGED))) == {"new.jpg"}
        assert set(by_name(library, Filter(after=CHANGED))) == {"plain.png"}


def test_a_copy_and_a_moved_file_have_the_date_of_their_content(tmp_path: Path) -> None:
    folder, model = make_folder(tmp_path / "photos"), Tiny()
    with Library.create(tmp_path / "x.library") as library:
        index(library, folder, model)
        (folder / "sub").mkdir()
        (folder / "old.jpg").rename(folder / "sub" / "moved.jpg")
        (folder / "copy.jpg").write_bytes((folder / "new.jpg").read_bytes())
        assert index(library, folder, model).facts_read == 0
        assert set(by_name(library, Filter(before=datetime(2000, 1, 1)))) == {"moved.jpg"}
        rows = library.store.database.fetch_rows(
            "SELECT count(*) FROM files WHERE taken_us < ?", (1_562_000_000_000_000,)
        )
        assert rows == [(3,)]


def test_a_file_that_cannot_be_read_now_is_read_by_the_next_run(tmp_path: Path) -> None:
    folder, model = make_folder(tmp_path / "photos"), Tiny()
    with Library.create(tmp_path / "x.library") as library:
        index(library, folder, model)
        forget_facts(library)
        (folder / "old.jpg").rename(tmp_path / "away.jpg")
        assert index(library, folder, model).facts_read == 2
        (tmp_path / "away.jpg").rename(folder / "old.jpg")
        assert index(library, folder, model).facts_read == 1
