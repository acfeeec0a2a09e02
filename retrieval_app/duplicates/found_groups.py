"""Photos that are there more than once, as one object without widgets: what was found, and what the user says of it.

Nothing is ever deleted: the user marks what to keep, and may copy the paths of the rest.
"""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from indexer.database.annotations import NO_MATCH
from indexer.library import Library, Photo
from retrieval_app import wording as words
from retrieval_app.session.question_job import Inquiry
from retrieval_app.session.session import Session

KINDS = {
    "copies": "Exact copies",
    "near": "Near copies",
    "alike": "Look-alikes",
}
MEANINGS = {
    "copies": "Files with the same content, under other names or in other places.",
    "near": "The same picture again: smaller, recompressed, slightly changed.",
    "alike": "Other pictures that look much alike, such as a series of shots.",
}
PARTED = "pairs that are no match"
Pairs = tuple[tuple[int, int], ...]


class Member(NamedTuple):
    """A photo of a group: its id, the path of its file, its distance to the first of the group."""

    photo: int
    path: str
    distance: float


class Answer(NamedTuple):
    """What was found of one kind."""

    kind: str
    groups: list[list[Member]]


class Parted(NamedTuple):
    """Two photos that the user has said are no match."""

    one: Photo
    other: Photo


class Duplicates(QObject):
    """The groups of the open library."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._folder = session.folder
        self.inquiry = Inquiry(session, self)
        self.answer: Answer | None = None
        self.kept: set[Member] = set()
        self.decided: list[tuple[Answer, Pairs]] = []  # what can be taken back, and what was shown before
        self.parted: list[Parted] = []  # everything that is remembered, from earlier too
        session.writer.written.connect(self._remember)
        session.writer.refused.connect(self._fail)
        self.inquiry.changed.connect(self.changed)
        self.inquiry.answered.connect(self._take)
        session.library_changed.connect(self._follow)

    def look(self, kind: str, *, turned: bool = False) -> None:
        """Look for groups of a kind of KINDS."""
        self.inquiry.ask(["duplicates", "--kind", kind, *["--turned"] * turned])

    def keep(self, member: Member) -> None:
        """Mark a photo as one to keep, or no longer."""
        self.kept ^= {member}
        self.changed.emit()

    def rest(self) -> list[str]:
        """The paths of the photos not marked, in groups where one is."""
        groups = self.answer.groups if self.answer else []
        chosen = [group for group in groups if self.kept.intersection(group)]
        return [member.path for group in chosen for member in group if member not in self.kept]

    def part(self, member: Member) -> None:
        """Remember that a photo is no match with the rest of its group; it leaves the group for good."""
        if self.answer is None or self.answer.kind == "copies":
            return
        group = next((group for group in self.answer.groups if member in group), [])
        pairs = tuple((member.photo, other.photo) for other in group if other != member)
        self.decided.append((self.answer, pairs))
        left = [[one for one in members if one != member] for members in self.answer.groups]
        self.answer = self.answer._replace(groups=[members for members in left if len(members) > 1])
        self._write(pairs, NO_MATCH)

    def take_back(self) -> None:
        """Undo the last decision."""
        if self.decided:
            self.answer, pairs = self.decided.pop()
            self._write(pairs, None)

    def join(self, pair: Parted) -> None:
        """Forget that two photos are no match; the next look may find them together again."""
        self.parted = [other for other in self.parted if other != pair]
        self._write(((pair.one.id, pair.other.id),), None)

    def _write(self, pairs: Pairs, decision: str | None) -> None:
        self._session.writer.write(PARTED, partial(_write_decision, pairs=pairs, decision=decision))
        self.changed.emit()

    def _remember(self, key: object, answer: object) -> None:
        if key == PARTED and isinstance(answer, list):
            self.parted = answer
            self.changed.emit()

    def _take(self, result: dict[str, list[dict[str, list[dict[str, str]]]]]) -> None:
        groups = [[_member(entry) for entry in group["photos"]] for group in result["groups"]]
        self.answer, self.kept, self.decided = Answer(str(result["kind"]), groups), set(), []
        self.changed.emit()

    def _follow(self) -> None:
        if self._session.folder != self._folder:
            self._folder = self._session.folder
            self.inquiry.drop()
            self.answer, self.kept, self.decided, self.parted = None, set(), [], []
        if not self._session.empty:
            self._session.writer.write(PARTED, _parted)  # read after what is still to be written
        self.changed.emit()

    def _fail(self, key: object, sentence: str) -> None:
        if key == PARTED:
            self._session.noticed.emit(f"This could not be remembered. {sentence}")

    def told(self) -> str:
        """What was found, in a sentence."""
        if self.answer is None:
            return ""
        groups = self.answer.groups
        if not groups:
            return f"{KINDS[self.answer.kind]}: none."
        pictures = words.count(sum(map(len, groups)), "file" if self.answer.kind == "copies" else "photo")
        return f"{KINDS[self.answer.kind]}: {words.count(len(groups), 'group')} with {pictures}."


def _member(entry: dict[str, str]) -> Member:
    return Member(int(entry["photo"]), entry["path"], float(entry["distance"]))


def _write_decision(library: Library, *, pairs: Pairs, decision: str | None) -> list[Parted]:
    library.annotations.decide(pairs, decision)
    return _parted(library)


def _parted(library: Library) -> list[Parted]:
    """What is remembered of photos that are shown."""
    pairs = sorted(library.annotations.decisions())
    shown = {photo.id: photo for photo in library.photos(sorted({photo for pair in pairs for photo in pair}))}
    return [Parted(shown[one], shown[other]) for one, other in pairs if one in shown and other in shown]
