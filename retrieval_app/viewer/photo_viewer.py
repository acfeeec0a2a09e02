"""A photo large in the window, with the ones before and after it, and the query's picture beside it if wanted."""

from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from indexer.paths import show_file_name
from indexer.photos.thumbnails import THUMBNAIL_SIDE
from indexer.search.query import CropBox, CroppedExample
from indexer.search.results import Hit, Photo
from indexer.wording import tr
from retrieval_app.grid.photo_sequence import PhotoSequence
from retrieval_app.session.tiles import TileCache
from retrieval_app.viewer.crop_stage import CropStage
from retrieval_app.viewer.picture_stage import PictureStage
from retrieval_app.viewer.sharp_pictures import SharpPictures
from retrieval_app.viewer.slide_show import SlideShow
from retrieval_app.viewer.viewer_bar import BAR_HEIGHT, ViewerBar
from retrieval_app.viewer.viewer_keys import STEP_KEYS, is_viewer_key
from retrieval_app.widgets.tables import NamedFact
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import ZoomState
from retrieval_app.workers.readers import LibraryReaders

ListFacts = Callable[[Photo, Hit | None], Iterable[NamedFact]]
BAR_PAUSE_MS = 2_000  # without a move of the mouse, after which the bar leaves a full screen

LAYER_BUTTONS = {"heat": "heats", "points": "points"}  # what may lie over a pair, by the names of their switches


class PhotoViewer(QWidget):
    """Shows the current photo of a sequence; going on moves the sequence along."""

    closed = Signal()  # the user wants to go back, or no photo is left
    full_screen_wanted = Signal()
    menu_wanted = Signal(QPoint)  # where on the screen
    drag_wanted = Signal(list)  # photo ids
    search_wanted = Signal(object)  # QueryExample to find similar photos to
    notice_posted = Signal(str)
    photo_changed = Signal()

    def __init__(self, tiles: TileCache, theme: Theme, list_facts: ListFacts) -> None:
        super().__init__()
        self._tiles, self._list_facts = tiles, list_facts
        self._sequence: PhotoSequence | None = None
        self._place = 0
        self._photo_id: int | None = None
        self._is_bare = False
        self.pictures = SharpPictures(self)
        self.questions = LibraryReaders(1, parent=self)  # so that no picture waits for a heat map
        self.bar = ViewerBar(theme)
        self.stage = PictureStage(tiles, theme, self.pictures, self.questions)
        self.crop_stage = CropStage(theme, self.stage.pane.get_pixmap)
        self.slide_show = SlideShow(self)
        self._stages = QStackedWidget()
        self._bar_pause = QTimer(self, singleShot=True, interval=BAR_PAUSE_MS)
        self._arrange_widgets()
        self._connect_signals()

    def _arrange_widgets(self) -> None:
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._stages.addWidget(self.stage)
        self._stages.addWidget(self.crop_stage)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, BAR_HEIGHT, 0, 0)
        self._column.addWidget(self._stages)
        self.bar.setParent(self)  # above the picture, or over its upper edge in a full screen
        for name in LAYER_BUTTONS:
            self.bar.buttons[name].hide()

    def _connect_signals(self) -> None:
        acts: dict[str, Callable[[], None]] = {
            "back": self.closed.emit,
            "beside": self.toggle_partner,
            "heat": self.toggle_heats,
            "points": self.toggle_points,
            "crop": self.start_cropping,
            "facts": self.toggle_facts,
            "slides": self.toggle_slides,
            "screen": self.full_screen_wanted.emit,
        }
        for name, act in acts.items():
            self.bar.buttons[name].clicked.connect(partial(_call_plainly, act))
        for pane in (self.stage.pane, self.stage.partner_pane):
            pane.view.installEventFilter(self)
            pane.view.drag_wanted.connect(lambda: self.drag_wanted.emit(self.list_ids()))
        self.stage.pane.settled.connect(self._settle_photo)
        self.stage.scale_changed.connect(self.bar.show_scale)
        self.stage.strip.notice_posted.connect(self.notice_posted)
        self.slide_show.next_wanted.connect(self._show_next_slide)
        self.slide_show.changed.connect(partial(self.bar.show_switch, "slides"))
        self.crop_stage.accepted.connect(self._search_part)
        self.crop_stage.left.connect(self.end_cropping)
        self._bar_pause.timeout.connect(self._hide_bar)
        self._tiles.arrived.connect(self._refresh_photo)

    def close_threads(self) -> None:
        """End the threads; the window is closing."""
        self.pictures.readers.close()
        self.questions.close()

    # The photo

    def open_sequence(self, sequence: PhotoSequence, *, is_comparing: bool = False) -> None:
        """Show the current photo of a sequence, alone or beside what it is compared with."""
        self._sequence, self._photo_id = sequence, None
        self._column.activate()  # so that the first picture is read at the size of its place
        self.end_cropping()
        self.stage.pane.view.show_zoom_state(ZoomState())
        self._show_comparing(is_comparing and sequence.find_partner() is not None)
        self.follow_sequence()
        self.take_focus()

    def leave_sequence(self) -> None:
        """Show nothing more, and read nothing more."""
        self.slide_show.stop()
        self._sequence, self._photo_id = None, None
        self.pictures.readers.drop_questions()
        self.stage.end_comparing()
        self.stage.pane.clear_picture()

    def follow_sequence(self) -> None:
        """Show what has become the current photo; where it has gone, the one in its place; go back where none is."""
        sequence = self._sequence
        if sequence is None:
            return
        if sequence.find_place() is None and sequence.count_photos():
            sequence.go_to_place(min(self._place, sequence.count_photos() - 1))
        if (place := sequence.find_place()) is None:
            self.closed.emit()
            return
        self._place = place
        if sequence.find_id(place) != self._photo_id:
            self._show_photo(sequence.find_id(place))
        self._show_texts()
        self._show_pair()

    def list_ids(self) -> list[int]:
        """The id of the photo that is seen, as a list; empty where there is none."""
        return [] if self._photo_id is None else [self._photo_id]

    def take_focus(self) -> None:
        """Give the keyboard focus to the picture."""
        self.stage.pane.view.setFocus()

    def go_to(self, place: int) -> None:
        """Show the photo at a place of the sequence, or the nearest that there is."""
        sequence = self._sequence
        if sequence is None:
            return
        place = min(max(place, 0), sequence.count_photos() - 1)
        if place != self._place:
            sequence.go_to_place(place)
            self.follow_sequence()

    def _find_photo(self) -> Photo | None:
        return self._sequence.find_photo(self._place) if self._sequence else None

    def _show_photo(self, photo_id: int) -> None:
        """Show another photo, whole or, beside a partner, as far enlarged as the one before."""
        self._photo_id = photo_id
        self.slide_show.hold_photo()
        self.pictures.readers.drop_questions()
        if not self.stage.is_comparing():
            self.stage.pane.view.show_zoom_state(ZoomState())
        photo = self._find_photo()
        size = QSize(photo.width, photo.height) if photo else QSize()
        self.stage.pane.show_example(photo_id, size, self._find_thumbnail(photo))
        self.photo_changed.emit()

    def _find_thumbnail(self, photo: Photo | None) -> QPixmap | None:
        return self._tiles.request_thumbnail(photo, THUMBNAIL_SIDE) if photo else None

    def _refresh_photo(self) -> None:
        """Show what has been read of the photo since: its thumbnail, its name."""
        if self._sequence is None:
            return
        if not self.stage.pane.view.has_picture():
            self.stage.pane.show_thumbnail(self._find_thumbnail(self._find_photo()))
        self._show_texts()
        self._show_pair()

    def _show_texts(self) -> None:
        sequence, photo = self._sequence, self._find_photo()
        assert sequence is not None
        name = show_file_name(photo.path) if photo else ""
        self.bar.name_label.setText(name)
        self.bar.place_label.setText(
            tr("{place:,} of {photos:,}", place=self._place + 1, photos=sequence.count_photos())
        )
        self.bar.selected_label.setVisible(sequence.is_selected(self._place))
        self.stage.pane.name_label.setText(name)
        self.stage.pane.view.setAccessibleName(
            tr(
                "Photo {place:,} of {photos:,}, {name}",
                place=self._place + 1,
                photos=sequence.count_photos(),
                name=name,
            )
        )
        if photo is not None and not self.stage.facts_panel.isHidden():
            label = [NamedFact(tr("Label"), photo.label)] if photo.label else []
            facts = [NamedFact(tr("File"), name), *label, *self._list_facts(photo, sequence.find_hit(self._place))]
            self.stage.facts_panel.show_facts(facts)

    def _settle_photo(self) -> None:
        """Read the neighbours of the photo that is sharp now, and let its time in a slide show begin."""
        sequence = self._sequence
        if sequence is None:
            return
        self.slide_show.count_from_now()
        places = [place for place in (self._place - 1, self._place + 1) if 0 <= place < sequence.count_photos()]
        self.pictures.request_neighbours(map(sequence.find_id, places), self.stage.pane.place)

    # Comparing

    def toggle_partner(self) -> None:
        """Show the query's picture beside the photo, or the photo alone."""
        if self.stage.is_comparing():
            self._show_comparing(False)
        elif self._sequence is not None and self._sequence.find_partner() is not None:
            self._show_comparing(True)
            self._show_pair()
        else:
            self.bar.show_switch("beside", False)
            self.notice_posted.emit(tr("Choose a query first; then T shows it beside a photo."))

    def toggle_heats(self) -> None:
        """Show where the two pictures match, or no longer."""
        self._toggle_layer("heat")

    def toggle_points(self) -> None:
        """Show which point of one picture is which of the other, or no longer."""
        self._toggle_layer("points")

    def _toggle_layer(self, button: str) -> None:
        strip, layer = self.stage.strip, LAYER_BUTTONS[button]
        if self.stage.is_comparing():
            strip.show_layer(layer, layer not in strip.shown_layers)
        self.bar.show_switch(button, layer in strip.shown_layers)

    def _show_comparing(self, is_comparing: bool) -> None:
        (self.stage.start_comparing if is_comparing else self.stage.end_comparing)()
        for name in LAYER_BUTTONS:
            self.bar.buttons[name].setVisible(is_comparing)
        self.bar.show_switch("beside", is_comparing)

    def _show_pair(self) -> None:
        """Compare the photo with what it is compared with now, if that is wanted."""
        if not self.stage.is_comparing() or self._sequence is None or self._photo_id is None:
            return
        if (partner := self._sequence.find_partner()) is None:
            self._show_comparing(False)
        else:
            self.stage.show_pair(partner, self._photo_id)

    # What keys and buttons do

    def toggle_facts(self) -> None:
        """Show the facts of the photo, or no longer."""
        panel = self.stage.facts_panel
        panel.setVisible(panel.isHidden())
        self.bar.show_switch("facts", not panel.isHidden())
        if self._sequence is not None:
            self._show_texts()

    def toggle_slides(self) -> None:
        """Begin or end the slide show."""
        if self.slide_show.is_running:
            self.slide_show.stop()
        else:
            self.slide_show.start(is_ready=self.stage.pane.is_settled)

    def _show_next_slide(self) -> None:
        """Show the next photo, after the last one the first."""
        if self._sequence is not None:
            is_last = self._place + 1 >= self._sequence.count_photos()
            self.go_to(0 if is_last else self._place + 1)

    def start_cropping(self) -> None:
        """Let a part of the photo be chosen."""
        if self.stage.pane.get_pixmap() is not None:
            self.slide_show.stop()
            self._stages.setCurrentWidget(self.crop_stage)
            self.crop_stage.start_cropping(self.stage.pane.view.find_seen_area())

    def end_cropping(self) -> None:
        """Show the photo again."""
        if self._stages.currentWidget() is self.crop_stage:
            self._stages.setCurrentWidget(self.stage)
            self.take_focus()

    def _search_part(self, box: CropBox | None) -> None:
        for photo_id in self.list_ids():
            self.end_cropping()
            self.search_wanted.emit(photo_id if box is None else CroppedExample(photo_id, box))

    def _search_photo(self) -> None:
        for photo_id in self.list_ids():
            self.search_wanted.emit(photo_id)

    def _toggle_selected(self) -> None:
        if self._sequence is not None:
            self._sequence.toggle_place(self._place)
            self._show_texts()

    def _step_back(self) -> None:
        """Leave the choice of a part, else end the slide show, else go back."""
        if self._stages.currentWidget() is self.crop_stage:
            self.end_cropping()
        elif self.slide_show.is_running:
            self.slide_show.stop()
        else:
            self.closed.emit()

    def event(self, event: QEvent) -> bool:
        """Claim the viewer's keys from the window's shortcuts, of which some have the same."""
        is_override = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if is_override and is_viewer_key(event):  # type: ignore[arg-type]
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what the keys of VIEWER_KEYS say."""
        key = Qt.Key(event.key()) if is_viewer_key(event) else None
        acts: dict[Qt.Key, Callable[[], None]] = {
            Qt.Key.Key_Escape: self._step_back,
            Qt.Key.Key_Home: partial(self.go_to, 0),
            Qt.Key.Key_End: partial(self.go_to, 1 << 62),
            Qt.Key.Key_Return: self._search_photo,
            Qt.Key.Key_Enter: self._search_photo,
            Qt.Key.Key_T: self.toggle_partner,
            Qt.Key.Key_W: self.toggle_heats,
            Qt.Key.Key_P: self.toggle_points,
            Qt.Key.Key_I: self.toggle_facts,
            Qt.Key.Key_C: self.start_cropping,
            Qt.Key.Key_S: self.toggle_slides,
            Qt.Key.Key_F: self.full_screen_wanted.emit,
        }
        if key is None:
            super().keyPressEvent(event)
        elif key == Qt.Key.Key_Space:
            is_selecting = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            (self._toggle_selected if is_selecting else self._step_back)()
        elif key in STEP_KEYS:
            self.go_to(self._place + STEP_KEYS[key])
        else:
            acts[key]()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the photo."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        self.menu_wanted.emit(self.mapToGlobal(self.rect().center()) if by_key else event.globalPos())

    # The bar

    def show_bare(self, is_bare: bool) -> None:
        """Fill a full screen with the picture alone; the bar comes while the mouse moves."""
        self._is_bare = is_bare
        self.bar.show_switch("screen", is_bare)
        self._column.setContentsMargins(0, 0 if is_bare else BAR_HEIGHT, 0, 0)
        self.bar.show()
        if is_bare:
            self._bar_pause.start()

    def _hide_bar(self) -> None:
        if self._is_bare and not self.bar.underMouse():
            self.bar.hide()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Bring the bar back into a full screen when the mouse moves."""
        if event.type() == QEvent.Type.MouseMove and self._is_bare:
            self.bar.show()
            self._bar_pause.start()
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the bar at the upper edge."""
        super().resizeEvent(event)
        self.bar.setGeometry(0, 0, self.width(), BAR_HEIGHT)
        self.bar.raise_()


def _call_plainly(act: Callable[[], None], _checked: bool) -> None:
    act()
