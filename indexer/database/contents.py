"""Which files hold which content: for whoever looks for copies, for present photos, or for files that are gone."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from indexer.database.connection import Database
from indexer.errors import LookalikeError
from indexer.paths import join_path

GONE_MESSAGE = "That photo is no longer in the library."


class PresentFile(NamedTuple):
    """A present file of a photo with an embedding: absolute path, mtime in ns, the photo's number of pixels."""

    photo: int
    sha256: bytes
    pixels: int
    mtime_ns: int
    path: bytes


class AbsentFiles(NamedTuple):
    """Files that cannot be opened now: absolute paths of missing ones, and offline roots with their number of files."""

    missing: list[bytes]
    offline: list[tuple[bytes, int]]


def list_absent_files(database: Database) -> AbsentFiles:
    """The missing files and the offline roots of a library, by root and path."""
    missing = database.fetch_rows(
        "SELECT roots.path, files.path FROM files JOIN roots ON roots.id = files.root "
        "WHERE state = 'missing' AND NOT excluded "
        "ORDER BY files.root, files.path"
    )
    offline = database.fetch_rows(
        "SELECT path, (SELECT count(*) FROM files WHERE root = roots.id AND state = 'present') FROM roots "
        "WHERE NOT online ORDER BY id"
    )
    return AbsentFiles([join_path(root, path) for root, path in missing], [(path, count) for path, count in offline])


def read_content_hash(database: Database, photo: int) -> bytes:
    """The sha256 of a photo's content. Raises LookalikeError where the library knows no such photo any more."""
    rows = database.fetch_rows("SELECT sha256 FROM photos WHERE id = ?", (photo,))
    if not rows:
        raise LookalikeError(GONE_MESSAGE)
    return bytes(rows[0][0])


def filter_present_photos(database: Database, photos: Sequence[int]) -> list[int]:
    """The ids of those photos that have a present file, in no order."""
    sql = "SELECT DISTINCT photo FROM files WHERE state = 'present' AND photo IN (SELECT value FROM json_each(?))"
    return [photo for (photo,) in database.fetch_rows(sql, (json.dumps(photos),))]


def list_present_files(database: Database, model: int) -> list[PresentFile]:
    """Every present file whose photo has an embedding under the model, by content, then oldest first, then by path."""
    rows = database.fetch_rows(
        "SELECT photos.id, sha256, coalesce(width * height, 0), mtime_ns, roots.path, files.path FROM files "
        "JOIN photos ON photos.id = files.photo JOIN roots ON roots.id = files.root WHERE state = 'present' AND "
        "EXISTS (SELECT 1 FROM embeddings AS e WHERE e.photo = photos.id AND e.model = ?)",
        (model,),
    )
    files = [
        PresentFile(photo, sha256, pixels, mtime_ns, join_path(root, path))
        for photo, sha256, pixels, mtime_ns, root, path in rows
    ]
    return sorted(files, key=lambda file: (file.sha256, file.mtime_ns, file.path))
