"""The photo that is seen large and what may stand beside it: the picture it is compared with, its facts."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from indexer.search.query import CroppedExample
from indexer.wording import tr
from retrieval_app.grid.photo_sequence import Partner
from retrieval_app.session.searching.marks import is_same_example
from retrieval_app.session.tiles import TileCache
from retrieval_app.viewer.comparison import HeatPair, PointPair
from retrieval_app.viewer.comparison_strip import ComparedPair, ComparisonStrip
from retrieval_app.viewer.facts_panel import FactsPanel
from retrieval_app.viewer.picture_pane import PicturePane
from retrieval_app.viewer.point_lines import PointLines
from retrieval_app.viewer.sharp_pictures import SharpPictures
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import ZoomState
from retrieval_app.workers.readers import LibraryReaders


class PictureStage(QWidget):
    """The photo, and if wanted its partner in step with it on the left, the verdict below, the facts on the right."""

    scale_changed = Signal(float)  # pixels of the screen for one of the photo's own

    def __init__(self, tiles: TileCache, theme: Theme, pictures: SharpPictures, questions: LibraryReaders) -> None:
        super().__init__()
        self._tiles = tiles
        self._pair: ComparedPair | None = None
        self.pane = PicturePane(theme, tr("Photo"), pictures)
        self.partner_pane = PicturePane(theme, tr("Query picture"), pictures)
        self.facts_panel = FactsPanel()
        self.strip = ComparisonStrip(theme, questions)
        self._arrange_widgets()
        for pane in (self.pane, self.partner_pane):
            pane.view.zoom_changed.connect(self._lock_views)
        self.pane.view.area_changed.connect(lambda: self.scale_changed.emit(self.pane.view.compute_scale()))
        self.strip.layer_changed.connect(self._show_layer)
        self.lines = PointLines(self.partner_pane.view, self.pane.view, self)

    def _arrange_widgets(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(12)
        row.setContentsMargins(0, 0, 0, 0)
        for pane in (self.partner_pane, self.pane):
            row.addWidget(pane, 1)
        row.addWidget(self.facts_panel)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addLayout(row, 1)
        self._column.addWidget(self.strip)
        for widget in (self.partner_pane, self.strip, self.facts_panel):
            widget.hide()

    # Comparing

    def is_comparing(self) -> bool:
        """Whether another picture stands beside the photo."""
        return not self.partner_pane.isHidden()

    def start_comparing(self) -> None:
        """Make room for another picture, and for what is said about the two."""
        self._set_comparing(True)

    def end_comparing(self) -> None:
        """Show the photo alone."""
        self._set_comparing(False)
        self._pair = None
        self.strip.show_pair(None)
        self.partner_pane.clear_picture()

    def _set_comparing(self, is_comparing: bool) -> None:
        for widget in (self.partner_pane, self.strip, self.pane.name_label, self.partner_pane.name_label):
            widget.setVisible(is_comparing)
        self._column.activate()  # so that pictures are read at the size of their places

    def show_pair(self, partner: Partner, photo_id: int) -> None:
        """Compare the photo with another picture; that is read once, however many photos are compared with it."""
        self.partner_pane.name_label.setText(partner.name)
        example = partner.example
        if self._pair is None or not is_same_example(self._pair.partner, example):
            thumbnail = None if isinstance(example, CroppedExample) else self._tiles.request_preview(example)
            self.partner_pane.view.show_zoom_state(self.pane.view.zoom_state)
            self.partner_pane.show_example(example, QSize(), thumbnail)
        elif self._pair.photo_id == photo_id:
            return
        self._pair = ComparedPair(example, photo_id)
        self.strip.show_pair(self._pair)

    def _show_layer(self, name: str, layer: HeatPair | PointPair | None) -> None:
        if name == "points":
            self.lines.show_points(layer if isinstance(layer, PointPair) else None)
            return
        heats = layer if isinstance(layer, HeatPair) else None
        self.partner_pane.view.show_heat(heats.first if heats else None)
        self.pane.view.show_heat(heats.second if heats else None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the lines lie over all of it."""
        super().resizeEvent(event)
        self.lines.setGeometry(self.rect())

    def _lock_views(self, state: ZoomState) -> None:
        for pane in (self.pane, self.partner_pane):
            if pane.view.zoom_state != state:
                pane.view.show_zoom_state(state)
