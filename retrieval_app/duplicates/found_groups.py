"""Photos that are there more than once, as one object without widgets: what was found, and what the user says of it.

Nothing is ever deleted: the user marks what to keep, and may copy the paths of the rest.
"""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from indexer.database.annotations import NO_MATCH
from indexer.library import Library, Photo
from retrieval_app.session.question_job import QuestionJob
from retrieval_app.session.session import Session
from retrieval_app.wording import format_count

KIND_NAMES = {
    "copies": "Exact copies",
    "near": "Near copies",
    "alike": "Look-alikes",
}
KIND_MEANINGS = {
    "copies": "Files with the same content, under other names or in other places.",
    "near": "The same picture again: smaller, recompressed, slightly changed.",
    "alike": "Other pictures that look much alike, such as a series of shots.",
}
REJECTED_PAIRS_KEY = "pairs that are no match"
PhotoIdPairs = tuple[tuple[int, int], ...]


class GroupMember(NamedTuple):
    """A photo of a group: its id, the path of its file, its distance to the first of the group."""

    photo_id: int
    path: str
    distance: float


class FoundGroups(NamedTuple):
    """What was found of one kind."""

    kind: str
    groups: list[list[GroupMember]]


class RejectedPair(NamedTuple):
    """Two photos that the user has said are no match."""

    first: Photo
    second: Photo


class DuplicatesState(QObject):
    """The groups of the open library."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._folder = session.folder
        self.question_job = QuestionJob(session, self)
        self.found_groups: FoundGroups | None = None
        self.kept_members: set[GroupMember] = set()
        self.decisions: list[tuple[FoundGroups, PhotoIdPairs]] = []  # what can be taken back, and what was shown before
        self.rejected_pairs: list[RejectedPair] = []  # everything that is remembered, from earlier too
        session.writer.written.connect(self._take_rejected_pairs)
        session.writer.refused.connect(self._report_failure)
        self.question_job.state_changed.connect(self.changed)
        self.question_job.answered.connect(self._take_groups)
        session.library_changed.connect(self._follow_library)

    def find_groups(self, kind: str, *, turned: bool = False) -> None:
        """Look for groups of a kind of KINDS."""
        self.question_job.start_question(["duplicates", "--kind", kind, *["--turned"] * turned])

    def toggle_kept(self, member: GroupMember) -> None:
        """Mark a photo as one to keep, or no longer."""
        self.kept_members ^= {member}
        self.changed.emit()

    def list_unkept_paths(self) -> list[str]:
        """The paths of the photos not marked, in groups where one is."""
        groups = self.found_groups.groups if self.found_groups else []
        marked_groups = [group for group in groups if self.kept_members.intersection(group)]
        return [member.path for group in marked_groups for member in group if member not in self.kept_members]

    def reject_member(self, member: GroupMember) -> None:
        """Remember that a photo is no match with the rest of its group; it leaves the group for good."""
        if self.found_groups is None or self.found_groups.kind == "copies":
            return
        group = next((group for group in self.found_groups.groups if member in group), [])
        pairs = tuple((member.photo_id, other.photo_id) for other in group if other != member)
        self.decisions.append((self.found_groups, pairs))
        remaining_groups = [[one for one in members if one != member] for members in self.found_groups.groups]
        self.found_groups = self.found_groups._replace(
            groups=[members for members in remaining_groups if len(members) > 1]
        )
        self._save_decision(pairs, NO_MATCH)

    def undo_rejection(self) -> None:
        """Undo the last decision."""
        if self.decisions:
            self.found_groups, pairs = self.decisions.pop()
            self._save_decision(pairs, None)

    def forget_rejection(self, pair: RejectedPair) -> None:
        """Forget that two photos are no match; the next look may find them together again."""
        self.rejected_pairs = [other for other in self.rejected_pairs if other != pair]
        self._save_decision(((pair.first.id, pair.second.id),), None)

    def _save_decision(self, pairs: PhotoIdPairs, decision: str | None) -> None:
        self._session.writer.write(REJECTED_PAIRS_KEY, partial(_write_decision, pairs=pairs, decision=decision))
        self.changed.emit()

    def _take_rejected_pairs(self, key: object, answer: object) -> None:
        if key == REJECTED_PAIRS_KEY and isinstance(answer, list):
            self.rejected_pairs = answer
            self.changed.emit()

    def _take_groups(self, result: dict[str, list[dict[str, list[dict[str, str]]]]]) -> None:
        groups = [[_parse_member(entry) for entry in group["photos"]] for group in result["groups"]]
        self.found_groups, self.kept_members, self.decisions = FoundGroups(str(result["kind"]), groups), set(), []
        self.changed.emit()

    def _follow_library(self) -> None:
        if self._session.folder != self._folder:
            self._folder = self._session.folder
            self.question_job.drop_question()
            self.found_groups, self.kept_members, self.decisions, self.rejected_pairs = None, set(), [], []
        if not self._session.is_empty:
            self._session.writer.write(
                REJECTED_PAIRS_KEY, _list_rejected_pairs
            )  # read after what is still to be written
        self.changed.emit()

    def _report_failure(self, key: object, sentence: str) -> None:
        if key == REJECTED_PAIRS_KEY:
            self._session.notice_posted.emit(f"This could not be remembered. {sentence}")

    def describe_groups(self) -> str:
        """What was found, in a sentence."""
        if self.found_groups is None:
            return ""
        groups = self.found_groups.groups
        if not groups:
            return f"{KIND_NAMES[self.found_groups.kind]}: none."
        pictures = format_count(sum(map(len, groups)), "file" if self.found_groups.kind == "copies" else "photo")
        return f"{KIND_NAMES[self.found_groups.kind]}: {format_count(len(groups), 'group')} with {pictures}."


def _parse_member(entry: dict[str, str]) -> GroupMember:
    return GroupMember(int(entry["photo"]), entry["path"], float(entry["distance"]))


def _write_decision(library: Library, *, pairs: PhotoIdPairs, decision: str | None) -> list[RejectedPair]:
    library.annotations.record_decision(pairs, decision)
    return _list_rejected_pairs(library)


def _list_rejected_pairs(library: Library) -> list[RejectedPair]:
    """What is remembered of photos that are shown."""
    pairs = sorted(library.annotations.read_decisions())
    photos_by_id = {
        photo.id: photo for photo in library.load_photos(sorted({photo for pair in pairs for photo in pair}))
    }
    return [
        RejectedPair(photos_by_id[one], photos_by_id[other])
        for one, other in pairs
        if one in photos_by_id and other in photos_by_id
    ]
