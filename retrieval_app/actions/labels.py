"""The labels of the open library: what is asked of them, and how they are written so that it can be undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from indexer.errors import LookalikeError
from indexer.wording import tr
from retrieval_app.session.change_history import ChangeHistory
from retrieval_app.wording import format_count

if TYPE_CHECKING:
    from indexer.library import Library
    from indexer.matching.identification_rule import IdentificationRuleCache

LABELS_KEY = "labels"
LABEL_CHANGE = "label"  # a kind of LibraryChange
MOST_ASKED, MOST_SUGGESTED = 12, 4  # photos whose likes are asked for a label, and labels suggested


class SeenWords(NamedTuple):
    """Words for what the model sees in photos, the most telling first."""

    words: tuple[str, ...]


def list_labels(library: Library) -> list[str]:
    """The labels in use, in the order of their names."""
    return sorted(set(library.annotations.read_labels(library.model_id).values()))


def suggest_labels(library: Library, photo_ids: Sequence[int], rules: IdentificationRuleCache) -> list[str]:
    """The labels that the nearest labelled photos vote for, best first; of many photos the first MOST_ASKED are asked.

    Empty where nothing is labelled.
    """
    from indexer.matching.identification import identify_with_rule

    votes: Counter[str] = Counter()
    try:
        rule = rules.get_rule(library)
        for photo_id in photo_ids[:MOST_ASKED]:
            for alternative in identify_with_rule(rule, photo_id).alternatives:
                votes[alternative.label] += alternative.vote  # type: ignore[assignment]
    except LookalikeError:  # nothing is labelled yet, or a photo has gone
        return []
    return [label for label, _ in votes.most_common(MOST_SUGGESTED)]


def suggest_known_words(library: Library, photo_ids: Sequence[int]) -> SeenWords:
    """Known words for what the model sees in photos, best first; none where it is unsure or knows none."""
    from indexer.ranking.word_captions import suggest_words

    return SeenWords(tuple(suggest_words(library, photo_ids)))


def label_photos(history: ChangeHistory, photo_ids: Sequence[int], label: str | None) -> None:
    """Give photos a label of the user's, or take theirs back (None), as one change that one undo takes back."""
    photos, before = tuple(photo_ids), dict[int, str | None]()
    count = format_count(len(photos), "photo")
    name = tr("label {count} “{label}”", count=count, label=label)
    history.change_library(
        name if label is not None else tr("take back the label of {count}", count=count),
        LABEL_CHANGE,
        photos,
        partial(_write_label, photos=photos, label=label, before=before),
        partial(_restore_labels, before=before),
    )


def _write_label(library: Library, photos: tuple[int, ...], label: str | None, before: dict[int, str | None]) -> None:
    """Set the user's label of photos, and remember in `before` which ones they had."""
    before.update(library.annotations.read_user_labels(photos))
    library.annotations.set_label(photos, label)


def _restore_labels(library: Library, before: dict[int, str | None]) -> None:
    library.annotations.set_labels(before)
