"""Contrast is computed here by WCAG 2.1's definition, apart from the code under test."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from indexer.paths import find_assets_folder
from retrieval_app.widgets.theme import (
    DARK_TOKENS,
    LIGHT_TOKENS,
    THEME_CHOICES,
    ColourTokens,
    Theme,
    make_style_sheet,
    render_icon,
)

THEMES = pytest.mark.parametrize("tokens", [LIGHT_TOKENS, DARK_TOKENS], ids=["light", "dark"])


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@THEMES
def test_text_stands_out_at_least_4_5_to_1(tokens: ColourTokens) -> None:
    for ground in (tokens.ground, tokens.surface, tokens.hover):
        assert contrast(tokens.text, ground) >= 4.5
        assert contrast(tokens.muted, ground) >= 4.5
    for ground in (tokens.ground, tokens.surface):
        assert contrast(tokens.accent, ground) >= 4.5
    assert contrast(tokens.text, tokens.tint) >= 4.5
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5
    assert contrast(tokens.on_warning, tokens.warning) >= 4.5


@THEMES
def test_style_sheet_has_no_token_left_unfilled(tokens: ColourTokens) -> None:
    assert "$" not in make_style_sheet(tokens)


@THEMES
@pytest.mark.parametrize("name", sorted(path.stem for path in (find_assets_folder() / "icons").glob("*.svg")))
def test_every_icon_is_drawn_in_the_colour_of_the_text(name: str, tokens: ColourTokens, qapp: QApplication) -> None:
    image = render_icon(name, tokens).pixmap(QSize(20, 20)).toImage()
    points = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    solid = [colour for colour in points if colour.alpha() > 200]
    assert solid
    wanted = QColor(tokens.text)
    assert all(abs(colour.red() - wanted.red()) < 20 for colour in solid)


@pytest.mark.parametrize("choice", THEME_CHOICES)
def test_a_chosen_theme_colours_the_application(choice: str, qapp: QApplication) -> None:
    theme = Theme(qapp, choice)
    wanted = DARK_TOKENS if choice == "dark" else LIGHT_TOKENS  # the offscreen platform has no scheme of its own: light
    assert theme.tokens == wanted
    assert qapp.palette().window().color() == QColor(wanted.surface)


def test_an_unknown_remembered_theme_is_the_systems(qapp: QApplication) -> None:
    assert Theme(qapp, "sepia").choice == "system"
