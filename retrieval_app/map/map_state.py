"""The map of the library as one object without widgets: kept layouts are read, missing ones made by child processes.

First the principal components, which take no time, then t-SNE; what the library has kept is shown at once.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from indexer.errors import LookalikeError
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
    """A layout with its classes: ids (n,), points (n, 2) float32, the class of each as an index (n,), -1 for none.

    Classes are those with the most photos first, each with its name and the middle of its points (classes, 2).
    """

    method: str
    ids: NDArray[np.int64]
    points: NDArray[np.float32]
    classes: NDArray[np.int64]
    names: Sequence[str]
    middles: NDArray[np.float32]


class StoredMaps(NamedTuple):
    """The layouts that a library has, by method, and how many photos it shows."""

    scenes: dict[str, MapScene]
    photo_count: int
    fingerprint: str


class PhotoMap(QObject):
    """What is to be seen of the open library's map; works only while it is looked at."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._folder = session.folder
        self._visible = False
        self._requested: set[tuple[str, int, str]] = set()
        self.method = "tsne"
        self.stored_maps: StoredMaps | None = None
        self.map_job = QuestionJob(session, self)
        self._reader = LibraryReaders(1, parent=self)
        self._reader.answered.connect(self._take_maps)
        self._reader.failed.connect(self._report_failure)
        self.map_job.answered.connect(self._read_maps)
        self.map_job.state_changed.connect(self.changed)
        session.library_changed.connect(self._follow_session)
        session.session_closing.connect(self._reader.close)

    def set_visible(self, visible: bool) -> None:
        """The map is looked at, or no longer."""
        self._visible = visible
        if visible:
            self._read_maps()

    def choose_method(self, method: str) -> None:
        """Show one of METHODS."""
        self.method = method
        self.changed.emit()

    def retry_maps(self) -> None:
        """Try once more what went wrong."""
        self._requested.clear()
        self._read_maps()

    def current_scene(self) -> MapScene | None:
        """The layout to show: the chosen one, until it is there another one."""
        if self.stored_maps is None:
            return None
        wanted = self.stored_maps.scenes.get(self.method)
        return wanted or next(iter(self.stored_maps.scenes.values()), None)

    def _follow_session(self) -> None:
        if self._session.folder != self._folder:
            self._folder = self._session.folder
            self.map_job.drop_question()
            self.stored_maps = None
            self._requested.clear()
            self._reader.open(None)
            self.changed.emit()
        if self._visible:
            self._read_maps()

    def _read_maps(self) -> None:
        if not self._session.is_empty:
            if self.stored_maps is None:
                self._reader.open(self._session.folder)
            self._reader.ask_question("map", _read_stored_maps)

    def _take_maps(self, _key: object, stored_maps: StoredMaps) -> None:
        self.stored_maps = stored_maps
        self.changed.emit()
        if self._visible and self.map_job.state is None:
            self._make_missing(stored_maps)

    def _make_missing(self, stored_maps: StoredMaps) -> None:
        """Have made what is missing, each once for the same photos and model."""
        for method in ("pca", "tsne"):
            scene = stored_maps.scenes.get(method)
            request = (method, stored_maps.photo_count, stored_maps.fingerprint)
            if (scene is None or len(scene.ids) < stored_maps.photo_count) and request not in self._requested:
                self._requested.add(request)
                self.map_job.start_question(["map", "--method", method])
                return

    def _report_failure(self, _key: object, error: Exception) -> None:
        if not isinstance(error, LookalikeError):
            raise error
        self._session.notice_posted.emit(str(error))


def _read_stored_maps(library: Library) -> StoredMaps:
    layouts = {method: load_layout(library, method) for method in MAP_METHODS}
    labels = library.annotations.read_labels(library.model_id)
    scenes = {
        method: build_scene(kept, labels) for method, kept in layouts.items() if kept is not None and len(kept.ids)
    }
    return StoredMaps(scenes, len(library.find_photo_ids()), library.model_fingerprint)


def build_scene(photo_layout: MapLayout, labels: Mapping[int, str]) -> MapScene:
    """A layout with the classes of its photos."""
    photo_labels = np.array([labels.get(photo, "") for photo in photo_layout.ids.tolist()])
    names, index, counts = np.unique(photo_labels, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    order = order[names[order] != ""]
    class_ranks = np.full(len(names), -1)
    class_ranks[order] = np.arange(len(order))
    classes = class_ranks[index]
    groups = np.split(np.argsort(classes, kind="stable"), np.cumsum(np.bincount(classes + 1))[:-1])
    middles = np.array([np.median(photo_layout.points[group], axis=0) for group in groups[1:]], np.float32).reshape(
        -1, 2
    )
    return MapScene(photo_layout.method, photo_layout.ids, photo_layout.points, classes, names[order].tolist(), middles)
