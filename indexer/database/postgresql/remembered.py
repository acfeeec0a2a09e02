"""Answers of the server that still hold: each is kept until one of the tables that its question names has changed.

Over a slow link it is the number of questions that is felt. One question tells which tables have changed; what was
asked of the others is answered from here. What is usually asked is kept from one start to the next.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from indexer import atomic
from indexer.database.interface import SqlRow
from indexer.database.postgresql.tables import TABLE_KEYS
from indexer.trust.regular_file import UnusableFile, read_regular_file
from indexer.trust.signatures import compute_signature, is_signed_here

MOST_ANSWERS = 400
MOST_ROWS = 2_000_000  # of all answers together
MOST_MEMORY_BYTES, MOST_VALUES_BYTES = 1_000_000, 10_000
_MEMORY_PURPOSE = "questions to a shared library"
_TABLE = re.compile(rf"\b({'|'.join(TABLE_KEYS)})\b")
_VOLATILE = re.compile(r"\b(work|now|nextval|setval|INSERT|UPDATE|DELETE|FOR UPDATE)\b|\bpg_")
_CHANGE = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)", re.IGNORECASE)
_WITH_DEPENDENTS = frozenset({"roots", "photos", "models", "embeddings"})  # whose deletion deletes rows of others


class TableVersions(NamedTuple):
    """The number of the last commit, and of the last commit that changed each table."""

    revision: int
    changed: Mapping[str, int]


class Question(NamedTuple):
    """A statement, what is bound to it, and the tables that decide its answer."""

    sql: str
    values: Sequence[object]
    tables: frozenset[str]

    @property
    def key(self) -> Hashable:
        """Equal for equal questions."""
        return self.sql, tuple(
            (type(value), tuple(value) if isinstance(value, list) else value) for value in self.values
        )


class _KeptAnswer(NamedTuple):
    question: Question
    versions: tuple[int, ...]
    rows: list[SqlRow]


class RememberedAnswers:
    """The server's answers to earlier questions, given out between `look` and `end_look` while their tables are
    unchanged.

    A look has a purpose: what was once asked for it will be asked again, unless it was asked with other values since.
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, _KeptAnswer] = OrderedDict()
        self._usual: dict[str, dict[str, Question | None]] = {}  # by purpose and statement, None where values differ
        self._expected: dict[str, list[Question]] = {}  # by purpose, until its first look
        self._recorded: dict[str, dict[Hashable, Question]] = {}  # in that look
        self._rows = 0
        self._revision = -1
        self.versions: TableVersions | None = None  # of the last look, None where it has ended

    def look(self, versions: TableVersions) -> None:
        """Begin to give out and to keep answers, as of these versions of the tables."""
        if versions.revision > max(self._revision, *versions.changed.values(), 0):
            self.forget(TABLE_KEYS)  # by a program that does not say what it changes
        self._revision, self.versions = versions.revision, versions

    def end_look(self) -> None:
        """Give out nothing until the next look."""
        self.versions = None

    def list_outdated(self, purpose: str) -> list[Question]:
        """The questions that are usually asked for a purpose and whose answers no longer hold."""
        usual = [*self._usual.get(purpose, {}).values(), *self._expected.pop(purpose, [])]
        return [question for question in usual if question is not None and self.find(question) is None]

    def expect(self, purpose: str, questions: list[Question]) -> None:
        """Count questions as usual at the first look for a purpose, and record what is asked then."""
        self._expected[purpose] = questions
        self._recorded[purpose] = {}

    def take_record(self, purpose: str) -> list[Question]:
        """All that was asked for a purpose since `expect`; nothing more is recorded."""
        return list(self._recorded.pop(purpose, {}).values())

    def note_use(self, purpose: str, question: Question) -> None:
        """Remember that a question was asked for a purpose."""
        if purpose in self._recorded:
            self._recorded[purpose][question.key] = question
        usual = self._usual.setdefault(purpose, {})
        known = usual.setdefault(question.sql, question)
        if known is not None and known.key != question.key:
            usual[question.sql] = None

    def find(self, question: Question) -> list[SqlRow] | None:
        """The kept answer; None where there is none or one of its tables has changed."""
        kept = self._answers.get(question.key)
        return kept.rows if kept is not None and kept.versions == self._list_versions(question) else None

    def keep(self, question: Question, rows: list[SqlRow]) -> None:
        """Keep an answer; the oldest ones are dropped where there are many."""
        self._drop(question.key)
        self._answers[question.key] = _KeptAnswer(question, self._list_versions(question), rows)
        self._rows += len(rows)
        while len(self._answers) > MOST_ANSWERS or self._rows > MOST_ROWS:
            self._drop(next(iter(self._answers)))

    def _list_versions(self, question: Question) -> tuple[int, ...]:
        assert self.versions is not None
        return tuple(self.versions.changed.get(table, 0) for table in sorted(question.tables))

    def forget(self, tables: Iterable[str]) -> None:
        """Drop all answers that name one of these tables."""
        changed = set(tables)
        for key in [key for key, kept in self._answers.items() if kept.question.tables & changed]:
            self._drop(key)

    def _drop(self, key: Hashable) -> None:
        kept = self._answers.pop(key, None)
        self._rows -= len(kept.rows) if kept is not None else 0


class QuestionMemory:
    """What was asked of a shared library at the first look for each purpose, in a file of its folder that this computer
    has signed.

    So that the first look after a start is two questions, too. A file that cannot be read or written is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read_questions(self, purpose: str) -> list[Question]:
        """The questions that were asked for a purpose; none where they were not kept by this computer."""
        return [Question(sql, values, frozenset(tables)) for sql, values, tables in self._read_all().get(purpose, [])]

    def keep_questions(self, purpose: str, questions: Iterable[Question]) -> None:
        """Keep what was asked for a purpose, but for questions with many values or with some that are no JSON."""
        plain = [question for question in questions if _is_plain(question.values)]
        kept = [[question.sql, list(question.values), sorted(question.tables)] for question in plain]
        known = self._read_all()
        if kept and known.get(purpose) != kept:
            text = json.dumps(known | {purpose: kept})
            signature = compute_signature(_MEMORY_PURPOSE, text.encode())
            with suppress(OSError):
                atomic.write_file(self._path, json.dumps({"questions": text, "signature": signature}).encode())

    def _read_all(self) -> dict[str, list[Any]]:
        try:
            fields = json.loads(read_regular_file(self._path, MOST_MEMORY_BYTES))
            text = fields["questions"]
            is_own = is_signed_here(fields["signature"], _MEMORY_PURPOSE, text.encode())
            return dict(json.loads(text)) if is_own else {}
        except (OSError, UnusableFile, ValueError, KeyError, TypeError, AttributeError):
            return {}


def _is_plain(values: Sequence[object]) -> bool:
    """Whether values are the same after they were kept as JSON, and few."""
    try:
        text = json.dumps(list(values))
    except (TypeError, ValueError):
        return False
    return len(text) < MOST_VALUES_BYTES and json.loads(text) == list(values)


@lru_cache(1000)
def find_named_tables(sql: str) -> frozenset[str]:
    """The tables on which alone the answer to a question depends; empty where it depends on anything else too."""
    return frozenset() if _VOLATILE.search(sql) else frozenset(_TABLE.findall(sql))


@lru_cache(1000)
def find_changed_tables(sql: str) -> frozenset[str]:
    """The tables of which a statement may change rows."""
    found = _CHANGE.match(sql)
    if found is None:
        return frozenset()
    is_wide = found[0].lstrip().upper().startswith("DELETE") and found[1] in _WITH_DEPENDENTS
    return frozenset(TABLE_KEYS) if is_wide else frozenset({found[1]})
