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
from indexer.reports import photo_map as layout
from indexer.reports.photo_map import Layout
from retrieval_app.session.question_job import Inquiry
from retrieval_app.session.session import Session
from retrieval_app.workers.child_process import Readers

METHODS = {
    "tsne": "Neighbourhoods (t-SNE)",
    "pca": "Principal components (PCA)",
}


class Scene(NamedTuple):
    """A layout with its classes: ids (n,), points (n, 2) float32, the class of each as an index (n,), -1 for none.

    Classes are those with the most photos first, each with its name and the middle of its points (classes, 2).
    """

    method: str
    ids: NDArray[np.int64]
    points: NDArray[np.float32]
    classes: NDArray[np.int64]
    names: Sequence[str]
    middles: NDArray[np.float32]


class Kept(NamedTuple):
    """The layouts that a library has, by method, and how many photos it shows."""

    scenes: dict[str, Scene]
    shown: int
    fingerprint: str


class PhotoMap(QObject):
    """What is to be seen of the open library's map; works only while it is looked at."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._folder = session.folder
        self._looking = False
        self._asked: set[tuple[str, int, str]] = set()
        self.method = "tsne"
        self.kept: Kept | None = None
        self.inquiry = Inquiry(session, self)
        self._reader = Readers(1, parent=self)
        self._reader.answered.connect(self._take)
        self._reader.failed.connect(self._fail)
        self.inquiry.answered.connect(self._read)
        self.inquiry.changed.connect(self.changed)
        session.library_changed.connect(self._follow)
        session.closing.connect(self._reader.close)

    def look(self, looking: bool) -> None:
        """The map is looked at, or no longer."""
        self._looking = looking
        if looking:
            self._read()

    def choose(self, method: str) -> None:
        """Show one of METHODS."""
        self.method = method
        self.changed.emit()

    def again(self) -> None:
        """Try once more what went wrong."""
        self._asked.clear()
        self._read()

    def scene(self) -> Scene | None:
        """The layout to show: the chosen one, until it is there another one."""
        if self.kept is None:
            return None
        wanted = self.kept.scenes.get(self.method)
        return wanted or next(iter(self.kept.scenes.values()), None)

    def _follow(self) -> None:
        if self._session.folder != self._folder:
            self._folder = self._session.folder
            self.inquiry.drop()
            self.kept = None
            self._asked.clear()
            self._reader.open(None)
            self.changed.emit()
        if self._looking:
            self._read()

    def _read(self) -> None:
        if not self._session.empty:
            if self.kept is None:
                self._reader.open(self._session.folder)
            self._reader.ask("map", _read_kept)

    def _take(self, _key: object, kept: Kept) -> None:
        self.kept = kept
        self.changed.emit()
        if self._looking and self.inquiry.state is None:
            self._make(kept)

    def _make(self, kept: Kept) -> None:
        """Have made what is missing, each once for the same photos and model."""
        for method in ("pca", "tsne"):
            scene = kept.scenes.get(method)
            question = (method, kept.shown, kept.fingerprint)
            if (scene is None or len(scene.ids) < kept.shown) and question not in self._asked:
                self._asked.add(question)
                self.inquiry.ask(["map", "--method", method])
                return

    def _fail(self, _key: object, error: Exception) -> None:
        if not isinstance(error, LookalikeError):
            raise error
        self._session.noticed.emit(str(error))


def _read_kept(library: Library) -> Kept:
    found = {method: layout.load(library, method) for method in METHODS}
    labels = library.annotations.labels(library.model_id)
    scenes = {method: scene_of(kept, labels) for method, kept in found.items() if kept is not None and len(kept.ids)}
    return Kept(scenes, len(library.photo_ids()), library.fingerprint)


def scene_of(made: Layout, labels: Mapping[int, str]) -> Scene:
    """A layout with the classes of its photos."""
    of_each = np.array([labels.get(photo, "") for photo in made.ids.tolist()])
    names, index, counts = np.unique(of_each, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    order = order[names[order] != ""]
    place = np.full(len(names), -1)
    place[order] = np.arange(len(order))
    classes = place[index]
    groups = np.split(np.argsort(classes, kind="stable"), np.cumsum(np.bincount(classes + 1))[:-1])
    middles = np.array([np.median(made.points[group], axis=0) for group in groups[1:]], np.float32).reshape(-1, 2)
    return Scene(made.method, made.ids, made.points, classes, names[order].tolist(), middles)
