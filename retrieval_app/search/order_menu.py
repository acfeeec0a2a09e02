"""The menu of orders: what the library's photos are sorted by, which end comes first, and what they are grouped by."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton

from indexer.ranking.photo_arrangement import CLUSTER_ORDER, GROUP_ORDERS, PHOTO_ORDERS, PhotoArrangement
from indexer.wording import tr
from retrieval_app.session.question_job import QuestionJob
from retrieval_app.session.session import Session


class OrderMenu(QMenu):
    """One entry for each order and each grouping; the ones in force are checked."""

    def __init__(self, session: Session) -> None:
        super().__init__(tr("Sort and group"))
        self._session = session
        self._cluster_job = QuestionJob(session, self)
        self._cluster_job.answered.connect(self._show_groups)
        self._cluster_job.state_changed.connect(self._report_failure)
        self.order_actions = self._add_choices(
            {key: tr("By {text}", text=order.text) for key, order in PHOTO_ORDERS.items()}, self._choose_order
        )
        self.addSeparator()
        self.reverse_action = self.addAction(tr("Other way round"))
        self.reverse_action.setCheckable(True)
        self.reverse_action.triggered.connect(self._turn_round)
        self.addSeparator()
        groups = {"": tr("No groups")} | {key: tr("Groups by {name}", name=name) for key, name in GROUP_ORDERS.items()}
        self.group_actions = self._add_choices(groups, self._choose_grouping)
        self.aboutToShow.connect(self.show_arrangement)
        self.show_arrangement()

    def show_arrangement(self) -> None:
        """Tick the order and the grouping in force."""
        order, is_reversed, grouping = self._session.library.arrangement
        self.order_actions[order].setChecked(True)
        self.reverse_action.setChecked(is_reversed)
        self.group_actions[grouping].setChecked(True)

    def _add_choices(self, texts: Mapping[str, str], choose: Callable[[str], None]) -> dict[str, QAction]:
        """An entry for each choice of which one is checked."""
        group, actions = QActionGroup(self), dict[str, QAction]()
        for key, text in texts.items():
            actions[key] = self.addAction(text)
            actions[key].setCheckable(True)
            actions[key].triggered.connect(partial(choose, key))
            group.addAction(actions[key])
        return actions

    def _choose_order(self, key: str) -> None:
        """Sort by another thing, beginning with its usual end."""
        self._arrange_library(self._session.library.arrangement._replace(order=key, is_reversed=False))

    def _turn_round(self, is_reversed: bool) -> None:
        self._arrange_library(self._session.library.arrangement._replace(is_reversed=is_reversed))

    def _choose_grouping(self, key: str) -> None:
        self._arrange_library(self._session.library.arrangement._replace(grouping=key))

    def _arrange_library(self, arrangement: PhotoArrangement) -> None:
        self._session.search.arrange_library(arrangement)
        if CLUSTER_ORDER in (arrangement.order, arrangement.grouping):
            self._session.notice_posted.emit(tr("Grouping what looks alike…"))
            self._cluster_job.start_question(["cluster"])

    def _show_groups(self, fields: dict[str, Any]) -> None:
        """Arrange the photos by the groups that have been made, and say how well they agree with the labels."""
        # the window starts without it
        from indexer.clustering.photo_clusters import LabelAgreement, describe_agreement

        agreement = LabelAgreement(fields["labelled"], fields["nmi"], fields["purity"])
        self._session.notice_posted.emit(describe_agreement(agreement) or tr("The photos are grouped."))
        arrangement = self._session.library.arrangement
        if CLUSTER_ORDER in (arrangement.order, arrangement.grouping):
            self._session.search.arrange_library(arrangement)

    def _report_failure(self) -> None:
        if self._cluster_job.failure_sentence:
            self._session.notice_posted.emit(self._cluster_job.failure_sentence)


class OrderButton(QToolButton):
    """The order in force, in words; its menu has the others."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.order_menu = OrderMenu(session)
        self.setMenu(self.order_menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(tr("Sort and group the photos"))

    def show_arrangement(self, arrangement: PhotoArrangement) -> None:
        """Show this order in words on the button."""
        self.setText(f"{describe_arrangement(arrangement)} ▾")


def describe_arrangement(arrangement: PhotoArrangement) -> str:
    """An order in words: 'by date taken, the other way round, in groups by label'."""
    order, is_reversed, grouping = arrangement
    turned = tr(", the other way round") if is_reversed else ""
    return tr(
        "by {text}{turned}{part}",
        text=tr(PHOTO_ORDERS[order].text),
        turned=turned,
        part=tr(", in groups by {group_orders}", group_orders=GROUP_ORDERS[grouping]) if grouping else "",
    )
