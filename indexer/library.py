"""A library as its users see it: open it, look at it, search it.

A Library belongs to one thread; it is opened in milliseconds, and every call sees what other processes have committed.
A search ranks candidates by exact distance in full dimension: those that Annoy proposes from the published generation,
and all later embeddings (the tail). Photos without a present file are left out. Without a sound generation every
embedding belongs to the tail.
"""

import contextlib
import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self, Unpack

import numpy as np

from indexer.database import filters
from indexer.database.annotations import Annotations
from indexer.database.contents import RootInfo, describe_roots
from indexer.database.file_table import FailedFile
from indexer.database.filters import Filter
from indexer.database.model_table import KnownModel
from indexer.database.passed_over import PassedOver, read_passed_over
from indexer.database.photo_orders import find_shown_ids
from indexer.database.postgresql.server_files import fetch_model_files, fetch_thumbnails
from indexer.database.replacements import count_replaced_photos
from indexer.database.sqlite.opening import has_library
from indexer.database.store import Store, count_precisions
from indexer.errors import LibraryError, LookalikeError, ModelError
from indexer.grouping.stored_groups import StoredGroups
from indexer.models.card import ModelCard, read_card
from indexer.models.model import Model, load_model
from indexer.models.runtime import TorchAgreement, read_form
from indexer.paths import show_path
from indexer.photos.thumbnails import LARGE_SIDE, THUMBNAIL_SIDE, ThumbnailCache
from indexer.places import LIBRARY_SUFFIX
from indexer.search import examples
from indexer.search.base_model import BaseModel, find_base_model
from indexer.search.generations import Generation
from indexer.search.label_metric import LabelMetric, TaughtMetric
from indexer.search.library_calibration import LibraryCalibration
from indexer.search.query import Query, QueryExample, SearchLimits, combine_embeddings
from indexer.search.results import Hit, Photo, SearchResult, build_photo
from indexer.search.searcher import LibrarySearcher, MetricQuery, QueryNeighbours
from indexer.statistics.calibration import Calibration, PairComparison
from indexer.text_models.text_card import has_text_half
from indexer.vectors.principal_space import PrincipalSpaceCache

WARMUP_SEARCHES = 10  # before the first search, which then costs about what the next ones do


class LibraryInfo(NamedTuple):
    """The figures of a library; `recall_at_10` is None, `trees` and `search_k` 0 while everything is searched exactly.

    `replaced` counts the photos of which the user has said something and that no file holds any more. `precisions`
    counts the model's embeddings by precision. `agreement` is how near they come to those of torch in fp32, None where
    the installation did not measure it. `measured` describes the pairs by which distances are interpreted, `scope` for
    which photos that holds, `basis` both in few words. `passed_over` counts what the last walks left out.
    `knows_texts` says whether the model can be asked in any words.
    """

    folder: Path
    roots: list[RootInfo]
    files: int
    photos: int
    missing: int
    replaced: int
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
    agreement: TorchAgreement | None
    measured: str
    scope: str
    bytes: int
    passed_over: PassedOver
    basis: str
    knows_texts: bool


class Library:
    """An open library; made and used in one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name.removesuffix(LIBRARY_SUFFIX)
        self.store = Store(folder)
        self.annotations = Annotations(self.store.database)
        source = partial(fetch_thumbnails, self.store.database) if self.store.database.is_shared else None
        self.thumbnails = ThumbnailCache(folder / "thumbnails.sqlite", source=source)
        self.large_thumbnails = ThumbnailCache(folder / "thumbnails-large.sqlite", LARGE_SIDE)
        self._model: Model | None = None
        self._searcher = LibrarySearcher(folder, self.store)
        self.principal_space_cache = PrincipalSpaceCache()
        self.stored_groups = StoredGroups(self.store, self.thumbnails)
        self.calibration_source = LibraryCalibration(
            self.models_folder, self.store, self.annotations, self.stored_groups
        )
        self._label_metric = LabelMetric(self.store, self.annotations)
        self._recent_embeddings = examples.make_recent_embeddings()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open an existing library. Raises LibraryError where there is none or it cannot be opened."""
        if not has_library(folder):
            raise LibraryError(
                "There is no library at {folder}. Index a folder first: lookalike index FOLDER", folder=folder
            )
        return cls(folder)

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Open a library, or make one where there is none. Raises LibraryError where the folder holds other things."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            is_library = folder.suffix == LIBRARY_SUFFIX or has_library(folder)
            may_become_one = is_library or not any(folder.iterdir())
        except OSError as error:
            raise LibraryError(
                "The library {folder} cannot be made ({reason}).", folder=folder, reason=error.strerror
            ) from error
        if not may_become_one:  # nothing is ever written among photos
            raise LibraryError(
                "{folder} holds other things. Name a new folder for the library.", folder=show_path(folder)
            )
        return cls(folder)

    def close(self) -> None:
        """Close the database and the thumbnail cache."""
        self.store.close()
        self.thumbnails.close()
        self.large_thumbnails.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        try:
            if isinstance(fault, Exception) and (explained := self.store.explain_fault(fault)) is not fault:
                raise explained from fault
        finally:
            self.close()

    # the model

    @property
    def models_folder(self) -> Path:
        """Where the library keeps its models, one folder each, named by fingerprint."""
        return self.folder / "models"

    @property
    def model_fingerprint(self) -> str:
        """The fingerprint of the active model, empty before the first index run."""
        return str(self.store.models.read_setting("active_model") or "")

    @property
    def model_id(self) -> int:
        """The active model's id in the database, 0 before the first index run."""
        return self.store.models.find_model_id(self.model_fingerprint)

    def read_model_card(self) -> ModelCard:
        """The active model's card. Raises LibraryError before the first index run, ModelError where it is damaged."""
        self._require_model()
        if self.store.database.is_shared:
            fetch_model_files(self.store.database, self.model_fingerprint, self.models_folder)
        return read_card(self.models_folder / self.model_fingerprint)

    def _require_model(self) -> KnownModel:
        """The active model as the database knows it. Raises LibraryError before the first index run."""
        known = self.store.models.find_model(self.model_fingerprint)
        if known is None:
            raise LibraryError(
                "The library {name} is empty. Index a folder first: lookalike index FOLDER", name=self.name
            )
        return known

    def load_embedder(self) -> Model:
        """The active model, loaded once; loads no torch when it is converted."""
        if self._model is None or self._model.card.fingerprint != self.model_fingerprint:
            self.read_model_card()
            self._model = load_model(self.models_folder / self.model_fingerprint, runtime="query")
        return self._model

    # photos and figures

    def find_photo_ids(self, within: Filter | None = None) -> np.ndarray:
        """Ids (n,) int64 of the shown photos, or of those that pass a filter, by root, folder and name."""
        shown = find_shown_ids(self.store.database, self.model_id)
        return (
            shown if within is None else shown[np.isin(shown, filters.find_present_photos(self.store.database, within))]
        )

    def mask_present_photos(self, within: Filter | None = None) -> np.ndarray:
        """Whether the photo of each id is present and passes the filter, bool (last id + 1,); kept until a change."""
        return self._refresh_searcher().find_allowed_photos(within).mask

    def load_photos(self, ids: Sequence[int]) -> list[Photo]:
        """The photos of these ids, in this order; ids that are not shown are left out."""
        return [build_photo(shown) for shown in self.store.embeddings.find_shown_photos(ids)]

    def read_thumbnail(self, photo: Photo, *, side: int = THUMBNAIL_SIDE) -> bytes | None:
        """The photo's thumbnail as JPEG, made anew where the cache has none; None where that is impossible.

        For a `side` above THUMBNAIL_SIDE px it is a large one, where the photo is as large and can be read. One from
        elsewhere is made anew before it is used, and only where there is no photo or the library is a shared one.
        """
        cache, large_cache, sha256 = self.thumbnails, self.large_thumbnails, photo.sha256
        if min(side, max(photo.width, photo.height)) > THUMBNAIL_SIDE:
            large = large_cache.get(sha256) or large_cache.renew(sha256, photo.path)
            if large is not None:
                return large
        cache.fetch([sha256])
        return cache.get(sha256) or cache.renew(sha256, photo.path) or cache.recover(sha256)

    def list_failed_files(self) -> list[FailedFile]:
        """Files that could not be read or decoded under the active model, with reasons, by root and path."""
        return self.store.files.list_failed_files(self.model_id)

    def collect_info(self) -> LibraryInfo:
        """The figures of the library. Raises LibraryError before the first index run."""
        model, searcher = self._require_model(), self._refresh_searcher()
        generation, calibration = searcher.generation, self.load_calibration()
        roots = describe_roots(self.store.database, self.model_id)
        approximate = generation.manifest if generation and not generation.is_exact else None
        return LibraryInfo(
            folder=self.folder,
            roots=roots,
            files=sum(root.files for root in roots),
            photos=self.store.embeddings.count_photos(self.model_id),
            missing=self.store.files.count_missing(),
            replaced=count_replaced_photos(self.store.database),
            failed=len(self.list_failed_files()),
            model=model.name,
            fingerprint=self.model_fingerprint,
            dim=model.dim,
            generation=generation.manifest.number if generation else 0,
            indexed=generation.manifest.rows if generation else 0,
            tail=searcher.count_tail(),
            recall_at_10=approximate.recall_at_10 if approximate else None,
            trees=approximate.trees if approximate else 0,
            search_k=approximate.search_k if approximate else 0,
            precisions=count_precisions(self.store, self.model_id),
            agreement=self._read_agreement(),
            measured=calibration.describe_pairs(),
            scope=calibration.scope,
            bytes=_count_bytes(self.folder),
            passed_over=read_passed_over(self.store.database),
            basis=calibration.basis,
            knows_texts=has_text_half(self.models_folder / self.model_fingerprint),
        )

    def _read_agreement(self) -> TorchAgreement | None:
        try:
            return read_form(self.models_folder / self.model_fingerprint, self.read_model_card()).agreement
        except ModelError:  # the next run that needs the model mends it
            return None

    # searching

    def search(self, query: Query, *, k: int = 50, **limits: Unpack[SearchLimits]) -> SearchResult:
        """The k photos nearest to the query, by exact distance; `exact` compares every photo instead of candidates.

        Only photos that pass the filter `within` and are at most `max_distance` away are found. Raises LookalikeError
        where a picture of the query cannot be read.
        """
        start = time.perf_counter()
        with self.store.database.reading("search"):
            nearest = self.find_nearest(query, k=k, **limits)
            return self.build_result(nearest, start, self.load_calibration())

    def find_nearest(
        self,
        query: Query,
        *,
        k: int,
        pool: int = 0,
        exact: bool = False,
        within: Filter | None = None,
        max_distance: float | None = None,
        taught: TaughtMetric | None = None,
    ) -> QueryNeighbours:
        """The photos nearest to a query as `search` ranks them, without their records; up to `pool` of them where that
        exceeds k.

        Of those beyond k more may be missed: they come from the candidates that are compared for the first k. With a
        taught metric distances are those under it, and `pool` is without effect.
        """
        if k < 1:
            raise LookalikeError("A search needs room for at least one result.")
        searcher = self._refresh_searcher()
        positives, negatives = ([self.embed_example(example) for example in part] for part in query[:2])
        vector = combine_embeddings(positives, negatives, query.weights)
        allowed = searcher.find_allowed_photos(within)
        if taught is not None:
            map_exactly = taught.metric.transform_exactly
            mapped = combine_embeddings(list(map_exactly(positives)), list(map_exactly(negatives)), query.weights)
            metric_query = MetricQuery(vector, mapped, taught.metric, taught.norm)
            return searcher.rank_by_metric(metric_query, k, allowed, exact=exact, max_distance=max_distance)
        return searcher.rank_nearest(vector, k, allowed, pool=pool, exact=exact, max_distance=max_distance)

    def build_result(self, nearest: QueryNeighbours, start: float, calibration: Calibration | None) -> SearchResult:
        """The photos as the hits of a search that began at `start` (`time.perf_counter`), ranked in their order.

        `calibration` says what their distances mean; None where none is about them.
        """
        searcher, engine = self._searcher, nearest.engine
        distances = dict(zip(nearest.ids.tolist(), nearest.distances.tolist(), strict=True))
        hits = []
        for rank, photo in enumerate(self.load_photos(nearest.ids.tolist()), 1):
            distance = distances[photo.id]
            hits.append(
                Hit(rank, photo, distance, *(calibration.interpret_distance(distance) if calibration else (None, None)))
            )
        recall = 1.0 if engine == "exact" else searcher.recall_at_10
        notice = " ".join(filter(None, (searcher.notice, self._model.notice if self._model else "")))
        return SearchResult(hits, engine, recall, time.perf_counter() - start, notice)

    def warm_up(self) -> None:
        """Load what the first search would wait for: the index and the calibration, by a few searches over the ids."""
        with contextlib.suppress(LookalikeError):  # the first search will raise it again
            searcher = self._refresh_searcher()
            if searcher.server_candidates is not None:  # the server is warm, or is not to be bothered
                return
            ids = searcher.generation.ids[searcher.unfiltered_photos.rows] if searcher.generation else searcher.tail.ids
            for place in np.unique(np.linspace(0, len(ids) - 1, WARMUP_SEARCHES).astype(np.int64)) if len(ids) else ():
                self.search(Query((int(ids[place]),)))

    def _refresh_searcher(self) -> LibrarySearcher:
        """The searcher, brought up to date with the database. Raises LibraryError before the first index run."""
        self._searcher.refresh(self.model_fingerprint, self._require_model())
        return self._searcher

    def load_generation(self) -> Generation | None:
        """The active model's generation, verified; None where there is none or it is damaged."""
        self._searcher.refresh_generation(self.model_fingerprint, self._require_model())
        return self._searcher.generation

    def embed_example(self, example: QueryExample) -> np.ndarray:
        """The embedding (dim,) float32 of an example: the stored one where its content is in the library.

        Raises LookalikeError where the picture cannot be read.
        """
        source = examples.EmbeddingSource(self.store, self.model_id, self.load_embedder, self._recent_embeddings)
        return examples.embed_example(example, source)

    # what labels teach, and what distances mean

    def load_label_metric(self) -> TaughtMetric:
        """The class metric that the library's labels teach. Raises LookalikeError where they are too few."""
        return self._label_metric.get_metric(self.model_fingerprint, self._require_model().id)

    def load_calibration(self) -> Calibration:
        """What distances mean here: from labels the model was not trained on, its checkpoint, or random pairs."""
        return self.calibration_source.get_calibration(self.model_fingerprint, self._require_model().id)

    def find_base_model(self) -> BaseModel | None:
        """The model below the active one, where that is an instant one and all labelled photos are embedded by both."""
        return find_base_model(self.models_folder, self.store, self.annotations, self.model_fingerprint)

    def find_max_distance(self, fmr: float) -> float:
        """The greatest distance at which two photos count as the same at a false-match rate of at most `fmr` (0 to 1).

        As `max_distance` of a search it keeps what `verify_pair` calls the same. Without labels all random pairs count
        as different. Raises LookalikeError where the pairs cannot show so small a rate.
        """
        return self.load_calibration().choose_cutoff(fmr).max_same_distance

    def verify_pair(self, a: QueryExample, b: QueryExample, *, max_fmr: float | None = None) -> PairComparison:
        """Whether two pictures are the same, at a false-match rate of at most `max_fmr` (0 to 1).

        By default 0.01, or the least rate that the pairs can show. Raises LookalikeError where a picture cannot be
        read, or the pairs cannot show so small a rate.
        """
        difference = self.embed_example(a).astype(np.float64) - self.embed_example(b).astype(np.float64)
        return self.load_calibration().judge_distance(float(np.linalg.norm(difference)), max_fmr)


def _count_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; files come and go while another program is at work on it."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(parent, name).stat().st_size
    return total
