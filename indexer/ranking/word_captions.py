"""Known words for what the built-in model sees in photos: proposed as labels, and as captions of groups without one.

The word that tells most is the one whose classes are much more probable in these photos than in others of the library:
the highest p log(p / q), a term of their Kullback-Leibler divergence (Manning et al. 2008, "Introduction to Information
Retrieval", 17.7, on labels that tell clusters apart).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.clustering.photo_clusters import PhotoClusters, number_repeats
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.models.class_layer import CLASS_COUNT, ClassLayer, read_class_layer
from indexer.ranking.known_words import load_word_tree
from indexer.ranking.word_ranking import find_word_model

LEAST_SHARE = 0.15  # of what is seen in the photos, which a word has to mean
MOST_LOOKED_AT, MOST_COMPARED = 12, 120  # photos of a group, and of the library
PRIOR_WEIGHT = 0.5  # of all classes being alike, beside what the library shows
MOST_WORDS = 3
MOST_GENERAL = 130  # classes of the 1,000 that a word may mean: "artifact" tells nothing


class WordTeller:
    """Finds the words that tell most about photos of a library; LookalikeError where its models know none."""

    def __init__(self, library: Library) -> None:
        self._library, self._model = library, find_word_model(library)
        self._layer: ClassLayer = read_class_layer()
        others = self._compute_shares(library.find_photo_ids(), MOST_COMPARED)
        even = np.full(CLASS_COUNT, 1 / CLASS_COUNT)
        self._usual = even if others is None else PRIOR_WEIGHT * even + (1 - PRIOR_WEIGHT) * others

    def choose_words(self, photo_ids: Sequence[int] | NDArray[np.int64], count: int = MOST_WORDS) -> list[str]:
        """At most `count` words, the most telling first; empty where none is sure. Of many photos some are seen."""
        shares = self._compute_shares(photo_ids, MOST_LOOKED_AT)
        if shares is None:
            return []
        found = []
        for word, classes in load_word_tree().notions:
            if len(classes) > MOST_GENERAL:
                continue
            share, usual = float(shares[list(classes)].sum()), float(self._usual[list(classes)].sum())
            if share >= LEAST_SHARE:
                found.append((-share * np.log(share / usual), word))
        return list(dict.fromkeys(word for telling, word in sorted(found) if telling < 0))[:count]

    def _compute_shares(self, photo_ids: Sequence[int] | NDArray[np.int64], most: int) -> NDArray[np.float64] | None:
        """The mean probability of each class (classes,) in `most` of the photos; None where none is stored."""
        places = np.unique(np.linspace(0, max(0, len(photo_ids) - 1), most).astype(np.int64))
        looked_at = [int(photo_ids[place]) for place in places.tolist()] if len(photo_ids) else []
        table = self._library.store.embeddings
        vectors = list(table.read_photo_vectors(looked_at, self._model).values())
        if not vectors:
            return None
        shares: NDArray[np.float64] = self._layer.compute_probabilities(np.stack(vectors)).mean(axis=0, dtype=float)
        return shares


def suggest_words(library: Library, photo_ids: Sequence[int]) -> list[str]:
    """The most telling words for photos, best first; empty where none is sure, or the library's model knows none."""
    try:
        return WordTeller(library).choose_words(photo_ids)
    except LookalikeError:
        return []


def caption_clusters(library: Library, clusters: PhotoClusters, names: Sequence[str]) -> list[str]:
    """The most telling word for each group without a name, "" for the others and where none is sure.

    The second group of one word is called 'word 2'.
    """
    try:
        teller = WordTeller(library)
    except LookalikeError:
        return [""] * len(names)
    members = (clusters.ids[clusters.codes == code] if not name else () for code, name in enumerate(names))
    return number_repeats([next(iter(teller.choose_words(ids, 1)), "") for ids in members])
