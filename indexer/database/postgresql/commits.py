"""How a transaction that has changed something ends: in one question, which also tells all others of it."""

import uuid
from collections.abc import Iterable


def build_commit(token: uuid.UUID, changed_tables: Iterable[str], channel: str) -> str:
    """The SQL that counts the commit, keeps its token for a day, notes which tables it changed, tells them on the
    channel, and commits.
    """
    tables = ",".join(sorted(changed_tables))
    return (
        f"INSERT INTO commits (token) VALUES ('{token}'); UPDATE revision SET number = number + 1; "
        f"INSERT INTO changes SELECT unnest('{{{tables}}}'::text[]), number FROM revision "
        "ON CONFLICT (name) DO UPDATE SET number = excluded.number; "
        f"SELECT pg_notify('{channel}', number || ' {tables}') FROM revision; "
        "DELETE FROM commits WHERE moment < now() - interval '1 day'; COMMIT"
    )
