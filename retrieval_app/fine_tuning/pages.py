"""The first two pages of fine-tuning: what to train on and how; the training at work, with live curves."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from retrieval_app.fine_tuning.charts import Chart, Line
from retrieval_app.fine_tuning.settings_form import TrainForm
from retrieval_app.fine_tuning.source_row import SourceRow
from retrieval_app.fine_tuning.source_summary import FoundPanel
from retrieval_app.fine_tuning.training_job import FineTuning
from retrieval_app.fine_tuning.training_progress import Course
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import label
from retrieval_app.widgets.theme import ICON_SIDE, Theme

DRAW_MS = 250  # between two drawings of the curves
POINTS = 1500  # of a curve; more than there are pixels would only take time
SMOOTH = 20  # steps in a mean, at most
STORY = (
    "The model learns from you which pictures belong together: each sub-folder of a folder is a class, or each label "
    "of your library. It is then judged on pictures that it has never seen, and nothing changes until you say so."
)
SIGNS = (
    "Mean distances in the batches, from 0 to 2: they should part. Where nearly everything still teaches and both "
    "distances shrink, the network is putting everything into one point: the spread falls from near 1 towards 0."
)


class ChoosePage(QWidget):
    """What to learn from, what is in it, and the settings."""

    def __init__(self, tuning: FineTuning, session: Session, theme: Theme) -> None:
        super().__init__()
        self.form = TrainForm()
        self.found = FoundPanel(tuning, theme)
        self.source = SourceRow(tuning, session)
        self._arrange()

    def _arrange(self) -> None:
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.form)
        halves = QHBoxLayout()
        halves.setSpacing(16)
        halves.addWidget(scroll, 5)
        halves.addWidget(self.found, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(16)
        column.addWidget(label(STORY, "muted", wrap=True))
        column.addWidget(self.source)
        column.addWidget(line())
        column.addLayout(halves, 1)


class RunningPage(QWidget):
    """How the training is doing."""

    def __init__(self, tuning: FineTuning, theme: Theme) -> None:
        super().__init__()
        self._tuning = tuning
        self._theme = theme
        self.told = label("", "title")
        self.bar = QProgressBar()
        self.warning = QFrame()
        self.warning_text = label("", wrap=True)
        self._sign = QLabel()
        self.loss = Chart(theme, "Loss", "Step", "loss")
        self.score = Chart(theme, "Validation", "Epoch", "MAP@R")
        self.signs = label("", "caption", wrap=True)
        self.signs.setToolTip(SIGNS)
        self._arrange()
        self._timer = QTimer(self, interval=DRAW_MS, singleShot=True)
        self._timer.timeout.connect(self._draw)
        tuning.advanced.connect(self._advance)
        tuning.changed.connect(self._advance)
        theme.changed.connect(self._draw_sign)
        self._draw_sign()
        self._advance()

    def _arrange(self) -> None:
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName("Progress")
        charts = QHBoxLayout()
        charts.setSpacing(24)
        for chart, help_ in (
            (self.loss, "How wrong the batch of each step was; smaller is better, zero has nothing left to teach."),
            (
                self.score,
                "How well pictures that it does not learn from find the others of their class, from 0 to 1 (MAP@R). "
                "Epoch 0 is before the training. The best epoch is kept.",
            ),
        ):
            half = QVBoxLayout()
            half.setSpacing(8)
            half.addWidget(chart, 1)
            half.addWidget(label(help_, "caption", wrap=True))
            charts.addLayout(half, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        for widget in (self.told, self.bar, self._banner()):
            column.addWidget(widget)
        column.addSpacing(8)
        column.addLayout(charts, 1)
        column.addWidget(self.signs)

    def _banner(self) -> QFrame:
        self.warning.setProperty("role", "banner")
        row = QHBoxLayout(self.warning)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(12)
        row.addWidget(self._sign)
        row.addWidget(self.warning_text, 1)
        return self.warning

    def _draw_sign(self) -> None:
        self._sign.setPixmap(self._theme.icon("warning").pixmap(QSize(ICON_SIDE, ICON_SIDE)))

    def _advance(self) -> None:
        course = self._tuning.course
        if course is None:
            return
        self.told.setText(course.told())
        self.bar.setRange(0, course.progress.total)  # a total of 0 shows that it works without saying how far
        self.bar.setValue(course.progress.done)
        self.warning.setVisible(bool(course.warning))
        self.warning_text.setText(course.warning)
        self.signs.setText(course.signs)
        if not self._timer.isActive():
            self._timer.start()

    def _draw(self) -> None:
        if (course := self._tuning.course) is not None:
            self.loss.draw(loss_lines(course), course.steps)
            self.score.draw(score_lines(course), course.epochs)


def loss_lines(course: Course) -> list[Line]:
    """The loss of each step, thin, and its running mean."""
    steps, losses = [one.step for one in course.losses], [one.loss for one in course.losses]
    width = min(SMOOTH, max(2, course.steps // 10))
    means = smoothed(losses, width)
    every = slice(None, None, -max(1, len(steps) // POINTS))  # from the end, so that the last one stays
    return [
        Line("", steps[every][::-1], losses[every][::-1], strong=False),
        Line(f"mean of {width} steps", steps[every][::-1], means[every][::-1]),
    ]


def smoothed(values: Sequence[float], width: int) -> list[float]:
    """The mean of each value and those before it, `width` of them as far as there are."""
    total, means = 0.0, []
    for at, value in enumerate(values):
        total += value - (values[at - width] if at >= width else 0.0)
        means.append(total / min(at + 1, width))
    return means


def score_lines(course: Course) -> list[Line]:
    """MAP@R of both embeddings, the better one of now strong."""
    heads = [(one.epoch, one.head) for one in course.scores if one.head is not None]
    epochs, backbone = [one.epoch for one in course.scores], [one.backbone for one in course.scores]
    head_leads = bool(heads) and heads[-1][1] > backbone[-1]
    return [
        Line("backbone", epochs, backbone, strong=not head_leads, dots=True),
        Line("head", [epoch for epoch, _ in heads], [score for _, score in heads], strong=head_leads, dots=True),
    ]


def line() -> QFrame:
    """A thin line across."""
    result = QFrame()
    result.setProperty("role", "line")
    result.setFixedHeight(1)
    return result
