"""The map page: all photos in a plane, those that look alike together."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from indexer.search.query import Query
from retrieval_app import wording as words
from retrieval_app.map.map_state import METHODS, Kept, PhotoMap
from retrieval_app.map.map_view import MapView
from retrieval_app.session.session import Session
from retrieval_app.session.tiles import Tiles
from retrieval_app.widgets.controls import Elided, button, label
from retrieval_app.widgets.invitation import Invitation
from retrieval_app.widgets.theme import Theme
from retrieval_app.window.status_line import sentence

HOW = "Wheel or + and - zoom, drag to move, Home shows everything, a click finds similar."


class MapPage(QStackedWidget):
    """An invitation while there is nothing to lay out, else the map."""

    folder_wanted = Signal()

    def __init__(self, session: Session, tiles: Tiles, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.map = PhotoMap(session, self)
        self.first = Invitation(
            "All photos will lie here in a plane, those that look alike together",
            "Index a photo folder first.",
            "Choose a photo folder",
        )
        self.method = QComboBox()
        self.told = Elided("muted", Qt.TextElideMode.ElideRight)
        self.again = button("Try again", "link")
        self.whole, self.copy = button("Show everything"), button("Copy as picture", "link")
        self.view = MapView(tiles, theme)
        self._shown: tuple[Kept | None, str] | None = None
        self._arrange()
        self._connect()
        self._update()

    def _arrange(self) -> None:
        for key, name in METHODS.items():
            self.method.addItem(name, key)
        self.method.setAccessibleName("How the photos are laid out")
        self.method.setToolTip("t-SNE keeps neighbours together; principal components keep what is far apart far apart")
        self.whole.setToolTip("Show the whole map (Home)")
        head = QHBoxLayout()
        head.setContentsMargins(16, 10, 16, 10)
        head.setSpacing(12)
        for widget in (self.method, self.whole):
            head.addWidget(widget)
        head.addWidget(self.told, 1)
        for widget in (self.again, self.copy):
            head.addWidget(widget)
        foot = label(HOW, "caption")
        foot.setContentsMargins(16, 6, 16, 6)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.view, 1)
        column.addWidget(foot)
        self.addWidget(self.first)
        self.addWidget(body)

    def _connect(self) -> None:
        self.first.accepted.connect(self.folder_wanted)
        self.method.currentIndexChanged.connect(lambda: self.map.choose(str(self.method.currentData())))
        self.whole.clicked.connect(self.view.fit)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setPixmap(self.view.grab()))
        self.again.clicked.connect(self.map.again)
        self.view.chosen.connect(lambda photo: self._session.search(Query(positives=(photo,))))
        self.map.changed.connect(self._update)
        self._session.library_changed.connect(self._update)

    def take_focus(self) -> None:
        """Keys go to the map."""
        (self.first.offer if self.currentWidget() is self.first else self.view).setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """From now on the map keeps up with the library."""
        super().showEvent(event)
        self.map.look(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self.map.look(False)

    def _update(self) -> None:
        self.setCurrentIndex(int(not self._session.empty))
        self.again.setVisible(bool(self.map.inquiry.sentence))
        self.told.setText(self._say())
        shown = (self.map.kept, self.map.method)
        if self._shown is None or shown[0] is not self._shown[0] or shown[1] != self._shown[1]:
            self._shown = shown
            self.view.show_scene(self.map.scene())

    def _say(self) -> str:
        scene, state = self.map.scene(), self.map.inquiry.state
        if self.map.inquiry.sentence:
            return self.map.inquiry.sentence
        if scene is None:
            return sentence(state) if state is not None else "Reading the map…"
        parts = [words.count(len(scene.ids), "photo")]
        if scene.method != self.map.method:
            parts.append(f"{METHODS[scene.method]} until the other map is there")
        if state is not None:
            parts.append(sentence(state))
        return "  ·  ".join(parts)
