"""The question before a folder or missing files are forgotten: what exactly goes, and what the user said of it."""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox, QWidget

from indexer.database.forgetting import ForgettingPlan, plan_forgetting
from indexer.library import Library
from indexer.paths import show_path
from indexer.wording import tr, tr_count
from retrieval_app.dialogs.questions import make_message_box, open_box
from retrieval_app.session.library_commands import forget_folder
from retrieval_app.session.session import Session
from retrieval_app.wording import format_count

UNTOUCHED = tr("The pictures themselves are not touched.")


class ForgettingPlans(NamedTuple):
    """What would go of a folder (None: of the missing files) without what the user said of it, and with that."""

    folder: bytes | None
    without_words: ForgettingPlan
    with_words: ForgettingPlan


class _PlansKey(NamedTuple):
    """The key of the task that reads the plans for a folder; None for the missing files."""

    folder: bytes | None


class ForgettingQuestion(QObject):
    """Reads what would go, and then asks."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._pane = session, parent
        session.library.reader.answered.connect(self._ask)

    def start_asking(self, folder: bytes | None) -> None:
        """Ask whether a folder, or where it is None all missing files, is to be forgotten."""
        self._session.library.reader.ask_question(_PlansKey(folder), partial(read_plans, folder=folder))

    def _ask(self, key: object, answer: object) -> None:
        if isinstance(key, _PlansKey) and isinstance(answer, ForgettingPlans):
            confirm_forgetting(self._pane, self._session, answer)


def read_plans(library: Library, *, folder: bytes | None) -> ForgettingPlans | None:
    """The plans for a folder of the library, or the missing files; None where there is no such folder any more."""
    root = next((root.id for root in library.store.files.list_roots() if root.path == folder), None)
    if folder is not None and root is None:
        return None
    without, with_words = (
        plan_forgetting(library.store.database, root, with_labels=with_labels) for with_labels in (False, True)
    )
    return ForgettingPlans(folder, without, with_words)


def confirm_forgetting(parent: QWidget, session: Session, plans: ForgettingPlans) -> None:
    """Ask before something is forgotten; Enter gives the answer that changes nothing."""
    what = tr("what is missing") if plans.folder is None else show_path(plans.folder)
    plan = plans.without_words
    losses = (
        tr("{losses} leave the library.", losses=plan.describe_losses())
        if not plan.is_empty
        else tr("Nothing else is to be forgotten.")
    )
    kept_sentence = f"{plan.describe_kept()} {_describe_words(plans.with_words)}" if plan.kept_photos else ""
    more = "\n\n".join(filter(None, (losses, kept_sentence, UNTOUCHED)))
    box = make_message_box(parent, tr("Forget {what}?", what=what), more)
    box.setDefaultButton(box.addButton(tr("Keep"), QMessageBox.ButtonRole.RejectRole))
    choices = [(tr("Forget"), False)] if not plan.is_empty or plans.folder is not None else []
    choices += [(tr("Forget these too"), True)] if plan.kept_photos else []
    for text, with_labels in choices:
        button = box.addButton(text, QMessageBox.ButtonRole.AcceptRole)
        button.clicked.connect(partial(forget_folder, session, plans.folder, with_labels=with_labels))
    open_box(box)


def _describe_words(plan: ForgettingPlan) -> str:
    """How much of what the user said would go with the photos that stay, in a sentence."""
    counts = [
        format_count(plan.labels, "label"),
        format_count(plan.decisions, "decision"),
        tr_count(plan.searches, "a place in {number:,} saved search", "a place in {number:,} saved searches"),
    ]
    words = [text for text, number in zip(counts, (plan.labels, plan.decisions, plan.searches), strict=True) if number]
    return tr("To forget these too costs {words}.", words=", ".join(words))
