"""The map page: all photos in a plane, those that look alike together."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from indexer.search.query import Query
from indexer.wording import tr
from retrieval_app.map.map_state import COLOURINGS, MAP_METHODS, PhotoMap, StoredMaps
from retrieval_app.map.map_view import LASSO_TOOL, MOVE_TOOL, RECTANGLE_TOOL, MapView
from retrieval_app.session.session import Session
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.widgets.invitation import InvitationView
from retrieval_app.widgets.theme import Theme
from retrieval_app.wording import format_count
from retrieval_app.workers.job_wording import describe_job, describe_stage

WAITS_FOR_INDEXING = tr("The map is laid out as soon as photos are indexed.")
CONTROLS_HELP = tr(
    "Wheel or + and - zoom, drag to move, Home shows everything, a click finds similar; "
    "Shift+drag selects, Ctrl adds, Esc selects nothing."
)
TOOLS = {MOVE_TOOL: tr("Move"), RECTANGLE_TOOL: tr("Rectangle"), LASSO_TOOL: tr("Lasso")}


class MapPage(QStackedWidget):
    """An invitation while the library has no photos, else the map."""

    folder_wanted = Signal()

    def __init__(self, session: Session, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.photo_map = PhotoMap(session, self)
        self.invitation = InvitationView(
            tr("All photos will lie here in a plane, those that look alike together"),
            tr("Index a photo folder first."),
            tr("Choose a photo folder"),
        )
        self.method_box, self.colour_box, self.tool_box = QComboBox(), QComboBox(), QComboBox()
        self.picture_box = QCheckBox(tr("Pictures"))
        self.status_label = ElidedLabel("muted", Qt.TextElideMode.ElideRight)
        self.retry_button = make_button(tr("Try again"), "link")
        self.fit_button, self.copy_button = (
            make_button(tr("Show everything")),
            make_button(tr("Copy as picture"), "link"),
        )
        self.map_view = MapView(tiles, theme)
        explain_figure(self.map_view, "map")
        explain_figure(self.colour_box, "groups")
        self._shown_map: tuple[StoredMaps | None, str] | None = None
        self._arrange_widgets()
        self._connect_signals()
        self._update_page()

    def _arrange_widgets(self) -> None:
        for key, name in MAP_METHODS.items():
            self.method_box.addItem(name, key)
        self.method_box.setAccessibleName(tr("How the photos are laid out"))
        self.method_box.setToolTip(
            tr("t-SNE keeps neighbours together; principal components keep what is far apart far apart")
        )
        self.fit_button.setToolTip(tr("Show the whole map (Home)"))
        head = QHBoxLayout()
        head.setContentsMargins(16, 10, 16, 10)
        head.setSpacing(12)
        self._fill_boxes()
        for widget in (self.method_box, self.colour_box, self.tool_box, self.picture_box, self.fit_button):
            head.addWidget(widget)
        for widget in (self.retry_button, self.copy_button):
            head.addWidget(widget)
        head.insertStretch(head.count() - 2)
        state_line = QHBoxLayout()
        state_line.setContentsMargins(16, 0, 16, 8)
        state_line.addWidget(self.status_label, 1)
        foot = make_label(CONTROLS_HELP, "caption")
        foot.setContentsMargins(16, 6, 16, 6)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addLayout(state_line)
        column.addWidget(self.map_view, 1)
        column.addWidget(foot)
        self.addWidget(self.invitation)
        self.addWidget(body)

    def _fill_boxes(self) -> None:
        for key, colouring in COLOURINGS.items():
            self.colour_box.addItem(colouring.text, key)
        self.colour_box.setAccessibleName(tr("What the photos are coloured by"))
        self.colour_box.setToolTip(tr("Groups are made of what looks alike, without any label"))
        for tool, text in TOOLS.items():
            self.tool_box.addItem(text, tool)
        self.tool_box.setAccessibleName(tr("What a drag does"))
        self.tool_box.setToolTip(tr("Drag to move the map, or to select what lies in a rectangle or a lasso"))
        self.picture_box.setChecked(True)
        self.picture_box.setToolTip(tr("Show pictures where they have room; the larger the map, the more of them"))

    def _connect_signals(self) -> None:
        self.colour_box.currentIndexChanged.connect(
            lambda: self.photo_map.choose_colouring(str(self.colour_box.currentData()))
        )
        self.tool_box.currentIndexChanged.connect(self._choose_tool)
        self.picture_box.toggled.connect(self.map_view.show_pictures)
        self.map_view.selection.changed.connect(lambda: self.status_label.setText(self._describe_state()))
        self.invitation.accepted.connect(self.folder_wanted)
        self.method_box.currentIndexChanged.connect(
            lambda: self.photo_map.choose_method(str(self.method_box.currentData()))
        )
        self.fit_button.clicked.connect(self.map_view.show_whole_map)
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setPixmap(self.map_view.grab()))
        self.retry_button.clicked.connect(self.photo_map.retry_maps)
        self.map_view.chosen.connect(lambda photo: self._session.search.run_query(Query(positives=(photo,))))
        self.photo_map.changed.connect(self._update_page)
        for signal in (self._session.library.changed, self._session.job.changed):
            signal.connect(self._update_page)

    def take_focus(self) -> None:
        """Give the keyboard focus to the map, or to the invitation in its place."""
        (self.invitation.offer if self.currentWidget() is self.invitation else self.map_view).setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Read the maps, and compute missing ones, while the page is seen."""
        super().showEvent(event)
        self.photo_map.set_visible(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Read and compute nothing while the page is hidden."""
        super().hideEvent(event)
        self.photo_map.set_visible(False)

    def _choose_tool(self) -> None:
        self.map_view.tool = str(self.tool_box.currentData())
        self.map_view.setFocus()

    def list_chosen_ids(self) -> list[int]:
        """The photos that actions take: those selected on the map, or the one at the pointer."""
        return self.map_view.list_chosen_ids() if self.isVisible() else []

    def _update_page(self) -> None:
        self.setCurrentIndex(int(not self._session.library.is_known_empty))
        indexing = describe_stage(self._session.job.state_here)
        self.invitation.show_work(indexing, WAITS_FOR_INDEXING if indexing else "")
        self.retry_button.setVisible(bool(self.photo_map.map_job.failure_sentence))
        self.status_label.setText(self._describe_state())
        stored_maps, method = self.photo_map.stored_maps, self.photo_map.method
        if self._shown_map is None or stored_maps is not self._shown_map[0] or method != self._shown_map[1]:
            self._shown_map = (stored_maps, method)
            self.map_view.show_scene(self.photo_map.current_scene())

    def _describe_state(self) -> str:
        """How many photos the map shows, which one it is in place of the chosen one, and the work under way."""
        scene, state = self.photo_map.current_scene(), self.photo_map.map_job.state
        if self.photo_map.map_job.failure_sentence:
            return self.photo_map.map_job.failure_sentence
        if scene is None:
            return describe_job(state) if state is not None else tr("Reading the map…")
        parts = [format_count(len(scene.ids), "photo")]
        parts += [tr("{count:,} selected", count=count)] if (count := self.map_view.selection.count) else []
        if scene.method != self.photo_map.method:
            parts.append(tr("{map_methods} until the other map is there", map_methods=MAP_METHODS[scene.method]))
        stored_maps = self.photo_map.stored_maps
        parts += [stored_maps.agreement] if stored_maps is not None and stored_maps.agreement else []
        for job in (self.photo_map.map_job, self.photo_map.cluster_job):
            parts += [describe_job(job.state)] if job.state is not None else []
        parts += [indexing] if (indexing := describe_stage(self._session.job.state_here)) else []
        return "  ·  ".join(parts)
