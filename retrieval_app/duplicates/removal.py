"""What is to become of the photos that are not kept: chosen by rules, listed, moved to the trash, and put back.

Moving and putting back is done by `lookalike duplicates` in a child process, which looks at every file again.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from indexer.duplicates.keep_rules import GroupFile, choose_kept
from indexer.duplicates.removal_plan import PlanRow, list_plan_rows, read_uri, write_plan
from indexer.duplicates.trash import TRASH_SETTING, allow_trash, is_trash_allowed
from indexer.library import Library
from indexer.wording import tr
from retrieval_app.duplicates.found_groups import DuplicatesState, GroupMember
from retrieval_app.session.question_job import QuestionJob
from retrieval_app.session.session import Session
from retrieval_app.wording import format_count

ALLOWANCE_KEY = TRASH_SETTING  # the dialog of settings writes it too


class DuplicateRemoval(QObject):
    """The removal of the photos not kept in the groups that are shown."""

    changed = Signal()

    def __init__(self, session: Session, duplicates: DuplicatesState) -> None:
        super().__init__(duplicates)
        self._session, self._duplicates = session, duplicates
        self.job = QuestionJob(session, self)
        self.is_allowed = True
        self._moving: list[PlanRow] = []
        self._plan_folder = tempfile.TemporaryDirectory(prefix="lookalike-plan-", ignore_cleanup_errors=True)
        self.job.state_changed.connect(self._tell_failure)
        self.job.answered.connect(self._take_outcome)
        session.library.writer.written.connect(self._take_allowance)
        session.closing.connect(self._plan_folder.cleanup)

    @property
    def has_copies(self) -> bool:
        """Whether exact copies are shown: of all else each file is the only one of its content."""
        found = self._duplicates.found_groups
        return found is not None and found.kind == "copies"

    def keep_by_rule(self, rule: str, folder: bytes = b"") -> None:
        """Mark in all groups what a rule of RULE_NAMES keeps, in the place of the marks before."""
        kept_members = set[GroupMember]()
        for group in self._list_groups():
            members = {make_group_file(member): member for member in group}
            kept_members |= {members[file] for file in choose_kept(list(members), rule, folder)}
        self._duplicates.keep_members(kept_members)

    def list_rows(self) -> list[PlanRow]:
        """The plan for the groups in which something is marked."""
        marked = self._duplicates.kept_members
        groups = [group for group in self._list_groups() if marked.intersection(group)]
        return list_plan_rows(
            [
                ([make_group_file(member) for member in group], [make_group_file(one) for one in marked & set(group)])
                for group in groups
            ]
        )

    def move_to_trash(self, rows: list[PlanRow]) -> None:
        """Move what a plan says to the trash; the history can take that back."""
        self._moving = rows
        plan = Path(self._plan_folder.name, "plan.csv")
        write_plan(plan, rows)
        self.job.start_question(["duplicates", "--plan", str(plan), "--trash", "--yes"], kind="trash")

    def put_back(self) -> None:
        """Put back what went to the trash last."""
        self.job.start_question(["duplicates", "--put-back"], kind=tr("put back"))

    def ask_allowance(self) -> None:
        """Read whether files of this library may be moved to the trash."""
        self._session.library.writer.write(ALLOWANCE_KEY, is_trash_allowed)

    def set_allowance(self, allowed: bool) -> None:
        """Remember whether files of this library may be moved to the trash."""

        def write(library: Library) -> bool:
            allow_trash(library, allowed=allowed)
            return allowed

        self._session.library.writer.write(ALLOWANCE_KEY, write)

    def _list_groups(self) -> list[list[GroupMember]]:
        return self._duplicates.found_groups.groups if self._duplicates.found_groups else []

    def _take_allowance(self, key: object, answer: object) -> None:
        if key == ALLOWANCE_KEY:
            self.is_allowed = answer is True
            self.changed.emit()

    def _tell_failure(self) -> None:
        if self.job.state is None and self.job.failure_sentence:
            self._session.notice_posted.emit(self.job.failure_sentence)
        self.changed.emit()

    def _take_outcome(self, result: dict[str, Any]) -> None:
        refused = result.get("refused", [])
        stay = "".join(
            tr(" {path} stays: it {reason}.", path=file["path"], reason=file["reason"]) for file in refused[:1]
        )
        more = (
            tr(" {more_files} too.", more_files=format_count(len(refused) - 1, "more file")) if len(refused) > 1 else ""
        )
        if "restored" in result:
            self._session.notice_posted.emit(
                tr(
                    "{files} put back.{stay}{more}",
                    files=format_count(len(result["restored"]), "file"),
                    stay=stay,
                    more=more,
                )
            )
            return
        gone = result.get("trashed", [])
        self._session.notice_posted.emit(
            tr("{files} moved to the trash.{stay}{more}", files=format_count(len(gone), "file"), stay=stay, more=more)
        )
        if gone:
            self._duplicates.drop_paths(set(gone))
            name = tr("move {files} to the trash", files=format_count(len(gone), "file"))
            self._session.changes.make_change(name, self._make_repeat(self._moving), self.put_back)

    def _make_repeat(self, rows: list[PlanRow]) -> Callable[[], None]:
        """What does it again: nothing at first, as it has just been done."""
        is_done = [True]

        def repeat() -> None:
            if is_done:
                is_done.pop()
            else:
                self.move_to_trash(rows)

        return repeat


def make_group_file(member: GroupMember) -> GroupFile:
    """The file of a member, as rules and plans take it."""
    path = read_uri(member.uri) if member.uri else member.path.encode()
    figures = (member.byte_count, member.width, member.height, member.mtime_ns)
    return GroupFile(path, member.photo_id, b"", *figures, member.link_of.encode("utf-8", "surrogateescape"))
