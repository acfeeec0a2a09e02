"""The map of the library as one object without widgets: stored layouts are read, missing ones made by child processes.

The principal components, which take no time, are made first, then t-SNE; a stored layout is shown at once.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from indexer.clustering.photo_clusters import describe_agreement, load_clusters, measure_agreement, name_clusters
from indexer.library import Library
from indexer.ranking.photo_arrangement import PhotoArrangement, PhotoArranger
from indexer.ranking.word_captions import caption_clusters
from indexer.reports.photo_map import MapLayout, load_layout
from indexer.wording import tr
from retrieval_app.session.question_job import QuestionJob
from retrieval_app.session.session import Session

MAP_METHODS = {
    "tsne": tr("Neighbourhoods (t-SNE)"),
    "pca": tr("Principal components (PCA)"),
}


class MapScene(NamedTuple):
    """A layout with its classes: photo ids (n,), points (n, 2) float32, class indices (n,), -1 for no class.

    Classes are numbered by their count of photos, the largest first; each has a name and the median of its points, in
    `middles` (classes, 2) float32. Some are shown by a photo in place of the name, whose id is in `pictures`.
    """

    method: str
    ids: NDArray[np.int64]
    points: NDArray[np.float32]
    classes: NDArray[np.int64]
    names: Sequence[str]
    middles: NDArray[np.float32]
    pictures: Mapping[int, int] = MappingProxyType({})


class PhotoClasses(NamedTuple):
    """What photos are coloured by: photo id -> name of its class, and the id of the photo that stands for a class.

    `agreement` says how well groups agree with the labels; "" for other classes, or without labels.
    """

    names: Mapping[int, str]
    pictures: Mapping[str, int] = MappingProxyType({})
    agreement: str = ""


class StoredMaps(NamedTuple):
    """The layouts that a library has, by method, its count of photos, and the fingerprint of its model.

    `colouring` is a key of COLOURINGS; `has_classes` is False where the groups to colour by have to be made first.
    `agreement` says how well groups agree with the labels, "" where there is nothing to say.
    """

    scenes: dict[str, MapScene]
    photo_count: int
    fingerprint: str
    colouring: str = "label"
    has_classes: bool = True
    agreement: str = ""


class PhotoMap(QObject):
    """The layouts of the open library and the method to show; reads and computes only while the page is visible."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._visible = False
        self._requested: set[tuple[str, int, str]] = set()
        self.method = "tsne"
        self.colouring = "label"
        self.stored_maps: StoredMaps | None = None
        self.map_job = QuestionJob(session, self)
        self.cluster_job = QuestionJob(session, self)
        self._reader = session.make_reader(self, self._take_maps)
        for job in (self.map_job, self.cluster_job):
            job.answered.connect(self._read_maps)
            job.state_changed.connect(self.changed)
        session.library.left.connect(self._leave_library)
        session.library.changed.connect(self._follow_library)

    def set_visible(self, visible: bool) -> None:
        """Tell whether the map page is visible; a visible one reads the layouts."""
        self._visible = visible
        if visible:
            self._read_maps()

    def choose_method(self, method: str) -> None:
        """Show the layout of one of MAP_METHODS."""
        self.method = method
        self.changed.emit()

    def choose_colouring(self, colouring: str) -> None:
        """Colour the dots by one of COLOURINGS, which is read first, and its groups made where there are none."""
        self.colouring = colouring
        self.cluster_job.drop_question()
        self._read_maps()
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

    def _leave_library(self) -> None:
        self.map_job.drop_question()
        self.cluster_job.drop_question()
        self.stored_maps = None
        self._requested.clear()
        self._reader.open_library(None)
        self.changed.emit()

    def _follow_library(self) -> None:
        if self._visible:
            self._read_maps()

    def _read_maps(self) -> None:
        if not self._session.library.is_empty:
            if self.stored_maps is None:
                self._reader.open_library(self._session.library.folder)
            self._reader.ask_question(("map", self.colouring), partial(_read_stored_maps, colouring=self.colouring))

    def _take_maps(self, _key: object, stored_maps: StoredMaps) -> None:
        if stored_maps.colouring != self.colouring:
            return
        self.stored_maps = stored_maps
        self.changed.emit()
        if self._visible and self.map_job.state is None:
            self._make_missing(stored_maps)
        if self._visible and not stored_maps.has_classes and self.cluster_job.state is None:
            self._make_groups(stored_maps)

    def _make_groups(self, stored_maps: StoredMaps) -> None:
        """Have the groups made that the photos are to be coloured by, once for the same photos and model."""
        request = (stored_maps.colouring, stored_maps.photo_count, stored_maps.fingerprint)
        if request not in self._requested:
            self._requested.add(request)
            self.cluster_job.start_question(["cluster", "--method", stored_maps.colouring])

    def _make_missing(self, stored_maps: StoredMaps) -> None:
        """Start computing the first layout that is missing or lacks photos, once for the same photos and model."""
        for method in ("pca", "tsne"):
            scene = stored_maps.scenes.get(method)
            request = (method, stored_maps.photo_count, stored_maps.fingerprint)
            if (scene is None or len(scene.ids) < stored_maps.photo_count) and request not in self._requested:
                self._requested.add(request)
                self.map_job.start_question(["map", "--method", method])
                return


def _read_stored_maps(library: Library, colouring: str) -> StoredMaps:
    layouts = {method: load_layout(library, method) for method in MAP_METHODS}
    classes = COLOURINGS[colouring].read_classes(library)
    scenes = {
        method: build_scene(layout, classes or PhotoClasses({}))
        for method, layout in layouts.items()
        if layout is not None and len(layout.ids)
    }
    count = len(library.find_photo_ids())
    agreement = classes.agreement if classes is not None else ""
    return StoredMaps(scenes, count, library.model_fingerprint, colouring, classes is not None, agreement)


def _read_labels(library: Library) -> PhotoClasses:
    return PhotoClasses(library.annotations.read_labels(library.model_id))


def _read_sections(library: Library, order: str) -> PhotoClasses:
    """The sections of an order of PHOTO_ORDERS by what stands at the scroll bar: folders, or years."""
    arranged = PhotoArranger(library).arrange_photos(library.find_photo_ids(), PhotoArrangement(order))
    names: dict[int, str] = {}
    ends = [*(section.start for section in arranged.sections[1:]), len(arranged.ids)]
    for section, end in zip(arranged.sections, ends, strict=True):
        name = section.title if order == "folder" else section.mark
        names |= dict.fromkeys(arranged.ids[section.start : end].tolist(), name)
    return PhotoClasses(names)


def _read_groups(library: Library, method: str) -> PhotoClasses | None:
    """The groups that are kept, of all photos and by this method; None where they have to be made."""
    clusters = load_clusters(library)
    if clusters is None or clusters.method != method or len(clusters.ids) < len(library.find_photo_ids()):
        return None
    labels = library.annotations.read_labels(library.model_id)
    named = name_clusters(clusters, labels)
    captions = (f"like {caption}" if caption else "" for caption in caption_clusters(library, clusters, named))
    shown = zip(named, captions, strict=True)
    names = [name or caption or tr("Group {number}", number=number) for number, (name, caption) in enumerate(shown, 1)]
    pictures = {names[code]: middle for code, middle in enumerate(clusters.middles.tolist()) if not named[code]}
    codes = zip(clusters.ids.tolist(), clusters.codes.tolist(), strict=True)
    classes = {photo_id: names[code] for photo_id, code in codes if code >= 0}
    return PhotoClasses(classes, pictures, describe_agreement(measure_agreement(clusters, labels)))


class Colouring(NamedTuple):
    """A way to colour the dots: its name for people, and the function that reads the classes, which returns None where
    groups have to be computed first.
    """

    text: str
    read_classes: Callable[[Library], PhotoClasses | None]


COLOURINGS = {
    "label": Colouring(tr("Colours by label"), _read_labels),
    "folder": Colouring(tr("Colours by folder"), partial(_read_sections, order="folder")),
    "taken": Colouring(tr("Colours by year"), partial(_read_sections, order="taken")),
    "kmeans": Colouring(tr("Groups (k-means)"), partial(_read_groups, method="kmeans")),
    "density": Colouring(tr("Groups (density)"), partial(_read_groups, method="density")),
}


def build_scene(photo_layout: MapLayout, photo_classes: PhotoClasses) -> MapScene:
    """The scene of a layout, with the classes of its photos."""
    labels = photo_classes.names
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
    shown_names = names[order].tolist()
    pictures = {shown_names.index(name): photo for name, photo in photo_classes.pictures.items() if name in shown_names}
    return MapScene(photo_layout.method, photo_layout.ids, photo_layout.points, classes, shown_names, middles, pictures)
