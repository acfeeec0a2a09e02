"""The photos that show what words say, for the grid; a reader thread keeps each library's classes."""

import weakref

import numpy as np

from indexer.database.filters import Filter
from indexer.library import Library
from indexer.ranking.word_ranking import WordIndex, parse_word_query
from retrieval_app.session.photo_listing import MAX_HITS, FoundListings, PhotoListing

_word_indexes: "weakref.WeakKeyDictionary[Library, WordIndex]" = weakref.WeakKeyDictionary()


def find_pictured_photos(library: Library, words: str, within: Filter) -> FoundListings:
    """The photos that show the words and pass the filter, the surest first, at most MAX_HITS.

    LookalikeError for words that are not known.
    """
    if library not in _word_indexes:
        _word_indexes[library] = WordIndex(library)
    result = _word_indexes[library].rank_photos(parse_word_query(words, ""), MAX_HITS, within=within)
    ids = np.fromiter((hit.photo.id for hit in result.hits), np.int64, len(result.hits))
    return FoundListings(PhotoListing(ids, candidate_count=len(library.find_photo_ids(within))))
