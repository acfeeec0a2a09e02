"""The duplicates page: groups of photos that are there more than once, and what the user says about them.

Nothing is deleted here: the user marks what to keep and takes the paths of the rest along.
"""

import os
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from indexer.search.query import Query
from retrieval_app import wording as words
from retrieval_app.duplicates.found_groups import KINDS, MEANINGS, Duplicates, Member
from retrieval_app.duplicates.groups_view import GroupsView
from retrieval_app.duplicates.rejected_pairs import NoMatches
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import open_path, reveal
from retrieval_app.session.tiles import Tiles
from retrieval_app.widgets.controls import Elided, button, label
from retrieval_app.widgets.invitation import Invitation
from retrieval_app.widgets.theme import Theme
from retrieval_app.window.status_line import sentence

NONE = "None of the photos is there more than once in this way."


class DuplicatesPage(QStackedWidget):
    """Invitations while there is nothing to look for or nothing was looked for, then the groups."""

    folder_wanted = Signal()

    def __init__(self, session: Session, tiles: Tiles, theme: Theme) -> None:
        super().__init__()
        self._session, self._tiles = session, tiles
        self.duplicates = Duplicates(session, self)
        self.first = Invitation(
            "Photos that are there more than once will stand here, in groups",
            "Index a photo folder first. Nothing is ever deleted by this program.",
            "Choose a photo folder",
        )
        self.offer = Invitation(
            "Find the photos that are there more than once",
            "As exact copies, as near copies, or as look-alikes. Nothing is deleted: you say what is no match, mark "
            "what to keep, and take the list of the rest along.",
            "Look for duplicates",
        )
        self.kind, self.turned = QComboBox(), QCheckBox("Also turned and mirrored")
        self.look, self.cancel = button("Look for duplicates"), button("Cancel", "link")
        self.told = Elided("muted", Qt.TextElideMode.ElideRight)
        self.view = GroupsView(self.duplicates, tiles, theme)
        self.none = label(NONE, "muted")
        self.keep, self.part = button("Keep"), button("Not a match")
        self.similar, self.folder = button("Find similar"), button("Show in its folder")
        self.back, self.copy = button("Take back", "link"), button("", "link")
        self.parted = button("", "link")
        self._arrange()
        self._connect()
        self._update()

    # Building

    def _arrange(self) -> None:
        for key, name in KINDS.items():
            self.kind.addItem(name, key)
            self.kind.setItemData(self.kind.count() - 1, MEANINGS[key], Qt.ItemDataRole.ToolTipRole)
        self.kind.setAccessibleName("Kind of duplicates")
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.centre = QStackedWidget()
        self.centre.setProperty("role", "ground")
        self.centre.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        for place in (self.offer, self.none, self.view):
            self.centre.addWidget(place)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head())
        column.addWidget(self.centre, 1)
        column.addWidget(self._foot())
        self.addWidget(self.first)
        self.addWidget(body)

    def _head(self) -> QHBoxLayout:
        self.turned.setToolTip("Near copies also where one is turned by 90 degrees or mirrored; takes longer")
        row = QHBoxLayout()
        row.setContentsMargins(16, 10, 16, 10)
        row.setSpacing(12)
        for widget in (self.kind, self.turned, self.look):
            row.addWidget(widget)
        self.parted.setToolTip("Every pair that you have said is no match, to be taken back (M)")
        row.addWidget(self.told, 1)
        for widget in (self.parted, self.cancel):
            row.addWidget(widget)
        return row

    def _foot(self) -> QWidget:
        self.keep.setToolTip("Mark the photo as one to keep, or no longer (K)")
        self.part.setToolTip("The photo leaves its group, now and whenever you look again (N)")
        self.similar.setToolTip("Find what looks like this photo (Enter)")
        self.folder.setToolTip("Open the photo's folder in the system's file manager (F)")
        self.back.setToolTip("Take back what was last said to be no match (B)")
        self.copy.setToolTip("Copy the paths of the photos not marked, in the groups where you marked one")
        self.foot = QWidget()
        row = QHBoxLayout(self.foot)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(8)
        for widget in (self.keep, self.part, self.similar, self.folder, self.back):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.copy)
        return self.foot

    def _connect(self) -> None:
        view = self.view
        self.first.accepted.connect(self.folder_wanted)
        self.offer.accepted.connect(self._look)
        self.look.clicked.connect(self._look)
        self.kind.currentIndexChanged.connect(self._update)
        self.cancel.clicked.connect(self.duplicates.inquiry.drop)
        self.duplicates.changed.connect(self._update)
        self.duplicates.inquiry.answered.connect(self._arrive)
        view.moved.connect(self._update)
        view.chosen.connect(self._find_similar)
        view.opened.connect(lambda member: open_path(self._session, os.fsencode(member.path)))
        view.pressed_key.connect(self._press)
        self.back.clicked.connect(self.duplicates.take_back)
        self.copy.clicked.connect(self._copy)
        self.parted.clicked.connect(lambda: NoMatches(self.duplicates, self).open())
        for control, act in (
            (self.keep, self.duplicates.keep),
            (self.part, self.duplicates.part),
            (self.similar, self._find_similar),
            (self.folder, lambda member: reveal(self._session, os.fsencode(member.path))),
        ):
            control.clicked.connect(partial(self._with_current, act))

    # Acting

    def take_focus(self) -> None:
        """Keys go to what is done next."""
        if self.currentWidget() is self.first:
            self.first.offer.setFocus()
        else:
            (self.view if self.centre.currentWidget() is self.view else self.look).setFocus()

    def _look(self) -> None:
        kind = str(self.kind.currentData())
        self.centre.setFocus()  # else the keys would pass to the button that cancels
        self.duplicates.look(kind, turned=kind == "near" and self.turned.isChecked())

    def _with_current(self, act: Callable[[Member], None]) -> None:
        member = self.view.current()
        if member is not None:
            act(member)

    def _find_similar(self, member: Member) -> None:
        self._session.search(Query(positives=(member.photo,)))

    def _press(self, key: int) -> None:
        """The letters in the tool tips of the buttons."""
        buttons = {
            Qt.Key.Key_K: self.keep,
            Qt.Key.Key_N: self.part,
            Qt.Key.Key_F: self.folder,
            Qt.Key.Key_B: self.back,
            Qt.Key.Key_M: self.parted,
        }
        if (wanted := buttons.get(Qt.Key(key))) is not None:
            wanted.click()

    def _copy(self) -> None:
        rest = self.duplicates.rest()
        QGuiApplication.clipboard().setText("\n".join(rest))
        self._session.noticed.emit(f"{words.count(len(rest), 'path')} in the clipboard. Nothing was deleted.")

    # Keeping up

    def _arrive(self) -> None:
        self._update()
        if self.isVisible():
            self.take_focus()

    def _update(self) -> None:
        duplicates, state = self.duplicates, self.duplicates.inquiry.state
        self.setCurrentIndex(int(not self._session.empty))
        for control in (self.look, self.kind, self.offer.offer):
            control.setEnabled(state is None)
        self.turned.setVisible(self.kind.currentData() == "near")
        self.cancel.setVisible(state is not None)
        self.told.setText(sentence(state) if state is not None else duplicates.inquiry.sentence or duplicates.told())
        self.parted.setVisible(bool(duplicates.parted))
        self.parted.setText(f"{words.count(len(duplicates.parted), 'pair')} said to be no match…")
        self._show_groups()

    def _show_groups(self) -> None:
        answer, member = self.duplicates.answer, self.view.current()
        filled = answer is not None and bool(answer.groups)
        self.look.setVisible(answer is not None)
        if answer is None:
            self.centre.setCurrentWidget(self.offer)
        else:
            self.view.show_groups(answer.groups)
            self.centre.setCurrentWidget(self.view if filled else self.none)
        self.foot.setVisible(answer is not None)
        for control in (self.keep, self.similar, self.folder):
            control.setEnabled(filled and member is not None)
        self.keep.setText("Do not keep" if member in self.duplicates.kept else "Keep")
        self.part.setEnabled(filled and member is not None and answer is not None and answer.kind != "copies")
        self.back.setVisible(bool(self.duplicates.decided))
        rest = len(self.duplicates.rest())
        self.copy.setVisible(rest > 0)
        self.copy.setText(f"Copy the paths of the rest ({rest:,})")
