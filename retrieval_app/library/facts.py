"""The figures of a library, each with its meaning, in a panel."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QScrollArea, QVBoxLayout, QWidget

from indexer.library import Info
from indexer.paths import show_path
from retrieval_app import wording as words
from retrieval_app.search.details_panel import Fact
from retrieval_app.widgets.controls import label


class Chapter(NamedTuple):
    """Figures under one heading."""

    title: str
    facts: list[Fact]


class LibraryFacts(QScrollArea):
    """What the library holds, what it sees with, and how it is searched."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedWidth(264)
        self._shown: list[Chapter] = []

    def show_chapters(self, chapters: Iterable[Chapter]) -> None:
        """Show these figures."""
        wanted = list(chapters)
        if wanted == self._shown:
            return
        self._shown = wanted
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        for chapter in wanted:
            column.addWidget(label(chapter.title, "section"))
            column.addLayout(_form(chapter.facts))
            column.addSpacing(12)
        column.addStretch(1)
        self.setWidget(inside)


def _form(facts: list[Fact]) -> QFormLayout:
    form = QFormLayout()
    form.setHorizontalSpacing(12)
    form.setVerticalSpacing(6)
    for fact in facts:
        what, value = label(fact.what, "muted"), label(fact.value.replace("/", "/\u200b"), wrap=True)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for side in (what, value):
            side.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        form.addRow(what, value)
    return form


def chapters(info: Info) -> Iterator[Chapter]:
    """The figures of a library for people."""
    yield Chapter("HOLDINGS", list(_holdings(info)))
    yield Chapter("MODEL", list(_model(info)))
    yield Chapter("DISTANCES", [Fact("Rates hold for", info.scope), Fact("Measured", _without(info.measured))])
    yield Chapter("SEARCH INDEX", list(_index(info)))


def _without(measured: str) -> str:
    """The sentence after "Measured", which is said beside it."""
    return measured.removeprefix("Measured ")


def _holdings(info: Info) -> Iterator[Fact]:
    yield Fact("Photos", f"{info.photos:,}")
    yield Fact("Files", f"{info.files:,}")
    yield Fact("Missing", f"{info.missing:,}")
    yield Fact("Not read", f"{info.failed:,}")
    yield Fact("On disk", words.size(info.bytes))
    yield Fact("Kept in", show_path(info.folder))


def _model(info: Info) -> Iterator[Fact]:
    yield Fact("Name", info.model)
    yield Fact("Fingerprint", info.fingerprint[:12])
    yield Fact("Embedding", words.count(info.dim, "number"))
    for precision, number in sorted(info.precisions.items()):
        yield Fact("Computed in", f"{precision}: {number:,}")
    if info.agreement is not None and info.agreement.bf16 is not None and "bf16" in info.precisions:
        mean = f", {info.agreement.bf16_mean:.4f} in the mean" if info.agreement.bf16_mean is not None else ""
        measured = f"cosine to fp32 {info.agreement.bf16:.4f} at worst{mean}, measured on {info.agreement.pictures}"
        yield Fact("Its noise", measured)


def _index(info: Info) -> Iterator[Fact]:
    if info.recall_at_10 is None:
        yield Fact("How", "every photo is compared, so the nearest are exact")
        return
    yield Fact("Number", f"{info.generation:04d}")
    yield Fact("Photos in it", f"{info.indexed:,}")
    yield Fact("Recall", f"finds {words.percent(info.recall_at_10)} of the true ten nearest")
    yield Fact("Later ones", f"{info.tail:,}, all of them compared")
