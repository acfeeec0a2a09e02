"""Photos ranked by any words, where the library's model is one half of a pair for pictures and texts.

A text and a picture are never as near to each other as two pictures, so nothing of the pictures' calibration holds
here. What a cosine means is the pair's own probability where it was trained to give one (a bias, Zhai et al. 2023,
"Sigmoid loss for language image pre-training"), else what the library's own labels, taken as texts, show, else only
which share of the library's photos is farther from the text.
"""

import time
from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.ranking.word_ranking import (
    FUSED_PHOTOS,
    WordHit,
    WordIndex,
    WordResult,
    compute_fused_scores,
    rank_highest,
)
from indexer.search.query import Query
from indexer.statistics.logistic import LogisticCurve, fit_logistic_curve
from indexer.text_models.text_card import has_text_half
from indexer.text_models.text_model import TextModel, load_text_model

BLOCK_ROWS = 8192
LEAST_LABELS, LEAST_PHOTOS = 2, 20  # labels, and photos with one, from which they say what a cosine means
LEAST_GAIN = 2.0  # times as probable a match must be at its own cosine as by chance, else the labels tell nothing
MOST_LABELS = 200  # labels that are taken as texts, those of the most photos first


class TextQuery(NamedTuple):
    """What a photo should show and what it should not show, in words; either may be empty."""

    wanted: str
    unwanted: str


class TextVectors(NamedTuple):
    """Photo ids (n,) int64 and their embeddings (n, dim) float16 under the model of one library."""

    ids: NDArray[np.int64]
    values: NDArray[np.float16]


class TextIndex:
    """The embeddings of a library's photos, read once, then kept up to date, and the network that embeds texts."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._fingerprint = ""
        self._model: TextModel | None = None
        self._last_seq = 0
        self._vectors = _make_empty_vectors(0)
        self._curve: LogisticCurve | None = None
        self._measured_state: object = None  # of which the curve is

    def answer_words(
        self, words: tuple[str, str], k: int, *, pictures: Query | None = None, within: Filter | None = None
    ) -> WordResult:
        """The k best photos that show the first text and not the second, alone or with pictures.

        LookalikeError where both are empty.
        """
        query = parse_text_query(*words)
        if pictures is None:
            return self.rank_photos(query, k, within=within)
        return self.rank_with_pictures(query, pictures, k, within=within)

    def rank_photos(self, query: TextQuery, k: int, *, within: Filter | None = None) -> WordResult:
        """The k photos with the best scores, of those that are shown and pass the filter."""
        start = time.perf_counter()
        self._refresh()
        rows = np.flatnonzero(self._library.mask_present_photos(within)[self._vectors.ids])
        scores = self._score_rows(query, rows)
        best = rank_highest(scores, k)
        hits = self._build_hits(query, rows[best], scores[best], {})
        return WordResult(hits, time.perf_counter() - start, "", len(rows))

    def rank_with_pictures(
        self, query: TextQuery, pictures: Query, k: int, *, within: Filter | None = None
    ) -> WordResult:
        """The k best of the photos nearest to the pictures by rank fusion of both orders."""
        start = time.perf_counter()
        nearest = self._library.find_nearest(pictures, k=max(k, FUSED_PHOTOS), within=within)
        rows = self._find_rows(nearest.ids)
        scores = self._score_rows(query, rows)
        best = np.argsort(-compute_fused_scores(scores), kind="stable")[:k]
        distances = dict(zip(nearest.ids.tolist(), nearest.distances.tolist(), strict=True))
        hits = self._build_hits(query, rows[best], scores[best], distances)
        return WordResult(hits, time.perf_counter() - start, "", len(rows))

    def _find_rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of these photos in their order; those without an embedding are left out."""
        self._refresh()
        order = np.argsort(self._vectors.ids, kind="stable")
        if not len(order):
            return np.empty(0, np.int64)
        places: NDArray[np.int64] = order[
            np.minimum(np.searchsorted(self._vectors.ids, ids, sorter=order), len(order) - 1)
        ]
        rows: NDArray[np.int64] = places[self._vectors.ids[places] == ids]
        return rows

    def _refresh(self) -> None:
        """Load the network for texts of the active model, and what was embedded since the last time."""
        fingerprint = self._library.model_fingerprint
        if fingerprint != self._fingerprint:
            self._model = load_text_model(self._library.models_folder / fingerprint)
            self._fingerprint, self._last_seq = fingerprint, 0
            self._vectors = _make_empty_vectors(self._library.read_model_card().dim)
        parts = [self._vectors]
        embeddings, model_id = self._library.store.embeddings, self._library.model_id
        while len((stored := embeddings.read_embeddings(model_id, self._last_seq, limit=BLOCK_ROWS)).ids):
            parts.append(TextVectors(stored.ids, stored.values))
            self._last_seq = int(stored.seqs[-1])
        if len(parts) > 1:
            self._vectors = TextVectors._make(np.concatenate(columns) for columns in zip(*parts, strict=True))
        state = (fingerprint, self._last_seq, self._library.annotations.fingerprint_labels())
        if state != self._measured_state:
            self._curve, self._measured_state = self._measure_curve(), state

    def _score_rows(self, query: TextQuery, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The scores (n,) of the rows: what is wanted being there, times what is not wanted being absent."""
        scores = np.ones(len(rows))
        if query.wanted:
            scores *= self._compute_shares(query.wanted)[rows]
        if query.unwanted:
            scores *= 1 - self._compute_shares(query.unwanted)[rows]
        return scores

    def _compute_shares(self, text: str) -> NDArray[np.float64]:
        """What the text is worth for every row (n,), 0 to 1: a probability, or the share of photos that are farther."""
        distances = 1 - self._compute_cosines([text])[:, 0]
        if self._curve is not None:
            return self._curve.compute_probabilities(distances)
        shares = np.empty(len(distances))
        shares[np.argsort(-distances, kind="stable")] = np.arange(len(distances)) / len(distances)
        return shares

    def _compute_cosines(self, texts: list[str], rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """The cosines (n, t) of the rows, None for all, with t texts."""
        assert self._model is not None  # since the refresh
        vectors = self._model.embed_texts(texts).T
        values = self._vectors.values if rows is None else self._vectors.values[rows]
        blocks = [values[start : start + BLOCK_ROWS] for start in range(0, len(values), BLOCK_ROWS)]
        found = [block.astype(np.float32) @ vectors for block in blocks]
        return np.concatenate(found).astype(np.float64) if found else np.empty((0, len(texts)))

    def _measure_curve(self) -> LogisticCurve | None:
        """The probability of a match over 1 - cosine; None where neither the pair nor the labels tell it."""
        assert self._model is not None  # since the refresh
        card = self._model.card
        if card.bias is not None:
            return LogisticCurve(card.scale + card.bias, -card.scale)
        labels = self._library.annotations.read_labels(self._library.model_id)
        texts = [label for label, _ in Counter(labels.values()).most_common(MOST_LABELS)]
        if len(texts) < LEAST_LABELS or len(labels) < LEAST_PHOTOS:
            return None
        places = {label: place for place, label in enumerate(texts)}
        rows = [row for row, photo in enumerate(self._vectors.ids.tolist()) if labels.get(photo) in places]
        label_places = np.array([places[labels[photo]] for photo in self._vectors.ids[rows].tolist()], np.int64)
        distances = 1 - self._compute_cosines(texts, np.array(rows, np.int64))
        is_match = np.arange(len(texts)) == label_places[:, None]
        curve = fit_logistic_curve(distances.ravel(), is_match.ravel(), np.ones(distances.size))
        is_useful = curve.compute_probability(float(distances[is_match].mean())) > LEAST_GAIN * is_match.mean()
        return curve if is_useful else None

    def _build_hits(
        self, query: TextQuery, rows: NDArray[np.int64], scores: NDArray[np.float64], distances: dict[int, float]
    ) -> list[WordHit]:
        photos = {photo.id: photo for photo in self._library.load_photos(self._vectors.ids[rows].tolist())}
        shares = self._compute_shares(query.wanted)[rows] if query.wanted else scores
        hits: list[WordHit] = []
        for photo_id, score, share in zip(self._vectors.ids[rows].tolist(), scores, shares, strict=True):
            if (photo := photos.get(photo_id)) is not None:
                why = self._explain_share(query.wanted, float(share)) if query.wanted else ""
                hits.append(WordHit(len(hits) + 1, photo, float(score), why, distances.get(photo_id)))
        return hits

    def _explain_share(self, text: str, share: float) -> str:
        if self._curve is not None:
            return f"{text}: {share:.0%}"
        return f"{text}: nearer than {share:.0%} of the photos"


def parse_text_query(words: str, not_words: str) -> TextQuery:
    """The query of two texts, of which one may be empty; LookalikeError where both are."""
    query = TextQuery(" ".join(words.split()), " ".join(not_words.split()))
    if not any(query):
        raise LookalikeError("Name at least one word to look for.")
    return query


class LibraryWords:
    """What answers words in a library: its model's own half for texts, else the classes that the built-in model knows.

    Kept by its owner, as it keeps what it has read; it follows the library to another model.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._index: TextIndex | WordIndex | None = None

    def answer_words(
        self, words: tuple[str, str], k: int, *, pictures: Query | None = None, within: Filter | None = None
    ) -> WordResult:
        """The k best photos that show the first text and not the second, alone or with pictures.

        LookalikeError where a word is not known to the model, or both texts are empty.
        """
        kind = TextIndex if has_text_half(self._library.models_folder / self._library.model_fingerprint) else WordIndex
        if not isinstance(self._index, kind):
            self._index = kind(self._library)
        return self._index.answer_words(words, k, pictures=pictures, within=within)


def _make_empty_vectors(dim: int) -> TextVectors:
    return TextVectors(np.empty(0, np.int64), np.empty((0, dim), np.float16))
