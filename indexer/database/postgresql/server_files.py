"""What a shared library keeps on its server beside its tables: the files of its models, and thumbnails.

A computer that has not seen a model or a picture gets them from there. What it derives from them, such as the converted
form of a model, it makes itself.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from indexer import atomic
from indexer.database.file_table import PHOTO_OF_CONTENT
from indexer.database.interface import Database, SqlStatement
from indexer.errors import LibraryError
from indexer.paths import show_path
from indexer.progress import Progress, Steps
from indexer.wording import tr

MODEL_FILES = ("model.safetensors", "model.json")  # the card is last: without it there is no model
THUMBNAILS_PER_COMMIT = 256
_NEXT_WITHOUT_THUMBNAIL = (
    "SELECT id, sha256 FROM photos AS p WHERE id > ? AND "
    "NOT EXISTS (SELECT 1 FROM thumbnails AS t WHERE t.photo = p.id) ORDER BY id LIMIT ?"
)
LARGEST_FILE = 1 << 30  # bytes of one value in PostgreSQL


def store_model_files(database: Database, models: Path) -> None:
    """Put the models of a library's folder on the server, those that it has not got."""
    known = set(database.fetch_rows("SELECT fingerprint, name FROM model_files"))
    for folder in sorted(models.glob("[0-9a-f]*")):
        for name in MODEL_FILES:
            path = folder / name
            if (folder.name, name) not in known and path.is_file() and path.stat().st_size < LARGEST_FILE:
                values = (folder.name, name, path.read_bytes())
                database.execute_statement("INSERT INTO model_files VALUES (?, ?, ?) ON CONFLICT DO NOTHING", values)


def fetch_model_files(database: Database, fingerprint: str, models: Path) -> None:
    """Get a model's files from the server, where this computer has not got them and the server has."""
    folder = models / fingerprint
    if not fingerprint or (folder / MODEL_FILES[-1]).exists():
        return
    rows = database.fetch_rows("SELECT name, bytes FROM model_files WHERE fingerprint = ?", (fingerprint,))
    files: dict[str, bytes] = dict(rows)
    try:
        for name in MODEL_FILES:
            if name in files:
                folder.mkdir(parents=True, exist_ok=True)
                atomic.write_file(folder / name, files[name])
    except OSError as error:
        raise LibraryError(
            "The model cannot be written to {folder} ({reason}).", folder=show_path(folder), reason=error.strerror
        ) from error


def list_thumbnail_writes(thumbnails: Iterable[tuple[bytes | None, bytes | None]]) -> list[SqlStatement]:
    """The statements that store thumbnails (JPEG) by their photo's content hash, where there are both."""
    sql = f"INSERT INTO thumbnails VALUES ({PHOTO_OF_CONTENT}, ?) ON CONFLICT (photo) DO NOTHING"
    return [(sql, (sha256, jpeg)) for sha256, jpeg in thumbnails if sha256 and jpeg]


def fetch_thumbnails(database: Database, contents: Sequence[bytes]) -> dict[bytes, bytes]:
    """The thumbnails (JPEG) that the server has of these contents, by hash; none where it gives no answer."""
    marks = ", ".join("?" * len(contents))
    sql = f"SELECT sha256, jpeg FROM thumbnails JOIN photos ON photos.id = photo WHERE sha256 IN ({marks})"
    try:
        rows = database.fetch_rows(sql, contents)
    except LibraryError:
        return {}
    return {bytes(sha256): bytes(jpeg) for sha256, jpeg in rows}


def store_thumbnails(database: Database, read_thumbnail: Callable[[bytes], bytes | None]) -> Steps[None]:
    """Put thumbnails on the server that has none of them: of each content (sha256) the JPEG that is read, if any."""
    total, done, last = database.fetch_integer("SELECT count(*) FROM photos"), 0, 0
    while rows := database.fetch_rows(_NEXT_WITHOUT_THUMBNAIL, (last, THUMBNAILS_PER_COMMIT)):
        contents = [bytes(sha256) for _, sha256 in rows]
        with database.transaction():
            database.execute_together(list_thumbnail_writes((sha256, read_thumbnail(sha256)) for sha256 in contents))
        last, done = rows[-1][0], done + len(rows)
        yield Progress("move", done, total, tr("thumbnails"))
