"""Photos ranked by words, alone or together with pictures, from embeddings of the built-in model that are stored.

A photo's score for a word is the summed probability of the classes that the word means; for several words the product,
and for a word to be absent the probability of all other classes. Together with pictures, the ranks of both orders are
fused: the sum of 1 / (60 + rank), Cormack et al. 2009, "Reciprocal rank fusion outperforms Condorcet".
"""

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.database.embedding_table import StoredEmbeddings
from indexer.database.filters import Filter
from indexer.errors import LookalikeError, ModelError
from indexer.library import Library
from indexer.models.card import read_card
from indexer.models.class_layer import CLASS_COUNT, PACKAGED_SOURCES, read_class_layer
from indexer.ranking.known_words import KnownWord, WordTree, load_word_tree
from indexer.search.query import Query
from indexer.search.results import Photo
from indexer.wording import tr, tr_count

BLOCK_ROWS = 4096  # photos whose classes are computed at once: 16 MB of probabilities
KEPT_WORDS = 50  # words whose scores of all photos are kept: asked again, they are answered at once
KEPT_CLASSES = 128  # of a photo, the most probable ones: they hold nearly all, also of a drawing
# Of the first hit's score, below which hits are left out: of 0.02, 0.05 and 0.1 the best for drawings and photographs
# together, by the mean of F1 over their classes (tests/benchmarks/bench_words.py).
LEAST_OF_BEST = 0.05
FUSED_PHOTOS = 1000  # nearest to the pictures, among which words are asked
FUSION_OFFSET = 60


class WordHit(NamedTuple):
    """A photo found by words: its score, 0 to 1, why in a phrase, and its distance where pictures were asked too."""

    rank: int
    photo: Photo
    score: float
    why: str
    distance: float | None


class WordResult(NamedTuple):
    """Hits from the best score down, of `candidate_count` photos that words can find.

    `notice` says how many they cannot find, else it is empty.
    """

    hits: list[WordHit]
    seconds: float
    notice: str
    candidate_count: int


class WordQuery(NamedTuple):
    """What a photo should show and should not show, in known words."""

    wanted: list[KnownWord]
    unwanted: list[KnownWord]


class ClassTable(NamedTuple):
    """Photo ids (n,) int64, and of each KEPT_CLASSES classes (n, k) int16 with their probabilities (n, k) float16."""

    ids: NDArray[np.int64]
    classes: NDArray[np.int16]
    probabilities: NDArray[np.float16]


EMPTY_TABLE = ClassTable(
    np.empty(0, np.int64), np.empty((0, KEPT_CLASSES), np.int16), np.empty((0, KEPT_CLASSES), np.float16)
)


class WordIndex:
    """The most probable classes of a library's photos: computed once from stored embeddings, then kept up to date."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._layer = read_class_layer()
        self._model = 0
        self._last_seq = 0
        self._table = EMPTY_TABLE
        self._left: NDArray[np.float64] = np.empty(0)  # of each row, what the kept classes leave to each other class
        self._word_scores: dict[tuple[int, ...], NDArray[np.float64]] = {}  # of all rows, by a word's classes

    def answer_words(
        self, words: tuple[str, str], k: int, *, pictures: Query | None = None, within: Filter | None = None
    ) -> WordResult:
        """The k best photos that show the first text and not the second, alone or with pictures.

        Without pictures those are left out that are no likelier to show it than chance, or much less than the first.
        LookalikeError where a word is not known.
        """
        query = parse_word_query(*words)
        if pictures is None:
            return leave_out_unlikely(query, self.rank_photos(query, k, within=within))
        return self.rank_with_pictures(query, pictures, k, within=within)

    def rank_photos(self, query: WordQuery, k: int, *, within: Filter | None = None) -> WordResult:
        """The k photos with the best scores, of those that are shown and pass the filter."""
        start = time.perf_counter()
        rows, notice = self._find_shown_rows(within)
        scores = self._score_rows(query, rows)
        best = rank_highest(scores, k)
        best = best[scores[best] > 0]
        hits = self._build_hits(query, rows[best], scores[best], None)
        return WordResult(hits, time.perf_counter() - start, notice, len(rows))

    def rank_with_pictures(
        self, query: WordQuery, pictures: Query, k: int, *, within: Filter | None = None
    ) -> WordResult:
        """The k best of the photos nearest to the pictures by rank fusion of both orders."""
        start = time.perf_counter()
        nearest = self._library.find_nearest(pictures, k=max(k, FUSED_PHOTOS), within=within)
        self._refresh()
        rows, notice = self._find_rows(nearest.ids)
        scores = self._score_rows(query, rows)
        distances = dict(zip(nearest.ids.tolist(), nearest.distances.tolist(), strict=True))
        best = np.argsort(-compute_fused_scores(scores), kind="stable")[:k]
        hits = self._build_hits(query, rows[best], scores[best], distances)
        return WordResult(hits, time.perf_counter() - start, notice, len(rows))

    def _find_shown_rows(self, within: Filter | None) -> tuple[NDArray[np.int64], str]:
        """The rows of all photos that are shown and pass the filter, and in a sentence how many have none."""
        self._refresh()
        if self._model != self._library.model_id:
            return self._find_rows(self._library.find_photo_ids(within))
        return np.flatnonzero(self._library.mask_present_photos(within)[self._table.ids]), ""

    def _find_rows(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], str]:
        """The rows of these photos in their order, and in a sentence how many have none; after a refresh."""
        stored_ids = self._table.ids
        order = np.argsort(stored_ids, kind="stable")
        places = order[np.minimum(np.searchsorted(stored_ids, ids, sorter=order), len(order) - 1)]
        known = stored_ids[places] == ids
        missing = int((~known).sum())
        notice = (
            tr_count(
                missing,
                "{number} photo came after the built-in model was left: words cannot find it.",
                "{number} photos came after the built-in model was left: words cannot find them.",
            )
            if missing
            else ""
        )
        return places[known], notice

    def _refresh(self) -> None:
        """Take in what was embedded by the built-in model since the last time."""
        model = find_word_model(self._library)
        if model != self._model:
            self._table, self._model, self._last_seq = EMPTY_TABLE, model, 0
        parts = [self._table]
        while len((stored := self._read_block()).ids):
            probabilities = self._layer.compute_probabilities(stored.values)
            classes = np.argpartition(-probabilities, KEPT_CLASSES, axis=1)[:, :KEPT_CLASSES]
            best_probabilities = np.take_along_axis(probabilities, classes, axis=1)
            parts.append(ClassTable(stored.ids, classes.astype(np.int16), best_probabilities.astype(np.float16)))
            self._last_seq = int(stored.seqs[-1])
        if len(parts) > 1:
            self._table = ClassTable._make(np.concatenate(columns) for columns in zip(*parts, strict=True))
            kept_sums = self._table.probabilities.sum(axis=1, dtype=np.float64)
            self._left = np.maximum(1 - kept_sums, 0) / (CLASS_COUNT - KEPT_CLASSES)
            self._word_scores.clear()

    def _read_block(self) -> StoredEmbeddings:
        return self._library.store.embeddings.read_embeddings(self._model, self._last_seq, limit=BLOCK_ROWS)

    def _score_rows(self, query: WordQuery, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        scores = np.ones(len(rows))
        for word in query.wanted:
            scores *= self._score_word(word, rows)
        for word in query.unwanted:
            scores *= 1 - np.minimum(self._score_word(word, rows), 1)
        return scores

    def _score_word(self, word: KnownWord, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The summed probability (n,) of the word's classes in these rows, 0 where none of them is a kept one.

        Classes that were not kept count with an even share of what the kept ones leave.
        """
        if word.classes not in self._word_scores:
            if len(self._word_scores) >= KEPT_WORDS:
                self._word_scores.clear()
            starts = range(0, len(self._table.ids), BLOCK_ROWS)
            blocks = [self._sum_block(word, slice(start, start + BLOCK_ROWS)) for start in starts]
            self._word_scores[word.classes] = np.concatenate(blocks) if blocks else np.empty(0)
        return self._word_scores[word.classes][rows]

    def _sum_block(self, word: KnownWord, rows: slice) -> NDArray[np.float64]:
        """What `_score_word` gives for a few rows, which stay in the processor's cache."""
        classes, probabilities = self._table.classes[rows], self._table.probabilities[rows]
        places = np.flatnonzero(_mask_classes(word).astype(np.bool_).take(classes))
        owners, shares = places // KEPT_CLASSES, probabilities.ravel()[places].astype(np.float64)
        best_probabilities = np.bincount(owners, shares, minlength=len(classes))
        others = self._left[rows] * (len(word.classes) - np.bincount(owners, minlength=len(classes)))
        return np.where(best_probabilities > 0, best_probabilities + others, 0)

    def _build_hits(
        self, query: WordQuery, rows: NDArray[np.int64], scores: NDArray[np.float64], distances: dict[int, float] | None
    ) -> list[WordHit]:
        photos = {photo.id: photo for photo in self._library.load_photos(self._table.ids[rows].tolist())}
        tree = load_word_tree()
        hits: list[WordHit] = []
        for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
            photo = photos.get(int(self._table.ids[row]))
            if photo is not None:
                why = self._explain_row(query.wanted, row, tree)
                hits.append(WordHit(len(hits) + 1, photo, score, why, distances[photo.id] if distances else None))
        return hits

    def _explain_row(self, words: Sequence[KnownWord], row: int, tree: WordTree) -> str:
        """The most probable class of each word in the photo, as in "birds: goldfinch 62 %"."""
        reasons = []
        for word in words:
            probabilities = self._table.probabilities[row] * _mask_classes(word)[self._table.classes[row]]
            place = int(probabilities.argmax())
            if probabilities[place] > 0:
                name = tree.class_names[int(self._table.classes[row, place])]
                reasons.append(f"{word.word}: {name} {float(probabilities[place]):.0%}")
        return ", ".join(reasons)


def rank_highest(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """The places (at most k,) of the highest scores (n,), from the highest down, equal ones in their order."""
    if len(scores) > k:
        places = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:k]


def compute_fused_scores(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The fused scores (n,) of photos in the order of their distance to pictures, with these scores by words (n,)."""
    by_word = np.empty(len(scores), np.int64)
    by_word[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    by_picture = np.arange(1, len(scores) + 1)
    fused: NDArray[np.float64] = 1 / (FUSION_OFFSET + by_word) + 1 / (FUSION_OFFSET + by_picture)
    return fused


def _mask_classes(word: KnownWord) -> NDArray[np.float32]:
    """1 for each class that the word means, else 0: (CLASS_COUNT,)."""
    mask = np.zeros(CLASS_COUNT, np.float32)
    mask[list(word.classes)] = 1
    return mask


def compute_chance(query: WordQuery) -> float:
    """The score, from 0 to 1, of a photo for which the model takes all classes for equally likely."""
    wanted = (len(word.classes) / CLASS_COUNT for word in query.wanted)
    unwanted = (1 - len(word.classes) / CLASS_COUNT for word in query.unwanted)
    return math.prod((*wanted, *unwanted))


def leave_out_unlikely(query: WordQuery, result: WordResult) -> WordResult:
    """The result with only those hits that score better than chance and than LEAST_OF_BEST of the first; its notice
    says where it was cut."""
    chance = compute_chance(query)
    least = LEAST_OF_BEST * result.hits[0].score if result.hits else 0.0
    hits = [hit for hit in result.hits if hit.score > max(chance, least)]
    if len(hits) == len(result.hits):
        return result
    cut = (
        tr("Others are no likelier to show it than chance ({chance}), and left out.", chance=f"{chance:.2g}")
        if chance >= least
        else tr(
            "Others are less than {share} as likely to show it as the first, and left out.",
            share=f"{LEAST_OF_BEST:.0%}",
        )
    )
    return result._replace(hits=hits, notice=f"{result.notice} {cut}".strip())


def parse_word_query(words: str, not_words: str) -> WordQuery:
    """The query of two texts, of which the second may be empty; LookalikeError names a word that is not known."""
    tree = load_word_tree()
    return WordQuery(
        tree.parse_words(words) if words.strip() else [], tree.parse_words(not_words) if not_words.strip() else []
    )


def find_word_model(library: Library) -> int:
    """The id of the model whose embeddings words are read from: the built-in one without a head, the active one first.

    LookalikeError where no photo is embedded by it.
    """
    active = library.model_fingerprint
    folders = sorted(library.models_folder.glob("[0-9a-f]*"), key=lambda path: (path.name != active, path.name))
    for folder in folders:
        try:
            card = read_card(folder)
        except ModelError:
            continue
        model = library.store.models.find_model_id(card.fingerprint)
        if card.source in PACKAGED_SOURCES.values() and card.head is None and model and _has_embeddings(library, model):
            return model
    raise LookalikeError("Words are read from what the built-in model saw, and no photo here is embedded by it.")


def _has_embeddings(library: Library, model: int) -> bool:
    return library.store.embeddings.find_last_seq(model) > 0
