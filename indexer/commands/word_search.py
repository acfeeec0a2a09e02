"""The part of `lookalike search` that is asked by words: `--words`, `--not-words`, alone or with pictures."""

from collections.abc import Mapping
from typing import Any

import click

from indexer.cli.terminal import print_hits, print_result, print_search_time
from indexer.database.filters import build_filter
from indexer.library import Library
from indexer.paths import show_path
from indexer.ranking.known_words import SplitWords, join_unwanted, split_unwanted
from indexer.ranking.search_request import SearchRequest
from indexer.ranking.text_ranking import LibraryWords
from indexer.ranking.word_ranking import WordResult
from indexer.reports.result_fields import list_word_fields
from indexer.search.query import Query
from indexer.wording import tr

PICTURE_OPTIONS = ("crop", "max_distance", "max_fmr")  # of a search that only pictures answer


def build_word_search(words: tuple[str, str], query_fields: Mapping[str, Any]) -> SearchRequest:
    """The search for photos that show the words of the first text and not those of the second.

    `query_fields` are the query options of `lookalike search`.
    """
    options = dict(query_fields)
    if any(options.pop(name) is not None for name in PICTURE_OPTIONS):
        raise click.UsageError(tr("--crop, --max-distance and --max-fmr go with pictures alone, not with words."))
    pictures = Query(*(options.pop(name) for name in ("images", "unlike", "weights")))
    return SearchRequest(pictures, build_filter(options), words=join_unwanted(SplitWords(*words)))


def answer_word_search(library: Library, search: SearchRequest, count: int, *, as_json: bool) -> None:
    """Print the `count` best photos of a search by words."""
    pictures = search.query if search.query.positives else None
    words = split_unwanted(search.words)
    result = LibraryWords(library).answer_words(words, count, pictures=pictures, within=search.within)
    if as_json:
        print_result("search", list_word_fields(result))
    else:
        _print_hits(result)


def _print_hits(result: WordResult) -> None:
    lines = [f"{hit.rank:>4}  {hit.why:<32}  {show_path(hit.photo.path)}" for hit in result.hits]
    print_hits(lines, notice=result.notice, otherwise=tr("No photo shows it."))
    print_search_time(len(lines), result.seconds, tr("by what the model sees"))
