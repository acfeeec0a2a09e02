"""The duplicates page: groups of photos that are there more than once, and buttons to decide about them.

The user marks what to keep, one by one or by a rule, and reviews the rest in a list (`removal_dialog`).
"""

import os
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from indexer.paths import get_parent_folder
from indexer.search.query import Query
from indexer.wording import tr
from retrieval_app.actions.photo_copying import PhotoCopier
from retrieval_app.duplicates.found_groups import KIND_MEANINGS, KIND_NAMES, DuplicatesState, GroupMember
from retrieval_app.duplicates.groups_view import GroupsView
from retrieval_app.duplicates.rejected_pairs import RejectedPairsDialog
from retrieval_app.duplicates.removal import DuplicateRemoval
from retrieval_app.duplicates.removal_dialog import RemovalDialog
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import open_containing_folder, open_picture
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.widgets.invitation import InvitationView
from retrieval_app.widgets.theme import Theme
from retrieval_app.wording import format_count
from retrieval_app.workers.job_wording import describe_job, describe_stage

WAITS_FOR_INDEXING = tr("Duplicates can be looked for as soon as photos are indexed.")
RULE_WORDINGS = {
    "largest": tr("The largest of each group"),
    "oldest": tr("The oldest of each group"),
    "newest": tr("The newest of each group"),
    "best-named": tr("The best named of each group"),
    "folder": tr("All in the folder of this photo"),
}
NO_DUPLICATES = tr("None of the photos is there more than once in this way.")


class DuplicatesPage(QStackedWidget):
    """Invitations to index a folder and to look for duplicates, then the groups that were found."""

    folder_wanted = Signal()

    def __init__(self, session: Session, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._session, self._tiles = session, tiles
        self.duplicates = DuplicatesState(session, self)
        self.folder_invitation = InvitationView(
            tr("Photos that are there more than once will stand here, in groups"),
            tr("Index a photo folder first. Nothing happens to a file but what you review and ask for."),
            tr("Choose a photo folder"),
        )
        self.look_invitation = InvitationView(
            tr("Find the photos that are there more than once"),
            tr(
                "As exact copies, as near copies, or as look-alikes. You say what is no match and "
                "mark what to keep; the rest becomes a list, and nothing happens to a file but what "
                "you ask for."
            ),
            tr("Look for duplicates"),
        )
        self.kind_box, self.turned_box = QComboBox(), QCheckBox(tr("Also turned and mirrored"))
        self.look_button, self.cancel_button = (
            make_button(tr("Look for duplicates")),
            make_button(tr("Stop looking"), "link"),
        )
        self.summary_label = ElidedLabel("muted", Qt.TextElideMode.ElideRight)
        explain_figure(self, "duplicates")
        self.groups_view = GroupsView(self.duplicates, tiles, theme)
        self.no_groups_label = make_label(NO_DUPLICATES, "muted")
        self.keep_button, self.reject_button = make_button(tr("Keep")), make_button(tr("Not a match"))
        self.similar_button, self.folder_button = make_button(tr("Find similar")), make_button(tr("Show in its folder"))
        self.take_back_button, self.copy_button = make_button(tr("Take back"), "link"), make_button("", "link")
        self.rejected_pairs_button = make_button("", "link")
        self.removal = DuplicateRemoval(session, self.duplicates)
        self.rule_button, self.review_button = make_button(tr("Keep by a rule")), make_button("", "primary")
        self._photo_copier = PhotoCopier(session, self)
        self._arrange_widgets()
        self._connect_signals()
        self._update_controls()

    # Building

    def _arrange_widgets(self) -> None:
        for key, name in KIND_NAMES.items():
            self.kind_box.addItem(name, key)
            self.kind_box.setItemData(self.kind_box.count() - 1, KIND_MEANINGS[key], Qt.ItemDataRole.ToolTipRole)
        self.kind_box.setAccessibleName(tr("Kind of duplicates"))
        self.no_groups_label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.centre = QStackedWidget()
        self.centre.setProperty("role", "ground")
        self.centre.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        for place in (self.look_invitation, self.no_groups_label, self.groups_view):
            self.centre.addWidget(place)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._make_head())
        column.addWidget(self.centre, 1)
        column.addWidget(self._make_foot())
        self.addWidget(self.folder_invitation)
        self.addWidget(body)

    def _make_head(self) -> QHBoxLayout:
        self.turned_box.setToolTip(tr("Near copies also where one is turned by 90 degrees or mirrored; takes longer"))
        row = QHBoxLayout()
        row.setContentsMargins(16, 10, 16, 10)
        row.setSpacing(12)
        for widget in (self.kind_box, self.turned_box, self.look_button):
            row.addWidget(widget)
        self.rejected_pairs_button.setToolTip(tr("Every pair that you have said is no match, to be taken back (M)"))
        row.addWidget(self.summary_label, 1)
        for widget in (self.copy_button, self.rejected_pairs_button, self.cancel_button):
            row.addWidget(widget)
        return row

    def _make_foot(self) -> QWidget:
        self.keep_button.setToolTip(tr("Mark the photo as one to keep, or no longer (K)"))
        self.reject_button.setToolTip(tr("The photo leaves its group, now and whenever you look again (N)"))
        self.similar_button.setToolTip(tr("Find what looks like this photo (Enter)"))
        self.folder_button.setToolTip(tr("Open the photo's folder in the system's file manager (F)"))
        self.take_back_button.setToolTip(tr("Take back what was last said to be no match (B)"))
        self.copy_button.setToolTip(tr("Copy the paths of the photos not marked, in the groups where you marked one"))
        self.review_button.setToolTip(tr("See the list of the rest, to save it, copy it or move it to the trash"))
        self.rule_button.setToolTip(tr("Mark what to keep in all groups at once"))
        self._make_rule_menu()
        self.foot = QWidget()
        row = QHBoxLayout(self.foot)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(8)
        for widget in (
            self.keep_button,
            self.rule_button,
            self.reject_button,
            self.similar_button,
            self.folder_button,
            self.take_back_button,
        ):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.review_button)
        return self.foot

    def _make_rule_menu(self) -> None:
        menu = QMenu(self.rule_button)
        for rule, name in RULE_WORDINGS.items():
            menu.addAction(name).triggered.connect(partial(self._keep_by_rule, rule))
        menu.addSeparator()
        menu.addAction(tr("Remove all marks")).triggered.connect(lambda: self.duplicates.keep_members(set()))
        self.rule_button.setMenu(menu)

    def _connect_signals(self) -> None:
        view = self.groups_view
        self.folder_invitation.accepted.connect(self.folder_wanted)
        self.look_invitation.accepted.connect(self._find_groups)
        self.look_button.clicked.connect(self._find_groups)
        self.kind_box.currentIndexChanged.connect(self._update_controls)
        self.cancel_button.clicked.connect(self.duplicates.question_job.drop_question)
        self.duplicates.changed.connect(self._update_controls)
        self._session.job.changed.connect(self._show_work)
        self.duplicates.question_job.answered.connect(self._focus_groups)
        view.current_moved.connect(self._update_controls)
        view.chosen.connect(self._find_similar)
        view.opened.connect(lambda member: open_picture(self._session, os.fsencode(member.path)))
        view.letter_pressed.connect(self._click_letter)
        self.take_back_button.clicked.connect(self.duplicates.undo_rejection)
        self.copy_button.clicked.connect(self._copy_paths)
        self.review_button.clicked.connect(self._review_rest)
        self.removal.changed.connect(self._update_controls)
        self.rejected_pairs_button.clicked.connect(lambda: RejectedPairsDialog(self.duplicates, self).open())
        for control, act in (
            (self.keep_button, self.duplicates.toggle_kept),
            (self.reject_button, self.duplicates.reject_member),
            (self.similar_button, self._find_similar),
            (self.folder_button, lambda member: open_containing_folder(self._session, os.fsencode(member.path))),
        ):
            control.clicked.connect(partial(self._with_current, act))

    # Acting

    def take_focus(self) -> None:
        """Give the keyboard focus to the groups, or to the button that looks for them."""
        if self.currentWidget() is self.folder_invitation:
            self.folder_invitation.offer.setFocus()
        else:
            (self.groups_view if self.centre.currentWidget() is self.groups_view else self.look_button).setFocus()

    def _find_groups(self) -> None:
        kind = str(self.kind_box.currentData())
        self.centre.setFocus()  # else the keys would pass to the button that cancels
        self.duplicates.find_groups(kind, turned=kind == "near" and self.turned_box.isChecked())

    def _with_current(self, act: Callable[[GroupMember], None]) -> None:
        member = self.groups_view.current_member()
        if member is not None:
            act(member)

    def _find_similar(self, member: GroupMember) -> None:
        self._session.search.run_query(Query(positives=(member.photo_id,)))

    def _click_letter(self, key: int) -> None:
        """Press the button that has this letter in its tool tip."""
        buttons = {
            Qt.Key.Key_K: self.keep_button,
            Qt.Key.Key_N: self.reject_button,
            Qt.Key.Key_F: self.folder_button,
            Qt.Key.Key_B: self.take_back_button,
            Qt.Key.Key_M: self.rejected_pairs_button,
        }
        if (button := buttons.get(Qt.Key(key))) is not None:
            button.click()

    def _copy_paths(self) -> None:
        paths = self.duplicates.list_unkept_paths()
        QGuiApplication.clipboard().setText("\n".join(paths))
        self._session.notice_posted.emit(
            tr("{paths} in the clipboard. Nothing was deleted.", paths=format_count(len(paths), "path"))
        )

    def _keep_by_rule(self, rule: str) -> None:
        """Mark what a rule keeps; the rule of a folder takes that of the current photo."""
        member = self.groups_view.current_member()
        folder = get_parent_folder(os.fsencode(member.path)) if member is not None else b""
        self.removal.keep_by_rule(rule, folder)

    def _review_rest(self) -> None:
        dialog = RemovalDialog(self._session, self.removal, self)
        dialog.accepted.connect(self._copy_rest)
        dialog.open()

    def _copy_rest(self) -> None:
        paths = set(self.duplicates.list_unkept_paths())
        groups = self.duplicates.found_groups.groups if self.duplicates.found_groups else []
        photo_ids = dict.fromkeys(one.photo_id for group in groups for one in group if one.path in paths)
        self._photo_copier.ask_folder(list(photo_ids))

    # Showing the state

    def _focus_groups(self) -> None:
        self._update_controls()
        if self.isVisible():
            self.take_focus()

    def _update_controls(self) -> None:
        duplicates, state = self.duplicates, self.duplicates.question_job.state
        self.setCurrentIndex(int(not self._session.library.is_known_empty))
        self._show_work()
        for control in (self.look_button, self.kind_box, self.look_invitation.offer):
            control.setEnabled(state is None)
        self.turned_box.setVisible(self.kind_box.currentData() == "near")
        self.cancel_button.setVisible(state is not None)
        self.rejected_pairs_button.setVisible(bool(duplicates.rejected_pairs))
        self.rejected_pairs_button.setText(
            tr("{pairs} said to be no match…", pairs=format_count(len(duplicates.rejected_pairs), "pair"))
        )
        self._show_groups()

    def _show_work(self) -> None:
        """Tell what is being done: the question of this page, or the indexing of photos it does not know yet."""
        duplicates, state = self.duplicates, self.duplicates.question_job.state
        indexing = describe_stage(self._session.job.state_here)
        self.folder_invitation.show_work(indexing, WAITS_FOR_INDEXING if indexing else "")
        answer = duplicates.question_job.failure_sentence or duplicates.describe_groups()
        unfinished = (
            tr("{indexing} Only photos that are indexed by now are looked at.", indexing=indexing) if indexing else ""
        )
        told = [describe_job(state)] if state is not None else [answer, unfinished]
        self.summary_label.setText("  ·  ".join(filter(None, told)))

    def _show_groups(self) -> None:
        found_groups = self.duplicates.found_groups
        self.look_button.setVisible(found_groups is not None)
        self.foot.setVisible(found_groups is not None)
        if found_groups is None:
            self.centre.setCurrentWidget(self.look_invitation)
        else:
            self.groups_view.show_groups(found_groups.groups)
            self.centre.setCurrentWidget(self.groups_view if found_groups.groups else self.no_groups_label)
        self._update_foot()

    def _update_foot(self) -> None:
        """Enable the buttons that go with the current photo, and those that take back and copy."""
        found_groups, member = self.duplicates.found_groups, self.groups_view.current_member()
        has_photo = found_groups is not None and bool(found_groups.groups) and member is not None
        for control in (self.keep_button, self.similar_button, self.folder_button):
            control.setEnabled(has_photo)
        self.keep_button.setText(tr("Do not keep") if member in self.duplicates.kept_members else tr("Keep"))
        self.reject_button.setEnabled(has_photo and found_groups is not None and found_groups.kind != "copies")
        self.take_back_button.setVisible(bool(self.duplicates.decisions))
        unkept_count = len(self.duplicates.list_unkept_paths())
        self.copy_button.setVisible(unkept_count > 0)
        self.copy_button.setText(tr("Copy the paths of the rest ({unkept_count:,})", unkept_count=unkept_count))
        self.rule_button.setEnabled(has_photo)
        self.review_button.setVisible(unkept_count > 0)
        self.review_button.setEnabled(self.removal.job.state is None)
        self.review_button.setText(tr("Review the rest ({unkept_count:,})…", unkept_count=unkept_count))
