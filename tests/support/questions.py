"""How often a shared library asks its server: over a slow link each question is felt."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.database.postgresql.connection import PostgresqlDatabase
from indexer.library import Library


@contextmanager
def trace_questions(library: Library, folder: Path) -> Iterator[list[str]]:
    """The questions that are sent to the server in the block, one for each time that is waited, by libpq's own trace.

    Statements that are sent together are one question, joined by new lines.
    """
    database, questions = library.store.database, list[str]()
    assert isinstance(database, PostgresqlDatabase)
    with (folder / "trace").open("w+") as trace:
        database._db.pgconn.trace(trace.fileno())
        yield questions
        database._db.pgconn.untrace()
        trace.seek(0)
        sent = [words[3:] for words in (line.rstrip("\n").split("\t") for line in trace) if words[1] == "F"]
    gathered = ""
    for name, *rest in sent:
        gathered += "\n".join(rest)
        if name in ("Sync", "Query"):
            questions.append(gathered)
            gathered = ""


def count_received_bytes(folder: Path) -> int:
    """The bytes of the server's messages in the last trace."""
    fields = [line.split("\t") for line in (folder / "trace").read_text(errors="replace").splitlines()]
    return sum(int(words[2]) for words in fields if len(words) > 2 and words[1] == "B")
