"""The part of `lookalike search` that is asked by words: `--words`, `--not-words`, alone or with pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from indexer.cli.terminal import print_hits, print_result, print_search_time
from indexer.library import Library
from indexer.paths import show_path
from indexer.ranking.filter_options import build_filter
from indexer.ranking.text_ranking import LibraryWords
from indexer.ranking.word_ranking import WordResult
from indexer.reports.result_fields import list_word_fields
from indexer.search.query import Query

PICTURE_OPTIONS = ("crop", "max_distance", "max_fmr")  # of a search that only pictures answer


def search_by_words(
    library: Path, words: tuple[str, str], count: int, query_fields: Mapping[str, Any], *, as_json: bool
) -> None:
    """Print the photos that show the words of the first text and not those of the second.

    `query_fields` are the query options of `lookalike search`.
    """
    options = dict(query_fields)
    if any(options.pop(name) is not None for name in PICTURE_OPTIONS):
        raise click.UsageError("--crop, --max-distance and --max-fmr go with pictures alone, not with words.")
    images, unlike, weights = (options.pop(name) for name in ("images", "unlike", "weights"))
    pictures = Query(images, unlike, weights) if images else None
    with Library.open(library) as opened:
        result = LibraryWords(opened).answer_words(words, count, pictures=pictures, within=build_filter(options))
    if as_json:
        print_result("search", list_word_fields(result))
    else:
        _print_hits(result)


def _print_hits(result: WordResult) -> None:
    lines = [f"{hit.rank:>4}  {hit.why:<32}  {show_path(hit.photo.path)}" for hit in result.hits]
    print_hits(lines, notice=result.notice, otherwise="No photo shows it.")
    print_search_time(len(lines), result.seconds, "by what the model sees")
