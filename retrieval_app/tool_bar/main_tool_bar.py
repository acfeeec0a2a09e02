"""The bar at the head of the window, which folds where it has too little room."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QSlider, QTabBar, QToolBar, QToolButton, QWidget

from indexer.wording import tr
from retrieval_app.widgets.menus import WindowMenus
from retrieval_app.widgets.theme import ICON_SIDE

STEP_ACTIONS = ("Back", "Forward", "Whole library", "Index folder…", "Open a picture…")
FOLDING_ACTIONS = ("Open a picture…", "Index folder…", "Smaller pictures", "Larger pictures")
"""What goes where there is no room, the first of them first: the menus have it too."""
NAME_WIDTH = 140  # px of the library's name: a longer one is shortened in its middle
SLIDER_WIDTH = 72  # px


class MainToolBar(QToolBar):
    """The open library, the pages, steps in the history, the size of the pictures, and the switch of the details."""

    def __init__(self, menus: WindowMenus, tab_bar: QTabBar, fill_libraries: Callable[[QMenu], None]) -> None:
        super().__init__(tr("Tools"))
        self.library_button = QToolButton()
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self._folding_actions = [menus.find_action(text) for text in FOLDING_ACTIONS]
        self._folded: list[tuple[QAction, QAction, int]] = []  # action, the one behind it, and the width with it
        self.setMovable(False)
        self.setIconSize(QSize(ICON_SIDE, ICON_SIDE))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._offer_libraries(fill_libraries)
        self._describe_slider()
        self.addWidget(self.library_button)
        self.addWidget(tab_bar)
        for text in STEP_ACTIONS:
            self.addAction(menus.find_action(text))
        self.addWidget(_make_space())
        self.addAction(menus.find_action("Smaller pictures"))
        self.addWidget(self.size_slider)
        self.addAction(menus.find_action("Larger pictures"))
        self.addAction(menus.find_action("Details"))

    def show_library_name(self, name: str) -> None:
        """Name the open library, shortened where it is long."""
        short_name = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, NAME_WIDTH)
        self.library_button.setText(f"{short_name.replace('&', '&&')} ▾")
        self.library_button.setAccessibleName(tr("Library {name}", name=name))
        self.library_button.setToolTip(tr("The open library: {name}. Choose another one", name=name))

    def _offer_libraries(self, fill_libraries: Callable[[QMenu], None]) -> None:
        menu = QMenu(self)
        menu.aboutToShow.connect(lambda: fill_libraries(menu))
        self.library_button.setMenu(menu)
        self.library_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.library_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def _describe_slider(self) -> None:
        self.size_slider.setFixedWidth(SLIDER_WIDTH)
        self.size_slider.setToolTip(tr("Size of the pictures (Ctrl++, Ctrl+-)"))
        self.size_slider.setAccessibleName(tr("Size of the pictures"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold what has no room in the new width."""
        super().resizeEvent(event)
        self._fold()

    def event(self, event: QEvent) -> bool:
        """Fold anew where a part wants another width: the name of another library, another font."""
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._fold()
        return done

    def _fold(self) -> None:
        """Take away what has no room, and bring back what has room again."""
        while self._folded and self._folded[-1][2] <= self.width():
            action, next_action, _ = self._folded.pop()
            self.insertAction(next_action, action)
        while len(self._folded) < len(self._folding_actions) and self.sizeHint().width() > self.width():
            action = self._folding_actions[len(self._folded)]
            shown = self.actions()
            self._folded.append((action, shown[shown.index(action) + 1], self.sizeHint().width()))
            self.removeAction(action)


def _make_space() -> QWidget:
    space = QWidget()
    space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return space
