"""Which files hold which content: for whoever looks for copies, for present photos, or for files that are gone."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from indexer.database.file_table import FileTable, match_ending
from indexer.database.interface import Database
from indexer.database.passed_over import list_exclusions
from indexer.errors import LookalikeError
from indexer.paths import find_relative_path, find_same_files, join_below, join_path, remove_ending

GONE_MESSAGE = "That photo is no longer in the library."


class PresentFile(NamedTuple):
    """A present file of a photo with an embedding: absolute path, mtime in ns, size in bytes, the photo's pixels.

    It is `linked` where it was the file of another path when it was last looked at.
    """

    photo: int
    sha256: bytes
    pixels: int
    mtime_ns: int
    path: bytes
    linked: bool = False
    byte_count: int = 0
    width: int = 0
    height: int = 0


class ContentFile(NamedTuple):
    """A present file of a content: its root with its path and whether that is there, and its path relative to it."""

    root: int
    root_path: bytes
    online: bool
    path: bytes
    sha256: bytes

    @property
    def absolute_path(self) -> bytes:
        """The absolute path of the file."""
        return join_path(self.root_path, self.path)


class AbsentFiles(NamedTuple):
    """Files that cannot be opened now: absolute paths of missing ones, and offline roots with their number of files."""

    missing: list[bytes]
    offline: list[tuple[bytes, int]]


class MovedRoot(NamedTuple):
    """An offline root, and the folder where its files are now; how many of them are in a root that is there."""

    old: bytes
    new: bytes
    files: int


class RootInfo(NamedTuple):
    """A root and the number of searchable files below it; state is online or offline, `exclusions` what is left out.

    `other_drive` says that it is offline because another drive is at its path, `moved_to` that an online root has the
    files of an offline one.
    """

    path: bytes
    state: str
    labelled: bool
    files: int
    exclusions: tuple[str, ...] = ()
    other_drive: bool = False
    moved_to: bytes | None = None


_TWIN_SQL = (
    "NOT {root}.online AND EXISTS (SELECT 1 FROM files AS twin JOIN roots AS there ON there.id = twin.root WHERE "
    "there.online AND twin.photo = {file}.photo AND twin.state = 'present' AND ({same}))"
)


def match_offline_twins(file: str, root: str) -> str:
    """An SQL condition, by the names of a file's row and of its root's row: the file is offline, and also lies in
    another root that is there.

    With the same content at the same place below it: a drive that is known at another path too. It is no copy.
    """
    paths = ("twin.path", f"{file}.path")
    same = f"twin.path = {file}.path OR {match_ending(*paths)} OR {match_ending(*reversed(paths))}"
    return _TWIN_SQL.format(file=file, root=root, same=same)


def find_moved_roots(database: Database) -> list[MovedRoot]:
    """Offline roots that stand elsewhere now: as an online root, as a folder in one, or around one."""
    if not database.fetch_integer("SELECT count(*) FROM roots WHERE NOT online"):
        return []
    same = _find_same_roots(database)
    found = {moved.old for moved in same}
    return same + [moved for moved in _find_nested_roots(database) if moved.old not in found]


def _find_same_roots(database: Database) -> list[MovedRoot]:
    """Offline roots of whose files at least half are also there below an online root, with the same relative paths."""
    rows = database.fetch_rows(
        "SELECT o.path, n.path, count(*) AS shared FROM roots AS o JOIN files AS f ON f.root = o.id "
        "JOIN files AS t ON t.photo = f.photo AND t.path = f.path AND t.root != f.root AND t.state = 'present' "
        "JOIN roots AS n ON n.id = t.root AND n.online WHERE NOT o.online AND f.state = 'present' GROUP BY o.id, n.id "
        "HAVING 2 * count(*) >= (SELECT count(*) FROM files WHERE root = o.id AND state = 'present') "
        "ORDER BY o.id, n.id"
    )
    return [MovedRoot(*row) for row in rows]


def _find_nested_roots(database: Database) -> list[MovedRoot]:
    """Offline roots of whose files, or of those in one folder, at least half are also there below an online root.

    Seen from there they lie in a folder, or without it.
    """
    longer, shorter = match_ending("f.path", "t.path"), match_ending("t.path", "f.path")
    begin = "CASE WHEN {0} THEN substr({1}, 1, length({1}) - length({2})) END"
    outer, inner = begin.format(longer, "f.path", "t.path"), begin.format(shorter, "t.path", "f.path")
    rows = database.fetch_rows(
        f"SELECT o.path, n.path, {outer}, {inner}, count(*), o.id FROM roots AS o JOIN files AS f ON f.root = o.id "
        "JOIN files AS t ON t.photo = f.photo AND t.root != f.root AND t.state = 'present' "
        "JOIN roots AS n ON n.id = t.root AND n.online WHERE NOT o.online AND f.state = 'present' "
        f"AND ({longer} OR {shorter}) GROUP BY o.id, o.path, n.path, {outer}, {inner} ORDER BY o.id, count(*) DESC"
    )
    moved = dict[bytes, MovedRoot]()
    for old, new, left_out, put_before, shared, root in rows:
        folder = remove_ending(new, left_out) if left_out else join_below(new, put_before)
        if folder is not None and 2 * shared >= _count_below(database, root, left_out or b""):
            moved.setdefault(old, MovedRoot(old, folder, shared))
    return list(moved.values())


def _count_below(database: Database, root: int, beginning: bytes) -> int:
    """How many present files of a root have paths that begin so."""
    return database.fetch_integer(
        "SELECT count(*) FROM files WHERE root = ?1 AND state = 'present' AND substr(path, 1, length(?2)) = ?2",
        (root, beginning),
    )


def describe_roots(database: Database, model: int) -> list[RootInfo]:
    """All roots with what is known of them, in the order they were added."""
    table, moved_to = FileTable(database), {moved.old: moved.new for moved in find_moved_roots(database)}
    return [
        RootInfo(
            root.path,
            "online" if root.online else "offline",
            root.labelled,
            table.count_files(model, root.id),
            list_exclusions(database, root.id),
            root.other_drive,
            moved_to.get(root.path),
        )
        for root in table.list_roots()
    ]


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
    wanted = database.dialect.list_values(photos)
    sql = f"SELECT DISTINCT photo FROM files WHERE state = 'present' AND photo IN {wanted.sql}"
    return [photo for (photo,) in database.fetch_rows(sql, (wanted.value,))]


def list_present_files(database: Database, model: int) -> list[PresentFile]:
    """Every present file whose photo has an embedding under the model, by content, then oldest first, then by path.

    Links to a file come after all files that are none; offline twins (`match_offline_twins`) are left out.
    """
    rows = database.fetch_rows(
        "SELECT photos.id, sha256, coalesce(width * height, 0), mtime_ns, roots.path, files.path, linked, size, "
        "coalesce(width, 0), coalesce(height, 0) FROM files "
        "JOIN photos ON photos.id = files.photo JOIN roots ON roots.id = files.root WHERE state = 'present' AND "
        "EXISTS (SELECT 1 FROM embeddings AS e WHERE e.photo = photos.id AND e.model = ?) "
        f"AND NOT ({match_offline_twins('files', 'roots')})",
        (model,),
    )
    files = [
        PresentFile(photo, sha256, pixels, mtime_ns, join_path(root, path), bool(linked), *figures)
        for photo, sha256, pixels, mtime_ns, root, path, linked, *figures in rows
    ]
    return sorted(files, key=lambda file: (file.sha256, file.linked, file.mtime_ns, file.path))


def find_content_files(database: Database, path: bytes) -> list[ContentFile]:
    """All present files of the content that the library knows at an absolute path, that file included; by root, path.

    Empty where the library knows no present file there.
    """
    places = [
        (root, relative)
        for root, folder in database.fetch_rows("SELECT id, path FROM roots")
        if (relative := find_relative_path(path, folder)) is not None
    ]
    photos = {
        photo
        for place in places
        for (photo,) in database.fetch_rows(
            "SELECT photo FROM files WHERE root = ? AND path = ? AND state = 'present' AND photo IS NOT NULL", place
        )
    }
    wanted = database.dialect.list_values(sorted(photos))
    rows = database.fetch_rows(
        "SELECT roots.id, roots.path, roots.online, files.path, sha256 FROM files JOIN roots ON roots.id = files.root "
        "JOIN photos ON photos.id = files.photo WHERE state = 'present' AND files.photo IN "
        f"{wanted.sql} ORDER BY roots.id, files.path",
        (wanted.value,),
    )
    return [ContentFile(root, folder, bool(online), name, sha256) for root, folder, online, name, sha256 in rows]


def mark_links(database: Database) -> None:
    """Mark the present files that are links to, or second names of, another present file of the same content."""
    rows = database.fetch_rows(
        "SELECT f.photo, f.id, roots.path, f.path, f.linked FROM files AS f JOIN roots ON roots.id = f.root WHERE "
        "f.state = 'present' AND roots.online AND f.photo IN "
        "(SELECT photo FROM files WHERE state = 'present' GROUP BY photo HAVING count(*) > 1) "
        "ORDER BY f.photo, f.root, f.path"
    )
    changed = list[tuple[bool, int]]()
    for _, of_photo in groupby(rows, key=lambda row: row[0]):
        files = list(of_photo)
        same = find_same_files([join_path(root, path) for _, _, root, path, _ in files])
        links = [first != place for place, first in enumerate(same)]
        changed += [(link, row[1]) for row, link in zip(files, links, strict=True) if link != bool(row[4])]
    with database.transaction():
        database.execute_statement(
            "UPDATE files SET linked = FALSE WHERE linked AND NOT EXISTS (SELECT 1 FROM files AS other WHERE "
            "other.photo = files.photo AND other.id != files.id AND other.state = 'present')"
        )
        database.execute_many("UPDATE files SET linked = ? WHERE id = ?", changed)
