"""A version that reads some kinds otherwise embeds just these again, once, and tries again what could not be read."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from indexer.indexing.redecoding import KINDS_SETTING
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.photos.decoding import is_decoded_otherwise
from indexer.progress import drain
from tests.support import pictures
from tests.support.embedders import Tiny
from tests.support.tiff_files import write_tiff
from tests.support.trees import paint

pytestmark = pytest.mark.usefixtures("engine")


def sign(ink: str) -> bytes:
    image = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(image).ellipse((8, 8, 56, 56), fill=ink)
    return pictures.encoded(image, "PNG")


def wide(highest: int) -> np.ndarray:
    return np.rint(np.asarray(pictures.scene()).astype(float) / 255 * highest).astype(np.uint16)


def blank_first(kind: str) -> bytes:
    frames = [pictures.scene(), pictures.scene().rotate(180)]
    return pictures.encoded(Image.new("RGB", pictures.scene().size), kind, save_all=True, append_images=frames)


def deep_png(highest: int) -> bytes:
    file = BytesIO()
    Image.fromarray(wide(highest)[..., 0]).save(file, "PNG")
    return file.getvalue()


CONCERNED = {
    "white.png": sign("white"),
    "blank.gif": blank_first("GIF"),
    "blank.webp": blank_first("WEBP"),
    "planes.tif": write_tiff(wide(65535), photometric=2, planar=True),
    "negative.tif": write_tiff(wide(65535)[..., 0], photometric=0),
    "sensor.tif": write_tiff(wide(4095), photometric=2),
    "packed.tif": write_tiff(wide(4095), photometric=2, bits=12),
    "sensor.png": deep_png(4095),
}
AS_BEFORE = {
    "black.png": sign("black"),
    "solid.png": pictures.encoded(pictures.scene().convert("RGBA"), "PNG"),
    "plain.png": pictures.encoded(pictures.scene(), "PNG"),
    "moving.gif": pictures.encoded(pictures.scene(), "GIF", save_all=True, append_images=[pictures.scene().rotate(90)]),
    "sixteen.tif": write_tiff(wide(65535), photometric=2),
    "eight.tif": pictures.encoded(pictures.scene(), "TIFF"),
    "sixteen.png": deep_png(65535),
    "plain.jpg": pictures.encoded(pictures.scene(), "JPEG"),
    "none.png": b"no picture",
}


@pytest.mark.parametrize("name", [*CONCERNED, *AS_BEFORE])
def test_what_is_decoded_otherwise_is_told_by_content(name: str) -> None:
    assert is_decoded_otherwise({**CONCERNED, **AS_BEFORE}[name]) == (name in CONCERNED)


def test_an_older_library_embeds_again_what_is_decoded_otherwise(library: Library, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    for number in range(3):
        paint(root / f"{number}.png", number)
    for name in ("white.png", "blank.gif", "planes.tif", "black.png"):
        (root / name).write_bytes({**CONCERNED, **AS_BEFORE}[name])
    drain(index_library(library, [root], Tiny()))
    labelled = {p.path: p.id for p in library.load_photos(library.find_photo_ids().tolist())}[bytes(root / "white.png")]
    library.annotations.set_label([labelled], "sign")
    for settings in ({}, {"1": 1}, "damaged"):
        library.store.models.set_setting(KINDS_SETTING, settings)
        model = Tiny()
        report = drain(index_library(library, [], model))
        assert (model.asked, report.embedded, report.photos, report.moved, report.changed) == (3, 3, 7, 0, 0)
        assert library.load_photos([labelled])[0].label == "sign"
        assert library.load_generation() is not None
        again = Tiny()
        assert (drain(index_library(library, [], again)).embedded, again.asked) == (0, 0)


def test_failures_of_an_older_version_are_tried_again(library: Library, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    paint(root / "a.png", 1)
    (root / "b.png").write_bytes(sign("white"))
    drain(index_library(library, [root], Tiny()))
    database = library.store.database
    database.execute_statement("DELETE FROM embeddings WHERE photo = 2")
    database.execute_statement("INSERT INTO failures VALUES (2, 1, 'is damaged', NULL)")
    library.store.models.set_setting(KINDS_SETTING, {})
    report = drain(index_library(library, [], Tiny()))
    assert (report.embedded, report.failed, report.photos) == (1, [], 2)


@pytest.mark.skipif(os.name == "nt", reason="a folder cannot be renamed while it is read there")
def test_a_root_that_is_not_there_is_looked_at_when_it_is_back(library: Library, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    (root / "white.png").write_bytes(sign("white"))
    drain(index_library(library, [root], Tiny()))
    library.store.models.set_setting(KINDS_SETTING, {})
    root.rename(tmp_path / "away")
    assert drain(index_library(library, [], Tiny())).embedded == 0
    (tmp_path / "away").rename(root)
    assert drain(index_library(library, [], Tiny())).embedded == 1
