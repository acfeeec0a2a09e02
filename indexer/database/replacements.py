"""Photos whose file holds another content now, and how annotations are carried from one photo to another.

Annotations (labels, decisions and saved searches) belong to a content. A program that writes a keyword into a file
makes another content of it, which has none. So it is noted where a content was replaced (`note_replacement`), and
whoever finds that the new one is the same picture carries them over (`matching.carried_annotations`). Until then, and
where it is another picture, the old photo stays with its annotations, though no file holds it: a *replaced* photo.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from indexer.database.annotations import NO_MATCH, select_annotated_photos
from indexer.database.interface import Database, SqlStatement
from indexer.paths import join_path

_EXAMPLE_LISTS = ("positives", "negatives")  # of a saved search


class Replacement(NamedTuple):
    """A photo with annotations of the user's, and its successor, another content: the ids, content hashes and pixel
    hashes of both.

    The successor lies at `path`, relative to the root with that id and absolute path.
    """

    photo: int
    sha256: bytes
    pixel_sha256: bytes | None
    successor: int
    successor_sha256: bytes
    successor_pixel_sha256: bytes | None
    root: int
    root_path: bytes
    path: bytes

    @property
    def absolute_path(self) -> bytes:
        """The absolute path of the successor's file."""
        return join_path(self.root_path, self.path)


class ReplacedPhoto(NamedTuple):
    """A photo with annotations that no file holds any more: its label, its number of decisions and of saved searches
    that name it, and the absolute path where it was last, None where that is not known.
    """

    photo: int
    label: str | None
    decisions: int
    searches: int
    path: bytes | None


class CarriedAnnotations(NamedTuple):
    """A file, by absolute path, to whose new content the annotations of the old one were carried, and what is the same
    of the two.
    """

    path: bytes
    how: str


_REPLACE = (
    "INSERT INTO replacements VALUES (?, ?, ?, ?) "
    "ON CONFLICT (photo, root, path) DO UPDATE SET compared = excluded.compared"
)


def write_replacement(photo: int, root: int, path: bytes) -> SqlStatement:
    """The statement that notes that a file of the photo holds another content now, or cannot be read."""
    return _REPLACE, (photo, root, path, None)


def list_open_replacements(database: Database) -> list[Replacement]:
    """Photos with annotations, each with a content that may be the same picture and has not been compared yet, by photo
    id.

    What stands in the place of such a photo; and where no present file holds it, what has the same pixels elsewhere.
    """
    annotated = select_annotated_photos(database)
    both = "p.id, p.sha256, p.pixel_sha256, s.id, s.sha256, s.pixel_sha256, roots.id, roots.path, f.path"
    in_its_place = (
        f"SELECT {both} FROM replacements AS r JOIN photos AS p ON p.id = r.photo JOIN roots ON roots.id = r.root "
        "JOIN files AS f ON f.root = r.root AND f.path = r.path AND f.state = 'present' "
        "JOIN photos AS s ON s.id = f.photo AND s.id != p.id "
        f"WHERE r.compared {database.dialect.differs} s.id AND p.id IN ({annotated})"
    )
    elsewhere = (
        f"SELECT {both} FROM photos AS p JOIN photos AS s ON s.pixel_sha256 = p.pixel_sha256 AND s.id != p.id "
        "JOIN files AS f ON f.photo = s.id AND f.state = 'present' JOIN roots ON roots.id = f.root "
        f"WHERE p.id IN ({annotated}) AND NOT EXISTS (SELECT 1 FROM files WHERE photo = p.id AND state = 'present') "
        "AND NOT EXISTS (SELECT 1 FROM replacements WHERE photo = p.id AND compared = s.id)"
    )
    return [Replacement(*row) for row in database.fetch_rows(f"{in_its_place} UNION {elsewhere} ORDER BY 1, 7, 9")]


def note_comparison(database: Database, replacement: Replacement) -> None:
    """Record that the two have been compared, so that they are not compared again while both stay what they are."""
    row = (replacement.photo, replacement.root, replacement.path, replacement.successor)
    database.execute_statement(_REPLACE, row)


def carry_annotations(
    database: Database, photo: int, successor: int, *, turned: bool = False, keep: bool = False
) -> bool:
    """Give `successor` the annotations of `photo`: label, decisions, saved searches; return whether there were any.

    They are taken away from a photo that no file holds any more, unless they are to be kept. A label that the successor
    has stays, and the other one where it was. Two that the user has called no match are left as they are. The boxes of
    a saved search fit no picture that was turned.
    """
    with database.transaction():
        pair = (min(photo, successor), max(photo, successor), NO_MATCH)
        if database.fetch_rows("SELECT 1 FROM decisions WHERE photo = ? AND other = ? AND decision = ?", pair):
            return False
        keep = keep or bool(database.fetch_rows("SELECT 1 FROM files WHERE photo = ?", (photo,)))
        carried = _carry_label(database, photo, successor, keep=keep)
        carried += _carry_decisions(database, photo, successor, keep=keep)
        carried += 0 if keep else _carry_searches(database, photo, successor, turned=turned)
    return bool(carried)


def _carry_label(database: Database, photo: int, successor: int, *, keep: bool) -> int:
    sql = (
        "INSERT INTO labels SELECT p.id, label FROM labels, photos AS p WHERE photo = ?1 AND p.id = ?2 "
        "ON CONFLICT DO NOTHING"
    )
    carried = database.execute_statement(sql, (photo, successor))
    if not keep:  # only where the other one is the same now
        sql = "DELETE FROM labels WHERE photo = ?1 AND label = (SELECT label FROM labels WHERE photo = ?2)"
        carried = max(carried, database.execute_statement(sql, (photo, successor)))
    return carried


def _carry_decisions(database: Database, photo: int, successor: int, *, keep: bool) -> int:
    carried = database.execute_statement(
        "INSERT INTO decisions SELECT CASE WHEN p.id < d.other THEN p.id ELSE d.other END, "
        "CASE WHEN p.id < d.other THEN d.other ELSE p.id END, decision FROM photos AS p, "
        "(SELECT other, decision FROM decisions WHERE photo = ?1 UNION SELECT photo, decision FROM decisions WHERE "
        "other = ?1) AS d WHERE p.id = ?2 AND d.other != p.id ON CONFLICT DO NOTHING",
        (photo, successor),
    )
    if not keep:
        database.execute_statement("DELETE FROM decisions WHERE photo = ?1 OR other = ?1", (photo,))
    return carried


def _carry_searches(database: Database, photo: int, successor: int, *, turned: bool) -> int:
    """Name the successor in the saved searches that name the photo; returns in how many."""
    (old,), (new,) = (
        database.fetch_rows("SELECT lower(hex(sha256)) FROM photos WHERE id = ?", (id,))[0] for id in (photo, successor)
    )
    carried = 0
    for name, text in database.fetch_rows("SELECT name, query FROM searches WHERE instr(query, ?) > 0", (old,)):
        try:
            query = json.loads(text)
        except ValueError:  # damaged: whoever loads it says so
            continue
        examples = [example for example in _find_examples(query) if example.get("photo") == old]
        for example in examples:
            if not (turned and "box" in example):
                example["photo"] = new
                carried += 1
        database.execute_statement("UPDATE searches SET query = ? WHERE name = ?", (json.dumps(query), name))
    return carried


def _find_examples(query: Any) -> Iterator[dict[str, Any]]:
    """The examples of a saved search; none where it is damaged."""
    lists = [query.get(name) for name in _EXAMPLE_LISTS] if isinstance(query, dict) else []
    return (entry for examples in lists if isinstance(examples, list) for entry in examples if isinstance(entry, dict))


def list_replaced_photos(database: Database) -> list[ReplacedPhoto]:
    """The photos with annotations that no file holds any more, by photo id."""
    rows = database.fetch_rows(
        "SELECT p.id, (SELECT label FROM labels WHERE photo = p.id), "
        "(SELECT count(*) FROM decisions WHERE photo = p.id OR other = p.id), "
        "(SELECT count(*) FROM searches WHERE instr(query, lower(hex(p.sha256))) > 0), "
        "(SELECT roots.path FROM replacements AS r JOIN roots ON roots.id = r.root WHERE r.photo = p.id "
        "ORDER BY r.root, r.path LIMIT 1), "
        "(SELECT path FROM replacements WHERE photo = p.id ORDER BY root, path LIMIT 1) "
        f"FROM {_select_replaced(database)} ORDER BY p.id"
    )
    return [
        ReplacedPhoto(photo, label, decisions, searches, None if root is None else join_path(root, path))
        for photo, label, decisions, searches, root, path in rows
    ]


def count_replaced_photos(database: Database) -> int:
    """The number of photos with annotations that no file holds any more."""
    return database.fetch_integer(f"SELECT count(*) FROM {_select_replaced(database)}")


def _select_replaced(database: Database) -> str:
    """The table `p` and the condition of the photos with annotations that no file holds any more, in SQL."""
    has_file = "EXISTS (SELECT 1 FROM files WHERE photo = p.id)"
    return f"photos AS p WHERE NOT {has_file} AND p.id IN ({select_annotated_photos(database)})"
