"""A library as its users see it: open it, look at it, search it.

A Library belongs to one thread; opening one is cheap, and so is noticing that another process has written to it.
Searching takes Annoy's candidates from the published generation, the later embeddings (the tail) exactly, leaves out
what is not shown, and ranks by exact distance in full dimension. Without a sound generation everything is tail.
"""

import contextlib
import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import filelock
import numpy as np

from indexer.database import filters
from indexer.database.annotations import Annotations
from indexer.database.filters import Filter
from indexer.database.precisions import count_precisions
from indexer.database.store import Failure, KnownModel, Root, ShownPhoto, Store
from indexer.errors import LibraryBusy, LibraryError, LookalikeError, ModelError
from indexer.models import model as models
from indexer.models.card import ModelCard
from indexer.models.runtime import Agreement, read_form
from indexer.paths import join_path, show_path
from indexer.photos.thumbnails import Thumbnails
from indexer.places import SUFFIX
from indexer.search import examples
from indexer.search.generations import Generation
from indexer.search.library_calibration import Evidence
from indexer.search.query import Example, Query, combine
from indexer.search.searcher import Searcher
from indexer.statistics.calibration import Calibration, Comparison
from indexer.vectors import distances as engines
from indexer.vectors.principal_space import Directions

WARMING = 10  # searches before the first one: after as many it costs about what the next ones do


class Photo(NamedTuple):
    """One content: the absolute path of one present file of it, the number of further copies, size in pixels."""

    id: int
    path: bytes
    copies: int
    label: str | None
    width: int
    height: int
    sha256: bytes
    offline: bool


class Hit(NamedTuple):
    """One ranked photo; probability and rarity are null where nothing supports them."""

    rank: int
    photo: Photo
    distance: float
    probability: float | None
    rarity: float | None


class SearchResult(NamedTuple):
    """Hits ordered by (distance, id); `notice` is a sentence when something was off, else empty."""

    hits: list[Hit]
    engine: str
    recall_at_10: float
    seconds: float
    notice: str


class RootInfo(NamedTuple):
    """A root and the number of searchable files below it; state is online or offline."""

    path: bytes
    state: str
    labelled: bool
    files: int


class Info(NamedTuple):
    """The figures of a library; `recall_at_10` is None, `trees` and `search_k` 0 while everything is searched exactly.

    `precisions` counts the model's embeddings by precision; `agreement` is how near they come to torch in fp32, as
    measured at installation, None where that was not. `measured` says what distances mean by, `scope` for what that
    holds.
    """

    folder: Path
    roots: list[RootInfo]
    files: int
    photos: int
    missing: int
    failed: int
    model: str
    fingerprint: str
    dim: int
    generation: int
    indexed: int
    tail: int
    recall_at_10: float | None
    trees: int
    search_k: int
    precisions: dict[str, int]
    agreement: Agreement | None
    measured: str
    scope: str
    bytes: int


class Library:
    """An open library; made and used in one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name.removesuffix(SUFFIX)
        self.store = Store(folder)
        self.annotations = Annotations(self.store.database)
        self.thumbnails = Thumbnails(folder / "thumbnails.sqlite")
        self._model: models.Model | None = None
        self._searcher = Searcher(folder, self.store)
        self.directions = Directions()
        self.evidence = Evidence(self.models_folder, self.store, self.annotations)

    @classmethod
    def open(cls, folder: Path) -> "Library":
        """Open an existing library. Raises LibraryError with a sentence."""
        if not (folder / "library.sqlite").is_file():
            raise LibraryError(f"There is no library at {folder}. Index a folder first: lookalike index FOLDER")
        return cls(folder)

    @classmethod
    def create(cls, folder: Path) -> "Library":
        """Open a library, made where there is none."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ours = folder.suffix == SUFFIX or (folder / "library.sqlite").exists() or not any(folder.iterdir())
        except OSError as error:
            raise LibraryError(f"The library {folder} cannot be made ({error.strerror}).") from error
        if not ours:  # nothing is ever written among photos
            raise LibraryError(f"{show_path(folder)} holds other things. Name a new folder for the library.")
        return cls(folder)

    def close(self) -> None:
        """Let go of the database and the thumbnails."""
        self.store.close()
        self.thumbnails.close()

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def job(self) -> AbstractContextManager[object]:
        """Take the library's job lock (a context manager); raises LibraryBusy when another program holds it."""
        try:
            return filelock.FileLock(self.folder / "job.lock").acquire(timeout=0)
        except filelock.Timeout:
            raise LibraryBusy(
                f"Another program is at work on the library {self.name}; searching goes on, try again when it is done."
            ) from None
        except OSError as error:
            raise LibraryError(f"The library {self.folder} cannot be written ({error.strerror}).") from error

    def version(self) -> int:
        """A number that changes when another process or thread has committed to the library."""
        return self.store.database.version()

    # the model

    @property
    def models_folder(self) -> Path:
        """Where the library keeps its models, one folder each, named by fingerprint."""
        return self.folder / "models"

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the active model, empty before the first index run."""
        return str(self.store.setting("active_model") or "")

    @property
    def model_id(self) -> int:
        """The active model's id in the database, 0 before the first index run."""
        return self.store.model_id(self.fingerprint)

    def activate(self, fingerprint: str) -> None:
        """Make a model the active one, and the one before it the previous one; both or neither."""
        if fingerprint == self.fingerprint:
            return
        with self.store.transaction():
            if self.fingerprint:
                self.store.set_setting("previous_model", self.fingerprint)
            self.store.set_setting("active_model", fingerprint)

    def card(self) -> ModelCard:
        """The active model's card. Raises LibraryError before the first index run, ModelError where it is damaged."""
        self._require_model()
        return models.read_card(self.models_folder / self.fingerprint)

    def _require_model(self) -> KnownModel:
        known = self.store.model(self.fingerprint)
        if known is None:
            raise LibraryError(f"The library {self.name} is empty. Index a folder first: lookalike index FOLDER")
        return known

    def embedder(self) -> models.Model:
        """The active model, loaded once; loads no torch when it is converted."""
        if self._model is None or self._model.card.fingerprint != self.fingerprint:
            self.card()
            self._model = models.load(self.models_folder / self.fingerprint, runtime="query")
        return self._model

    # looking

    def photo_ids(self, within: Filter | None = None) -> np.ndarray:
        """Ids (n,) int64 of the shown photos, or of those that pass a filter, in the order of (root, path)."""
        shown = self.store.shown_ids(self.model_id)
        return shown if within is None else shown[np.isin(shown, filters.present(self.store.database, within))]

    def photos(self, ids: Sequence[int]) -> list[Photo]:
        """The photos of these ids, in this order; ids that are not shown are left out."""
        return [_photo(shown) for shown in self.store.shown(ids)]

    def thumbnail(self, photo: Photo) -> bytes | None:
        """The photo's thumbnail as JPEG, None when the cache has none."""
        return self.thumbnails.get(photo.sha256)

    def failures(self) -> list[Failure]:
        """Files that could not be used, with reasons."""
        return self.store.failures(self.model_id)

    def info(self) -> Info:
        """The figures of the library."""
        model, searcher = self._require_model(), self._fresh_searcher()
        generation, means = searcher.generation, self.calibration()
        return Info(
            folder=self.folder,
            roots=[self._root_info(root) for root in self.store.roots()],
            files=self.store.count_files(self.model_id),
            photos=self.store.count_photos(self.model_id),
            missing=self.store.count_missing(),
            failed=len(self.failures()),
            model=model.name,
            fingerprint=self.fingerprint,
            dim=model.dim,
            generation=generation.manifest.number if generation else 0,
            indexed=generation.manifest.rows if generation else 0,
            tail=len(searcher.tail.ids),
            recall_at_10=generation.manifest.recall_at_10 if generation else None,
            trees=generation.manifest.trees if generation else 0,
            search_k=generation.manifest.search_k if generation else 0,
            precisions=count_precisions(self.store, self.model_id),
            agreement=self._agreement(),
            measured=means.measured(),
            scope=means.scope,
            bytes=_size(self.folder),
        )

    def _agreement(self) -> Agreement | None:
        try:
            return read_form(self.models_folder / self.fingerprint, self.card()).agreement
        except ModelError:  # the next run that needs the model mends it
            return None

    def _root_info(self, root: Root) -> RootInfo:
        state = "online" if root.online else "offline"
        return RootInfo(root.path, state, root.labelled, self.store.count_files(self.model_id, root.id))

    # searching

    def search(
        self,
        query: Query,
        *,
        k: int = 50,
        exact: bool = False,
        within: Filter | None = None,
        max_distance: float | None = None,
    ) -> SearchResult:
        """The k photos nearest to the query, by exact distance; `exact` looks at every photo instead of candidates.

        Only photos that pass the filter `within` and are at most `max_distance` away. Raises LookalikeError where a
        picture of the query cannot be read.
        """
        if k < 1:
            raise LookalikeError("A search needs room for at least one result.")
        start = time.perf_counter()
        searcher = self._fresh_searcher()
        positives, negatives = ([self.vector(one) for one in part] for part in query[:2])
        vector = combine(positives, negatives, query.weights)
        ids, values, engine = searcher.nearest(vector, k, searcher.allowed(within), exact=exact)
        hits = self._hits(ids, engines.exact_distances(values, vector), k)
        if max_distance is not None:
            hits = [hit for hit in hits if hit.distance <= max_distance]
        recall = searcher.generation.manifest.recall_at_10 if searcher.generation and engine == "annoy" else 1.0
        return SearchResult(hits, engine, recall, time.perf_counter() - start, searcher.notice)

    def warm(self) -> None:
        """Do what the first search would wait for: open the index, know what distances mean, ask here and there."""
        with contextlib.suppress(LookalikeError):  # then the first search says it
            searcher = self._fresh_searcher()
            ids = searcher.generation.ids[searcher.shown.rows] if searcher.generation else searcher.tail.ids
            for place in np.unique(np.linspace(0, len(ids) - 1, WARMING).astype(np.int64)) if len(ids) else ():
                self.search(Query((int(ids[place]),)))

    def _fresh_searcher(self) -> Searcher:
        self._searcher.refresh(self.fingerprint, self._require_model())
        return self._searcher

    def generation(self) -> Generation | None:
        """The active model's generation, verified; None where there is none or it is damaged."""
        self._searcher.refresh_generation(self.fingerprint, self._require_model())
        return self._searcher.generation

    def vector(self, example: Example) -> np.ndarray:
        """The embedding (dim,) float32 of an example: the stored one where its content is in the library."""
        return examples.vector(example, examples.Source(self.store, self.model_id, self.embedder))

    def _hits(self, ids: np.ndarray, distances: np.ndarray, k: int) -> list[Hit]:
        order = np.lexsort((ids, distances))[:k]
        found = self.photos([int(ids[row]) for row in order])
        at = dict(zip(ids[order].tolist(), distances[order].tolist(), strict=True))
        means = self.calibration()
        return [Hit(rank, photo, at[photo.id], *means.meaning(at[photo.id])) for rank, photo in enumerate(found, 1)]

    # same or different

    def calibration(self) -> Calibration:
        """What distances mean here: from labels the model was not trained on, its checkpoint, or random pairs."""
        return self.evidence.calibration(self.fingerprint, self._require_model().id)

    def max_distance_at(self, fmr: float) -> float:
        """The greatest distance at which pairs count as the same while at most a share `fmr` of them are wrong.

        For `search`, which keeps what is at most so far away: so it keeps what `verify` calls the same. Without labels
        all random pairs count as wrong. LookalikeError where the pairs cannot show so small a rate.
        """
        return self.calibration().cutoff(fmr).furthest

    def verify(self, a: Example, b: Example, *, max_fmr: float | None = None) -> Comparison:
        """Whether two pictures are the same, at a false-match rate of `max_fmr`, by default 0.01 or what can be shown.

        Raises LookalikeError where a picture cannot be read, or the pairs cannot show so small a rate.
        """
        difference = self.vector(a).astype(np.float64) - self.vector(b).astype(np.float64)
        return self.calibration().compare(float(np.linalg.norm(difference)), max_fmr)


def _size(folder: Path) -> int:
    """Bytes of all files below a folder; files come and go while another program is at work on it."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(parent, name).stat().st_size
    return total


def _photo(shown: ShownPhoto) -> Photo:
    return Photo(
        id=shown.id,
        path=join_path(shown.root, shown.path),
        copies=shown.copies,
        label=shown.label,
        width=shown.width,
        height=shown.height,
        sha256=shown.sha256,
        offline=not shown.online,
    )
