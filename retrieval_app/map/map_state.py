"""The map of the library as one object without widgets: stored layouts are read, missing ones made by child processes.

The principal components, which take no time, are made first, then t-SNE; a stored layout is shown at once.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from indexer.library import Library
from indexer.reports.photo_map import MapLayout, load_layout
from retrieval_app.session.question_job import QuestionJob
from retrieval_app.session.session import Session
from retrieval_app.workers.readers import LibraryReaders

MAP_METHODS = {
    "tsne": "Neighbourhoods (t-SNE)",
    "pca": "Principal components (PCA)",
}


class MapScene(NamedTuple):
    """A layout with its classes: photo ids (n,), points (n, 2) float32, class indices (n,), -1 for no class.

    Classes are numbered by their count of photos, the largest first; each has a name and the median of its points, in
    `middles` (classes, 2) float32.
    """

    method: str
    ids: NDArray[np.int64]
    points: NDArray[np.float32]
    classes: NDArray[np.int64]
    names: Sequence[str]
    middles: NDArray[np.float32]


class StoredMaps(NamedTuple):
    """The layouts that a library has, by method, its count of photos, and the fingerprint of its model."""

    scenes: dict[str, MapScene]
    photo_count: int
    fingerprint: str


class PhotoMap(QObject):
    """The layouts of the open library and the method to show; reads and computes only while the page is visible."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._folder = session.library.folder
        self._visible = False
        self._requested: set[tuple[str, int, str]] = set()
        self.method = "tsne"
        self.stored_maps: StoredMaps | None = None
        self.map_job = QuestionJob(session, self)
        self._reader = LibraryReaders(1, parent=self)
        self._reader.answered.connect(self._take_maps)
        self._reader.refused.connect(self._report_refusal)
        self.map_job.answered.connect(self._read_maps)
        self.map_job.state_changed.connect(self.changed)
        session.library.changed.connect(self._follow_session)
        session.closing.connect(self._reader.close)

    def set_visible(self, visible: bool) -> None:
        """Tell whether the map page is visible; a visible one reads the layouts."""
        self._visible = visible
        if visible:
            self._read_maps()

    def choose_method(self, method: str) -> None:
        """Show the layout of one of MAP_METHODS."""
        self.method = method
        self.changed.emit()

    def retry_maps(self) -> None:
        """Compute once more what failed."""
        self._requested.clear()
        self._read_maps()

    def current_scene(self) -> MapScene | None:
        """The scene of the chosen method, of the other one until it is there; None where there is no layout yet."""
        if self.stored_maps is None:
            return None
        chosen = self.stored_maps.scenes.get(self.method)
        return chosen or next(iter(self.stored_maps.scenes.values()), None)

    def _follow_session(self) -> None:
        if self._session.library.folder != self._folder:
            self._folder = self._session.library.folder
            self.map_job.drop_question()
            self.stored_maps = None
            self._requested.clear()
            self._reader.open_library(None)
            self.changed.emit()
        if self._visible:
            self._read_maps()

    def _read_maps(self) -> None:
        if not self._session.library.is_empty:
            if self.stored_maps is None:
                self._reader.open_library(self._session.library.folder)
            self._reader.ask_question("map", _read_stored_maps)

    def _take_maps(self, _key: object, stored_maps: StoredMaps) -> None:
        self.stored_maps = stored_maps
        self.changed.emit()
        if self._visible and self.map_job.state is None:
            self._make_missing(stored_maps)

    def _make_missing(self, stored_maps: StoredMaps) -> None:
        """Start computing the first layout that is missing or lacks photos, once for the same photos and model."""
        for method in ("pca", "tsne"):
            scene = stored_maps.scenes.get(method)
            request = (method, stored_maps.photo_count, stored_maps.fingerprint)
            if (scene is None or len(scene.ids) < stored_maps.photo_count) and request not in self._requested:
                self._requested.add(request)
                self.map_job.start_question(["map", "--method", method])
                return

    def _report_refusal(self, _key: object, sentence: str) -> None:
        self._session.notice_posted.emit(sentence)


def _read_stored_maps(library: Library) -> StoredMaps:
    layouts = {method: load_layout(library, method) for method in MAP_METHODS}
    labels = library.annotations.read_labels(library.model_id)
    scenes = {
        method: build_scene(layout, labels)
        for method, layout in layouts.items()
        if layout is not None and len(layout.ids)
    }
    return StoredMaps(scenes, len(library.find_photo_ids()), library.model_fingerprint)


def build_scene(photo_layout: MapLayout, labels: Mapping[int, str]) -> MapScene:
    """The scene of a layout, with classes from the labels by photo id."""
    photo_labels = np.array([labels.get(photo_id, "") for photo_id in photo_layout.ids.tolist()])
    names, index, counts = np.unique(photo_labels, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    order = order[names[order] != ""]
    class_ranks = np.full(len(names), -1)
    class_ranks[order] = np.arange(len(order))
    classes = class_ranks[index]
    groups = np.split(np.argsort(classes, kind="stable"), np.cumsum(np.bincount(classes + 1))[:-1])
    medians = [np.median(photo_layout.points[group], axis=0) for group in groups[1:]]
    middles = np.array(medians, np.float32).reshape(-1, 2)
    return MapScene(photo_layout.method, photo_layout.ids, photo_layout.points, classes, names[order].tolist(), middles)
