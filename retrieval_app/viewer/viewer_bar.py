"""The line above the picture that is seen large: the way back, what is seen, and switches with their keys."""

from typing import NamedTuple

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from indexer.wording import tr
from retrieval_app.widgets.controls import ElidedLabel, make_label
from retrieval_app.widgets.theme import ICON_SIDE, Theme, make_tabular_font

BAR_HEIGHT = 44  # px


class _BarButton(NamedTuple):
    """A button of the bar: its icon, what it is called with its key, and whether it is a switch."""

    icon: str
    text: str
    is_switch: bool = True


BUTTONS = {
    "back": _BarButton("back", tr("Back (Esc)"), is_switch=False),
    "beside": _BarButton("beside", tr("The query beside it (T)")),
    "heat": _BarButton("matches", tr("Where the two match (W)")),
    "points": _BarButton("points", tr("Which point is which (P)")),
    "crop": _BarButton("crop", tr("Find similar to a part (C)"), is_switch=False),
    "facts": _BarButton("facts", tr("Facts (I)")),
    "slides": _BarButton("slide-show", tr("Slide show (S)")),
    "screen": _BarButton("full-screen", tr("Full screen (F)")),
}


class ViewerBar(QWidget):
    """The buttons by their names in BUTTONS, and what stands between them."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.name_label = ElidedLabel("name")
        self.place_label = make_label("", "muted")
        self.selected_label = make_label("selected", "selected")
        self.zoom_label = make_label("", "muted")
        self.buttons = {name: _make_tool_button(button) for name, button in BUTTONS.items()}
        self.setProperty("role", "viewer-bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(BAR_HEIGHT)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(4)
        row.addWidget(self.buttons["back"])
        row.addWidget(self.name_label, 1)
        for label in (self.selected_label, self.place_label, self.zoom_label):
            label.setFont(make_tabular_font(QFont(label.font())))
            label.setContentsMargins(8, 0, 8, 0)
            row.addWidget(label)
        for name, button in self.buttons.items():
            if name != "back":
                row.addWidget(button)
        self.selected_label.hide()
        theme.changed.connect(self._draw_icons)
        self._draw_icons()

    def show_switch(self, name: str, is_on: bool) -> None:
        """Show a switch as on or off."""
        self.buttons[name].setChecked(is_on)

    def show_scale(self, scale: float) -> None:
        """Show how large the picture is seen: 1 is pixel for pixel, 0 that there is none."""
        self.zoom_label.setText(f"{scale * 100:.0f} %" if scale else "")

    def _draw_icons(self) -> None:
        for name, button in self.buttons.items():
            button.setIcon(self._theme.get_icon(BUTTONS[name].icon))


def _make_tool_button(button: _BarButton) -> QToolButton:
    tool_button = QToolButton()
    tool_button.setIconSize(QSize(ICON_SIDE, ICON_SIDE))
    tool_button.setCheckable(button.is_switch)
    tool_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    tool_button.setToolTip(button.text)
    tool_button.setAccessibleName(button.text)
    return tool_button
