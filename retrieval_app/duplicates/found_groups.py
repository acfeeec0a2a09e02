"""The groups of duplicates and the user's decisions about them, as one object without widgets.

The user marks what to keep; what becomes of the rest is decided in `removal`.
"""

import os
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from indexer.database.annotations import NO_MATCH
from indexer.library import Library
from indexer.paths import show_file_name
from indexer.search.results import Photo
from indexer.wording import tr
from retrieval_app.session.question_job import QuestionJob
from retrieval_app.session.session import Session
from retrieval_app.wording import format_count
from retrieval_app.workers.library_thread import LibraryTask

KIND_NAMES = {
    "copies": tr("Exact copies"),
    "near": tr("Near copies"),
    "alike": tr("Look-alikes"),
    "blank": tr("Blank pictures"),
}
KIND_MEANINGS = {
    "copies": tr("Files with the same content, under other names or in other places."),
    "near": tr("The same picture again: smaller, recompressed, slightly changed."),
    "alike": tr("Other pictures that look much alike, such as a series of shots."),
    "blank": tr("Pictures that show nothing: one colour, or hardly a shade of another."),
}
PhotoIdPairs = tuple[tuple[int, int], ...]


class GroupMember(NamedTuple):
    """A photo of a group: its id, the path of its file, its distance to the first of the group, and its figures.

    `link_of` is the path of the file that this one only leads to, "" for a file of its own.
    """

    photo_id: int
    path: str
    distance: float
    link_of: str = ""
    byte_count: int = 0
    width: int = 0
    height: int = 0
    mtime_ns: int = 0
    uri: str = ""


class FoundGroups(NamedTuple):
    """The groups of one kind that were found; in each the best photo comes first."""

    kind: str
    groups: list[list[GroupMember]]


class RejectedPair(NamedTuple):
    """Two photos that the user has said are no match."""

    first: Photo
    second: Photo


class MemberRejection(NamedTuple):
    """A photo was said to be no match with the rest of its group; what undoing it is called, the groups around it."""

    name: str
    before: FoundGroups
    after: FoundGroups
    pairs: PhotoIdPairs


class _PairsTask(NamedTuple):
    """The key of a task of the writer that changes or reads the rejected pairs and returns all of them."""

    number: int


class DuplicatesState(QObject):
    """The groups found in the open library, which photos are to be kept, and which pairs are no match."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.question_job = QuestionJob(session, self)
        self.found_groups: FoundGroups | None = None
        self.kept_members: set[GroupMember] = set()
        self.decisions: list[MemberRejection] = []  # about the groups that are shown, to take back
        self.rejected_pairs: list[RejectedPair] = []  # all that the library remembers
        self._newest_task = _PairsTask(0)
        session.library.writer.written.connect(self._take_rejected_pairs)
        session.library.writer.refused.connect(self._report_failure)
        self.question_job.state_changed.connect(self.changed)
        self.question_job.answered.connect(self._take_groups)
        session.library.left.connect(self._leave_library)
        session.library.changed.connect(self._follow_library)
        self._follow_library()

    def find_groups(self, kind: str, *, turned: bool = False) -> None:
        """Look in a child process for groups of a kind of KIND_NAMES; `turned` adds turned and mirrored copies."""
        self.question_job.start_question(["duplicates", "--kind", kind, *["--turned"] * turned])

    def toggle_kept(self, member: GroupMember) -> None:
        """Mark a photo as one to keep, or remove the mark."""
        self.kept_members ^= {member}
        self.changed.emit()

    def keep_members(self, members: set[GroupMember]) -> None:
        """Mark these as the ones to keep, and no others."""
        self.kept_members = members
        self.changed.emit()

    def drop_paths(self, paths: set[str]) -> None:
        """Take files that are gone out of the groups; a group of one is none."""
        if self.found_groups is not None:
            groups = [[one for one in group if one.path not in paths] for group in self.found_groups.groups]
            self.found_groups = self.found_groups._replace(groups=[group for group in groups if len(group) > 1])
            self.kept_members = {member for member in self.kept_members if member.path not in paths}
            self.changed.emit()

    def list_unkept_paths(self) -> list[str]:
        """The paths of the photos that are not marked, from the groups in which at least one is.

        Links take up no room and are never among them, nor is the file that a marked link leads to.
        """
        groups = self.found_groups.groups if self.found_groups else []
        marked_groups = [group for group in groups if self.kept_members.intersection(group)]
        needed = {member.link_of for member in self.kept_members}
        rest = (member for group in marked_groups for member in group if member not in self.kept_members)
        return [member.path for member in rest if not member.link_of and member.path not in needed]

    def reject_member(self, member: GroupMember) -> None:
        """Remember that a photo is no match with the rest of its group; it leaves the group for good."""
        if self.found_groups is None or self.found_groups.kind == "copies":
            return
        group = next((group for group in self.found_groups.groups if member in group), [])
        pairs = tuple((member.photo_id, other.photo_id) for other in group if other != member)
        remaining_groups = [[other for other in group if other != member] for group in self.found_groups.groups]
        after = self.found_groups._replace(groups=[group for group in remaining_groups if len(group) > 1])
        name = tr("no match of {path}", path=show_file_name(os.fsencode(member.path)))
        rejection = MemberRejection(name, self.found_groups, after, pairs)
        self._session.changes.make_change(name, partial(self._reject, rejection), partial(self._take_back, rejection))

    def _reject(self, rejection: MemberRejection) -> None:
        """Remember a rejection; where other groups are shown by now, they stay."""
        if self.found_groups is rejection.before:
            self.found_groups = rejection.after
            self.decisions.append(rejection)
        self._save_decision(rejection.pairs, NO_MATCH)

    def _take_back(self, rejection: MemberRejection) -> None:
        """Forget a rejection; where nothing has changed in the groups since, its photo returns to its own."""
        if self.found_groups is rejection.after:
            self.found_groups = rejection.before
        self.decisions = [other for other in self.decisions if other is not rejection]
        self._save_decision(rejection.pairs, None)

    def undo_rejection(self) -> None:
        """Take back the last rejection; its photo returns to its group."""
        changes = self._session.changes
        if self.decisions and changes.undoText() == self.decisions[-1].name:
            changes.undo()
        elif self.decisions:
            self._take_back(self.decisions[-1])

    def forget_rejection(self, pair: RejectedPair) -> None:
        """Forget that two photos are no match; the next search for duplicates may group them again."""
        self.rejected_pairs = [other for other in self.rejected_pairs if other != pair]
        self._save_decision(((pair.first.id, pair.second.id),), None)

    def _save_decision(self, pairs: PhotoIdPairs, decision: str | None) -> None:
        self._run_pairs_task(partial(_write_decision, pairs=pairs, decision=decision))
        self.changed.emit()

    def _run_pairs_task(self, work: LibraryTask) -> None:
        self._newest_task = _PairsTask(self._newest_task.number + 1)
        self._session.library.writer.write(self._newest_task, work)

    def _take_rejected_pairs(self, key: object, answer: object) -> None:
        """Take what the library remembers, unless a later decision waits to be written: it is not among these pairs."""
        if key == self._newest_task and isinstance(answer, list):
            self.rejected_pairs = answer
            self.changed.emit()

    def _take_groups(self, result: dict[str, list[dict[str, list[dict[str, str]]]]]) -> None:
        groups = [[_parse_member(entry) for entry in group["photos"]] for group in result["groups"]]
        self.found_groups, self.kept_members, self.decisions = FoundGroups(str(result["kind"]), groups), set(), []
        self.changed.emit()

    def _leave_library(self) -> None:
        self.question_job.drop_question()
        self.found_groups, self.kept_members, self.decisions, self.rejected_pairs = None, set(), [], []

    def _follow_library(self) -> None:
        if not self._session.library.is_empty:
            # Read by the writer, so after the decisions that are still to be written.
            self._run_pairs_task(_list_rejected_pairs)
        self.changed.emit()

    def _report_failure(self, key: object, sentence: str) -> None:
        if isinstance(key, _PairsTask):
            self._session.notice_posted.emit(tr("This could not be remembered. {sentence}", sentence=sentence))

    def describe_groups(self) -> str:
        """The kind, the number of groups and of photos, in a sentence; "" before a search."""
        if self.found_groups is None:
            return ""
        groups = self.found_groups.groups
        if not groups:
            return tr("{kind_names}: none.", kind_names=KIND_NAMES[self.found_groups.kind])
        members = format_count(sum(map(len, groups)), "file" if self.found_groups.kind == "copies" else "photo")
        return tr(
            "{kind_names}: {groups} with {members}.",
            kind_names=KIND_NAMES[self.found_groups.kind],
            groups=format_count(len(groups), "group"),
            members=members,
        )


def _parse_member(entry: dict[str, str]) -> GroupMember:
    link_of = entry.get("link_of") or ""
    byte_count, width, height, mtime_ns = (int(entry.get(key, 0)) for key in ("bytes", "width", "height", "mtime_ns"))
    return GroupMember(
        int(entry["photo"]),
        entry["path"],
        float(entry["distance"]),
        link_of,
        byte_count,
        width,
        height,
        mtime_ns,
        entry.get("uri", ""),
    )


def _write_decision(library: Library, *, pairs: PhotoIdPairs, decision: str | None) -> list[RejectedPair]:
    """Record a decision about pairs, None to forget theirs; all rejected pairs that are remembered then."""
    library.annotations.record_decision(pairs, decision)
    return _list_rejected_pairs(library)


def _list_rejected_pairs(library: Library) -> list[RejectedPair]:
    """The remembered pairs of which both photos can be shown, ordered by their ids."""
    pairs = sorted(library.annotations.read_decisions())
    photos = library.load_photos(sorted({photo_id for pair in pairs for photo_id in pair}))
    photos_by_id = {photo.id: photo for photo in photos}
    return [
        RejectedPair(photos_by_id[first], photos_by_id[second])
        for first, second in pairs
        if first in photos_by_id and second in photos_by_id
    ]
