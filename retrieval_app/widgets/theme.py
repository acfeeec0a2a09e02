"""Colours, fonts and icons: one set of colour tokens for light and one for dark, as a palette and a style sheet.

The pictures carry the colour; the tool is neutral grey with one accent. The scale is 4, 8, 12, 16, 24, 32 px.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from string import Template

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QImage, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from indexer.paths import find_assets_folder
from indexer.wording import tr

BODY_SIZE, CAPTION_SIZE, TITLE_SIZE = 13, 11, 16  # text sizes in px
ICON_SIDE = 20


@dataclass(frozen=True, slots=True)
class ColourTokens:
    """The colours of one theme, each as #rrggbb.

    `ground` lies around pictures, `surface` under bars and panels, `line` between them.
    """

    ground: str
    surface: str
    line: str
    hover: str
    text: str
    muted: str
    accent: str
    on_accent: str
    tint: str  # the accent as a background, under ordinary text
    warning: str
    on_warning: str
    same: str  # the bands of distances: blue-green, amber and grey, told apart without seeing red or green
    likely: str
    unlike: str


LIGHT_TOKENS = ColourTokens(
    ground="#f5f5f4",
    surface="#ffffff",
    line="#deded9",
    hover="#e9e9e6",
    text="#1f1f1e",
    muted="#62625e",
    accent="#2563a8",
    on_accent="#ffffff",
    tint="#dfe9f4",
    warning="#fbf0d5",
    on_warning="#5c4100",
    same="#0f766e",
    likely="#b0620c",
    unlike="#6f6f6a",
)
DARK_TOKENS = ColourTokens(
    ground="#1c1c1e",
    surface="#242427",
    line="#3a3a3f",
    hover="#303035",
    text="#ececee",
    muted="#a2a2a8",
    accent="#77aeea",
    on_accent="#10161d",
    tint="#27384c",
    warning="#3b3120",
    on_warning="#f2dcab",
    same="#4cc2b4",
    likely="#e2a64a",
    unlike="#96969d",
)
THEME_CHOICES = {"system": tr("Same as the system"), "light": tr("Light"), "dark": tr("Dark")}
_COLOUR_SCHEMES = {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}


class Theme(QObject):
    """The theme of the application, one of THEME_CHOICES; follows the system where that is the choice."""

    changed = Signal()

    def __init__(self, app: QApplication, choice: str) -> None:
        super().__init__()
        self._app = app
        self.choice = choice if choice in THEME_CHOICES else "system"
        self.tokens = LIGHT_TOKENS
        self._icons: dict[tuple[str, ColourTokens], QIcon] = {}
        app.setStyle("Fusion")
        font = app.font()
        font.setPixelSize(BODY_SIZE)
        app.setFont(font)
        app.styleHints().colorSchemeChanged.connect(self._apply_theme)
        app.screenAdded.connect(self._redraw_icons)
        app.setStyleSheet("")
        self._show_choice()

    def choose_theme(self, choice: str) -> None:
        """Show the application in one of THEME_CHOICES, from the next turn of the event loop on."""
        self.choice = choice
        self._undress(self._show_choice)

    def _undress(self, show: Callable[[], None]) -> None:
        """Take the style sheet away, and show another theme in the next turn of the event loop.

        With a style sheet set, Qt takes three times as long to set the next. Taking it away and setting one are long
        enough each that events are answered in between; nothing is painted until both are done.
        """
        if not self._app.styleSheet():
            show()
            return
        self._set_painting(False)
        self._app.setStyleSheet("")
        QTimer.singleShot(0, self, show)

    def _set_painting(self, is_on: bool) -> None:
        for widget in self._app.topLevelWidgets():
            widget.setUpdatesEnabled(is_on)

    def _show_choice(self) -> None:
        self._app.styleHints().setColorScheme(_COLOUR_SCHEMES[self.choice])  # so that the system's own dialogs agree
        self._apply_theme()

    def _apply_theme(self) -> None:
        dark = self.choice == "dark"
        if self.choice == "system":
            dark = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        self.tokens = DARK_TOKENS if dark else LIGHT_TOKENS
        sheet = make_style_sheet(self.tokens)
        if sheet == self._app.styleSheet():
            return
        if self._app.styleSheet():  # the system has another scheme now
            self._undress(self._apply_theme)
            return
        self._app.setPalette(make_palette(self.tokens))
        self._app.setStyleSheet(sheet)
        self._set_painting(True)
        QTimer.singleShot(0, self, self.changed.emit)

    @contextmanager
    def hold_style_sheet(self) -> Iterator[None]:
        """Style what is built meanwhile once, at the end, instead of with each move into a layout."""
        sheet = self._app.styleSheet()
        self._app.setStyleSheet("")
        try:
            yield
        finally:
            self._app.setStyleSheet(sheet)

    def _redraw_icons(self) -> None:
        """A new screen may be denser than those for which the icons were drawn."""
        self._icons.clear()
        self.changed.emit()

    def get_icon(self, name: str) -> QIcon:
        """An icon of assets/icons, by its name without .svg, in the colours of this theme."""
        if (name, self.tokens) not in self._icons:
            density = math.ceil(self._app.devicePixelRatio())
            self._icons[name, self.tokens] = render_icon(name, self.tokens, density)
        return self._icons[name, self.tokens]


def make_palette(tokens: ColourTokens) -> QPalette:
    """The palette of a theme, with which Qt draws its own widgets."""
    roles = {
        QPalette.ColorRole.Window: tokens.surface,
        QPalette.ColorRole.WindowText: tokens.text,
        QPalette.ColorRole.Base: tokens.ground,
        QPalette.ColorRole.AlternateBase: tokens.surface,
        QPalette.ColorRole.Text: tokens.text,
        QPalette.ColorRole.Button: tokens.surface,
        QPalette.ColorRole.ButtonText: tokens.text,
        QPalette.ColorRole.ToolTipBase: tokens.surface,
        QPalette.ColorRole.ToolTipText: tokens.text,
        QPalette.ColorRole.PlaceholderText: tokens.muted,
        QPalette.ColorRole.Highlight: tokens.accent,
        QPalette.ColorRole.HighlightedText: tokens.on_accent,
        QPalette.ColorRole.Link: tokens.accent,
        QPalette.ColorRole.Accent: tokens.accent,
        QPalette.ColorRole.Mid: tokens.line,
    }
    palette = QPalette(QColor(tokens.surface))
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, mix_disabled_colour(tokens))
    return palette


def mix_disabled_colour(tokens: ColourTokens) -> QColor:
    """The colour of disabled text: half-way between the muted text and the surface."""
    muted, surface = QColor(tokens.muted), QColor(tokens.surface)
    return QColor(
        (muted.red() + surface.red()) // 2,
        (muted.green() + surface.green()) // 2,
        (muted.blue() + surface.blue()) // 2,
    )


def make_style_sheet(tokens: ColourTokens) -> str:
    """The style sheet of the application in the colours of a theme."""
    signs = find_assets_folder() / "ticks"
    theme_name = "dark" if tokens == DARK_TOKENS else "light"
    return Template(
        _STYLE_TEMPLATE
    ).substitute(
        asdict(tokens),
        faded=mix_disabled_colour(tokens).name(),
        tick=(signs / f"{theme_name}.svg").as_posix(),
        down=(signs / f"down-{theme_name}.svg").as_posix(),
        up=(signs / f"up-{theme_name}.svg").as_posix(),
        more=(signs / f"more-{theme_name}.svg").as_posix(),
        bar=f"#f2{tokens.ground[1:]}",  # over a picture that fills the screen
        veil=f"#99{tokens.ground[1:]}",  # the ground, through which the page is seen
    )


def make_tabular_font(font: QFont) -> QFont:
    """The font with digits of one width, so that distances line up."""
    tabular_font = QFont(font)
    tabular_font.setFeature(QFont.Tag("tnum"), 1)
    return tabular_font


def resize_font(font: QFont, pixels: int, *, bold: bool = False) -> QFont:
    """The font at a size in px."""
    resized_font = QFont(font)
    resized_font.setPixelSize(pixels)
    resized_font.setBold(bold)
    return resized_font


def render_icon(name: str, tokens: ColourTokens, density: int = 1) -> QIcon:
    """An icon of assets/icons in the text colour of a theme, at one to `density` times ICON_SIDE px."""
    drawing = QSvgRenderer(str(find_assets_folder() / "icons" / f"{name}.svg"))
    icon = QIcon()
    for scale in range(1, density + 1):
        shape = QImage(QSize(ICON_SIDE, ICON_SIDE) * scale, QImage.Format.Format_ARGB32_Premultiplied)
        shape.fill(Qt.GlobalColor.transparent)
        with QPainter(shape) as painter:
            drawing.render(painter)
        for mode, colour in (
            (QIcon.Mode.Normal, QColor(tokens.text)),
            (QIcon.Mode.Disabled, mix_disabled_colour(tokens)),
        ):
            icon.addPixmap(QPixmap.fromImage(_colour_shape(shape, colour, scale)), mode)
    return icon


def _colour_shape(shape: QImage, colour: QColor, scale: int) -> QImage:
    image = shape.copy()
    with QPainter(image) as painter:
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        painter.fillRect(image.rect(), colour)
    image.setDevicePixelRatio(scale)
    return image


_STYLE_TEMPLATE = """
QToolTip { background: $surface; color: $text; border: 1px solid $line; padding: 4px 8px; }
QMenuBar { background: $surface; padding: 2px 4px; border-bottom: 1px solid $line; }
QMenuBar::item { padding: 4px 8px; border-radius: 6px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $surface; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 12px; border-radius: 4px; }
QMenu::item:selected { background: $tint; color: $text; }
QMenu::item:disabled { color: $faded; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QMenu::icon { padding-left: 8px; }
QMenu::indicator { left: 6px; }
QToolBar { background: $surface; border: none; border-bottom: 1px solid $line; padding: 5px; spacing: 4px; }
QToolButton { border: 1px solid transparent; border-radius: 6px; padding: 5px; background: transparent; }
QToolButton:hover { background: $hover; }
QToolButton:checked { background: $tint; }
QToolButton:focus { border: 1px dashed $accent; }
QToolButton::menu-indicator { image: none; }
QTabBar { background: transparent; }
QTabBar::tab { border: 1px solid transparent; border-radius: 6px; padding: 5px; margin: 0 1px; color: $text; }
QTabBar::tab:hover { background: $hover; }
QTabBar::tab:selected { background: $tint; }
QTabBar::tab:focus { border: 1px dashed $accent; }
QPushButton { border: 1px solid $line; border-radius: 6px; padding: 5px 12px; background: $surface; color: $text; }
QPushButton:hover { background: $hover; }
QPushButton:focus { border: 1px dashed $accent; }
QPushButton:disabled { color: $faded; }
QPushButton[role="primary"] {
  background: $accent; color: $on_accent; border: 1px solid $accent; padding: 10px 24px; font-weight: 600;
}
QPushButton[role="primary"]:disabled { background: $line; border-color: $line; color: $muted; }
QPushButton[role="primary"]:focus { border: 1px dashed $on_accent; }
QPushButton[role="link"] { background: transparent; border: 1px solid transparent; color: $accent; padding: 4px 8px; }
QPushButton[role="link"]:hover { text-decoration: underline; }
QPushButton[role="link"]:focus { border: 1px dashed $accent; }
QPushButton[role="chip"] { background: $tint; border: 1px solid transparent; border-radius: 6px; padding: 2px 10px;
  font-size: 11px; }
QPushButton[role="chip"]:hover { border: 1px solid $accent; }
QPushButton[role="chip"]:focus { border: 1px dashed $accent; }
QLabel[role="title"] { font-size: 16px; font-weight: 600; }
QLabel[role="name"] { font-weight: 600; }
QLabel[role="selected"] { font-weight: 600; color: $accent; }
QLabel[role="section"] { color: $muted; font-size: 11px; font-weight: 600; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="caption"] { color: $muted; font-size: 11px; }
QLabel[role="overlay"] { background: $surface; color: $text; border: 1px solid $line; border-radius: 6px;
  padding: 8px 16px; }
QFrame[role="banner"] { background: $warning; border: none; border-bottom: 1px solid $line; }
QFrame[role="banner"] QLabel { color: $on_warning; }
QFrame[role="banner"] QPushButton { background: transparent; border: 1px solid $on_warning; color: $on_warning; }
QFrame[role="mode"] { background: $tint; border: none; border-radius: 6px; }
QFrame[role="line"] { background: $line; border: none; }
QFrame[role="drop"] { border: 1px dashed $muted; border-radius: 6px; background: transparent; }
QFrame[role="drop-frame"] { border: 3px dashed $accent; border-radius: 12px; background: $veil; }
QLabel[role="drop-sentence"] { background: $accent; color: $on_accent; border-radius: 6px; padding: 12px 24px;
  font-size: 16px; font-weight: 600; }
QWidget[role="status"] { background: $surface; border-top: 1px solid $line; }
QWidget[role="viewer-bar"] { background: $bar; }
QWidget[role="ground"], QTableView { background: $ground; }
QTableView { border: none; selection-background-color: transparent; }
QTableView[role="list"] { border: 1px solid $line; border-radius: 6px; selection-background-color: $tint;
  selection-color: $text; outline: 0; }
QTableView[role="list"]::item { padding: 0 5px; }
QTableView[role="list"]::item:selected { background: $tint; color: $text; }
QTableView[role="list"]:focus { border: 1px dashed $accent; }
QLineEdit { border: 1px solid $line; border-radius: 6px; padding: 4px 8px; background: $ground; }
QLineEdit:focus { border: 1px dashed $accent; }
QComboBox, QAbstractSpinBox { border: 1px solid $line; border-radius: 6px; padding: 4px 4px 4px 8px;
  background: $surface; color: $text; min-height: 18px; }
QComboBox:hover, QAbstractSpinBox:hover { background: $hover; }
QComboBox:focus, QAbstractSpinBox:focus { border: 1px dashed $accent; }
QComboBox:disabled, QAbstractSpinBox:disabled { color: $faded; }
QComboBox::drop-down { subcontrol-origin: padding; subcontrol-position: center right; width: 20px; border: none; }
QComboBox::down-arrow, QAbstractSpinBox::down-arrow { image: url("$down"); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $surface; color: $text; border: 1px solid $line; outline: 0;
  selection-background-color: $tint; selection-color: $text; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { subcontrol-origin: border; width: 20px; border: none; }
QAbstractSpinBox::up-button { subcontrol-position: top right; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; }
QAbstractSpinBox::up-arrow { image: url("$up"); width: 12px; height: 12px; }
QAbstractSpinBox QLineEdit { border: none; padding: 0 0 0 6px; background: transparent; }
QToolButton#qt_toolbar_ext_button { image: url("$more"); padding: 0; border: none; }
QMessageBox QPushButton, QDialogButtonBox QPushButton { min-width: 72px; }
QCheckBox { spacing: 8px; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid $muted; border-radius: 4px; background: $ground; }
QCheckBox::indicator:checked { border: 1px solid $accent; background: $accent; image: url("$tick"); }
QCheckBox::indicator:disabled { border: 1px solid $line; }
QCheckBox:focus { color: $accent; }
QRadioButton { spacing: 8px; }
QRadioButton::indicator { width: 14px; height: 14px; border: 1px solid $muted; border-radius: 8px;
  background: $ground; }
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 5px solid $accent; background: $on_accent; }
QRadioButton:focus { color: $accent; }
QHeaderView { background: $surface; border: none; }
QHeaderView::section { background: $surface; color: $muted; border: none; border-bottom: 1px solid $line;
  padding: 4px 8px; font-size: 11px; font-weight: 600; }
QPlainTextEdit { border: 1px solid $line; border-radius: 6px; background: $ground; }
QSplitter::handle { background: $line; }
QProgressBar { border: none; border-radius: 2px; background: $line; }
QProgressBar::chunk { border-radius: 2px; background: $accent; }
QSlider::groove:horizontal { height: 2px; background: $line; border-radius: 1px; }
QSlider::sub-page:horizontal { background: $muted; border-radius: 1px; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -5px 0; border-radius: 6px; background: $muted; }
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus { background: $accent; }
QScrollArea { border: 1px solid transparent; background: transparent; }
QScrollArea:focus { border: 1px dashed $accent; }
QScrollBar:vertical { width: 12px; background: transparent; margin: 0; }
QScrollBar::handle:vertical { background: $line; border-radius: 4px; min-height: 32px; margin: 2px; }
QScrollBar::handle:vertical:hover { background: $muted; }
QScrollBar:horizontal { height: 12px; background: transparent; margin: 0; }
QScrollBar::handle:horizontal { background: $line; border-radius: 4px; min-width: 32px; margin: 2px; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
"""
