"""What is left out of a library's roots by patterns, and what the last walk of each root passed over."""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from indexer.database.interface import Database
from indexer.errors import LookalikeError
from indexer.wording import count_noun, tr

LONGEST_PATTERN = 1000  # characters


class PassedOver(NamedTuple):
    """Counts of what a walk passed over: left out by rule or pattern, links to folders, folders that may not be entered
    or lie too deep, and pictures of kinds that are not read, by suffix.
    """

    excluded: int = 0
    linked: int = 0
    not_entered: int = 0
    too_deep: int = 0
    not_read: Mapping[str, int] = MappingProxyType({})

    def add_counts(self, other: "PassedOver") -> "PassedOver":
        """The counts of both."""
        suffixes = sorted({*self.not_read, *other.not_read})
        not_read = {suffix: self.not_read.get(suffix, 0) + other.not_read.get(suffix, 0) for suffix in suffixes}
        return PassedOver(
            self.excluded + other.excluded,
            self.linked + other.linked,
            self.not_entered + other.not_entered,
            self.too_deep + other.too_deep,
            not_read,
        )

    def list_fields(self) -> dict[str, object]:
        """The counts as JSON holds them."""
        return self._asdict() | {"not_read": dict(self.not_read)}


NOTHING_PASSED_OVER = PassedOver()


def list_exclusions(database: Database, root: int) -> tuple[str, ...]:
    """The patterns of what is left out of a root, in order."""
    rows = database.fetch_rows("SELECT pattern FROM exclusions WHERE root = ? ORDER BY pattern", (root,))
    return tuple(str(pattern) for (pattern,) in rows)


def change_exclusions(database: Database, root: int, added: Iterable[str], removed: Iterable[str]) -> None:
    """Add patterns to a root and take others back. Raises LookalikeError for one that is empty, or is none of it."""
    with database.transaction():
        for pattern in removed:
            if not database.execute_statement("DELETE FROM exclusions WHERE root = ? AND pattern = ?", (root, pattern)):
                raise LookalikeError(
                    "No pattern {pattern!r} leaves anything out there; lookalike info lists them.", pattern=pattern
                )
        for pattern in added:
            if not pattern.removesuffix("/") or len(pattern) > LONGEST_PATTERN or not pattern.isprintable():
                raise LookalikeError(
                    "{pattern!a} is no pattern: name a folder or file, as in 'private' or '*.tif'.", pattern=pattern
                )
            database.execute_statement("INSERT INTO exclusions VALUES (?, ?) ON CONFLICT DO NOTHING", (root, pattern))


def record_passed_over(database: Database, root: int, passed: PassedOver) -> None:
    """Remember what the last walk of a root passed over, for whoever asks how the library is."""
    fields = json.dumps(passed.list_fields())
    sql = f"UPDATE roots SET passed_over = ?1 WHERE id = ?2 AND passed_over {database.dialect.differs} ?1"
    database.execute_statement(sql, (fields, root))


def read_passed_over(database: Database) -> PassedOver:
    """What the last walks of all roots passed over."""
    total = NOTHING_PASSED_OVER
    for (fields,) in database.fetch_rows("SELECT passed_over FROM roots WHERE passed_over IS NOT NULL"):
        total = total.add_counts(_parse_stored_counts(fields))
    return total


def _parse_stored_counts(text: object) -> PassedOver:
    try:
        return parse_counts(json.loads(str(text)))
    except (ValueError, RecursionError):
        return NOTHING_PASSED_OVER


def parse_counts(fields: Any) -> PassedOver:
    """Counts from what `list_fields` gave; anything else, as a foreign library may hold, counts as nothing."""
    try:
        kinds = {str(suffix): int(count) for suffix, count in fields["not_read"].items()}
        excluded, linked, not_entered, too_deep = (int(fields[name]) for name in PassedOver._fields[:-1])
    except (ValueError, TypeError, KeyError, AttributeError):
        return NOTHING_PASSED_OVER
    return PassedOver(excluded, linked, not_entered, too_deep, kinds)


def describe_passed_over(passed: PassedOver) -> list[str]:
    """A phrase for each reason for which something was passed over: '3 files or folders left out'."""
    kinds = ", ".join(f"{suffix} {count:,}" for suffix, count in sorted(passed.not_read.items()))
    unread = sum(passed.not_read.values())
    texts = [
        (
            passed.excluded,
            tr(
                "{files_or_folders} left out",
                files_or_folders=count_noun(passed.excluded, "file or folder", "files or folders"),
            ),
        ),
        (passed.linked, tr("{links} to other folders", links=count_noun(passed.linked, "link"))),
        (passed.not_entered, tr("{folders} that may not be entered", folders=count_noun(passed.not_entered, "folder"))),
        (passed.too_deep, tr("{folders} too deep to be reached", folders=count_noun(passed.too_deep, "folder"))),
        (
            unread,
            tr("{pictures} of kinds that are not read ({kinds})", pictures=count_noun(unread, "picture"), kinds=kinds),
        ),
    ]
    return [text for count, text in texts if count]
