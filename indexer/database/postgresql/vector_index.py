"""The embeddings of a model as pgvector has them, beside the tables: the server proposes which are near.

`near_MODEL` holds each embedding up to a seq once more, as halfvec with an HNSW index; what comes later the searcher
compares itself. Whatever the server proposes is joined with the embeddings, so that its index may lag and never lies.
Filtered searches go on through the index until their list is full (`hnsw.iterative_scan`, which pgvector leaves off).
Without the extension there is no such table, and every photo is compared.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from indexer.database.embedding_table import EmbeddingTable, StoredEmbeddings, VectorRow, select_sound_rows
from indexer.database.filters import Filter, build_photo_condition
from indexer.database.interface import Database
from indexer.database.model_table import ModelTable
from indexer.errors import LibraryError
from indexer.progress import Progress, Steps
from indexer.vectors.recall import TARGET_RECALL, TRUE_NEIGHBOURS
from indexer.wording import tr

if TYPE_CHECKING:
    from indexer.database.postgresql.connection import PostgresqlDatabase

COPIED_ROWS = 1000  # fewer come to each computer that searches
INDEXED_ROWS = 100_000  # fewer are compared one by one, on the server
LEAST_SHARE = 0.1  # of the photos, that pass a filter: fewer are compared one by one
LONGEST_TAIL = 0.1  # share of the embeddings that the index may lack
MAX_DIM = 4000  # numbers of a halfvec with an index
ROWS_PER_COPY = 5000
RECALL_QUERIES = 64
EFFORTS = (40, 100, 200, 400, 1000)  # vectors that HNSW keeps in sight (`hnsw.ef_search`, at most 1,000)
# Ranks up to which an effort finds nearly all. Where a share of the photos passes a filter, the nearest ten of them are
# among so many more: of 100,000 made-up embeddings the effort for all of them, over the share, found 0.976 of the ten
# where half passed and 0.886 where a tenth did; that for the nearest twenty found 0.984 of 60,000 where half passed.
DEPTHS = (TRUE_NEIGHBOURS, 2 * TRUE_NEIGHBOURS, 3 * TRUE_NEIGHBOURS, 5 * TRUE_NEIGHBOURS, 10 * TRUE_NEIGHBOURS)
DEVIATIONS = 2.0  # of the rank of the last of the nearest that pass, by chance, that are counted with
MARGIN = 8  # further candidates, as the server's distances are of single precision
MOST_SCANNED = 1_000_000


class VectorIndex(NamedTuple):
    """The server's index of a model: the last seq it covers, its number of embeddings, its search efforts and its
    recall.

    `efforts` are, for each of DEPTHS, the least that finds TARGET_RECALL of so many nearest, 0 where none does;
    `recall_at_10` is that of the first.
    """

    model: int
    upto: int
    rows: int
    efforts: tuple[int, ...]
    recall_at_10: float


class NearRequest(NamedTuple):
    """A question to the server's index: a vector (dim,), how many of the nearest, among which photos, and the search
    effort.

    Effort 0 compares all of them.
    """

    vector: np.ndarray
    wanted: int
    within: Filter | None = None
    effort: int = 0


class _RecallProbe(NamedTuple):
    """A vector (dim,) float32 of the index's own, and the ids of its true nearest, DEPTHS[-1] of them."""

    vector: np.ndarray
    true_ids: np.ndarray


def read_vector_index(database: Database, model: int) -> VectorIndex | None:
    """The server's index of a model, None where there is none or this user may not read it."""
    stored = database.fetch_setting(_name_setting(model))
    if not isinstance(stored, list) or len(stored) != len(VectorIndex._fields) - 1:
        return None
    may_read = "SELECT has_table_privilege(to_regclass(?), 'SELECT')"
    if database.fetch_rows(may_read, (f"near_{model}",)) != [(True,)]:
        return None
    upto, rows, efforts, recall = stored
    listed = efforts if isinstance(efforts, list) else [efforts]  # one, as it was stored before
    return VectorIndex(model, int(upto), int(rows), tuple(map(int, listed)), float(recall))


def update_vector_index(database: Database, model: int, dim: int) -> Steps[None]:
    """Bring the server's index up to date where there is pgvector and the photos are many; measure what it finds."""
    upto, total = _count_embeddings(database, model)
    if total < COPIED_ROWS or dim > MAX_DIM or not _has_vectors(database) or not _may_build(database, model):
        return
    server = _require_server(database)
    server.run_maintenance(
        f"CREATE TABLE IF NOT EXISTS near_{model} (seq bigint PRIMARY KEY, photo bigint NOT NULL, "
        f"vector halfvec({dim}) NOT NULL)"
    )
    server.run_maintenance(f"DELETE FROM near_{model} WHERE seq NOT IN (SELECT seq FROM embeddings)")
    embeddings = EmbeddingTable(database)
    ((last, done),) = database.fetch_rows(f"SELECT coalesce(max(seq), 0), count(*) FROM near_{model}")
    while len((part := embeddings.read_embeddings(model, last, upto, ROWS_PER_COPY)).seqs):
        server.copy_rows(f"COPY near_{model} FROM STDIN WITH (FORMAT BINARY)", _encode_rows(part))
        last, done = int(part.seqs[-1]), done + len(part.seqs)
        yield Progress("publish", done, total, tr("copying embeddings to the server's index"))
    index = VectorIndex(model, upto, done, (0,), 1.0)
    if done >= INDEXED_ROWS:
        yield Progress("publish", done, total, tr("building the server's index"))
        server.run_maintenance(
            f"CREATE INDEX IF NOT EXISTS near_{model}_hnsw ON near_{model} USING hnsw (vector halfvec_l2_ops)"
        )
        index = _measure_index(database, index)
    server.run_maintenance(f"ANALYZE near_{model}")
    ModelTable(database).set_setting(_name_setting(model), list(index[1:]))


def list_index_problems(database: Database, model: int) -> list[str]:
    """A sentence where the server could have an index of the active model, and has none or one that lacks much."""
    index, (_, total) = read_vector_index(database, model), _count_embeddings(database, model)
    sql = "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
    if total < INDEXED_ROWS or not database.fetch_integer(sql):
        return []
    lacking = total - (index.rows if index else 0)
    if index is None:
        said = "The server's index is not of the active model, so that every photo is compared."
    elif lacking > LONGEST_TAIL * total:
        said = f"The server's index lacks {lacking:,} of {total:,} embeddings, which each computer compares by itself."
    else:
        return []
    return [f"{said} Build it: lookalike index, or check --repair"]


def choose_effort(index: VectorIndex, passing: int) -> int:
    """The effort of a search among so many photos that pass; 0 where comparing all of them costs less or finds more."""
    share = min(1.0, passing / max(1, index.rows))
    if passing < INDEXED_ROWS or share < LEAST_SHARE:
        return 0
    wanted = (TRUE_NEIGHBOURS + DEVIATIONS * math.sqrt(TRUE_NEIGHBOURS * (1 - share))) / share  # negative binomial
    return next((effort for depth, effort in zip(DEPTHS, index.efforts, strict=False) if depth >= wanted), 0)


def find_near(database: Database, index: VectorIndex, request: NearRequest) -> StoredEmbeddings:
    """The embeddings of present photos nearest to the vector, in no order; a few more than asked for.

    With an effort they are those that the index proposes, else all are compared, in single precision.
    """
    distance, least = "v.vector <-> CAST(? AS halfvec)", request.wanted + MARGIN
    vector, near = _write_vector(request.vector), f"SELECT v.seq, v.photo FROM near_{index.model} AS v"
    if request.within is None and not request.effort:  # nearly all are present: only the nearest are looked up
        condition, values = build_photo_condition(database, None, "n.photo", one_by_one=True)
        sql = f"{near} ORDER BY ({distance}) + 0, v.photo LIMIT ?"
        found = _ask_near(database, request, (f"({sql}) AS n", condition), [vector, least + MARGIN, *values])
        if len(found.ids) >= least:
            return found
    condition, values = build_photo_condition(database, request.within, "v.photo", one_by_one=request.effort > 0)
    order = distance if request.effort else f"({distance}) + 0, v.photo"  # no index has that; equal ones in our order
    sql = f"{near} WHERE {condition} ORDER BY {order} LIMIT ?"
    return _ask_near(database, request, (f"({sql}) AS n", "TRUE"), [*values, vector, least])


def _ask_near(
    database: Database, request: NearRequest, near: tuple[str, str], values: list[object]
) -> StoredEmbeddings:
    """The sound embeddings of a table of proposed ones that pass a condition."""
    sql = (
        f"SELECT e.seq, e.photo, e.vector, c.crc32 FROM {near[0]} "
        f"JOIN embeddings AS e ON e.seq = n.seq LEFT JOIN checksums AS c ON c.seq = e.seq WHERE {near[1]}"
    )
    rows = _require_server(database).ask_with_settings(_list_settings(request.effort), sql, values)
    return select_sound_rows(list(map(VectorRow._make, rows)), len(request.vector))


def _require_server(database: Database) -> "PostgresqlDatabase":
    """The database, which is shared."""
    return cast("PostgresqlDatabase", database)


def _list_settings(effort: int) -> dict[str, str]:
    """Settings of the server for one question: our rule decides whether the index is asked, not the planner."""
    if not effort:
        return {}
    return {
        "hnsw.ef_search": str(effort),
        "hnsw.iterative_scan": "relaxed_order",
        "hnsw.max_scan_tuples": str(MOST_SCANNED),
        "hnsw.scan_mem_multiplier": "8",
        "enable_sort": "off",
        "enable_seqscan": "off",
    }


def _measure_index(database: Database, index: VectorIndex) -> VectorIndex:
    """The index with the least efforts that find TARGET_RECALL of the true nearest of some of its own photos."""
    embeddings, probes = EmbeddingTable(database), list[_RecallProbe]()
    for seq in np.linspace(0, index.upto - 1, RECALL_QUERIES).astype(int).tolist():
        stored = embeddings.read_embeddings(index.model, seq, index.upto, 1)
        if len(stored.seqs):
            vector = stored.values[0].astype(np.float32)
            found = find_near(database, index, NearRequest(vector, DEPTHS[-1] + 1))
            probes.append(_RecallProbe(vector, _rank_ids(found, vector)))
    efforts, recalls = list[int](), list[float]()
    for depth in DEPTHS:
        effort, recall = _find_least_effort(database, index, (depth, max(efforts, default=0)), probes)
        efforts.append(effort)
        recalls.append(recall)
    return index._replace(efforts=tuple(efforts), recall_at_10=round(recalls[0], 4))


def _find_least_effort(
    database: Database, index: VectorIndex, bounds: tuple[int, int], probes: Sequence[_RecallProbe]
) -> tuple[int, float]:
    """The least effort that finds TARGET_RECALL of so many nearest, and its recall; 0 and 1 where none does.

    `bounds` are the number of nearest and an effort that is too small for fewer of them, or just enough.
    """
    depth, least = bounds
    for effort in filter(least.__le__, EFFORTS):
        shares = np.array([_measure_recall(database, index, (depth, effort), probe) for probe in probes])
        if shares.mean() - 2 * shares.std() / np.sqrt(len(shares)) >= TARGET_RECALL:
            return effort, float(shares.mean())
    return 0, 1.0


def _measure_recall(
    database: Database, index: VectorIndex, depth_and_effort: tuple[int, int], probe: _RecallProbe
) -> float:
    """The share of a probe's true nearest, so many of them, that the index finds with an effort."""
    depth, effort = depth_and_effort
    found = find_near(database, index, NearRequest(probe.vector, depth + 1, None, effort))
    return float(np.isin(probe.true_ids[:depth], found.ids).mean())


def _rank_ids(found: StoredEmbeddings, vector: np.ndarray) -> np.ndarray:
    """The ids of the true nearest, without the first, which is the vector's own."""
    squares = ((found.values.astype(np.float32) - vector) ** 2).sum(axis=1)
    nearest: np.ndarray = found.ids[np.lexsort((found.ids, squares))][1 : DEPTHS[-1] + 1]
    return nearest


def _encode_rows(part: StoredEmbeddings) -> bytes:
    """Rows of (seq, photo, vector) in the binary form of COPY; a halfvec is its dimension, 0 and its numbers."""
    count, dim = part.values.shape
    fields = [("n", ">i2"), ("a", ">i4"), ("seq", ">i8"), ("b", ">i4"), ("photo", ">i8"), ("c", ">i4")]
    rows = np.zeros(count, [*fields, ("dim", ">i2"), ("unused", ">i2"), ("vector", ">f2", (dim,))])
    rows["n"], rows["a"], rows["b"], rows["c"], rows["dim"] = 3, 8, 8, 4 + 2 * dim, dim
    rows["seq"], rows["photo"], rows["vector"] = part.seqs, part.ids, part.values
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def _write_vector(vector: np.ndarray) -> str:
    return f"[{','.join(map(repr, vector.astype(float).tolist()))}]"


def _count_embeddings(database: Database, model: int) -> tuple[int, int]:
    ((upto, total),) = database.fetch_rows(
        "SELECT coalesce(max(seq), 0), count(*) FROM embeddings WHERE model = ?", (model,)
    )
    return int(upto), int(total)


def _has_vectors(database: Database) -> bool:
    """Whether the server has pgvector, installed into the database where that is allowed."""
    sql = "SELECT extnamespace = to_regnamespace('public') FROM pg_extension WHERE extname = 'vector'"
    if not (found := database.fetch_rows(sql)):
        try:
            _require_server(database).run_maintenance("CREATE EXTENSION vector WITH SCHEMA public")
        except LibraryError:
            return False
        found = database.fetch_rows(sql)
    return found == [(True,)]


def _may_build(database: Database, model: int) -> bool:
    """Whether this user may make the table, or owns it."""
    return database.fetch_rows(
        "SELECT has_schema_privilege(current_schema(), 'CREATE') AND coalesce(pg_has_role("
        "(SELECT relowner FROM pg_class WHERE oid = to_regclass(?)), 'USAGE'), TRUE)",
        (f"near_{model}",),
    ) == [(True,)]


def _name_setting(model: int) -> str:
    return f"vector index {model}"
