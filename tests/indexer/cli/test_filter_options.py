"""A filter survives its way through the words of a command line."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.cli.filter_options import add_filter_options, format_filter_options
from indexer.database.filters import ORIENTATIONS, Filter, build_filter

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
FILTERS = st.builds(
    Filter,
    label=st.none() | st.text(st.characters(codec="utf-8"), max_size=8),
    under=st.sampled_from([None, Path("/"), Path("/photos/-a b"), Path("/photos/--label=x")]),
    after=st.none() | MOMENTS,
    before=st.none() | MOMENTS,
    min_side=st.none() | st.integers(1, 2**70),
    orientation=st.sampled_from([None, *ORIENTATIONS]),
)


@click.command()
@add_filter_options
def filter_command(**fields: Any) -> Filter | None:
    return build_filter(fields)


def parse_filter(words: list[str]) -> Filter | None:
    """The filter that a command with the filter options makes of the words; raises where it refuses them."""
    found: Filter | None = filter_command.main(words, standalone_mode=False)
    return found


@given(within=FILTERS)
def test_the_options_of_a_filter_make_it_again(within: Filter) -> None:
    assert parse_filter(format_filter_options(within)) == (None if within == Filter() else within)


@pytest.mark.parametrize("words", [[], ["--label", "cat"], ["--after", "2026-03-05", "--orientation", "square"]])
def test_no_option_is_no_filter(words: list[str]) -> None:
    assert (parse_filter(words) is None) == (not words)


def test_a_folder_beside_the_command_is_named_by_its_whole_path() -> None:
    assert format_filter_options(Filter(under=Path("cats"))) == [f"--under={Path.cwd() / 'cats'}"]
