"""Text of a contact sheet is drawn in a font that has its script, where the system has one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image, ImageChops

from indexer.reports import sheet_fonts
from indexer.reports.contact_sheet import CAPTION_HEIGHT, CELL_GAP, CELL_SIDE, FOOTER_HEIGHT, SheetCell, write_cells
from indexer.reports.sheet_fonts import NO_CHARACTER, choose_font, find_undrawn, list_font_files
from tests.support.trees import paint


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """The fonts that were found are those of this test alone."""
    _forget_fonts()
    yield
    _forget_fonts()


def _forget_fonts() -> None:
    sheet_fonts.list_font_files.cache_clear()
    sheet_fonts._find_font_file.cache_clear()


@pytest.mark.parametrize("text", ["Katze", "Привет", "Γάτα", "café"])
def test_every_character_is_drawn_as_itself(text: str) -> None:
    font = choose_font(text, 20)
    unknown = bytes(font.getmask(NO_CHARACTER))
    drawn = [bytes(font.getmask(character)) for character in set(text)]
    assert unknown not in drawn
    assert len(set(drawn)) == len(drawn)


def test_a_system_without_fonts_and_a_damaged_font_leave_the_plain_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken sans.ttf").write_bytes(b"no font")
    monkeypatch.setattr(sheet_fonts, "_list_font_folders", lambda: [tmp_path, tmp_path / "none"])
    assert list_font_files() == [tmp_path / "broken sans.ttf"]
    assert choose_font("Привет", 12).getmask("П").size


CATS = "猫犬"


@pytest.fixture
def plain_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder where the system has fonts: there is none in it yet."""
    monkeypatch.setattr(sheet_fonts, "_list_font_folders", lambda: [tmp_path / "system"])
    return tmp_path / "system"


def _plant_font(folder: Path, characters: str) -> Path:
    """A font file with a rectangle of its own width for each of the characters."""
    names = [".notdef", *(f"box{number}" for number in range(len(characters)))]
    builder, glyphs = FontBuilder(1000), {}
    for width, name in enumerate(names, 4):
        pen = TTGlyphPen(None)
        pen.moveTo((100, 0))
        for corner in ((100, 700), (100 * width, 700), (100 * width, 0)):
            pen.lineTo(corner)
        pen.closePath()
        glyphs[name] = pen.glyph()
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(character): name for character, name in zip(characters, names[1:], strict=True)})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Planted", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    path = folder / "planted" / "planted.ttf"
    path.parent.mkdir(parents=True)
    builder.save(path)
    return path


def test_a_script_that_one_font_of_the_system_has_is_drawn_in_it(plain_system: Path) -> None:
    assert find_undrawn(f"7 {CATS}") == set(CATS)
    _forget_fonts()
    planted = _plant_font(plain_system, CATS)
    assert Path(str(getattr(choose_font(CATS, 20), "path", ""))) == planted
    assert find_undrawn(CATS) == set()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="fonts lie elsewhere there")
def test_fonts_of_the_user_and_of_the_systems_data_folders_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = {_plant_font(tmp_path / name / "fonts", CATS) for name in ("mine", "one", "two")}
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "mine"))
    monkeypatch.setenv("XDG_DATA_DIRS", f"{tmp_path / 'one'}:{tmp_path / 'two'}")
    assert planted <= set(list_font_files())


@pytest.mark.usefixtures("plain_system")
def test_a_sheet_says_in_a_sentence_that_characters_are_boxes(tmp_path: Path) -> None:
    photo = bytes(paint(tmp_path / "1.png", 1))
    row = CELL_SIDE + CAPTION_HEIGHT + 2 * CELL_GAP
    for label, height in (("cat", row), (CATS, row + FOOTER_HEIGHT)):
        write_cells(tmp_path / "sheet.png", [SheetCell(photo, "1", label)])
        with Image.open(tmp_path / "sheet.png") as sheet:
            assert sheet.height == height
            foot = sheet.crop((0, row - CELL_GAP // 2, sheet.width, height))
            assert (len(foot.getcolors() or [0] * 9) > 1) == (label == CATS)


def test_labels_of_other_scripts_differ_on_the_sheet(tmp_path: Path) -> None:
    photo = bytes(paint(tmp_path / "1.png", 1))
    for name in ("кот", "пёс"):
        write_cells(tmp_path / f"{name}.png", [SheetCell(photo, "1", name)])
    with Image.open(tmp_path / "кот.png") as one, Image.open(tmp_path / "пёс.png") as other:
        assert ImageChops.difference(one, other).getbbox() is not None
