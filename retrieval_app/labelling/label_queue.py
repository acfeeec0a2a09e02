"""The photos without a label, one after the other, least sure first, and what the model takes each for.

A thread puts them in order and asks the model. The order and the model's answers are those of the labels at that time;
both are made anew after some more labels, while the photo on the screen stays.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QObject, Signal

from indexer.errors import LookalikeError
from retrieval_app.actions.labels import LABEL_CHANGE, label_photos
from retrieval_app.session.change_history import LibraryChange
from retrieval_app.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.library import Library
    from indexer.matching.identification_rule import IdentificationRule

LABELS_PER_ORDER = 8  # given until the rest is put in order again
MOST_CHOICES = 9  # one for each key
MOST_READ_AHEAD = 3  # photos whose pictures are read
MOST_PREPARED = 6  # next photos of which the model is asked already
MOST_ADVISED = 5  # labels of one photo that the model names


class QueueOrder(NamedTuple):
    """Photos without a label in order, whether the model put them so, and the labels in use, the most used first."""

    photo_ids: list[int]
    is_by_doubt: bool
    labels: list[str]


class LabelChoice(NamedTuple):
    """A label to choose, and how near its photos are in a word; "" for one that the model does not name."""

    label: str
    likeness: str = ""


class LabelAdvice(NamedTuple):
    """What the model takes a photo for, in a sentence, and the labels that are near, best first."""

    sentence: str
    choices: list[LabelChoice]


class _OrderRequest(NamedTuple):
    """The key of the question for an order with this number."""

    number: int


class _AdviceRequest(NamedTuple):
    """The key of the question what a photo is."""

    photo_id: int


class _LabelRequest(NamedTuple):
    """The key of the question which labels photos have after the write with this number."""

    number: int
    photo_ids: tuple[int, ...]


class HeldRule:
    """The rule by which the last order was made; used in the reader's thread alone."""

    def __init__(self) -> None:
        self.rule: IdentificationRule | None = None


class LabelQueue(QObject):
    """The next photo without a label, and how many are left; reads only while the page is visible."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._held, self._order_number, self._write_number = HeldRule(), 0, 0
        self._last_id = 0  # of the library's photos when the order was asked for
        self._is_visible, self._since_order = False, 0
        self._pending: list[int] = []  # the current photo first
        self._skipped: list[int] = []
        self._given: dict[int, str] = {}  # photos labelled here
        self._advice: dict[int, LabelAdvice] = {}
        self.order: QueueOrder | None = None
        self.questions = session.make_reader(self, self._take_answer)
        session.library.left.connect(self._leave_library)
        session.library.changed.connect(self._follow_library)
        session.library.writer.written.connect(self._follow_write)

    @property
    def current_id(self) -> int | None:
        """The photo to be labelled now; None where there is none, or the order is not known yet."""
        return self._pending[0] if self._pending else None

    def list_upcoming(self) -> list[int]:
        """The photos that come next, the current one first, which may be read already."""
        return self._pending[:MOST_READ_AHEAD]

    @property
    def left_count(self) -> int:
        """How many photos without a label are left, the skipped ones among them."""
        return len(self._pending) + len(self._skipped)

    @property
    def given_count(self) -> int:
        """How many photos were labelled here."""
        return len(self._given)

    def current_advice(self) -> LabelAdvice | None:
        """What the model takes the current photo for; None until it is known."""
        return None if self.current_id is None else self._advice.get(self.current_id)

    def list_choices(self) -> list[LabelChoice]:
        """At most MOST_CHOICES labels: those that the model names, then those given last and those used most.

        None while the model is asked, so that no key changes its meaning under the finger.
        """
        advice = self.current_advice()
        if self.current_id is None or self.order is None or (self.order.is_by_doubt and advice is None):
            return []
        choices = {choice.label: choice for choice in (advice.choices if advice else [])}
        known = [*reversed(self._given.values()), *(self.order.labels if self.order else [])]
        for label in known:
            choices.setdefault(label, LabelChoice(label))
        return list(choices.values())[:MOST_CHOICES]

    def set_visible(self, visible: bool) -> None:
        """Tell whether the page is visible; a visible one reads the order."""
        self._is_visible = visible
        if visible:
            self._ask_order()

    def give_label(self, label: str) -> None:
        """Give the current photo a label, and go on."""
        photo_id, label = self.current_id, label.strip()
        if photo_id is None or not label:
            return
        self._given[photo_id] = label
        self._pending.pop(0)
        self._since_order += 1
        label_photos(self._session.changes, [photo_id], label)
        self._go_on()

    def skip_photo(self) -> None:
        """Go on; the photo comes again after all others."""
        if self.current_id is not None:
            self._skipped.append(self._pending.pop(0))
            self._go_on()

    def _go_on(self) -> None:
        if not self._pending:
            self._pending, self._skipped = self._skipped, []
        self._ask_advice()
        self.changed.emit()

    # Questions

    def _ask_order(self) -> None:
        if not self._session.library.is_empty:
            self._last_id = int(self._session.library.photo_ids.max(initial=0))
            self.questions.follow_library(self._session.library.folder)
            self._order_number += 1
            self._since_order = 0
            self.questions.ask_question(_OrderRequest(self._order_number), partial(order_queue, held=self._held))

    def _ask_advice(self) -> None:
        """Ask what the next photos are; the newest question, about the current one, is answered first."""
        if self.order is not None and self.order.is_by_doubt:
            for photo_id in reversed(self._pending[:MOST_PREPARED]):
                if photo_id not in self._advice:
                    work = partial(advise_label, photo_id=photo_id, held=self._held)
                    self.questions.ask_question(_AdviceRequest(photo_id), work)

    def _take_answer(self, key: object, answer: object) -> None:
        if isinstance(answer, QueueOrder) and key == _OrderRequest(self._order_number):
            self._take_order(answer)
        elif isinstance(key, _AdviceRequest) and isinstance(answer, LabelAdvice):
            self._advice[key.photo_id] = answer
            self.changed.emit()
        elif isinstance(key, _LabelRequest) and isinstance(answer, dict):
            self._take_labels(key.photo_ids, answer)

    def _take_order(self, order: QueueOrder) -> None:
        """Put what is left in the new order; the current photo stays, and those skipped come last."""
        current, self.order = self.current_id, order
        self._advice = {photo_id: advice for photo_id, advice in self._advice.items() if photo_id == current}
        left = dict.fromkeys(photo_id for photo_id in order.photo_ids if photo_id not in self._given)
        self._skipped = [photo_id for photo_id in self._skipped if photo_id in left]
        first = [current] if current in left and current is not None else []
        later = {*self._skipped, *first}
        self._pending = [*first, *(photo_id for photo_id in left if photo_id not in later)]
        self._go_on()

    # What changes elsewhere

    def _leave_library(self) -> None:
        self._pending, self._skipped = [], []
        self._given.clear()
        self._advice.clear()
        self.order = None
        self.questions.open_library(None)
        self.changed.emit()

    def _follow_library(self) -> None:
        has_new = int(self._session.library.photo_ids.max(initial=0)) > self._last_id
        if self._is_visible and (self.order is None or has_new):
            self._ask_order()

    def _follow_write(self, key: object, _answer: object) -> None:
        """See which labels photos have after any label was given or taken back, and put the rest in order at times."""
        if isinstance(key, LibraryChange) and key.kind == LABEL_CHANGE and self.order is not None:
            if self._since_order >= LABELS_PER_ORDER:
                self._ask_order()
            self.questions.follow_library(self._session.library.folder)
            self._write_number += 1
            request = _LabelRequest(self._write_number, key.photo_ids)
            self.questions.ask_question(request, partial(read_labels_of, photo_ids=key.photo_ids))

    def _take_labels(self, photo_ids: Sequence[int], labels: dict[int, str]) -> None:
        """A photo whose label was taken back is the current one again; one that got a label is left out."""
        for photo_id in photo_ids:
            is_known = photo_id in (*self._given, *self._pending, *self._skipped)
            was_given = self._given.pop(photo_id, None) if photo_id not in labels else None
            if photo_id in labels and is_known:
                self._drop_photo(photo_id)
                self._given[photo_id] = labels[photo_id]
            elif was_given is not None:
                self._pending.insert(0, photo_id)
            elif photo_id not in labels and not is_known:
                self._pending.append(photo_id)
        self._go_on()

    def _drop_photo(self, photo_id: int) -> None:
        self._pending = [other for other in self._pending if other != photo_id]
        self._skipped = [other for other in self._skipped if other != photo_id]


def order_queue(library: Library, held: HeldRule) -> QueueOrder:
    """The photos without a label, least sure first; in the library's order while nothing is labelled."""
    from indexer.matching.identification import order_by_doubt
    from indexer.matching.identification_rule import measure_rule

    labels = library.annotations.read_labels(library.model_id)
    counts = Counter(labels.values())
    names = [label for label, _ in counts.most_common()]
    photo_ids = library.find_photo_ids()
    unlabelled = photo_ids[~np.isin(photo_ids, np.fromiter(labels, np.int64, len(labels)))]
    if not labels or not len(unlabelled):
        return QueueOrder(unlabelled.tolist(), False, names)
    held.rule = measure_rule(library)
    return QueueOrder(order_by_doubt(held.rule, unlabelled).tolist(), True, names)


def advise_label(_library: Library, photo_id: int, held: HeldRule) -> LabelAdvice:
    """What the rule of the last order takes a photo for."""
    from indexer.matching.identification import describe_identity, identify_with_rule
    from indexer.statistics.likeness import find_likeness_word

    assert held.rule is not None
    try:
        found = identify_with_rule(held.rule, photo_id)
    except LookalikeError as fault:  # the photo has gone
        return LabelAdvice(str(fault), [])
    choices = [LabelChoice(near.label, find_likeness_word(near) or "") for near in found.alternatives[:MOST_ADVISED]]
    return LabelAdvice(describe_identity(found), choices)


def read_labels_of(library: Library, photo_ids: tuple[int, ...]) -> dict[int, str]:
    """Photo id -> label, of those of the photos that have one."""
    return library.annotations.read_labels(library.model_id, photo_ids)
