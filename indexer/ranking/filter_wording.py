"""The conditions of a filter in words, and why a photo passes one."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from indexer.database.filters import Filter
from indexer.paths import fold_text, get_parent_folder, show_file_name, show_path
from indexer.search.results import Photo
from indexer.wording import tr


class FilterCondition(NamedTuple):
    """One condition of a filter in words, and the filter without it."""

    text: str
    without: Filter


def describe_conditions(within: Filter) -> list[FilterCondition]:
    """The conditions of the filter; the two ends of a span of time are one."""
    conditions: list[FilterCondition] = []
    if within.label is not None:
        conditions.append(FilterCondition(tr("label {label}", label=within.label), replace(within, label=None)))
    if within.under is not None:
        conditions.append(
            FilterCondition(tr("in {folder}", folder=format_folder_name(within.under)), replace(within, under=None))
        )
    if within.after is not None or within.before is not None:
        conditions.append(
            FilterCondition(_describe_span(within.after, within.before), replace(within, after=None, before=None))
        )
    if within.min_side is not None:
        conditions.append(
            FilterCondition(tr("at least {side:,} px", side=within.min_side), replace(within, min_side=None))
        )
    if within.orientation is not None:
        conditions.append(FilterCondition(_name_orientation(within.orientation), replace(within, orientation=None)))
    if within.named is not None:
        conditions.append(FilterCondition(tr("named {words}", words=within.named), replace(within, named=None)))
    return conditions


def _name_orientation(orientation: str) -> str:
    return {"landscape": tr("landscape"), "portrait": tr("portrait"), "square": tr("square")}[orientation]


def explain_names(photo: Photo, words: str) -> str:
    """Where a photo has each of the words that it is named by, in a phrase: 'cat: file name, herbarium: label'."""
    places = {
        tr("file name"): show_file_name(photo.path),
        tr("label"): photo.label or "",
        tr("folder"): show_path(get_parent_folder(photo.path)),
    }
    texts = {place: fold_text(text) for place, text in places.items()}
    found = (
        (word, next((place for place, text in texts.items() if fold_text(word) in text), tr("another copy")))
        for word in words.split()
    )
    return ", ".join(f"{word}: {place}" for word, place in found)


def format_folder_name(folder: Path) -> str:
    """The folder's last name, printable; the whole path where it has none."""
    return show_path(os.fsencode(folder.name or folder))


def shift_days(moment: datetime, days: int) -> datetime:
    """The moment so many days later, or earlier where negative, within the range of datetime."""
    try:
        return moment + timedelta(days=days)
    except OverflowError:
        return datetime.min if days < 0 else datetime.max


def _describe_span(after: datetime | None, before: datetime | None) -> str:
    """A span of time in whole days, in words; `before` is the first moment after it."""
    last = None if before is None else _format_day(before - datetime.resolution if before > datetime.min else before)
    if after is None:
        return tr("taken until {last}", last=last)
    first = _format_day(after)
    return (
        tr("taken since {first}", first=first)
        if last is None
        else tr("taken {first} to {last}", first=first, last=last)
    )


def _format_day(moment: datetime) -> str:
    year, month, day = moment.date().isoformat().split("-")  # strftime leaves the zeros of early years out
    return tr("{year}-{month}-{day}", year=year, month=month, day=day)
