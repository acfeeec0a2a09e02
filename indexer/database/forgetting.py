"""What the library would lose by forgetting missing files or a folder, and the forgetting itself, in one transaction.

A photo goes with its last file. One with annotations (a label, a decision, a saved search that names it) stays, unless
these are to go too: with its missing files where files are forgotten, without a file where a folder is.
"""

from typing import NamedTuple

from indexer.database.annotations import select_annotated_photos
from indexer.database.interface import Database
from indexer.wording import count_noun, tr, tr_count


class ForgettingPlan(NamedTuple):
    """How many files and photos go, with how many labels, decisions and saved searches that name one of them.

    `kept_photos` have annotations and stay, with `kept_files` missing files.
    """

    files: int
    photos: int
    labels: int
    decisions: int
    searches: int
    kept_photos: int
    kept_files: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing would go."""
        return not self.files and not self.photos

    def describe_losses(self) -> str:
        """What goes, exactly: '3 files, 2 photos with their embeddings, 1 label and 4 decisions'."""
        counts = [
            count_noun(self.files, "file"),
            tr("{photos} with their embeddings", photos=count_noun(self.photos, "photo")),
        ]
        words = [
            (self.labels, "label", ""),
            (self.decisions, "decision", ""),
            (self.searches, "saved search", "saved searches"),
        ]
        counts += [count_noun(number, one, many) for number, one, many in words if number]
        return tr("{all_but_the_last} and {last}", all_but_the_last=", ".join(counts[:-1]), last=counts[-1])

    def describe_kept(self) -> str:
        """A sentence about the photos that stay because of what was said of them; "" where there are none."""
        if not self.kept_photos:
            return ""
        if self.kept_files:
            return tr(
                "{photos} and {files} stay: you gave them a label or a decision, or they are in a saved search.",
                photos=count_noun(self.kept_photos, "photo"),
                files=count_noun(self.kept_files, "missing file"),
            )
        return tr_count(
            self.kept_photos,
            "{number:,} photo stays: you gave it a label or a decision, or it is in a saved search.",
            "{number:,} photos stay: you gave them a label or a decision, or they are in a saved search.",
        )


GONE_SQL = "state = 'missing' AND NOT excluded"  # what is left out is hidden, and may be wanted again


def plan_forgetting(database: Database, root: int | None, *, with_labels: bool) -> ForgettingPlan:
    """What forgetting a root (None: all missing files) would delete; photos with annotations only `with_labels`."""
    gone, kept = _select_photos(database, root, with_labels=with_labels)

    def count(what: str) -> int:
        return database.fetch_integer(f"SELECT count(*) FROM {what}", () if root is None else (root,))

    return ForgettingPlan(
        files=count(_select_files(root, kept)),
        photos=count(f"({gone})"),
        labels=count(f"labels WHERE photo IN ({gone})"),
        decisions=count(f"decisions WHERE photo IN ({gone}) OR other IN ({gone})"),
        searches=count(
            "searches WHERE EXISTS (SELECT 1 FROM photos AS named WHERE "
            f"named.id IN ({gone}) AND instr(query, lower(hex(named.sha256))) > 0)"
        ),
        kept_photos=count(f"({kept})"),
        kept_files=0 if root is not None else count(f"files WHERE {GONE_SQL} AND photo IN ({kept})"),
    )


def forget_photos(database: Database, root: int | None, *, with_labels: bool) -> ForgettingPlan:
    """Forget a root (None: all missing files) as `plan_forgetting` says; return what was deleted."""
    values = () if root is None else (root,)
    with database.transaction():
        plan = plan_forgetting(database, root, with_labels=with_labels)
        gone, kept = _select_photos(database, root, with_labels=with_labels)
        photos = database.fetch_rows(gone, values)
        database.execute_statement(f"DELETE FROM {_select_files(root, kept)}", values)
        if root is not None:
            database.execute_statement("DELETE FROM roots WHERE id = ?1", values)
        database.execute_many("DELETE FROM photos WHERE id = ?", photos)
    return plan


class _PhotoSelections(NamedTuple):
    """The ids, in SQL, of the photos that go and of those that stay because of annotations; ?1 is the root."""

    gone: str
    kept: str


def _select_photos(database: Database, root: int | None, *, with_labels: bool) -> _PhotoSelections:
    """Of the photos that no file would hold any more, those that go and those that stay."""
    holds, staying = "EXISTS (SELECT 1 FROM files WHERE photo = p.id AND {})", "(state != 'missing' OR excluded)"
    unheld = (
        f"NOT {holds.format(staying)}"
        if root is None
        else f"NOT {holds.format('root != ?1')} AND {holds.format('root = ?1')}"
    )
    select = f"SELECT p.id FROM photos AS p WHERE {unheld}"
    annotated = "SELECT 0 WHERE FALSE" if with_labels else select_annotated_photos(database)
    return _PhotoSelections(f"{select} AND p.id NOT IN ({annotated})", f"{select} AND p.id IN ({annotated})")


def _select_files(root: int | None, kept: str) -> str:
    """The table and condition of the files that go, in SQL."""
    return "files WHERE root = ?1" if root is not None else f"files WHERE {GONE_SQL} AND photo NOT IN ({kept})"
