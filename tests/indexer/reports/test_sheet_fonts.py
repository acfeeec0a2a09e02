"""Text of a contact sheet is drawn in a font that has its script, where the system has one."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from indexer.reports import sheet_fonts
from indexer.reports.contact_sheet import SheetCell, write_cells
from indexer.reports.sheet_fonts import NO_CHARACTER, choose_font, list_font_files
from tests.support.trees import paint


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
    sheet_fonts.list_font_files.cache_clear()
    sheet_fonts._find_font_file.cache_clear()
    try:
        assert list_font_files() == [tmp_path / "broken sans.ttf"]
        assert choose_font("Привет", 12).getmask("П").size
    finally:
        sheet_fonts.list_font_files.cache_clear()
        sheet_fonts._find_font_file.cache_clear()


def test_labels_of_other_scripts_differ_on_the_sheet(tmp_path: Path) -> None:
    photo = bytes(paint(tmp_path / "1.png", 1))
    for name in ("кот", "пёс"):
        write_cells(tmp_path / f"{name}.png", [SheetCell(photo, "1", name)])
    with Image.open(tmp_path / "кот.png") as one, Image.open(tmp_path / "пёс.png") as other:
        assert ImageChops.difference(one, other).getbbox() is not None
