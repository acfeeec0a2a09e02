"""What PostgreSQL writes differently from SQLite."""

import re
from collections.abc import Iterable
from functools import lru_cache

from indexer.database.interface import SqlDialect, SqlList

_PLACEHOLDER = re.compile(r"\?(\d*)")


def _list_values(values: Iterable[int] | Iterable[str]) -> SqlList:
    listed: list[int] | list[str] = list(values)  # type: ignore[assignment]
    kind = "text" if listed and isinstance(listed[0], str) else "bigint"
    return SqlList(f"(SELECT unnest(CAST(? AS {kind}[])))", listed)


POSTGRESQL_DIALECT = SqlDialect(
    differs="IS DISTINCT FROM",
    concatenate="string_agg(CAST({} AS text), ',')".format,
    hint_index=lambda _name: "",
    list_values=_list_values,
    name_labeller=(
        "(SELECT CASE WHEN label IS NOT NULL THEN extract(epoch FROM moment) || ' ' || who END FROM label_history "
        "WHERE photo = {} ORDER BY moment DESC LIMIT 1)"
    ).format,
)


@lru_cache(1000)
def number_placeholders(sql: str) -> str:
    """The statement with PostgreSQL's placeholders: $1 and $2 for ?1 and ?2, and in their order for ? and ?."""
    count = iter(range(1, sql.count("?") + 1))
    return _PLACEHOLDER.sub(lambda found: f"${found[1] or next(count)}", sql)
